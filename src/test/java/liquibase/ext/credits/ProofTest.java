package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.UUID;
import org.junit.jupiter.api.Test;

/** A corrupted row of every kind is detected, and named with its run and user. */
class ProofTest {

    @Test
    void aSoundConversionHasNoFindings() {
        try (Database database = converted()) {
            assertThat(database.lines("SELECT user_id, finding FROM billing_migration_discrepancy"))
                    .isEmpty();
            database.execute("SELECT billing_migration_verify(id) FROM billing_migration_run");
        }
    }

    @Test
    void aChangedLogRowIsFound() {
        assertFound(
                "UPDATE billing_migration_log SET new_credits = 99.00",
                "I1 source x rate is 100.000, credits + remainder 99.000",
                "log: worth 100.000 credits, logged 99.00 + 0.000");
    }

    @Test
    void aMissingLogRowIsFound() {
        assertFound(
                "DELETE FROM billing_migration_log",
                "I2 run says 1 users, 100.00 USD",
                "run: totals are 1 users, 100.00 USD");
    }

    @Test
    void aChangedLedgerEntryIsFound() {
        assertFound(
                "UPDATE credit_transactions SET amount = 90.00",
                "I3 1 ledger entries are missing or do not add up",
                "says 0.00 + 90.00 = 100.00, the log 100.00");
    }

    @Test
    void aMissingLedgerEntryIsFound() {
        assertFound("DELETE FROM credit_transactions", "I3 1 ledger entries are missing", "is missing");
    }

    @Test
    void changedRunTotalsAreFound() {
        assertFound(
                "UPDATE billing_migration_run SET done_credits = 101",
                "I2 run says 1 users, 100.00 USD, 0 UAH, 101 credits",
                "run: totals are 1 users, 100.00 USD, 0 UAH, 101 credits");
    }

    @Test
    void creditsThatMovedWithoutALedgerEntryAreFound() {
        try (Database database = converted()) {
            database.execute("UPDATE user_credits SET balance = 1000");

            assertThat(database.lines("SELECT finding FROM billing_migration_discrepancy"))
                    .containsExactly("credits: balance is 1000.00, the newest ledger entry says 100.00");
        }
    }

    @Test
    void spendingThroughTheLedgerIsNoFinding() {
        try (Database database = converted()) {
            database.execute("SELECT add_credits(id, 5, 'bonus', 'test', NULL, NULL, NULL) FROM users");

            assertThat(database.lines("SELECT finding FROM billing_migration_discrepancy"))
                    .isEmpty();
        }
    }

    @Test
    void moneyThatIsBackInBillingIsFound() {
        try (Database database = converted()) {
            UUID user = UUID.fromString(database.text("SELECT id FROM users"));
            database.execute("UPDATE user_billing SET balance_usd = 100");

            assertThat(database.lines("SELECT user_id, finding FROM billing_migration_discrepancy"))
                    .containsExactly(user + "|billing: 100.00 USD and 0.00 UAH arrived after the conversion");
            assertThat(database.number("SELECT i5_late_users FROM billing_migration_reconciliation"))
                    .isEqualByComparingTo("1");
        }
    }

    @Test
    void aChangedReversalIsFound() {
        try (Database database = converted()) {
            database.execute("SELECT * FROM rollback_billing_migration()");
            database.execute("UPDATE billing_migration_log SET reversed_usd = 90");

            assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(id) FROM billing_migration_run"))
                    .hasMessageContaining("I6 1 of 1 reversals do not return what they took");
        }
    }

    @Test
    void aFailedProofTakesAConversionInOneTransactionBack() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            falsifyTheLedger(database);
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused(" failed: I2 run says 1 users, 100.00 USD")
                    .assertRefused("ledger says 99.00 credits; I3 1 ledger entries are missing or do not add up;"
                            + " no balance was changed");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    @Test
    void aFailedProofLeavesBatchesAsAnUnfinishedRun() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            falsifyTheLedger(database);

            CommandResult result = LiquibaseApi.on(database)
                    .parameter("credits.commit", "batch")
                    .run("update")
                    .assertRefused(
                            "I3 1 ledger entries are missing or do not add up; 1 of 1 users are converted;"
                                    + " go on with liquibase update, or undo them with SELECT * FROM rollback_billing_migration('");

            assertThat(result.error()).doesNotContain("no balance was changed");
            assertThat(database.lines("SELECT status FROM billing_migration_run"))
                    .containsExactly("running");
            assertThat(database.number("SELECT count(*) FROM databasechangelog WHERE id = 'user_billing_converted'"))
                    .isZero();
        }
    }

    private static void falsifyTheLedger(Database database) {
        database.execute("""
                CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    NEW.amount := NEW.amount - 1;
                    RETURN NEW;
                END
                $$;
                CREATE TRIGGER falsify BEFORE INSERT ON credit_transactions
                    FOR EACH ROW EXECUTE FUNCTION falsify();
                """);
    }

    private static void assertFound(String corruption, String failure, String finding) {
        try (Database database = converted()) {
            database.execute(corruption);

            assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(id) FROM billing_migration_run"))
                    .hasMessageContaining(failure);
            assertThat(database.lines("SELECT finding FROM billing_migration_discrepancy"))
                    .anySatisfy(line -> assertThat(line).contains(finding));
        }
    }

    private static Database converted() {
        Database database = Database.prepared();
        database.addUser("100.00");
        database.execute("SELECT billing_migration_convert(1.0)");
        return database;
    }
}
