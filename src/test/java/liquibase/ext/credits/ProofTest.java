package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A corrupted row of every kind is detected, and named with its run and user. */
class ProofTest {

    private static final UUID USER = UUID.fromString("cafe0401-0000-4000-8000-000000000001");
    private static final UUID BYSTANDER = UUID.fromString("cafe0402-0000-4000-8000-000000000002");

    @Test
    void aSoundConversionHasNoFindings() {
        try (Database database = converted()) {
            assertThat(findings(database)).isEmpty();
            database.execute("SELECT billing_migration_verify(id) FROM billing_migration_run");
        }
    }

    @Test
    void aProofOfNothingOrOfAnUnknownRunIsNone() {
        try (Database database = converted()) {
            String run = run(database);

            assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(VARIADIC NULL::uuid[])"))
                    .hasMessageContaining("no run is given; take ids from billing_migration_run");
            assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(NULL::uuid)"))
                    .hasMessageContaining("no run is given; take ids from billing_migration_run");
            assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(?::uuid, ?::uuid)", run, USER))
                    .hasMessageContaining("proved 1 runs of {" + run + "," + USER + "}; take ids from");
            database.execute("SELECT billing_migration_verify(?::uuid, ?::uuid)", run, run);
        }
    }

    /** Rules and policies may do the same: the statement succeeds, and the row is as it was. */
    @ParameterizedTest
    @ValueSource(strings = {"user_billing", "user_credits"})
    void aBalanceThatSilentlyStaysStopsConversionAndUndo(String table) {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");
            database.execute("INSERT INTO user_credits (user_id) VALUES (?)", user);
            suppressWritesTo(database, table);
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("1 user(s) cannot be converted: " + user
                            + " (user_billing, user_credits, the ledger or the log did"
                            + " not take the change as written, by a trigger or a row-level security policy: trigger suppress on "
                            + table
                            + "); no balance was changed; correct");
            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));

            database.execute("ALTER TABLE " + table + " DISABLE TRIGGER suppress");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("ALTER TABLE " + table + " ENABLE TRIGGER suppress");
            Snapshot converted = database.everything();

            LiquibaseApi.on(database)
                    .run("rollbackCount", "count", 1)
                    .assertRefused(
                            "user_billing, user_credits, the ledger or the log of 1 user(s) did not take the change: "
                                    + user
                                    + "; the open transaction is taken back;"
                                    + " see whether a trigger or a row-level security policy hinders it: trigger suppress on "
                                    + table);
            assertThat(database.everything()).isEqualTo(converted);
        }
    }

    private static void suppressWritesTo(Database database, String table) {
        database.execute("""
                CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
                CREATE TRIGGER suppress BEFORE UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION suppress();
                """.formatted(table));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            value = {
                "billing_migration_log SET new_credits = 99; I1 source x rate is 150.000, credits + remainder 149.000;"
                        + " log: worth 100.000 credits, logged 99 + 0.000",
                "billing_migration_log SET converted_usd = 101; I1 source x rate is 151.000, credits + remainder 150.000;"
                        + " log: worth 101.0 credits, logged 100.00 + 0.000",
                "billing_migration_log SET remainder = 1; I1 source x rate is 150.000, credits + remainder 151.000;"
                        + " log: worth 100.000 credits, logged 100.00 + 1",
                "billing_migration_log SET ledger_entry_id = gen_random_uuid(); I2 run says 2 users; is missing",
                "credit_transactions SET amount = 90; I3 1 ledger entries are missing or do not add up;"
                        + " says 0.00 + 90.00 = 100.00, the log 100.00",
                "credit_transactions SET balance_before = 1; I3 1 ledger entries are missing or do not add up;"
                        + " says 1.00 + 100.00 = 100.00, the log 100.00",
            })
    void aChangedRowIsFoundAndNamed(String change, String failure, String finding) {
        try (Database database = converted()) {
            database.execute("UPDATE " + change + " WHERE user_id = ?", USER);

            assertProofFails(database, failure);
            assertThat(findings(database))
                    .anySatisfy(line -> assertThat(line)
                            .startsWith(run(database) + "|" + USER + "|")
                            .endsWith(finding));
            assertThat(findings(database)).noneSatisfy(line -> assertThat(line).contains(BYSTANDER.toString()));
        }
    }

    @Test
    void anEntryOfSomebodyElseIsFoundAndNamed() {
        try (Database database = converted()) {
            database.execute("UPDATE credit_transactions SET user_id = ? WHERE user_id = ?", BYSTANDER, USER);

            assertProofFails(database, "I3 1 ledger entries are missing or do not add up");
            assertThat(findings(database))
                    .anySatisfy(line -> assertThat(line).startsWith(run(database) + "|" + USER + "|ledger: entry "));
        }
    }

    @Test
    void aMissingLedgerEntryIsFoundAndNamed() {
        try (Database database = converted()) {
            database.execute("DELETE FROM credit_transactions WHERE user_id = ?", USER);

            assertProofFails(database, "I3 1 ledger entries are missing");
            assertThat(findings(database))
                    .anySatisfy(line -> assertThat(line)
                            .startsWith(run(database) + "|" + USER + "|ledger: entry ")
                            .endsWith(" is missing"));
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            value = {
                "DELETE FROM billing_migration_log; 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder;"
                        + " 1 users, 50.00 USD, 0 UAH, 50.00 credits, 0 remainder, the ledger 50.00 credits",
                "UPDATE billing_migration_log SET status = 'skipped'; 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder;"
                        + " 1 users, 50.00 USD, 0 UAH, 50.00 credits, 0 remainder, the ledger 50.00 credits",
                "UPDATE billing_migration_run SET done_users = 3; 3 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder;"
                        + " 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder, the ledger 150.00 credits",
                "UPDATE billing_migration_run SET done_usd = 1; 2 users, 1 USD, 0 UAH, 150.00 credits, 0 remainder;"
                        + " 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder, the ledger 150.00 credits",
                "UPDATE billing_migration_run SET done_uah = 1; 2 users, 150.00 USD, 1 UAH, 150.00 credits, 0 remainder;"
                        + " 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder, the ledger 150.00 credits",
                "UPDATE billing_migration_run SET done_credits = 101; 2 users, 150.00 USD, 0 UAH, 101 credits, 0 remainder;"
                        + " 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder, the ledger 150.00 credits",
                "UPDATE billing_migration_run SET done_remainder = 1; 2 users, 150.00 USD, 0 UAH, 150.00 credits, 1 remainder;"
                        + " 2 users, 150.00 USD, 0 UAH, 150.00 credits, 0 remainder, the ledger 150.00 credits",
            })
    void totalsThatDifferAreFoundAndNamed(String change, String run, String log) {
        try (Database database = converted()) {
            database.execute(change + (change.contains("_log") ? " WHERE user_id = '" + USER + "'" : ""));

            assertProofFails(database, "I2 run says " + run);
            assertThat(findings(database))
                    .contains(run(database) + "||run: totals are " + run + ", the log says " + log);
        }
    }

    @Test
    void creditsThatMovedWithoutALedgerEntryAreFoundAndNamed() {
        try (Database database = converted()) {
            database.execute("UPDATE user_credits SET balance = 1000 WHERE user_id = ?", USER);
            database.execute("DELETE FROM user_credits WHERE user_id = ?", BYSTANDER);

            assertThat(findings(database))
                    .containsExactly(
                            run(database) + "|" + USER
                                    + "|credits: balance is 1000.00, the newest ledger entry says 100.00",
                            run(database) + "|" + BYSTANDER
                                    + "|credits: balance is gone, the newest ledger entry says 50.00");
        }
    }

    @Test
    void spendingThroughTheLedgerIsNoFinding() {
        try (Database database = converted()) {
            database.execute("SELECT add_credits(id, 5, 'bonus', 'test', NULL, NULL, NULL) FROM users");

            assertThat(findings(database)).isEmpty();
        }
    }

    @Test
    void moneyThatIsBackInBillingIsFoundAndNamed() {
        try (Database database = converted()) {
            database.execute("UPDATE user_billing SET balance_usd = 100 WHERE user_id = ?", USER);

            assertThat(findings(database))
                    .containsExactly(run(database) + "|" + USER
                            + "|billing: 100.00 USD and 0.00 UAH arrived after the conversion");
            assertThat(database.number("SELECT i5_late_users FROM billing_migration_reconciliation"))
                    .isEqualByComparingTo("1");
        }
    }

    @Test
    void moneyThatTheConversionLeftInBillingIsFoundAndNamed() {
        try (Database database = populated()) {
            ReadBack.takeAway(database);
            database.execute("""
                    CREATE FUNCTION give_back() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        UPDATE user_billing SET balance_usd = 100 WHERE user_id = NEW.user_id AND NEW.new_credits = 100;
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER give_back AFTER INSERT ON billing_migration_log
                        FOR EACH ROW EXECUTE FUNCTION give_back();
                    """);

            LiquibaseApi.on(database)
                    .parameter("credits.commit", "batch")
                    .run("update")
                    .assertRefused("I5 1 converted users kept their balance");

            assertThat(findings(database))
                    .containsExactly(run(database) + "|" + USER + "|billing: 100.00 USD and 0.00 UAH were not zeroed");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            value = {
                "billing_migration_log SET reversed_usd = 59; 60.00 credits were taken for 59 USD and 0.00 UAH,"
                        + " due are 60.00 USD and 0.00 UAH, the ledger says 60.00 + -60.00 = 0.00",
                "billing_migration_log SET reversed_uah = 1; 60.00 credits were taken for 60.00 USD and 1 UAH,"
                        + " due are 60.00 USD and 0.00 UAH, the ledger says 60.00 + -60.00 = 0.00",
                "billing_migration_log SET reversed_credits = 100; 100 credits were taken for 60.00 USD and 0.00 UAH,"
                        + " due are 100.00 USD and 0 UAH, the ledger says 60.00 + -60.00 = 0.00",
                "billing_migration_log SET reversed_at = NULL; 60.00 credits were taken for 60.00 USD and 0.00 UAH,"
                        + " due are 60.00 USD and 0.00 UAH, the ledger says 60.00 + -60.00 = 0.00",
                "credit_transactions SET amount = -61; 60.00 credits were taken for 60.00 USD and 0.00 UAH,"
                        + " due are 60.00 USD and 0.00 UAH, the ledger says 60.00 + -61.00 = 0.00",
                "credit_transactions SET balance_before = 0; 60.00 credits were taken for 60.00 USD and 0.00 UAH,"
                        + " due are 60.00 USD and 0.00 UAH, the ledger says 0.00 + -60.00 = 0.00",
            })
    void aChangedReversalIsFoundAndNamed(String change, String finding) {
        try (Database database = converted()) {
            database.execute("UPDATE user_credits SET balance = 60, total_spent = 40 WHERE user_id = ?", USER);
            database.execute("SELECT * FROM rollback_billing_migration(NULL, 'remainder')");
            assertThat(findings(database)).isEmpty();

            database.execute(
                    "UPDATE " + change + " WHERE user_id = ?"
                            + (change.startsWith("credit") ? " AND transaction_type = 'migration_rollback'" : ""),
                    USER);

            assertProofFails(database, "I6 1 of 2 reversals do not return what they took");
            assertThat(findings(database)).contains(run(database) + "|" + USER + "|reversal: " + finding);
        }
    }

    @Test
    void aMissingReversingEntryIsFoundAndNamed() {
        try (Database database = converted()) {
            database.execute("SELECT * FROM rollback_billing_migration()");
            database.execute("DELETE FROM credit_transactions WHERE amount = -100");

            assertProofFails(database, "I6 1 of 2 reversals do not return what they took");
            assertThat(findings(database))
                    .containsExactly(run(database) + "|" + USER
                            + "|reversal: 100.00 credits were taken for 100.00 USD and 0 UAH,"
                            + " due are 100.00 USD and 0 UAH, the ledger says nothing");
        }
    }

    @Test
    void aFailedProofTakesAnUndoBack() {
        try (Database database = populated()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            falsifyTheLedger(database);
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .run("rollbackCount", "count", 1)
                    .assertRefused("I6 2 of 2 reversals do not return what they took; no balance was changed");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
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

    /** Behind the back of the batches, which would read back what they wrote if they knew of the trigger. */
    private static void falsifyTheLedger(Database database) {
        ReadBack.takeAway(database);
        database.execute("""
                CREATE FUNCTION falsify() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE credit_transactions SET amount = amount - 1
                    WHERE id = coalesce(NEW.reversal_entry_id, NEW.ledger_entry_id);
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER falsify AFTER INSERT OR UPDATE ON billing_migration_log
                    FOR EACH ROW EXECUTE FUNCTION falsify();
                """);
    }

    private static void assertProofFails(Database database, String failure) {
        assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(id) FROM billing_migration_run"))
                .hasMessageContaining("proof of run " + run(database) + " failed: ")
                .hasMessageContaining(failure);
    }

    private static List<String> findings(Database database) {
        return database.lines(
                "SELECT run_id, user_id, finding FROM billing_migration_discrepancy ORDER BY user_id, finding");
    }

    private static String run(Database database) {
        return database.text("SELECT id FROM billing_migration_run");
    }

    /** $100.00 of the user and $50.00 of the bystander. */
    private static Database populated() {
        Database database = Database.prepared();
        database.execute("INSERT INTO users (id, email) VALUES ('" + USER + "', 'user@example.org'), ('" + BYSTANDER
                + "', 'bystander@example.org')");
        database.execute("INSERT INTO user_billing (user_id, balance_usd) VALUES ('" + USER + "', 100), ('" + BYSTANDER
                + "', 50)");
        return database;
    }

    private static Database converted() {
        Database database = populated();
        database.execute("SELECT billing_migration_convert(1.0)");
        return database;
    }
}
