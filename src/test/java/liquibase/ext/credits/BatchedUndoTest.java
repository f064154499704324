package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The undo in commit mode {@code batch}: every batch commits, and an interrupted undo goes on where it was. */
class BatchedUndoTest {
    private static final String FINISH =
            "SELECT * FROM rollback_billing_migration(NULL, 'refuse', 'user_billing_converted')";
    private static final int LIMIT_SECONDS = 60;
    private static final String SPEND_LAST =
            "UPDATE user_credits SET balance = balance - 15, total_spent = 15 WHERE balance = 20";

    @Test
    void allBatchesTogetherReturnEverything() {
        try (Database database = converted("allow")) {
            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 1 WHERE user_id IN (SELECT user_id"
                    + " FROM billing_migration_log WHERE new_credits = 4)");

            CommandResult result = undo(database, "refuse").assertSucceeded();

            assertReturned(database, "rolled_back", "211.00");
            assertThat(database.number("SELECT count(DISTINCT reversed_at) FROM billing_migration_log"))
                    .isEqualByComparingTo("7");
            assertThat(database.number("SELECT count(*) FROM databasechangelog WHERE id = 'user_billing_converted'"))
                    .isZero();
            assertThat(result.messages())
                    .contains(
                            "Users rolled back: 20",
                            "USD returned: $210.00",
                            "Undone and proved: run " + runId(database));
        }
    }

    @Test
    void theReportSaysThatEachBatchWasCommitted(@TempDir Path folder) throws IOException {
        try (Database database = converted("allow")) {
            BatchModeTest.inBatches(database)
                    .parameter("credits.reportDir", folder.toString())
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(Files.readString(folder.resolve("undo.html")))
                    .contains(
                            "batch by batch, before this was written", "Time per batch; its locks are held no longer");
            assertThat(Files.readString(folder.resolve("undo.json")))
                    .containsPattern("\"commit\": ?\"batch\"")
                    .containsPattern("\"count\": ?7,");
        }
    }

    @Test
    void whatIsUndoneInBatchesCanBeConvertedAgain() {
        try (Database database = converted("allow")) {
            undo(database, "refuse").assertSucceeded();

            BatchModeTest.inBatches(database).run("update").assertSucceeded();

            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("210");
            undo(database, "refuse").assertSucceeded();
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("210");
        }
    }

    @Test
    void aStoppedUndoIsResumedWhereItWas() {
        try (Database database = converted("allow")) {
            stopAfter(database, 7);

            undo(database, "refuse")
                    .assertRefused(
                            "stopped by control = 'stop'; 9 of 20 users are undone; go on with the same command, or with "
                                    + FINISH);

            assertThat(database.lines("SELECT status, undone_users, undo_users, done_percent, done_users, done_usd"
                            + " FROM billing_migration_progress"))
                    .containsExactly("undoing|9|20|45|20|210.00");
            assertThat(database.lines(
                            "SELECT i1_holds, i2_holds, i3_holds, i4_holds, i5_holds, i6_holds, i6_reversed_users"
                                    + " FROM billing_migration_reconciliation"))
                    .containsExactly("t|t|t|t|t|t|9");
            assertThat(database.number("SELECT count(*) FROM databasechangelog WHERE id = 'user_billing_converted'"))
                    .isEqualByComparingTo("1");
            database.execute("DROP TRIGGER stop ON billing_migration_log");

            assertThat(undo(database, "refuse").assertSucceeded().messages())
                    .contains("The undo is resumed; 9 of 20 users are undone")
                    .contains("Users rolled back: 20");
            assertReturned(database, "rolled_back", "210.00");
        }
    }

    @Test
    void whileAnUndoIsUnfinishedNothingConvertsAndEverythingSaysSo() {
        try (Database database = stopped("allow")) {
            Snapshot before = database.everything();

            assertThatThrownBy(() -> database.execute("SELECT * FROM migrate_user_billing_to_credits(1.0)"))
                    .hasMessageContaining("the undo of run " + runId(database)
                            + " is unfinished; no balance was changed; finish it with the command that began it, or with "
                            + FINISH);
            assertThatThrownBy(() -> database.execute("SELECT billing_migration_finish(?::uuid)", runId(database)))
                    .hasMessageContaining("is undoing; only an unfinished conversion is finished");
            assertThat(LiquibaseApi.on(database)
                            .run("rollbackCountSQL", "count", 1)
                            .assertSucceeded()
                            .sql())
                    .contains("Users to roll back: 11");
            database.execute("DELETE FROM databasechangelog WHERE id = 'user_billing_converted'");
            BatchModeTest.inBatches(database).run("update").assertRefused("the undo of run " + runId(database));

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
            assertThat(database.lines(
                            "SELECT result, detail FROM billing_migration_checklist WHERE item LIKE 'All users%'"))
                    .singleElement()
                    .asString()
                    .startsWith("failed|")
                    .endsWith(
                            "; 1 runs not finished, 1 of them being undone: finish that with the command that began it");
        }
    }

