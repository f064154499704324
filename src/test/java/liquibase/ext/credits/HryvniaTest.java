package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** {@code credits.perUah}: hryvnias become credits beside the dollars, and are named wherever dollars are. */
class HryvniaTest {

    private static final String BALANCES = "SELECT balance_usd, balance_uah FROM user_billing ORDER BY 1, 2";
    private static final String WALLETS = "SELECT balance, total_earned, total_spent FROM user_credits ORDER BY 1";
    private static final String PROOF = """
            SELECT DISTINCT i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds AND i6_holds AS all_hold
            FROM billing_migration_reconciliation
            """;

    @Test
    void dryRunNamesHryvniasPerUserAndInTotal() {
        try (Database database = mixed()) {
            CommandResult result = withHryvnias(database).run("updateSQL").assertSucceeded();

            assertThat(result.messages())
                    .contains(
                            "$10.00 + 400.00 UAH → 20 credits - Would migrate",
                            "$0 + 850.00 UAH → 21.25 credits - Would migrate",
                            "$5.00 → 5 credits - Would migrate; -4.00 UAH is negative and stays",
                            "$0 + 40.00 UAH → 1 credits - Would migrate; -2.00 USD is negative and stays",
                            "Total USD: $15.00",
                            "Total UAH: 1290.00",
                            "Total credits: 47.25",
                            "stays in user_billing: -$2.00 and -4.00 UAH");
            assertThat(result.sql())
                    .contains(
                            "-- User: ",
                            "$10.00 + 400.00 UAH -> 20 credits - Would migrate",
                            "--   Total UAH: 1290.00",
                            "p_credits_per_uah => 0.025");
        }
    }

    @Test
    void logTotalsLedgerProofAndStatusCarryBothCurrencies() {
        try (Database database = mixed()) {
            withHryvnias(database).run("update").assertSucceeded();

            assertThat(database.lines(BALANCES)).containsExactly("-2.00|0.00", "0.00|-4.00", "0.00|0.00", "0.00|0.00");
            assertThat(database.lines("SELECT converted_usd, converted_uah, new_credits, remainder"
                            + " FROM billing_migration_log ORDER BY new_credits"))
                    .containsExactly(
                            "0|40.00|1.00|0.00000",
                            "5.00|0|5.00|0.000",
                            "10.00|400.00|20.00|0.00000",
                            "0|850.00|21.25|0.00000");
            assertThat(database.lines(
                            "SELECT credits_per_uah, done_usd, done_uah, done_credits FROM billing_migration_run"))
                    .containsExactly("0.025|15.00|1290.00|47.25");
            assertThat(database.lines("SELECT description FROM credit_transactions WHERE amount = 20"))
                    .containsExactly("Migrated from user_billing: $10.00 USD + 400.00 UAH → 20 credits"
                            + " (rate: 1.0x, UAH 0.025x)");
            assertThat(database.lines(PROOF)).containsExactly("t");
            assertThat(database.lines("SELECT i1_source_times_rate FROM billing_migration_reconciliation"))
                    .containsExactly("47.25000");
            assertThat(database.lines(
                            "SELECT migration_status, balance_uah FROM billing_migration_status ORDER BY new_credits"))
                    .containsExactly("success|0.00", "success|-4.00", "success|0.00", "success|0.00");
        }
    }

    @Test
    void lateHryvniasArePendingOnlyWhereHryvniasAreConverted() {
        assertStatusAfterLateHryvnias("0.025", "pending_migration");
        assertStatusAfterLateHryvnias("none", "success");
    }

