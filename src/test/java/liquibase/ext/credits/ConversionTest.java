package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.UUID;
import org.junit.jupiter.api.Test;

/** The conversion, as {@code liquibase update} runs it. */
class ConversionTest {

    @Test
    void everyPositiveBalanceBecomesCredits() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");

            CommandResult result = LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT balance_usd, balance_uah FROM user_billing"))
                    .containsExactly("0.00|0.00");
            assertThat(database.lines("SELECT balance, total_earned, total_spent FROM user_credits"))
                    .containsExactly("100.00|100.00|0.00");
            assertThat(database.lines("""
                            SELECT transaction_type, amount, balance_before, balance_after, source, description
                            FROM credit_transactions
                            """))
                    .containsExactly("migration|100.00|0.00|100.00|billing_usd_to_credits|"
                            + "Migrated from user_billing: $100.00 USD → 100 credits (rate: 1.0x)");
            assertThat(database.lines("SELECT user_id, status, new_credits FROM billing_migration_log"))
                    .containsExactly(user + "|success|100.00");
            assertThat(result.messages())
                    .contains(
                            "User: " + user.toString().charAt(0) + "***@example.org ("
                                    + user.toString().substring(0, 8) + "-...) - $100.00",
                            "  Database " + database.text("SELECT current_database()") + ", environment stage",
                            "Users migrated: 1",
                            "Total USD: $100.00",
                            "Total credits: 100");
        }
    }

    @Test
    void creditsAreAddedToThoseAUserHas() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("30.00");
            database.execute(
                    "INSERT INTO user_credits (user_id, balance, total_earned, total_spent) VALUES (?, 75, 120, 45)",
                    user);

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT balance, total_earned, total_spent FROM user_credits"))
                    .containsExactly("105.00|150.00|45.00");
            assertThat(database.lines("SELECT balance_before, balance_after FROM credit_transactions"))
                    .containsExactly("75.00|105.00");
        }
    }

    @Test
    void theExactRemainderIsKeptPerUserAndPerRun() {
        try (Database database = Database.prepared()) {
            database.addUser("10.01");
            database.addUser("0.05");

            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.333")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT new_credits, remainder FROM billing_migration_log ORDER BY new_credits"))
                    .containsExactly("0.02|-0.00335", "3.33|0.00333");
            assertThat(database.lines(
                            "SELECT credits_per_usd, done_credits, done_remainder FROM billing_migration_run"))
                    .containsExactly("0.333|3.35|-0.00002");
        }
    }

    @Test
    void roundingFollowsTheNamedMode() {
        assertCredits("HALF_UP", "0.05", "0.5", "0.03");
        assertCredits("HALF_EVEN", "0.05", "0.5", "0.02");
        assertCredits("HALF_EVEN", "0.07", "0.5", "0.04");
        assertCredits("HALF_EVEN", "0.06", "0.51", "0.03");
        assertCredits("DOWN", "0.07", "0.5", "0.03");
    }

    private static void assertCredits(String rounding, String usd, String creditsPerUsd, String expected) {
        try (Database database = Database.prepared()) {
            database.addUser(usd);

            LiquibaseApi.on(database)
                    .parameter("credits.rounding", rounding)
                    .parameter("credits.perUsd", creditsPerUsd)
                    .run("update")
                    .assertSucceeded();

            assertThat(database.number("SELECT balance FROM user_credits"))
                    .as("%s of %s at %s", rounding, usd, creditsPerUsd)
                    .isEqualByComparingTo(expected);
        }
    }

    @Test
    void whatCannotBeConvertedStaysAndIsNamed() {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            UUID negative = database.addUser("-12.30");
            UUID hryvnia = database.addUser("0", "850.00");
            UUID both = database.addUser("25.50", "-4.00");
            UUID crumb = database.addUser("0.01");

            CommandResult result = LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.1")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines(
                            "SELECT user_id, status, reason FROM billing_migration_log WHERE reason IS NOT NULL"))
                    .containsExactlyInAnyOrder(
                            negative + "|skipped|-12.30 USD is negative and stays",
                            hryvnia + "|skipped|850.00 UAH stays: no credits.perUah",
                            both + "|success|-4.00 UAH is negative and stays",
                            crumb + "|skipped|worth less than the smallest credit and stays");
            assertThat(database.lines("SELECT balance_usd, balance_uah FROM user_billing ORDER BY 1, 2"))
                    .containsExactly("-12.30|0.00", "0.00|-4.00", "0.00|0.00", "0.00|850.00", "0.01|0.00");
            assertThat(result.messages())
                    .contains("Skipped: 3, failed: 0; stays in user_billing: -$12.29 and 846.00 UAH");
        }
    }

    @Test
    void hryvniasAreConvertedAtTheirOwnRate() {
        try (Database database = Database.prepared()) {
            database.addUser("10.00", "400.00");
            database.addUser("0", "850.00");

            LiquibaseApi.on(database)
                    .parameter("credits.perUah", "0.025")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT balance FROM user_credits ORDER BY 1"))
                    .containsExactly("20.00", "21.25");
            assertThat(database.number("SELECT sum(balance_usd + balance_uah) FROM user_billing"))
                    .isZero();
            assertThat(database.lines("SELECT done_usd, done_uah, done_credits FROM billing_migration_run"))
                    .containsExactly("10.00|1250.00|41.25");
        }
    }

    @Test
    void secondRunConvertsNothing() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            Snapshot converted = database.everything();

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.everything()).isEqualTo(converted);
        }
    }

    @Test
    void aRunThatLiquibaseDidNotRecordIsNotRepeated() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("DELETE FROM databasechangelog WHERE id = 'user_billing_converted'");
            Snapshot converted = database.everything();

            CommandResult result = LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(converted.without("databasechangelog"));
            assertThat(result.messages()).contains("had already converted 1 users");
        }
    }

    @Test
    void aRunThatLiquibaseDidNotRecordTakesOnlyWhatArrivedSince() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("DELETE FROM databasechangelog WHERE id = 'user_billing_converted'");
            database.execute("UPDATE user_billing SET balance_usd = 7.00 WHERE user_id = ?", user);

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.number("SELECT balance FROM user_credits")).isEqualByComparingTo("107.00");
            assertThat(database.lines("SELECT done_users, done_usd FROM billing_migration_run ORDER BY started_at"))
                    .containsExactly("1|100.00", "1|7.00");
        }
    }

    @Test
    void moneyThatArrivesLaterIsPendingAgainAndListed() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();

            database.execute("UPDATE user_billing SET balance_usd = balance_usd + 7 WHERE user_id = ?", user);

            assertThat(database.lines("SELECT migration_status, credit_balance FROM billing_migration_status"))
                    .containsExactly("pending_migration|100.00");
            assertThat(database.lines(
                            "SELECT i5_holds, i5_late_users, i5_late_usd FROM billing_migration_reconciliation"))
                    .containsExactly("t|1|7.00");
        }
    }

    @Test
    void theProofShowsBothSidesOfEveryInvariant() {
        try (Database database = Database.prepared()) {
            database.addUser("10.01");
            database.addUser("20.00");

            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.333")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("""
                            SELECT
                                i1_source_times_rate, i1_credits_plus_remainder, i2_log_totals = i2_run_totals,
                                i2_ledger_credits, i3_wrong_entries, i4_log_rows, i4_users, i5_unzeroed_users,
                                i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds AND i6_holds AS all_hold
                            FROM billing_migration_reconciliation
                            """)).containsExactly("9.99333|9.99333|t|9.99|0|2|2|0|t");
        }
    }

    @Test
    void aFailedProofTakesTheWholeConversionBack() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");
            // A trigger that gives the money back behind the conversion's back.
            ReadBack.takeAway(database);
            database.execute("""
                    CREATE FUNCTION give_back() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        UPDATE user_billing SET balance_usd = 100 WHERE user_id = NEW.user_id;
                        RETURN NULL;
                    END
                    $$
                    """);
            database.execute("CREATE TRIGGER give_back AFTER INSERT ON billing_migration_log"
                    + " FOR EACH ROW EXECUTE FUNCTION give_back()");
            Snapshot before = database.everything();

            LiquibaseApi.on(database).run("update").assertRefused("I5 1 converted users kept their balance");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
            assertThat(database.number("SELECT balance_usd FROM user_billing WHERE user_id = ?", user))
                    .isEqualByComparingTo("100.00");
        }
    }

    @Test
    void emailsAreMaskedUnlessAskedFor() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");

            CommandResult masked = LiquibaseApi.on(database).run("updateSQL").assertSucceeded();
            CommandResult full = LiquibaseApi.on(database)
                    .parameter("credits.emails", "full")
                    .run("updateSQL")
                    .assertSucceeded();

            assertThat(masked.messages() + masked.sql()).doesNotContain(user + "@example.org");
            assertThat(full.messages()).contains("User: " + user + "@example.org");
        }
    }
}
