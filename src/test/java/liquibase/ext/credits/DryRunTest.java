package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands that must not change anything, and what they say. */
class DryRunTest {

    @ParameterizedTest
    @ValueSource(strings = {"updateSQL", "futureRollbackSQL", "status", "validate", "updateCountSQL"})
    void commandsBeforeTheConversionTouchNothing(String command) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.addUser("-1.00", "5.00");
            database.execute("ALTER TABLE user_billing SET (autovacuum_enabled = false)");
            LiquibaseApi.on(database).run("status").assertSucceeded();
            assertUntouchedBy(
                    database, command, command.equals("updateCountSQL") ? new Object[] {"count", 1} : new Object[0]);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rollbackSQL", "rollbackCountSQL", "updateSQL", "futureRollbackSQL", "status", "validate"})
    void commandsAfterTheConversionTouchNothing(String command) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.execute("INSERT INTO user_credits (user_id) SELECT id FROM users");
            LiquibaseApi.on(database).run("tag", "tag", "before").assertSucceeded();
            LiquibaseApi.on(database).run("update").assertSucceeded();
            Object[] arguments = switch (command) {
                case "rollbackSQL" -> new Object[] {"tag", "before"};
                case "rollbackCountSQL" -> new Object[] {"count", 1};
                default -> new Object[0];
            };

