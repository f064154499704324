package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/** Commit mode {@code batch}: every batch commits, and an interrupted run goes on where it was. */
class BatchModeTest {

    @Test
    void allBatchesTogetherConvertEverybody() {
        try (Database database = populated()) {
            CommandResult result = inBatches(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT status, commit_mode, done_users, done_usd, done_credits"
                            + " FROM billing_migration_run"))
                    .containsExactly("completed|batch|20|210.00|210.00");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isZero();
            assertThat(database.number("SELECT count(DISTINCT migrated_at) FROM billing_migration_log"))
                    .isEqualByComparingTo("7");
            assertThat(result.messages()).contains("Users migrated: 20", "is proved: invariants I1 to I6 hold");
        }
    }

    @Test
    void aRunThatLiquibaseDidNotRecordIsNotRepeated() {
        try (Database database = populated()) {
            database.addUser("-3.00");
            inBatches(database).run("update").assertSucceeded();
            String run = runId(database);
            // Killed between our last commit and Liquibase's own record.
            database.execute("DELETE FROM databasechangelog WHERE id = 'user_billing_converted'");
            Snapshot before = database.everything();

            CommandResult again = inBatches(database).run("update").assertSucceeded();

            assertThat(again.messages()).contains("Run " + run + " had already converted 20 users");
            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    @Test
    void aStoppedRunIsResumedWhereItWas() {
        try (Database database = populated()) {
            stopAfter(database, 7);

            inBatches(database)
                    .run("update")
                    .assertRefused(
                            "stopped by control = 'stop'; 9 of 20 users are converted; go on with liquibase update,"
                                    + " or undo them with SELECT * FROM rollback_billing_migration('" + runId(database)
                                    + "')");

            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isEqualByComparingTo("9");
            assertThat(database.number("SELECT count(*) FROM databasechangelog WHERE id = 'user_billing_converted'"))
                    .isZero();
            database.execute("DROP TRIGGER stop ON billing_migration_log");
            inBatches(database).run("update").assertSucceeded();
            assertThat(database.lines("SELECT status, done_users, done_usd FROM billing_migration_run"))
                    .containsExactly("completed|20|210.00");
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("210.00");
        }
    }

    @Test
    void aRunIsNotResumedWithOtherSettings() {
        try (Database database = populated()) {
            stopAfter(database, 7);
            inBatches(database).run("update").assertRefused("stopped");
            Snapshot before = database.everything();

            inBatches(database)
                    .parameter("credits.perUsd", "2")
                    .parameter("credits.lateWrites", "reject")
                    .run("update")
                    .assertRefused("run " + runId(database) + " is unfinished and was started with other settings:"
                            + " credits.perUsd is 2, the run has 1.0, credits.lateWrites is reject, the run has allow; resume it with its own, or undo it with"
                            + " SELECT * FROM rollback_billing_migration('" + runId(database) + "')");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    @Test
    void anUnfinishedRunCanBeUndone() {
        try (Database database = populated()) {
            stopAfter(database, 7);
            inBatches(database).run("update").assertRefused("stopped");

            database.execute("SELECT * FROM rollback_billing_migration()");

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("210.00");
            assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
            assertThat(database.lines("SELECT status FROM billing_migration_run"))
                    .containsExactly("rolled_back");
        }
    }

    @Test
    void oneConversionInModeOnceDoesNotMixWithAnUnfinishedRun() {
        try (Database database = populated()) {
            stopAfter(database, 7);
            inBatches(database).run("update").assertRefused("stopped");

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("run " + runId(database) + " is unfinished (paused, 9 of 20 users done)");

            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isEqualByComparingTo("9");
        }
    }

    @Test
    void aLockedUserIsRetriedWithASmallerBatch() throws SQLException {
        try (Database database = populated();
                Connection application = database.connection();
                Statement statement = application.createStatement()) {
            application.setAutoCommit(false);
            statement.execute("UPDATE user_billing SET balance_usd = balance_usd + 1 WHERE balance_usd = 5");

            CommandResult locked =
                    inBatches(database).parameter("credits.lockTimeout", "20ms").run("update");
            application.commit();
            CommandResult resumed = inBatches(database).run("update");

            locked.assertRefused("a row or table stayed locked for longer than credits.lockTimeout");
            assertThat(locked.messages()).contains("met a lock");
            resumed.assertSucceeded();
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("211.00");
        }
    }

    @Test
    void aFailingUserIsIsolatedWithoutStoppingTheOthers() {
        try (Database database = populated()) {
            database.execute("""
                    CREATE FUNCTION refuse_seven() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        IF NEW.amount = 7 THEN
                            RAISE EXCEPTION 'the application refuses sevens';
                        END IF;
                        RETURN NEW;
                    END
                    $$
                    """);
            database.execute("CREATE TRIGGER refuse_seven BEFORE INSERT ON credit_transactions"
                    + " FOR EACH ROW EXECUTE FUNCTION refuse_seven()");

            CommandResult result = inBatches(database)
                    .parameter("credits.onError", "skip")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT old_balance_usd, status, reason FROM billing_migration_log"
                            + " WHERE status <> 'success'"))
                    .containsExactly("7.00|error|the application refuses sevens");
            assertThat(database.lines("SELECT done_users, error_users, done_usd FROM billing_migration_run"))
                    .containsExactly("19|1|203.00");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("7.00");
            assertThat(result.messages()).contains("Failed: the application refuses sevens");
        }
    }

    /** Twenty users with 1 to 20 dollars. */
    static Database populated() {
        Database database = Database.prepared();
        for (int dollars = 1; dollars <= 20; dollars++) {
            database.addUser(dollars + ".00");
        }
        return database;
    }

    static LiquibaseApi inBatches(Database database) {
        return LiquibaseApi.on(database).parameter("credits.commit", "batch").parameter("credits.batchUsers", "3");
    }

    /** What an operator does in psql, at a moment the test can choose. */
    static void stopAfter(Database database, int users) {
        database.execute("""
                CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE billing_migration_run SET control = 'stop'
                    WHERE (SELECT count(*) FROM billing_migration_log) >= %d;
                    RETURN NULL;
                END
                $$
                """.formatted(users));
        database.execute("CREATE TRIGGER stop AFTER INSERT ON billing_migration_log"
                + " FOR EACH STATEMENT EXECUTE FUNCTION stop()");
    }

    private static String runId(Database database) {
        return database.text("SELECT id FROM billing_migration_run");
    }
}
