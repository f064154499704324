package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The undo, as {@code liquibase rollbackCount 1} runs it. */
class ReversalTest {

    private static final List<String> BOOKED = List.of("migration|100.00|0.00|100.00");

    @Test
    void everyBalanceComesBackFromTheLog() {
        try (Database database = Database.prepared()) {
            database.addUser("10.01");
            database.addUser("5.00", "400.00");
            database.addUser("-3.00");
            Snapshot before = database.everything();
            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.333")
                    .run("update")
                    .assertSucceeded();

            undo(database).assertSucceeded();

            assertThat(balances(database)).isEqualTo(List.of("-3.00|0.00", "10.01|0.00", "5.00|400.00"));
            assertThat(database.everything().parts().get("rows of public.user_credits"))
                    .isEqualTo(before.parts().get("rows of public.user_credits"));
        }
    }

    @Test
    void theLedgerKeepsBothEntries() {
        try (Database database = converted()) {
            undo(database).assertSucceeded();

            assertThat(database.lines("""
                            SELECT t.transaction_type, t.amount, t.balance_before, t.balance_after, o.transaction_type AS of
                            FROM credit_transactions AS t
                            LEFT JOIN credit_transactions AS o ON o.id::text = t.source_id
                            ORDER BY t.amount DESC
                            """))
                    .containsExactly(
                            "migration|100.00|0.00|100.00|", "migration_rollback|-100.00|100.00|0.00|migration");
        }
    }

    @Test
    void moneyThatArrivedLaterStays() {
        try (Database database = converted()) {
            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 7, balance_uah = 3");
            database.execute("SELECT add_credits(id, 5, 'bonus', 'test', NULL, NULL, NULL) FROM users");

            undo(database).assertSucceeded();

            assertThat(balances(database)).containsExactly("107.00|3.00");
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("5.00|5.00");
        }
    }

    @Test
    void undoAfterSpendingIsRefusedBeforeAnythingMoves() {
        try (Database database = converted()) {
            database.addUser("50.00");
            database.execute("SELECT billing_migration_convert(1.0)");
            String spender = database.text("SELECT user_id FROM user_credits WHERE balance = 100");
            database.execute("UPDATE user_credits SET balance = 60, total_spent = 40 WHERE balance = 100");
            Snapshot before = database.everything();

            undo(database)
                    .assertRefused("1 user(s) cannot give back all converted credits, 40.00 are spent: " + spender
                            + "; no balance was changed; set credits.onSpent=remainder to return what is left,"
                            + " or debt to let balances go negative");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    @ParameterizedTest(name = "credits.commit={0}")
    @ValueSource(strings = {"once", "batch"})
    void aUserOfSeveralRunsIsOneUser(String commit) {
        try (Database database = converted()) {
            String spender = database.text("SELECT user_id FROM user_credits WHERE balance = 100");
            UUID other = database.addUser("50.00");
            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 5");
            database.execute("SELECT billing_migration_convert(1.0)");
            database.execute("UPDATE user_credits SET balance = 80, total_spent = 25 WHERE balance = 105");

            CommandResult dryRun = undo(database, commit, "rollbackCountSQL");
            CommandResult done = undo(database, commit, "rollbackCount");

            String place = "  Database " + database.text("SELECT current_database()") + ", environment stage\n";
            String inPart = "$80.00 - %s in part; converted 2 times: 25.00 of 100.00 credits spent";
            String totals = "In part: 1, nothing returned: 0, refused: 0; not taken: 25 credits";
            assertThat(dryRun.messages())
                    .contains("Users to roll back: 2", "USD returned: $135.00", "Credits taken: 135", totals)
                    .contains(inPart.formatted("Would return"), place);
            assertThat(done.messages())
                    .contains("Users rolled back: 2", "USD returned: $135.00", "Credits taken: 135", totals)
                    .contains(inPart.formatted("Returned"), place)
                    .containsOnlyOnce(spender.substring(0, 8))
                    .containsOnlyOnce(other.toString().substring(0, 8));
            assertThat(database.lines("SELECT l.user_id, count(*), sum(l.reversed_usd) FROM billing_migration_log AS l"
                            + " WHERE l.status = 'rolled_back' GROUP BY l.user_id ORDER BY 3"))
                    .containsExactly(other + "|1|55.00", spender + "|2|80.00");
        }
    }

    @Test
    void undoAfterSpendingReturnsTheRemainder() {
        try (Database database = converted()) {
            database.execute("UPDATE user_credits SET balance = 60.55, total_spent = 39.45");

            CommandResult result = LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "remainder")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(balances(database)).containsExactly("60.55|0.00");
            assertThat(database.lines("SELECT balance, total_earned, total_spent FROM user_credits"))
                    .containsExactly("0.00|39.45|39.45");
            assertThat(database.lines("SELECT status FROM billing_migration_run"))
                    .containsExactly("partly_rolled_back");
            assertThat(result.messages()).contains("39.45 of 100.00 credits spent");
        }
    }

    @Test
    void undoAfterSpendingMayLeaveADebt() {
        try (Database database = converted()) {
            database.execute("UPDATE user_credits SET balance = 60, total_spent = 40");

            LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "debt")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(balances(database)).containsExactly("100.00|0.00");
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("-40.00|0.00");
        }
    }

    @Test
    void undoTwiceIsTheSameAsOnce() {
        try (Database database = converted()) {
            undo(database).assertSucceeded();
            Snapshot undone = database.everything();

            assertThat(database.lines("SELECT run_id FROM rollback_billing_migration()"))
                    .isEmpty();

            assertThat(database.everything()).isEqualTo(undone);
        }
    }

    @Test
    void convertUndoConvertWorks() {
        try (Database database = converted()) {
            undo(database).assertSucceeded();

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(balances(database)).containsExactly("0.00|0.00");
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("100.00|100.00");
            assertThat(database.lines("SELECT status FROM billing_migration_run ORDER BY started_at"))
                    .containsExactly("rolled_back", "completed");
            assertThat(database.lines("SELECT migration_status FROM billing_migration_status"))
                    .containsExactly("success");
        }
    }

    @Test
    void theRateOfTheUndoIsTheLogsNotTheParameters() {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.005")
                    .run("update")
                    .assertSucceeded();

            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "abc")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(balances(database)).containsExactly("10.00|0.00");
        }
    }

    @Test
    void changesetsBeneathTheConversionKeepTheLogWhileItIsNeeded() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.execute("SELECT migrate_user_billing_to_credits(1.0, false)");
            Snapshot before = database.everything();

            undo(database)
                    .assertRefused("1 converted user(s) would lose their way back; no balance was changed;"
                            + " return their balances first: SELECT * FROM rollback_billing_migration()");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
            assertThat(database.lines("SELECT transaction_type, amount, balance_before, balance_after"
                            + " FROM credit_transactions"))
                    .isEqualTo(BOOKED);
        }
    }

    private static Database converted() {
        Database database = Database.prepared();
        database.addUser("100.00");
        LiquibaseApi.on(database).run("update").assertSucceeded();
        return database;
    }

    private static CommandResult undo(Database database) {
        return LiquibaseApi.on(database).run("rollbackCount", "count", 1);
    }

    private static CommandResult undo(Database database, String commit, String command) {
        return LiquibaseApi.on(database)
                .parameter("credits.commit", commit)
                .parameter("credits.onSpent", "remainder")
                .parameter("credits.emails", "none")
                .run(command, "count", 1)
                .assertSucceeded();
    }

    private static List<String> balances(Database database) {
        return database.lines("SELECT balance_usd, balance_uah FROM user_billing ORDER BY balance_usd::text");
    }
}