            assertUntouchedBy(database, command, arguments);
        }
    }

    @Test
    void updateSqlWorksBeforeAnythingOfOursExists() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            Snapshot before = database.everything();

            CommandResult result = LiquibaseApi.on(database).run("updateSQL").assertSucceeded();

            assertThat(database.everything()).isEqualTo(before);
            assertThat(result.sql())
                    .contains(
                            "--   Database " + database.text("SELECT current_database()") + ", environment stage",
                            "--   Users to migrate: 1",
                            "--   Total USD: $100.00",
                            "--   Total credits: 100",
                            "- Would migrate",
                            "-- !  This was a DRY RUN - no changes were made");
            assertThat(result.messages()).contains("Users to migrate: 1");
        }
    }

    @Test
    void sqlOfTheDryRunDoesTheSameWork() throws SQLException {
        try (Database byHand = Database.legacy();
                Database byLiquibase = Database.legacy()) {
            for (Database database : List.of(byHand, byLiquibase)) {
                database.execute("INSERT INTO users (id, email) VALUES"
                        + " ('11111111-0000-4000-8000-000000000001', 'a@example.org'),"
                        + " ('22222222-0000-4000-8000-000000000002', 'b@example.org')");
                database.execute("INSERT INTO user_billing (user_id, balance_usd, balance_uah)"
                        + " SELECT id, 10.01, 5 FROM users");
            }

            CommandResult dryRun =
                    LiquibaseApi.on(byHand).parameter("credits.perUsd", "0.333").run("updateSQL");
            runAsScript(byHand, dryRun.sql());
            LiquibaseApi.on(byLiquibase)
                    .parameter("credits.perUsd", "0.333")
                    .run("update")
                    .assertSucceeded();

            for (String table : List.of(
                    "SELECT user_id, balance_usd, balance_uah FROM user_billing ORDER BY 1",
                    "SELECT user_id, balance, total_earned FROM user_credits ORDER BY 1",
                    "SELECT user_id, amount, description FROM credit_transactions ORDER BY 1",
                    "SELECT user_id, status, reason, new_credits, remainder FROM billing_migration_log ORDER BY 1",
                    "SELECT environment, changeset, credits_per_usd, status, done_credits FROM billing_migration_run",
                    "SELECT id, md5sum, exectype FROM databasechangelog ORDER BY orderexecuted")) {
                assertThat(byHand.lines(table)).as(table).isEqualTo(byLiquibase.lines(table));
            }
            LiquibaseApi.on(byHand).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(byHand.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("20.02");
        }
    }

    @Test
    void aScriptThatFailsRecordsNothing() throws SQLException {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            UUID tooRich = database.addUser("1.00");
            String script = LiquibaseApi.on(database).run("updateSQL").sql();
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 99999999.99)", tooRich);

            runAsScriptThatIgnoresErrors(database, script);

            assertThat(database.number("SELECT count(*) FROM databasechangelog WHERE id = 'user_billing_converted'"))
                    .isZero();
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("101.00");
        }
    }

    @Test
    void sqlOfTheUndoDoesTheSameWork() throws SQLException {
        try (Database database = Database.prepared()) {
            database.addUser("10.01");
            LiquibaseApi.on(database).run("update").assertSucceeded();

            CommandResult dryRun = LiquibaseApi.on(database)
                    .run("rollbackCountSQL", "count", 1)
                    .assertSucceeded();
            runAsScript(database, dryRun.sql());

            assertThat(dryRun.sql()).contains("-- User: ", "10.01 credits -> $10.01 - Would return");
            assertThat(database.number("SELECT balance_usd FROM user_billing")).isEqualByComparingTo("10.01");
            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @Test
    void anUnfinishedRunIsNamedAndNoScriptUndoesItsRecords() throws SQLException {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            database.addUser("20.00");
            String run = database.text("SELECT billing_migration_start(3, p_commit_mode => 'batch')");
            database.execute("SELECT billing_migration_convert_batch(?::uuid, NULL, 1)", run);
            Snapshot before = database.everything();

            CommandResult dryRun = LiquibaseApi.on(database).run("updateSQL").assertSucceeded();
            CommandResult undo = LiquibaseApi.on(database)
                    .run("rollbackCountSQL", "count", 2)
                    .assertSucceeded();
            runAsScriptThatIgnoresErrors(database, dryRun.sql());
            database.execute("UPDATE databasechangeloglock SET locked = false, lockgranted = NULL, lockedby = NULL");
            runAsScriptThatIgnoresErrors(database, undo.sql());
            database.execute("UPDATE databasechangeloglock SET locked = false, lockgranted = NULL, lockedby = NULL");

            String words = "Run " + run + " is unfinished (1 of 2 users done): an update goes on with it under its own"
                    + " settings, among them credits.commit=batch and credits.perUsd=3, and refuses others, as it does this script";
            assertThat(dryRun.sql()).contains("-- " + words);
            assertThat(dryRun.messages()).contains(words);
            assertThat(database.everything().since(before)).isEmpty();
        }
    }

    @Test
    void theDryRunReadsAReadOnlyDatabase() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.execute("ALTER DATABASE " + database.text("SELECT current_database()")
                    + " SET default_transaction_read_only = on");

            assertThat(database.lines("SELECT message FROM migrate_user_billing_to_credits(1.0, true)"))
                    .containsExactly("Would migrate");
        }
    }

    @Test
    void javaAndSqlPreviewAreTheSameText() throws IOException {
        String function = Files.readString(
                Project.ROOT.resolve("changelogs/021_billing_to_credits/billing_migration_preview.sql"));
        String body = function.split("\\$function\\$\n")[1].split("\\$function\\$;")[0];

        try (InputStream stream =
                ConvertBalances.class.getResourceAsStream("/liquibase/ext/credits/plan/preview.sql")) {
            assertThat(new String(stream.readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo(body);
        }
    }

    private static void assertUntouchedBy(Database database, String command, Object... arguments) {
        Snapshot values = database.everything();
        Snapshot versions = database.rowVersions();

        LiquibaseApi.on(database).run(command, arguments).assertSucceeded();

        assertThat(database.everything().since(values)).isEmpty();
        assertThat(database.rowVersions().since(versions).keySet()).isSubsetOf(writtenByLiquibaseItself());
    }

    /** Liquibase 4.33.0 takes its own lock for updateSQL and updateCountSQL as well, and gives it back: the row is the same, its version not. */
    private static Set<String> writtenByLiquibaseItself() {
        return System.getProperty("liquibase.under.test").startsWith("4.")
                ? Set.of("row versions of public.databasechangeloglock")
                : Set.of();
    }

    private static void runAsScript(Database database, String sql) throws SQLException {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    /** What psql does without ON_ERROR_STOP: each statement by itself, whatever became of the one before. */
    private static void runAsScriptThatIgnoresErrors(Database database, String sql) throws SQLException {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            for (String part : sql.split(";\\s*\\n")) {
                try {
                    statement.execute(part);
                } catch (SQLException expected) {
                    assertThat(expected.getMessage()).isNotBlank();
                }
            }
        }
    }
}
