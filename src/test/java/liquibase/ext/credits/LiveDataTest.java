package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What installations bring along: with and without a ledger, wallets, disabled accounts, balances not worth a credit. */
class LiveDataTest {

    @Test
    void missingLedgerAndAddCreditsComeAndGoWithTheMigration() {
        try (Database database = Database.legacy()) {
            Snapshot before = database.everything();

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.text("SELECT to_regclass('credit_transactions')"))
                    .isEqualTo("credit_transactions");
            assertThat(database.text("SELECT to_regproc('add_credits')")).isEqualTo("add_credits");

            undoEverything(database).assertSucceeded();
            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void applicationsOwnLedgerAndAddCreditsStayAsTheyAre() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            UUID user = database.addUser("0");
            addCredits(database, user, 5);
            Snapshot before = database.everything();

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(ledgerOf(database.everything())).isEqualTo(ledgerOf(before));

            undoEverything(database).assertSucceeded();
            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void entriesOfTheMigrationStayInTheApplicationsLedger() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            database.addUser("10.00");

            LiquibaseApi.on(database).run("update").assertSucceeded();
            undoEverything(database).assertSucceeded();

            assertThat(database.lines("SELECT transaction_type, amount FROM credit_transactions ORDER BY amount"))
                    .containsExactly("migration_rollback|-10.00", "migration|10.00");
        }
    }

    @Test
    void undoRefusesToDropEntriesOfTheApplication() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("10.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            addCredits(database, user, 5);
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            String before = money(database);

            undoEverything(database)
                    .assertRefused(
                            "credit_transactions holds 1 entries of the application, which an undo must not drop;"
                                    + " copy them elsewhere and delete them here, or leave migration 021 in place");
            assertThat(money(database)).isEqualTo(before);
            assertThat(database.lines("SELECT transaction_type, amount FROM credit_transactions ORDER BY amount"))
                    .containsExactly("migration_rollback|-10.00", "bonus|5.00", "migration|10.00");
            assertThat(database.text("SELECT to_regproc('add_credits')")).isEqualTo("add_credits");

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.number("SELECT balance FROM user_credits")).isEqualByComparingTo("15.00");
        }
    }

    @Test
    void undoRemovesAWalletThatTheConversionBroughtAndNobodyUsed() {
        try (Database database = Database.prepared()) {
            UUID newcomer = database.addUser("10.00");
            UUID owner = database.addUser("20.00");
            database.execute("INSERT INTO user_credits (user_id) VALUES (?)", owner);

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(wallet(database, newcomer)).isEqualTo("10.00 10.00 0.00");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(wallet(database, newcomer)).isNull();
            assertThat(wallet(database, owner)).isEqualTo("0.00 0.00 0.00");
        }
    }

    @Test
    void undoKeepsAWalletThatWasUsed() {
        try (Database database = Database.prepared()) {
            UUID earner = database.addUser("10.00");
            UUID spender = database.addUser("20.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            addCredits(database, earner, 5);
            addCredits(database, spender, 5);
            database.execute(
                    "UPDATE user_credits SET balance = balance - 5, total_spent = 5 WHERE user_id = ?", spender);

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(wallet(database, earner)).isEqualTo("5.00 5.00 0.00");
            assertThat(wallet(database, spender)).isEqualTo("0.00 5.00 5.00");
        }
    }

    @Test
    void disabledAccountsOwnTheirMoneyToo() {
        try (Database database = Database.prepared()) {
            UUID inactive = database.addUser("10.00");
            UUID unbilled = database.addUser("20.00");
            database.execute("UPDATE user_billing SET is_active = false WHERE user_id = ?", inactive);
            database.execute("UPDATE user_billing SET billing_enabled = false WHERE user_id = ?", unbilled);

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(wallet(database, inactive)).isEqualTo("10.00 10.00 0.00");
            assertThat(wallet(database, unbilled)).isEqualTo("20.00 20.00 0.00");
            assertThat(database.lines("SELECT is_active, billing_enabled FROM user_billing ORDER BY is_active"))
                    .containsExactly("f|t", "t|f");
        }
    }

    @Test
    void zeroBalancesAreNotEvenTouched() {
        try (Database database = Database.prepared()) {
            UUID zero = database.addUser("0.00");
            database.addUser("10.00");
            String before = rowVersion(database, zero);

            LiquibaseApi.on(database).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(rowVersion(database, zero)).isEqualTo(before);
            assertThat(wallet(database, zero)).isNull();
            assertThat(database.number("SELECT count(*) FROM billing_migration_log WHERE user_id = ?", zero))
                    .isZero();
        }
    }

    @Test
    void balanceWorthLessThanTheSmallestCreditStays() {
        try (Database database = Database.prepared()) {
            UUID poor = database.addUser("4.99");
            UUID rich = database.addUser("5.00");

            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.001")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT balance_usd FROM user_billing ORDER BY balance_usd"))
                    .containsExactly("0.00", "4.99");
            assertThat(wallet(database, poor)).isNull();
            assertThat(wallet(database, rich)).isEqualTo("0.01 0.01 0.00");
            assertThat(database.lines(
                            "SELECT migration_status, reason FROM billing_migration_status WHERE user_id = ?", poor))
                    .containsExactly("skipped|worth less than the smallest credit and stays");
        }
    }

    private static CommandResult undoEverything(Database database) {
        int changesets =
                database.number("SELECT count(*) FROM databasechangelog").intValue();
        return LiquibaseApi.on(database).run("rollbackCount", "count", changesets);
    }

    private static void addCredits(Database database, UUID user, int credits) {
        database.execute("SELECT add_credits(?, ?, 'bonus', 'test', NULL, NULL, NULL)", user, credits);
    }

    private static String wallet(Database database, UUID user) {
        return database.text(
                "SELECT concat_ws(' ', balance, total_earned, total_spent) FROM user_credits WHERE user_id = ?", user);
    }

    private static String money(Database database) {
        return database.lines("SELECT b.balance_usd, c.balance FROM user_billing AS b LEFT JOIN user_credits AS c"
                        + " ON c.user_id = b.user_id ORDER BY b.user_id")
                .toString();
    }

    private static String rowVersion(Database database, UUID user) {
        return database.text("SELECT concat_ws(' ', ctid, xmin, xmax) FROM user_billing WHERE user_id = ?", user);
    }

    private static Map<String, String> ledgerOf(Snapshot snapshot) {
        Map<String, String> ledger = new TreeMap<>(snapshot.parts());
        ledger.keySet().removeIf(name -> !name.contains("credit_transactions") && !name.contains("add_credits"));
        return ledger;
    }
}
