package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** PostgreSQL's own parallel workers, planned wherever they may be. */
class ParallelWorkersTest {
    private static final String WHEREVER_THEY_MAY = """
            DO $do$
            DECLARE
                v_setting text;
            BEGIN
                FOREACH v_setting IN ARRAY ARRAY[
                    'parallel_setup_cost', 'parallel_tuple_cost', 'min_parallel_table_scan_size', 'min_parallel_index_scan_size']
                LOOP
                    EXECUTE format('ALTER DATABASE %I SET %s = 0', current_database(), v_setting);
                    EXECUTE format('SET %s = 0', v_setting);
                END LOOP;
            END
            $do$;
            """;

    @Test
    void conversionProofAndUndoAreTheSameWithThem() {
        try (Database database = populated()) {
            // Before 17 a subquery that is asked once, as for the wallet's type, keeps a plan serial.
            assertThat(planOfThePrediction(database).contains("\"Partial Mode\": \"Partial\""))
                    .isEqualTo(isFrom17(database));
            assertThat(LiquibaseApi.on(database)
                            .run("updateSQL")
                            .assertSucceeded()
                            .messages())
                    .contains("Users to migrate: 2000", "Total credits: 20010");

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT planned_users, planned_credits, done_users, done_credits"
                            + " FROM billing_migration_run"))
                    .containsExactly("2000|20010.00|2000|20010.00");
            assertThat(database.lines("SELECT i1_holds, i2_holds, i3_holds, i4_holds, i5_holds, i6_holds"
                            + " FROM billing_migration_proof"))
                    .containsExactly("t|t|t|t|t|t");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("20010.00");
            assertThat(database.lines("SELECT status, i6_holds, i6_reversed_users FROM billing_migration_proof"))
                    .containsExactly("rolled_back|t|2000");
        }
    }

    /** A container's /dev/shm has 64 MB, which hash tables of a million users do not fit into. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "billing_migration_reconciliation",
                "billing_migration_checklist",
                "billing_migration_discrepancy"
            })
    void whoAsksByHandSharesNoHashTablesBetweenThem(String view) {
        try (Database database = populated()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.text("EXPLAIN (FORMAT json) SELECT * FROM " + view))
                    .doesNotContain("\"Node Type\": \"Gather");
            assertThat(database.text("EXPLAIN (FORMAT json) SELECT * FROM billing_migration_proof"))
                    .contains("\"Node Type\": \"Gather");
        }
    }

    @Test
    void functionsThatUseThemShareNoHashTablesEither() {
        try (Database database = Database.prepared()) {
            assertThat(database.lines("SELECT p.proname FROM pg_proc AS p"
                            + " WHERE p.proconfig @> ARRAY['enable_parallel_hash=off'] ORDER BY p.proname"))
                    .containsExactly(
                            "billing_migration_preview", "billing_migration_totals", "billing_migration_verify");
        }
    }

    private static String planOfThePrediction(Database database) {
        String rows = database.text("SELECT prosrc FROM pg_proc WHERE proname = 'billing_migration_preview'")
                .replace("p_credits_per_usd", "10.0")
                .replace("p_credits_per_uah", "NULL::numeric")
                .replace("p_rounding", "'DOWN'");
        return database.text("EXPLAIN (FORMAT json) SELECT sum(p.credits) FROM (" + rows
                + ") AS p (user_id, email, usd, uah, converted_usd, converted_uah, credits, rest, outcome, reason)");
    }

    private static boolean isFrom17(Database database) {
        return database.number("SELECT current_setting('server_version_num')::integer")
                        .intValue()
                >= 170_000;
    }

    private static Database populated() {
        Database database = Database.prepared();
        database.execute("""
                INSERT INTO users (id, email) SELECT md5(n::text)::uuid, n || '@example.org' FROM generate_series(1, 2000) AS n;
                INSERT INTO user_billing (user_id, balance_usd)
                SELECT md5(n::text)::uuid, n / 100.0 FROM generate_series(1, 2000) AS n;
                """);
        database.execute(WHEREVER_THEY_MAY);
        return database;
    }
}
