package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The undo in commit mode {@code batch}: every batch commits, and an interrupted undo goes on where it was. */
class BatchedUndoTest {
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
                    .assertRefused("stopped by control = 'stop'; 9 of 20 users of run " + runId(database)
                            + " are undone; go on with the same command, or with"
                            + " SELECT * FROM rollback_billing_migration('" + runId(database) + "')");

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
                    .contains("The undo of run " + runId(database) + " is resumed; 9 of 20 users are undone")
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
                            + " is unfinished; finish it with the command that began it,"
                            + " or with SELECT * FROM rollback_billing_migration('" + runId(database) + "')");
            assertThat(LiquibaseApi.on(database)
                            .run("rollbackCountSQL", "count", 1)
                            .assertSucceeded()
                            .sql())
                    .contains("Users to roll back: 11");
            BatchModeTest.inBatches(database).run("update").assertSucceeded();

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
            assertThat(database.lines(
                            "SELECT result, detail FROM billing_migration_checklist WHERE item LIKE 'All users%'"))
                    .singleElement()
                    .asString()
                    .startsWith("failed|")
                    .contains("1 ");
        }
    }

    @Test
    void anyoneCanFinishItInOneTransaction() {
        try (Database database = stopped("allow")) {
            assertThat(database.lines("SELECT users, returned_usd, kept_users FROM rollback_billing_migration()"))
                    .singleElement()
                    .asString()
                    .startsWith("11|");

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
                    .assertRefused(
                            "1 users spent converted credits while the undo ran; the open transaction is taken back;"
                                    + " run it again; 18 of 20 users of run " + runId(database) + " are undone; go on");
            undo(database, "refuse").assertRefused("1 user(s) cannot give back all converted credits, 1.00 are spent");
            undo(database, "remainder").assertSucceeded();

            assertThat(database.lines(
                            "SELECT status, i6_holds, i6_reversed_users FROM billing_migration_reconciliation"))
                    .containsExactly("partly_rolled_back|t|20");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("209");
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
        database.execute("""
                CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE billing_migration_run SET control = 'stop'
                    WHERE (SELECT count(*) FROM billing_migration_log WHERE status = 'rolled_back') >= %d;
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER stop AFTER UPDATE ON billing_migration_log
                    FOR EACH STATEMENT EXECUTE FUNCTION stop();
                """.formatted(users));
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