    private static void assertStatusAfterLateHryvnias(String creditsPerUah, String status) {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            LiquibaseApi.on(database)
                    .parameter("credits.perUah", creditsPerUah)
                    .run("update")
                    .assertSucceeded();

            UUID newcomer = database.addUser("0.00");

            database.execute("UPDATE user_billing SET balance_uah = 100");

            assertThat(database.lines("SELECT migration_status, balance_uah FROM billing_migration_status"
                            + " ORDER BY user_id = '" + newcomer + "'"))
                    .containsExactly(
                            status + "|100.00", (status.equals("success") ? "not_convertible" : status) + "|100.00");
        }
    }

    @Test
    void undoReturnsEachCurrencyToItsOwnBalance() {
        try (Database database = mixed()) {
            withHryvnias(database).run("update").assertSucceeded();
            database.execute("UPDATE user_billing SET balance_uah = balance_uah + 1");

            CommandResult result =
                    LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.lines(BALANCES))
                    .containsExactly("-2.00|41.00", "0.00|851.00", "5.00|-3.00", "10.00|401.00");
            assertThat(result.messages())
                    .contains(
                            "20 credits → $10.00 + 400.00 UAH - Returned",
                            "USD returned: $15.00",
                            "UAH returned: 1290.00",
                            "Credits taken: 47.25");
        }
    }

    @Test
    void undoAfterSpendingFollowsThePolicyInBothCurrencies() {
        assertUndoAfterSpending("remainder", "7.50|300.00", "0.00|5.00|5.00", "10.00|400.00|7.50|300.00|15.00");
        assertUndoAfterSpending("debt", "10.00|400.00", "-5.00|0.00|5.00", "10.00|400.00|10.00|400.00|20.00");
    }

    private static void assertUndoAfterSpending(String onSpent, String billing, String wallet, String log) {
        try (Database database = convertedAndSpent("5")) {
            LiquibaseApi.on(database)
                    .parameter("credits.onSpent", onSpent)
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(database.lines(BALANCES)).containsExactly(billing);
            assertThat(database.lines(WALLETS)).containsExactly(wallet);
            assertThat(database.lines(
                            "SELECT converted_usd, converted_uah, reversed_usd, reversed_uah, reversed_credits"
                                    + " FROM billing_migration_log"))
                    .containsExactly(log);
            assertThat(database.lines(PROOF)).containsExactly("t");
        }
    }

    @Test
    void undoAfterSpendingIsRefusedAsAWhole() {
        try (Database database = convertedAndSpent("5")) {
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .run("rollbackCount", "count", 1)
                    .assertRefused("1 user(s) cannot give back all converted credits, 5.00 are spent");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    @Test
    void aReturnedPartIsRoundedDownInEachCurrency() {
        try (Database database = convertedAndSpent("13.33")) {
            LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "remainder")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(database.lines(BALANCES)).containsExactly("3.33|133.40"); // 6.67 of 20 credits.
        }
    }

    @Test
    void theGuidesFunctionTakesARateForHryvniasAsItsThirdArgument() {
        try (Database database = mixed()) {
            Snapshot before = database.everything();

            assertThat(database.lines("SELECT new_credits, status, message"
                            + " FROM migrate_user_billing_to_credits(1.0, true, 0.025) ORDER BY new_credits"))
                    .containsExactly(
                            "1.00|dry_run|Would migrate with 40.00 UAH; -2.00 USD is negative and stays",
                            "5.00|dry_run|Would migrate; -4.00 UAH is negative and stays",
                            "20.00|dry_run|Would migrate with 400.00 UAH",
                            "21.25|dry_run|Would migrate with 850.00 UAH");
            assertThat(database.everything()).isEqualTo(before);

            assertThat(database.lines("SELECT new_credits, status, message"
                            + " FROM migrate_user_billing_to_credits(1.0, false, 0.025) ORDER BY new_credits"))
                    .containsExactly(
                            "1.00|success|Migrated with 40.00 UAH; -2.00 USD is negative and stays",
                            "5.00|success|Migrated; -4.00 UAH is negative and stays",
                            "20.00|success|Migrated with 400.00 UAH",
                            "21.25|success|Migrated with 850.00 UAH");
            assertThat(database.lines(PROOF)).containsExactly("t");
        }
    }

    @Test
    void theGuidesShorterCallsStillWorkAndLeaveHryvnias() {
        for (String call : List.of("", "1.0", "1.0, false", "p_dry_run => false", "1.0::numeric, false::boolean")) {
            try (Database database = Database.prepared()) {
                database.addUser("10.00", "400.00");

                assertThat(database.lines(
                                "SELECT new_credits, message FROM migrate_user_billing_to_credits(" + call + ")"))
                        .as(call)
                        .containsExactly("10.00|Migrated; 400.00 UAH stays: no credits.perUah");
                assertThat(database.lines(BALANCES)).containsExactly("0.00|400.00");
            }
        }
    }

    @Test
    void withoutARateHryvniasAreReportedAsLeftBehind() {
        try (Database database = mixed()) {
            CommandResult dryRun = LiquibaseApi.on(database).run("updateSQL").assertSucceeded();
            CommandResult result = LiquibaseApi.on(database).run("update").assertSucceeded();

            for (CommandResult shown : List.of(dryRun, result)) {
                assertThat(shown.messages())
                        .contains(
                                "; 400.00 UAH stays: no credits.perUah",
                                ": 850.00 UAH stays: no credits.perUah",
                                ": -2.00 USD is negative and stays, 40.00 UAH stays: no credits.perUah",
                                "stays in user_billing: -$2.00 and 1286.00 UAH");
            }
            assertThat(database.lines("SELECT migration_status, balance_uah, reason FROM billing_migration_status"
                            + " WHERE balance_uah > 0 ORDER BY balance_uah"))
                    .containsExactly(
                            "skipped|40.00|-2.00 USD is negative and stays, 40.00 UAH stays: no credits.perUah",
                            "success|400.00|400.00 UAH stays: no credits.perUah",
                            "skipped|850.00|850.00 UAH stays: no credits.perUah");
        }
    }

    @Test
    void hryvniasMayFollowInARunOfTheirOwn() throws Exception {
        try (Database database = mixed();
                Connection connection = database.connection()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();

            connection.createStatement().execute("SELECT * FROM migrate_user_billing_to_credits(1.0, false, 0.025)");

            assertThat(database.lines("SELECT done_usd, done_uah, done_credits FROM billing_migration_run"
                            + " ORDER BY started_at"))
                    .containsExactly("15.00|0|15.00", "0|1290.00|32.25");
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(BALANCES))
                    .containsExactly("-2.00|40.00", "0.00|850.00", "5.00|-4.00", "10.00|400.00");
        }
    }

    private static Database mixed() {
        Database database = Database.prepared();
        database.addUser("10.00", "400.00");
        database.addUser("0", "850.00");
        database.addUser("5.00", "-4.00");
        database.addUser("-2.00", "40.00");
        return database;
    }

    /** 20 credits for $10.00 and 400.00 UAH, of which some are gone. */
    private static Database convertedAndSpent(String credits) {
        Database database = Database.prepared();
        UUID user = database.addUser("10.00", "400.00");
        withHryvnias(database).run("update").assertSucceeded();
        database.execute("UPDATE user_credits SET balance = balance - " + credits + ", total_spent = " + credits
                + " WHERE user_id = '" + user + "'");
        return database;
    }

    private static LiquibaseApi withHryvnias(Database database) {
        return LiquibaseApi.on(database).parameter("credits.perUah", "0.025");
    }
}
