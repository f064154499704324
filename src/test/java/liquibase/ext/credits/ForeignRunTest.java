package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A wrong context on the right database: what another environment began is neither gone on with nor undone. */
class ForeignRunTest {

    @Test
    void anUnfinishedRunGoesOnOnlyInItsOwnEnvironment() {
        try (Database database = BatchModeTest.populated()) {
            BatchModeTest.stopAfter(database, 7);
            BatchModeTest.inBatches(database).run("update").assertRefused("stopped");
            database.execute("DROP TRIGGER stop ON billing_migration_log");
            Snapshot before = database.everything().without("databasechangelog");

            BatchModeTest.inBatches(database).contexts("dev").run("update").assertRefused(refusal(database));
            CommandResult dryRun = BatchModeTest.inBatches(database)
                    .contexts("dev")
                    .run("updateSQL")
                    .assertSucceeded();

            assertThat(dryRun.sql()).contains("-- An update and this script are refused: " + refusal(database));
            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
            BatchModeTest.inBatches(database).run("update").assertSucceeded();
            assertThat(database.lines("SELECT environment, status, done_users FROM billing_migration_run"))
                    .containsExactly("stage|completed|20");
        }
    }

    @ParameterizedTest(name = "credits.commit={0}")
    @ValueSource(strings = {"once", "batch"})
    void aRunAndItsLateWritesAreUndoneOnlyInTheirOwnEnvironment(String commit) {
        try (Database database = BatchModeTest.populated()) {
            LiquibaseApi stage = LiquibaseApi.on(database)
                    .parameter("credits.commit", commit)
                    .parameter("credits.lateWrites", "convert");
            LiquibaseApi dev = LiquibaseApi.on(database).contexts("dev").parameter("credits.commit", commit);
            stage.run("update").assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 5");
            Snapshot before = database.everything();

            String byHand = "SELECT * FROM rollback_billing_migration(NULL, 'refuse', 'user_billing_converted')";
            dev.run("rollbackCount", "count", 1).assertRefused(refusal(database, byHand));
            dev.run("rollbackCountSQL", "count", 1).assertRefused(refusal(database, byHand));

            assertThat(database.everything()).isEqualTo(before);
            assertUndoneBy(stage, database);
        }
    }

    /** A copy of another environment's database: all of it goes back by hand at once, late writes too. */
    @Test
    void theStatementThatIsNamedUndoesAllOfThem() {
        try (Database database = BatchModeTest.populated()) {
            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 5");

            database.execute("SELECT * FROM rollback_billing_migration(NULL, 'refuse', 'user_billing_converted')");

            assertUndoneBy(LiquibaseApi.on(database).contexts("dev"), database);
        }
    }

    @Test
    void aRunByHandGoesBackInAnyEnvironment() {
        try (Database database = BatchModeTest.populated()) {
            database.execute("SELECT billing_migration_convert(1.0, p_late_writes => 'convert')");
            database.execute("UPDATE user_billing SET balance_usd = 5");
            LiquibaseApi.on(database).contexts("dev").run("update").assertSucceeded();

            assertUndoneBy(LiquibaseApi.on(database).contexts("dev"), database);
        }
    }

    private static void assertUndoneBy(LiquibaseApi environment, Database database) {
        environment.run("rollbackCount", "count", 1).assertSucceeded();
        assertThat(database.lines("SELECT sum(balance_usd) FROM user_billing")).containsExactly("310.00");
    }

    private static String refusal(Database database) {
        return refusal(
                database,
                "SELECT * FROM rollback_billing_migration('" + database.text("SELECT id FROM billing_migration_run")
                        + "')");
    }

    private static String refusal(Database database, String byHand) {
        return "run " + database.text("SELECT id FROM billing_migration_run WHERE armed_by_run_id IS NULL")
                + " was begun in environment stage, but this is environment dev; no balance was changed;"
                + " check the url, and use context stage, or undo with " + byHand;
    }
}
