package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiFunction;
import liquibase.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the tables stand and how they are made: schemas of any name, two in one database, partitions, a large ledger in use. */
class SchemaTest {

    private static final String OBJECTS = """
            SELECT c.relname FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace
            UNION ALL
            SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = 'public'::regnamespace
            """;
    private static final String PROOF = """
            SELECT DISTINCT i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds AND i6_holds AS all_hold
            FROM billing_migration_reconciliation
            """;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "billing",
                "Billing",
                "select",
                "billing-2 \"new\"",
                "it's; DROP TABLE users; -- $$",
                "=cmd\n\u001B[2J/*"
            })
    void defaultSchemaNameMayBeAnything(String schema) {
        assertWholeLife(schema, (database, command) -> inSchema(database, schema, command));
    }

    @ParameterizedTest
    @ValueSource(strings = {"billing", "Billing", "select"})
    void searchPathInTheUrlMayBeAnything(String schema) {
        assertWholeLife(schema, (database, command) -> {
            Object[] arguments = {"url", urlWithSearchPath(database, schema)};
            return run(database, command, arguments);
        });
    }

    private static void assertWholeLife(String schema, BiFunction<Database, String, CommandResult> liquibase) {
        try (Database database = legacyIn(schema)) {
            database.addUser("100.00");
            Snapshot before = database.everything();

            assertThat(liquibase.apply(database, "updateSQL").assertSucceeded().messages())
                    .contains("Users to migrate: 1");
            assertThat(database.everything()).isEqualTo(before);

            liquibase.apply(database, "update").assertSucceeded();
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");
            assertThat(database.lines(PROOF)).containsExactly("t");
            assertThat(database.lines(OBJECTS)).isEmpty();

            liquibase.apply(database, "rollbackCount 1").assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
            liquibase.apply(database, "update").assertSucceeded();
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");

            liquibase.apply(database, "rollbackCount 1").assertSucceeded();
            database.execute("DELETE FROM credit_transactions");
            liquibase
                    .apply(database, "rollbackCount " + database.text("SELECT count(*) FROM databasechangelog"))
                    .assertSucceeded();
            assertThat(database.everything().without("databasechangelog", "rows of"))
                    .isEqualTo(before.without("rows of"));
        }
    }

    @Test
    void commandLineAndMavenTakeTheSchemaToo() {
        try (Database database = legacyIn("Billing")) {
            database.addUser("100.00");

            LiquibaseCli.on(database)
                    .run("update", "--default-schema-name=Billing")
                    .assertSucceeded();
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");

            LiquibaseMaven.on(database)
                    .option("contexts", "stage")
                    .option("liquibase.defaultSchemaName", "Billing")
                    .option("liquibase.preserveSchemaCase", "true")
                    .run("liquibase:rollback", "-Dliquibase.rollbackCount=1")
                    .assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
            assertThat(database.lines(OBJECTS)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"Billing", "it's; DROP TABLE users; -- $$", "=cmd\n\u001B[2J/*"})
    void theScriptOfTheDryRunFindsItsSchemaByItself(String schema) throws SQLException {
        try (Database database = legacyIn(schema)) {
            database.addUser("100.00");
            String script =
                    inSchema(database, schema, "updateSQL").assertSucceeded().sql();

            try (Connection psql = database.connection();
                    Statement statement = psql.createStatement()) {
                statement.execute(script);
            }

            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");
            assertThat(database.lines(OBJECTS)).isEmpty();
        }
    }

    @Test
    void twoSchemasOfOneDatabaseDoNotDisturbEachOther() throws SQLException {
        try (Database database = twoSchemas();
                Connection other = database.connection();
                Statement statement = other.createStatement()) {
            other.setAutoCommit(false);
            statement.execute("SET search_path = other");
            statement.execute("SELECT * FROM other.user_billing FOR UPDATE");
            run(database, "update", "defaultSchemaName", "public").assertSucceeded();
            assertThat(database.lines("SELECT user_id FROM other.user_credits")).isEmpty();
            assertThat(database.text("SELECT to_regclass('other.billing_migration_run')"))
                    .isNull();
            other.commit();

            run(database, "update", "defaultSchemaName", "other").assertSucceeded();
            assertThat(database.lines("SELECT balance FROM other.user_credits")).containsExactly("20.0000");
            assertThat(database.lines("SELECT amount FROM other.credit_transactions"))
                    .containsExactly("20.0000");
            assertThat(database.lines("SELECT done_usd FROM billing_migration_run"))
                    .containsExactly("10.00");
            assertThat(database.lines("SELECT done_usd FROM other.billing_migration_run"))
                    .containsExactly("20.00");

            // An open conversion of one schema keeps out a second one there, and only there.
            database.execute("UPDATE user_billing SET balance_usd = 1");
            database.execute("UPDATE other.user_billing SET balance_usd = 2");
            statement.execute("SELECT billing_migration_convert(1.0)");
            database.execute("SELECT billing_migration_convert(1.0)");
            database.execute("SET search_path = other");
            assertThatThrownBy(() -> database.execute("SELECT billing_migration_convert(1.0)"))
                    .hasMessageContaining("another conversion or undo is running");
            database.execute("SET search_path = public");
            other.commit();

            run(database, "rollbackCount 1", "defaultSchemaName", "other").assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM other.user_billing"))
                    .containsExactly("22.00");
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("0.00");
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("11.00");
        }
    }

    @Test
    void tablesOfAnotherSchemaOnTheSearchPathAreNotTaken() {
        try (Database database = Database.legacy()) {
            database.addUser("10.00");
            database.execute("CREATE SCHEMA tools");
            Snapshot before = database.everything();

            run(database, "update", "defaultSchemaName", "tools")
                    .assertRefused("table user_billing is missing in database "
                            + database.text("SELECT current_database()")
                            + ", schema tools; check the url and defaultSchemaName");

            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void usersMayStandInAnotherSchemaOnTheSearchPath() {
        try (Database database = Database.legacy()) {
            UUID user = database.addUser("10.00");
            database.execute("CREATE SCHEMA billing");
            database.execute("ALTER TABLE user_billing SET SCHEMA billing");
            database.execute("ALTER TABLE user_credits SET SCHEMA billing");

            run(database, "update", "defaultSchemaName", "billing").assertSucceeded();

            assertThat(database.lines("SELECT user_id, balance FROM billing.user_credits"))
                    .containsExactly(user + "|10.00");
            run(database, "rollbackCount 1", "defaultSchemaName", "billing").assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM billing.user_billing"))
                    .containsExactly("10.00");
        }
    }

    @ParameterizedTest
    @CsvSource({"once, allow", "batch, allow", "once, convert"})
    void tablesMayBePartitionedByUser(String commit, String lateWrites) {
        try (Database database = Database.legacy()) {
            partition(database, "user_billing");
            partition(database, "user_credits");
            for (int i = 1; i <= 40; i++) {
                database.addUser(i + ".00");
            }
            database.execute("INSERT INTO user_credits (user_id, balance, total_earned)"
                    + " SELECT user_id, 1, 1 FROM user_billing WHERE balance_usd <= 10");
            assertThat(database.number("SELECT count(DISTINCT tableoid) FROM user_billing"))
                    .isGreaterThan(BigDecimal.ONE);

            LiquibaseApi.on(database)
                    .parameter("credits.commit", commit)
                    .parameter("credits.lateWrites", lateWrites)
                    .parameter("credits.batchUsers", "7")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT done_users, done_usd FROM billing_migration_run"))
                    .containsExactly("40|820.00");
            assertThat(database.lines(
                            "SELECT sum(balance) AS remaining, sum(total_earned) AS earned FROM user_credits"))
                    .containsExactly("830.00|830.00");
            assertThat(database.lines(PROOF)).containsExactly("t");

            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 1");
            assertThat(database.lines("SELECT sum(balance_usd) AS usd, sum(balance) AS credits"
                            + " FROM user_billing JOIN user_credits USING (user_id)"))
                    .containsExactly(lateWrites.equals("convert") ? "0.00|870.00" : "40.00|830.00");
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines("SELECT sum(balance_usd) FROM user_billing"))
                    .containsExactly("860.00");
            assertThat(database.lines("SELECT count(*), sum(balance) FROM user_credits"))
                    .containsExactly("10|10.00");
        }
    }

    @Test
    void aLargeLedgerInUseIsNeitherRewrittenNorLocked() throws Exception {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER);
                Connection application = database.connection();
                Statement statement = application.createStatement()) {
            UUID user = database.addUser("100.00");
            UUID writer = database.addUser("0");
            database.execute("SET session_replication_role = replica"); // Spares a million checks of one user.
            database.execute(
                    "INSERT INTO credit_transactions"
                            + " (user_id, transaction_type, amount, balance_before, balance_after, source)"
                            + " SELECT ?, 'purchase', 1, i - 1, i, 'test' FROM generate_series(1, 1000000) AS i",
                    user);
            database.execute("RESET session_replication_role");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 1000000)", user);
            String files = "SELECT pg_relation_filenode('credit_transactions'),"
                    + " (SELECT string_agg(pg_relation_filenode(indexrelid)::text, ',' ORDER BY indexrelid)"
                    + " FROM pg_index WHERE indrelid = 'credit_transactions'::regclass)";
            List<String> before = database.lines(files);

            // One entry stays uncommitted all the while, others come and go.
            application.setAutoCommit(false);
            statement.execute("SELECT add_credits('" + writer + "', 1, 'bonus', 'test', NULL, NULL, NULL)");
            AtomicBoolean isOver = new AtomicBoolean();
            CompletableFuture<Integer> entries =
                    CompletableFuture.supplyAsync(() -> insertUntil(database, user, isOver));
            CommandResult result = LiquibaseApi.on(database).run("update");
            isOver.set(true);
            application.commit();

            result.assertSucceeded();
            assertThat(entries.get()).isPositive();
            assertThat(database.lines(files)).isEqualTo(before);
            assertThat(database.number("SELECT count(*) FROM credit_transactions WHERE source = 'live'"))
                    .isEqualByComparingTo(String.valueOf(entries.get()));
            assertThat(database.number("SELECT balance FROM user_credits WHERE user_id = ?", user))
                    .isEqualByComparingTo("1000100");
        }
    }

    @Test
    void aLongTransactionOnUsersMakesTheLedgersCreationFailByItsLockTimeout() throws SQLException {
        try (Database database = Database.legacy();
                Connection application = database.connection();
                Statement statement = application.createStatement()) {
            database.addUser("100.00");
            application.setAutoCommit(false);
            statement.execute("UPDATE users SET name = 'busy'");

            CommandResult result = LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("users stayed locked for longer than 5s, and the ledger's foreign key needs it for a"
                            + " moment; nothing was changed; run again when the long transaction on users has ended");
            assertThat(result.error()).doesNotContain("canceling statement");
            assertThat(database.text("SELECT to_regclass('credit_transactions')"))
                    .isNull();

            application.commit();
            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");
        }
    }

    @Test
    void aLockedLedgerMakesTheConversionFailByItsLockTimeout() throws SQLException {
        try (Database database = Database.prepared();
                Connection application = database.connection();
                Statement statement = application.createStatement()) {
            database.addUser("100.00");
            application.setAutoCommit(false);
            statement.execute("LOCK TABLE credit_transactions IN SHARE MODE");

            LiquibaseApi.on(database)
                    .parameter("credits.lockTimeout", "200ms")
                    .run("update")
                    .assertRefused("a row or table stayed locked for longer than credits.lockTimeout;"
                            + " no balance was changed; run again when the application is quieter,"
                            + " or raise credits.lockTimeout");

            application.commit();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    /** The application's tables in a schema of their own; the database's own connection looks there. */
    private static Database legacyIn(String schema) {
        Database database = Database.legacy();
        String quoted = quoted(schema);
        database.execute("ALTER SCHEMA public RENAME TO " + quoted);
        database.execute("CREATE SCHEMA public");
        database.execute("SET search_path = " + quoted);
        return database;
    }

    /** $10 in public, whose ledger keeps two digits; $20 in "other", whose wallets keep four and which has no ledger. */
    private static Database twoSchemas() {
        Database database = legacyIn("other");
        database.addUser("20.00");
        database.execute("ALTER TABLE user_credits ALTER balance TYPE numeric(12,4), ALTER total_earned TYPE"
                + " numeric(12,4), ALTER total_spent TYPE numeric(12,4)");
        database.execute("SET search_path = public");
        for (String table : List.of("users", "user_billing", "user_credits")) {
            database.execute("CREATE TABLE public." + table + " (LIKE other." + table + " INCLUDING ALL)");
        }
        database.execute("ALTER TABLE user_credits ALTER balance TYPE numeric(10,2), ALTER total_earned TYPE"
                + " numeric(10,2), ALTER total_spent TYPE numeric(10,2)");
        database.execute(Template.resource("/legacy/ledger.sql"));
        database.addUser("10.00");
        return database;
    }

    private static CommandResult inSchema(Database database, String schema, String command) {
        CommandResult[] result = new CommandResult[1];
        try {
            // Liquibase puts the name into SQL unquoted unless told to keep its case.
            Scope.child(
                    "liquibase.preserveSchemaCase",
                    !schema.matches("[Bb]illing"),
                    () -> result[0] = run(database, command, "defaultSchemaName", schema));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return result[0];
    }

    private static void partition(Database database, String table) {
        database.execute("ALTER TABLE " + table + " RENAME TO unpartitioned_" + table);
        database.execute("CREATE TABLE " + table + " (LIKE unpartitioned_" + table
                + " INCLUDING DEFAULTS, UNIQUE (user_id), PRIMARY KEY (id, user_id),"
                + " FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE) PARTITION BY HASH (user_id)");
        for (int remainder = 0; remainder < 3; remainder++) {
            database.execute("CREATE TABLE " + table + "_" + remainder + " PARTITION OF " + table
                    + " FOR VALUES WITH (MODULUS 3, REMAINDER " + remainder + ")");
        }
        database.execute("DROP TABLE unpartitioned_" + table);
    }

    private static int insertUntil(Database database, UUID user, AtomicBoolean isOver) {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            statement.execute("SET lock_timeout = '5s'");
            int entries = 0;
            do {
                statement.execute("INSERT INTO credit_transactions"
                        + " (user_id, transaction_type, amount, balance_before, balance_after, source)"
                        + " VALUES ('" + user + "', 'bonus', 0, 0, 0, 'live')");
                entries++;
                Thread.sleep(Duration.ofMillis(5).toMillis());
            } while (!isOver.get());
            return entries;
        } catch (SQLException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A command, with a number also {@code rollbackCount 1}. */
    private static CommandResult run(Database database, String command, Object... namesAndValues) {
        String[] words = command.split(" ");
        if (words.length == 1) {
            return LiquibaseApi.on(database).run(command, namesAndValues);
        }
        Object[] all = Arrays.copyOf(namesAndValues, namesAndValues.length + 2);
        all[namesAndValues.length] = "count";
        all[namesAndValues.length + 1] = Integer.valueOf(words[1]);
        return LiquibaseApi.on(database).run(words[0], all);
    }

    private static String urlWithSearchPath(Database database, String schema) {
        return database.url() + (database.url().contains("?") ? "&" : "?") + "currentSchema="
                + URLEncoder.encode(quoted(schema), StandardCharsets.UTF_8);
    }

    private static String quoted(String schema) {
        return '"' + schema.replace("\"", "\"\"") + '"';
    }
}
