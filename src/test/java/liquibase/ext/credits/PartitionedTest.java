package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The application's tables hash-partitioned by user: the same changelog, the same outcome. */
class PartitionedTest {

    private static final Template PARTITIONED = new Template("hash_partitioned", database -> {
        LiquibaseApi.on(database)
                .changelog("changelogs/demo/legacy_schema.sql")
                .run("update")
                .assertSucceeded();
        database.execute("DROP TABLE databasechangelog, databasechangeloglock");
        database.execute(Template.resource("/legacy/ledger.sql"));
        database.execute(Template.resource("/legacy/hash_partitioned.sql"));
        database.execute("""
                INSERT INTO users (id, email) SELECT md5(n::text)::uuid, n || '@example.org' FROM generate_series(1, 300) AS n;
                INSERT INTO user_billing (user_id, balance_usd, balance_uah)
                SELECT md5(n::text)::uuid, n, n % 3 FROM generate_series(1, 300) AS n;
                SELECT add_credits(md5(n::text)::uuid, 5, 'bonus', 'test', NULL, NULL, NULL) FROM generate_series(1, 300, 2) AS n;
                """);
    });
    private static final String BALANCES = """
            SELECT sum(b.balance_usd) AS usd, sum(b.balance_uah) AS uah,
                (SELECT count(*) || '|' || sum(c.balance) FROM user_credits AS c)
            FROM user_billing AS b
            """;
    private static final String BEFORE = "45150.00|300.00|150|750.00";
    private static final String AFTER = "0.00|300.00|300|45900.00";

    @ParameterizedTest(name = "commit mode {0}, {1} workers")
    @CsvSource({"once, 1", "batch, 1", "batch, 2"})
    void convertsAndUndoesInEveryPartition(String commit, String workers) {
        try (Database database = Database.from(PARTITIONED)) {
            assertThat(liquibase(database, commit, workers).run("updateSql").sql())
                    .contains("--   Users to migrate: 300");

            liquibase(database, commit, workers).run("update").assertSucceeded();
            assertThat(database.lines(BALANCES)).containsExactly(AFTER);
            assertThat(database.number("SELECT count(DISTINCT tableoid) FROM credit_transactions"
                            + " WHERE transaction_type = 'migration'"))
                    .isEqualByComparingTo("4");
            assertThat(database.lines("SELECT d.finding FROM billing_migration_discrepancy AS d"))
                    .isEmpty();

            liquibase(database, commit, workers)
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();
            assertThat(database.lines(BALANCES)).containsExactly(BEFORE);
            liquibase(database, commit, workers).run("update").assertSucceeded();
            assertThat(database.lines(BALANCES)).containsExactly(AFTER);
        }
    }

    @Test
    void convertsBothCurrenciesAndWhatArrivesLate() {
        try (Database database = Database.from(PARTITIONED)) {
            LiquibaseApi.on(database)
                    .parameter("credits.perUah", "2")
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 10 WHERE user_id = md5('1')::uuid");

            assertThat(database.lines(BALANCES)).containsExactly("0.00|0.00|300|46510.00");
            assertThat(database.lines("SELECT bool_and(i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds)"
                            + " FROM billing_migration_reconciliation"))
                    .containsExactly("t");
        }
    }

    @Test
    void goesBackToWhatWasThereBefore() {
        try (Database database = Database.from(PARTITIONED)) {
            LiquibaseApi.on(database).run("status").assertSucceeded();
            Snapshot before = definitions(database);

            LiquibaseApi.on(database).run("update").assertSucceeded();
            int changesets =
                    database.number("SELECT count(*) FROM databasechangelog").intValueExact();
            LiquibaseApi.on(database).run("rollbackCount", "count", changesets).assertSucceeded();

            assertThat(definitions(database)).isEqualTo(before);
            assertThat(database.lines(BALANCES)).containsExactly(BEFORE);
        }
    }

    private static LiquibaseApi liquibase(Database database, String commit, String workers) {
        return LiquibaseApi.on(database)
                .parameter("credits.commit", commit)
                .parameter("credits.workers", workers)
                .parameter("credits.batchUsers", "20");
    }

    /** Without rows, of which the undo keeps some: the ledger loses none. */
    private static Snapshot definitions(Database database) {
        return database.everything().without("databasechangelog").without("rows of");
    }
}