    @Test
    void anyoneCanFinishItInOneTransaction() {
        try (Database database = stopped("allow")) {
            assertThat(database.lines(
                            "SELECT users, taken_credits = returned_usd, kept_users FROM (" + FINISH + ") AS u"))
                    .containsExactly("11|t|0");

            assertReturned(database, "rolled_back", "210.00");
        }
    }

    @Test
    void whatWasKeptBeforeTheInterruptionCountsAtTheEnd() {
        try (Database database = converted("allow")) {
            database.execute(
                    "UPDATE user_credits SET balance = 0, total_spent = total_earned WHERE user_id = (SELECT min(user_id::text)::uuid FROM user_credits)");
            stopAfter(database, 7);
            undo(database, "remainder").assertRefused("stopped");
            database.execute("DROP TRIGGER stop ON billing_migration_log");

            undo(database, "remainder").assertSucceeded();

            assertThat(database.lines("SELECT status FROM billing_migration_run"))
                    .containsExactly("partly_rolled_back");
        }
    }

    @Test
    void whoHasSpentStopsItBeforeAnythingMoves() {
        try (Database database = converted("allow")) {
            database.execute(SPEND_LAST);
            Snapshot before = database.everything();

            undo(database, "refuse").assertRefused("1 user(s) cannot give back all converted credits, 15.00 are spent");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void whoSpendsMeanwhileStopsItAndIsReturnedWhatIsLeft() {
        try (Database database = converted("allow")) {
            database.execute("""
                    CREATE FUNCTION spend() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        UPDATE user_credits
                        SET balance = balance - 1, total_spent = total_spent + 1
                        WHERE
                            user_id = (SELECT max(l.user_id::text)::uuid FROM billing_migration_log AS l)
                            AND total_spent = 0;
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER spend AFTER UPDATE ON billing_migration_log
                        FOR EACH STATEMENT EXECUTE FUNCTION spend();
                    """);

            undo(database, "refuse")
                    .assertRefused("1 user(s) spent converted credits while the undo ran: "
                            + database.text("SELECT max(l.user_id::text) FROM billing_migration_log AS l")
                            + "; the open transaction is taken back; set credits.onSpent=remainder to return what"
                            + " is left, or debt to let balances go negative;"
                            + " 18 of 20 users are undone; then go on with the same command");
            undo(database, "refuse").assertRefused("1 user(s) cannot give back all converted credits, 1.00 are spent");
            undo(database, "remainder").assertSucceeded();

            assertThat(database.lines(
                            "SELECT status, i6_holds, i6_reversed_users FROM billing_migration_reconciliation"))
                    .containsExactly("partly_rolled_back|t|20");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("209");
        }
    }

    @Test
    void whoTheApplicationRefusesIsNamed() {
        try (Database database = converted("allow")) {
            database.execute(SPEND_LAST);
            database.execute("ALTER TABLE user_credits ADD CONSTRAINT no_debt CHECK (balance >= 0)");
            String named = "user " + database.text("SELECT user_id FROM user_credits WHERE total_spent = 15")
                    + " cannot be undone: new row for relation \"user_credits\" violates check constraint \"no_debt\"; ";
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "debt")
                    .run("rollbackCount", "count", 1)
                    .assertRefused(named + "no balance was changed");
            assertThat(database.everything()).isEqualTo(before);
            undo(database, "debt").assertRefused(named);
            undo(database, "remainder").assertSucceeded();

            assertThat(database.lines("SELECT status FROM billing_migration_run"))
                    .containsExactly("partly_rolled_back");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("195");
        }
    }

    /** Whose money is back already may get more, and it stays money. */
    @ParameterizedTest
    @ValueSource(strings = {"reject", "convert"})
    void moneyThatArrivesMeanwhileStaysMoney(String lateWrites) {
        try (Database database = converted(lateWrites)) {
            if (lateWrites.equals("convert")) {
                database.execute("UPDATE user_billing SET balance_usd = balance_usd + 100");
            }
            stopAfter(database, lateWrites.equals("convert") ? 27 : 7);
            undo(database, "refuse").assertRefused("stopped");

            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 1");
            assertThat(database.number("SELECT count(*) FROM billing_migration_guard"))
                    .isZero();
            database.execute("DROP TRIGGER stop ON billing_migration_log");
            undo(database, "refuse").assertSucceeded();

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo(lateWrites.equals("convert") ? "2230" : "230");
            assertThat(database.lines("SELECT DISTINCT status FROM billing_migration_run"))
                    .containsExactly("rolled_back");
            assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
        }
    }

    /** Newest first means late writes first, and the operator knows the conversion's run. */
    @Test
    void aStopIsHeededWhateverRunIsAtWork() {
        try (Database database = converted("convert")) {
            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 100");
            stopAfter(database, 3, "armed_by_run_id IS NULL");

            undo(database, "refuse")
                    .assertRefused(
                            "stopped by control = 'stop'; 3 of 40 users are undone; go on with the same command");

            assertThat(database.number("SELECT count(*) FROM billing_migration_log WHERE status = 'rolled_back'"))
                    .isEqualByComparingTo("3");
            assertThat(database.lines("SELECT DISTINCT status, control FROM billing_migration_run"))
                    .containsExactly("undoing|run");
            assertThat(database.lines(
                            "SELECT p.undone_users, p.undo_users, p.done_percent"
                                    + " FROM billing_migration_progress AS p WHERE p.run_id = ?::uuid",
                            runId(database)))
                    .containsExactly("0|20|0");
            database.execute("DROP TRIGGER stop ON billing_migration_log");
            assertThat(undo(database, "refuse").assertSucceeded().messages())
                    .containsOnlyOnce("The undo is resumed; 3 of 40 users are undone");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("2210");
        }
    }

    @Test
    void aPauseHoldsItUntilItMayGoOn() throws Exception {
        try (Database database = converted("allow")) {
            database.execute("UPDATE billing_migration_run SET control = 'pause'");
            controlAfter(database, 7, "pause", "true");

            CompletableFuture<CommandResult> undo = CompletableFuture.supplyAsync(() -> undo(database, "refuse"));
            WorkersTest.await(database, "SELECT 1 FROM billing_migration_run WHERE throttled IS NOT NULL");
            assertThat(database.lines("SELECT status, undone_users, throttled FROM billing_migration_progress"))
                    .containsExactly("undoing|9|control = 'pause' in billing_migration_run");
            database.execute("DROP TRIGGER pause ON billing_migration_log");
            database.execute("UPDATE billing_migration_run SET control = 'run'");

            assertThat(undo.get(LIMIT_SECONDS, TimeUnit.SECONDS)
                            .assertSucceeded()
                            .messages())
                    .contains("Paused: control = 'pause' in billing_migration_run", "Going on");
            assertReturned(database, "rolled_back", "210.00");
        }
    }

    @Test
    void aLockedUserIsRetriedWithASmallerBatch() throws Exception {
        try (Database database = converted("allow");
                Connection application = database.connection();
                Statement statement = application.createStatement()) {
            application.setAutoCommit(false);
            statement.execute("UPDATE user_credits SET balance = balance - 1, total_spent = 1 WHERE balance = 5");

            CompletableFuture<CommandResult> undo =
                    CompletableFuture.supplyAsync(() -> BatchModeTest.inBatches(database)
                            .parameter("credits.lockTimeout", "200ms")
                            .parameter("credits.onSpent", "debt")
                            .run("rollbackCount", "count", 1));
            String waiting = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            WorkersTest.await(database, "SELECT 1 " + waiting);
            WorkersTest.await(database, "SELECT 1 WHERE NOT EXISTS (SELECT 1 " + waiting + ")");
            application.commit();

            assertThat(undo.get(LIMIT_SECONDS, TimeUnit.SECONDS)
                            .assertSucceeded()
                            .messages())
                    .contains("met a lock (1 times in a row)");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("210");
            assertThat(database.lines("SELECT balance, total_spent FROM user_credits"))
                    .containsExactly("-1.00|1.00");
            assertThat(database.lines("SELECT status, i6_holds FROM billing_migration_reconciliation"))
                    .containsExactly("rolled_back|t");
        }
    }

    @Test
    void noConversionGoesOnWhileAnotherIsBeingUndone() {
        try (Database database = BatchModeTest.populated()) {
            canary(database).run("update").assertSucceeded();
            database.execute(
                    "INSERT INTO users (id, email) SELECT gen_random_uuid(), n || '@example.com' FROM generate_series(1, 20) AS n");
            database.execute(
                    "INSERT INTO user_billing (user_id, balance_usd) SELECT id, 1 FROM users WHERE email LIKE '%@example.com'");
            database.execute("""
                    CREATE FUNCTION stop_others() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        UPDATE billing_migration_run SET control = 'stop' WHERE cohort IS NULL;
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER stop_others AFTER INSERT ON billing_migration_log
                        FOR EACH STATEMENT EXECUTE FUNCTION stop_others();
                    """);
            BatchModeTest.inBatches(database).run("update").assertRefused("stopped");
            stopAfter(database, 1);
            canary(database).run("rollbackCount", "count", 1).assertRefused("stopped");
            Snapshot before = database.everything();

            BatchModeTest.inBatches(database)
                    .run("update")
                    .assertRefused(
                            "is unfinished; no balance was changed; finish it with the command that began it, or with"
                                    + " SELECT * FROM rollback_billing_migration(NULL, 'refuse', 'user_billing_canary_converted')");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    @Test
    void onlyTheChangesetsOwnRunsAreUndone() {
        try (Database database = BatchModeTest.populated()) {
            canary(database).run("update").assertSucceeded();
            BatchModeTest.inBatches(database).run("update").assertSucceeded();
            String ofCanary = "SELECT status FROM billing_migration_run WHERE cohort IS NOT NULL";
            String ofOthers = "SELECT status FROM billing_migration_run WHERE cohort IS NULL";

            canary(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.lines(ofCanary)).containsExactly("rolled_back");
            assertThat(database.lines(ofOthers)).containsExactly("completed");
            assertThat(database.lines("SELECT sum(b.balance_usd) + sum(coalesce(c.balance, 0)) FROM user_billing AS b"
                            + " LEFT JOIN user_credits AS c USING (user_id)"))
                    .containsExactly("210.00");
        }
    }

    private static Database converted(String lateWrites) {
        Database database = BatchModeTest.populated();
        BatchModeTest.inBatches(database)
                .parameter("credits.lateWrites", lateWrites)
                .run("update")
                .assertSucceeded();
        return database;
    }

    /** With 9 of 20 users undone, and nothing left that would stop it again. */
    private static Database stopped(String lateWrites) {
        Database database = converted(lateWrites);
        stopAfter(database, 7);
        undo(database, "refuse").assertRefused("stopped");
        database.execute("DROP TRIGGER stop ON billing_migration_log");
        return database;
    }

    private static CommandResult undo(Database database, String onSpent) {
        return BatchModeTest.inBatches(database)
                .parameter("credits.onSpent", onSpent)
                .run("rollbackCount", "count", 1);
    }

    private static LiquibaseApi canary(Database database) {
        return BatchModeTest.inBatches(database)
                .changelog("changelogs/canary.xml")
                .parameter("credits.cohort", "percent:50");
    }

    private static void stopAfter(Database database, int users) {
        controlAfter(database, users, "stop", "true");
    }

    private static void stopAfter(Database database, int users, String whichRuns) {
        controlAfter(database, users, "stop", whichRuns);
    }

    /** What an operator does in psql, at a moment the test can choose. */
    private static void controlAfter(Database database, int users, String control, String whichRuns) {
        database.execute("""
                CREATE FUNCTION %1$s() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE billing_migration_run SET control = '%1$s'
                    WHERE (SELECT count(*) FROM billing_migration_log WHERE status = 'rolled_back') >= %2$d AND %3$s;
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER %1$s AFTER UPDATE ON billing_migration_log
                    FOR EACH STATEMENT EXECUTE FUNCTION %1$s();
                """.formatted(control, users, whichRuns));
    }

    private static void assertReturned(Database database, String status, String usd) {
        assertThat(database.lines("SELECT r.status, control, throttled, i1_holds AND i2_holds AND i3_holds AND i4_holds"
                        + " AND i5_holds AND i6_holds, i6_reversed_users FROM billing_migration_reconciliation"
                        + " JOIN billing_migration_run AS r ON r.id = run_id"))
                .containsExactly(status + "|run||t|20");
        assertThat(database.number("SELECT sum(balance_usd) FROM user_billing")).isEqualByComparingTo(usd);
        assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
        assertThat(database.number("SELECT sum(amount) FROM credit_transactions"))
                .isZero();
        assertThat(database.number("SELECT count(*) FROM billing_migration_range"))
                .isZero();
    }

    private static String runId(Database database) {
        return database.text("SELECT id FROM billing_migration_run WHERE armed_by_run_id IS NULL");
    }
}
