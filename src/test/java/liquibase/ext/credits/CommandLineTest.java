package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The {@code liquibase} command of a pipeline: {@code --defaults-file=contexts/stage/liquibase.properties}, the legacy names. */
class CommandLineTest {

    private static final String BALANCES = """
            SELECT b.balance_usd, c.balance
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            ORDER BY b.balance_usd, c.balance
            """;

    @Test
    void previewsConvertsUndoesAndConvertsAgain() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.addUser("50.00");
            LiquibaseCli liquibase = LiquibaseCli.on(database);

            assertThat(liquibase.run("status", "--verbose").assertSucceeded().sql())
                    .contains("not been applied", "user_billing_converted::liquibase-credits");
            assertThat(liquibase.run("updateSQL").assertSucceeded().sql()).contains("--   Users to migrate: 2");
            assertThat(database.lines(BALANCES)).containsExactly("50.00|", "100.00|");

            assertThat(liquibase.run("update").assertSucceeded().messages()).contains("Users migrated: 2");
            assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00", "0.00|100.00");
            assertThat(liquibase.run("history").assertSucceeded().sql()).contains("user_billing_converted");

            assertThat(liquibase.run("rollbackCountSQL", "1").assertSucceeded().sql())
                    .contains("--   Users to roll back: 2");
            assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00", "0.00|100.00");

            assertThat(liquibase.run("rollbackCount", "1").assertSucceeded().messages())
                    .contains("Users rolled back: 2");
            assertThat(database.lines(BALANCES)).containsExactly("50.00|", "100.00|");

            liquibase.run("update").assertSucceeded();
            assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00", "0.00|100.00");
        }
    }

    @Test
    void writesSqlThatDoesTheSameWorkInAnotherClient() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.addUser("50.00");
            Snapshot before = database.everything();

            String sql =
                    LiquibaseCli.on(database).run("updateSQL").assertSucceeded().sql();
            assertThat(database.everything()).isEqualTo(before);

            database.execute(sql);
            assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00", "0.00|100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.lines("SELECT planned_users, status FROM billing_migration_run"))
                    .containsExactly("2|completed");
        }
    }

    @ParameterizedTest(name = "-Dcredits.perUsd={0}")
    @CsvSource({"10, 1000.00", "0.5, 50.00"})
    void theRateOnTheCommandLineWinsOverTheFile(String creditsPerUsd, String credits) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");

            LiquibaseCli.on(database)
                    .parameter("credits.perUsd", creditsPerUsd)
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines(BALANCES)).containsExactly("0.00|" + credits);
        }
    }

    @Test
    void failsWithOneLineThatSaysWhatToGive() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            Snapshot before = database.everything().without("databasechangelog");

            CommandResult result =
                    LiquibaseCli.on(database).parameter("credits.perUsd", "0").run("update");

            result.assertRefused("credits.perUsd is '0'; give a plain number above 0 and at most 1000000");
            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void failsForAnEnvironmentThatDoesNotExist() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            Snapshot before = database.everything();

            CommandResult result =
                    LiquibaseCli.on(database).environment("stgae").run("update");

            // Liquibase's own words: without its file no argument is known.
            result.assertRefused("Invalid argument '--changelog-file': missing required argument");
            assertThat(database.everything()).isEqualTo(before);
        }
    }
}
