package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every digit of a rate counts, and credits have the digits of {@code user_credits.balance}. */
class RateTest {

    @ParameterizedTest(name = "{0} credits per USD")
    @CsvSource({
        "0.005, 61.73, -0.00275",
        "0.123456789012345678, 1524.13, -0.0003840875370495349",
        "999.999999999999999, 12345450.00, -0.00000000001234545",
        "1234.5678, 15241295.05, -0.00349"
    })
    void rateIsExactInRunLogLedgerAndUndo(String rate, String credits, String remainder) {
        try (Database database = Database.prepared()) {
            database.addUser("12345.45");

            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", rate)
                    .run("update")
                    .assertSucceeded();

            assertThat(
                            database.lines(
                                    "SELECT credits_per_usd, done_credits, trim_scale(done_remainder) FROM billing_migration_run"))
                    .containsExactly(rate + "|" + credits + "|" + remainder);
            assertThat(database.lines(
                            "SELECT conversion_rate, new_credits, trim_scale(remainder) FROM billing_migration_log"))
                    .containsExactly(rate + "|" + credits + "|" + remainder);
            assertThat(database.lines("SELECT description FROM credit_transactions"))
                    .containsExactly("Migrated from user_billing: $12345.45 USD → " + credits.replace(".00", "")
                            + " credits (rate: " + rate + "x)");
            assertThat(database.lines("SELECT i1_holds, i1_source_times_rate = 12345.45 * " + rate
                            + " AS is_exact FROM billing_migration_reconciliation"))
                    .containsExactly("t|t");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("12345.45");
        }
    }

    @ParameterizedTest(name = "balance {0}")
    @CsvSource({"'numeric(12,4)', 3.3333, 0.00003, 5.3333, 2.9333, 8.80", "'numeric(10,0)', 3, 0.33333, 5, 2, 6.00"})
    void creditsHaveTheDigitsOfTheWallet(
            String type, String credits, String remainder, String balance, String left, String returnedUsd) {
        try (Database database = Database.legacy()) {
            walletOf(database, type);
            UUID user = database.addUser("10.01");
            database.execute("INSERT INTO user_credits (user_id, balance, total_earned) VALUES (?, 2, 2)", user);

            CommandResult dryRun = atAThird(database).run("updateSQL").assertSucceeded();
            atAThird(database).run("update").assertSucceeded();

            assertThat(dryRun.messages()).contains("→ " + credits + " credits", "remainder " + remainder + " credits");
            assertThat(database.lines("SELECT new_credits, trim_scale(remainder) FROM billing_migration_log"))
                    .containsExactly(credits + "|" + remainder);
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly(balance + "|" + balance);
            assertThat(database.lines("SELECT amount, balance_after FROM credit_transactions"))
                    .containsExactly(credits + "|" + balance);
            assertThat(database.text("SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
                            + " WHERE attrelid = 'credit_transactions'::regclass AND attname = 'balance_after'"))
                    .isEqualTo(type);

            database.execute("UPDATE user_credits SET balance = " + left + ", total_spent = balance - " + left);
            CommandResult undo = LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "remainder")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();
            assertThat(database.number("SELECT balance FROM user_credits")).isZero();
            assertThat(database.number("SELECT balance_usd FROM user_billing")).isEqualByComparingTo(returnedUsd);
            assertThat(undo.messages()).contains("Credits taken: " + left);
        }
    }

    @Test
    void aLedgerOfFewerDigitsDecidesSoThatNoEntryIsRounded() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            walletOf(database, "numeric(12,4)");
            UUID user = database.addUser("10.01");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 1.25)", user);

            atAThird(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("4.5800");
            assertThat(database.lines("SELECT amount, balance_before, balance_after FROM credit_transactions"))
                    .containsExactly("3.33|1.25|4.58");
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(
                            "SELECT balance_usd, balance FROM user_billing JOIN user_credits USING (user_id)"))
                    .containsExactly("10.01|1.2500");
        }
    }

    @Test
    void aWalletFinerThanTheLedgerIsRefusedBeforeAnyRowIsTouched() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            walletOf(database, "numeric(12,4)");
            database.addUser("20.00");
            UUID finer = database.addUser("10.01");
            UUID withoutMoney = database.addUser("0");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 1.2345)", finer);
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 9.8765)", withoutMoney);
            Snapshot before = database.everything();

            for (String command : new String[] {"update", "updateSQL"}) {
                LiquibaseApi.on(database)
                        .run(command)
                        .assertRefused("1 user(s) with a balance to convert hold credits finer than credit_transactions"
                                + " keeps, for example " + finer + "; widen amount, balance_before and balance_after"
                                + " to the type of user_credits.balance");
            }

            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
            database.execute("ALTER TABLE credit_transactions ALTER balance_before TYPE numeric(12,4),"
                    + " ALTER balance_after TYPE numeric(12,4), ALTER amount TYPE numeric(12,4)");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.lines("SELECT balance_after FROM credit_transactions ORDER BY 1"))
                    .containsExactly("11.2445", "20.0000");
        }
    }

    private static void walletOf(Database database, String type) {
        database.execute("ALTER TABLE user_credits ALTER balance TYPE " + type + ", ALTER total_earned TYPE " + type
                + ", ALTER total_spent TYPE " + type);
    }

    private static LiquibaseApi atAThird(Database database) {
        return LiquibaseApi.on(database).parameter("credits.perUsd", "0.333");
    }
}
