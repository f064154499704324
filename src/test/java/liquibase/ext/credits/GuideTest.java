package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every SQL statement of the migration guide, pasted as it stands there. */
class GuideTest {

    private static final String IGOR = "abfa4cd8-61de-4908-a778-4d23c1574f0a";
    private static final String TEST = "cafe0002-0000-4000-8000-000000000002";

    private static final String DRY_RUN = "SELECT * FROM migrate_user_billing_to_credits(1.0, true);";
    private static final String EXECUTE = "SELECT * FROM migrate_user_billing_to_credits(1.0, false);";
    private static final String STATUS = "SELECT * FROM billing_migration_status;";
    private static final String LOG = "SELECT * FROM billing_migration_log ORDER BY migrated_at DESC;";
    private static final String LOG_OF_USER =
            "SELECT * FROM billing_migration_log WHERE user_id = 'abfa4cd8-61de-4908-a778-4d23c1574f0a';";
    private static final String CREDITS = """
            SELECT balance, total_earned, total_spent, updated_at
            FROM user_credits
            WHERE user_id = 'abfa4cd8-61de-4908-a778-4d23c1574f0a';
            """;
    private static final String CREDITS_OF_USER =
            "SELECT * FROM user_credits WHERE user_id = 'abfa4cd8-61de-4908-a778-4d23c1574f0a';";
    private static final String TRANSACTIONS = """
            SELECT transaction_type, amount, balance_before, balance_after, description, created_at
            FROM credit_transactions
            WHERE user_id = 'abfa4cd8-61de-4908-a778-4d23c1574f0a'
            ORDER BY created_at DESC
            LIMIT 5;
            """;
    private static final String QUICK_FIX =
            "SELECT * FROM add_credits('abfa4cd8-61de-4908-a778-4d23c1574f0a'::uuid, 100, 'bonus', 'manual_grant',"
                    + " 'chatgpt-fix', 'Credits for ChatGPT', NULL);";
    private static final String ADD_CREDITS = """
            SELECT * FROM add_credits(
              'abfa4cd8-61de-4908-a778-4d23c1574f0a'::uuid,
              100,
              'bonus',
              'manual_grant',
              'troubleshooting',
              'Manual credit addition',
              NULL
            );
            """;
    private static final String POSITIVE_BALANCES = """
            SELECT user_id, balance_usd, balance_uah
            FROM user_billing
            WHERE balance_usd > 0 OR balance_uah > 0;
            """;
    private static final List<String> GUIDES_ROLLBACK = List.of("""
            UPDATE user_billing ub
            SET balance_usd = ml.old_balance_usd,
                balance_uah = ml.old_balance_uah
            FROM billing_migration_log ml
            WHERE ub.user_id = ml.user_id
              AND ml.status = 'success';
            """, """
            DELETE FROM credit_transactions
            WHERE source = 'billing_usd_to_credits';
            """, """
            UPDATE user_credits uc
            SET balance = balance - ml.new_credits,
                total_earned = total_earned - ml.new_credits
            FROM billing_migration_log ml
            WHERE uc.user_id = ml.user_id
              AND ml.status = 'success';
            """);
    private static final String OUR_ROLLBACK = "SELECT * FROM rollback_billing_migration();";

    @Test
    void dryRunSaysWhoWouldMigrate() {
        try (Database database = databaseOfTheGuide()) {
            assertThat(database.rows(DRY_RUN).get(0).keySet())
                    .containsExactly("user_id", "email", "old_balance_usd", "new_credits", "status", "message");
            assertThat(database.lines(DRY_RUN))
                    .containsExactly(
                            IGOR + "|igor@example.org|100.00|100.00|dry_run|Would migrate",
                            TEST + "|test@example.org|50.00|50.00|dry_run|Would migrate");
        }
    }

    @Test
    void dryRunWritesNothing() {
        try (Database database = databaseOfTheGuide()) {
            Snapshot everything = database.everything();
            Snapshot rowVersions = database.rowVersions();

            database.execute(DRY_RUN);

            assertThat(database.everything()).isEqualTo(everything);
            assertThat(database.rowVersions()).isEqualTo(rowVersions);
        }
    }

    @Test
    void executeMovesBalancesFromTheTablesBeforeToTheTablesAfter() {
        try (Database database = databaseOfTheGuide()) {
            assertTables(database, "100.00|0.00", "0.00|0.00|0.00");

            assertThat(database.lines(EXECUTE))
                    .containsExactly(
                            IGOR + "|igor@example.org|100.00|100.00|success|Migrated",
                            TEST + "|test@example.org|50.00|50.00|success|Migrated");

            assertTablesAfterMigration(database);
        }
    }

    @Test
    void liquibaseMovesBalancesAsTheGuidesFunctionDoes() {
        try (Database database = databaseOfTheGuide()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertTablesAfterMigration(database);
            assertStatusOfTheGuide(database);
        }
    }

    @Test
    void bothArgumentsMayBeLeftOut() {
        try (Database database = databaseOfTheGuide()) {
            database.execute("SELECT * FROM migrate_user_billing_to_credits()");

            assertTablesAfterMigration(database);
        }
    }

    @Test
    void statusViewBeginsWithTheGuidesColumns() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);

            assertStatusOfTheGuide(database);
        }
    }

    @Test
    void statusIsPendingBeforeMigration() {
        try (Database database = databaseOfTheGuide()) {
            assertThat(database.rows(STATUS))
                    .extracting(row -> row.get("migration_status"))
                    .containsExactly("pending_migration", "pending_migration");
        }
    }

    @Test
    void logHoldsOneRowPerMigratedUser() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);

            assertThat(database.rows(LOG)).hasSize(2);
            assertThat(database.rows(LOG_OF_USER))
                    .singleElement()
                    .satisfies(row -> assertThat(row)
                            .containsEntry("old_balance_usd", "100.00")
                            .containsEntry("old_balance_uah", "0.00")
                            .containsEntry("new_credits", "100.00")
                            .containsEntry("conversion_rate", "1.0")
                            .containsEntry("status", "success")
                            .containsEntry("migrated_by", "migration_021"));
        }
    }

    @Test
    void checksOfStepFourShowCreditsAndTransaction() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);

            assertThat(database.lines(CREDITS)).singleElement().asString().startsWith("100.00|100.00|0.00|");
            assertThat(database.lines(TRANSACTIONS))
                    .singleElement()
                    .asString()
                    .startsWith("migration|100.00|0.00|100.00|Migrated from user_billing: $100.00 USD → 100 credits"
                            + " (rate: 1.0x)|");
        }
    }

    @Test
    void creditsAreAddedByHand() {
        try (Database database = databaseOfTheGuide()) {
            assertThat(database.rows(QUICK_FIX))
                    .singleElement()
                    .satisfies(row -> assertThat(row)
                            .containsEntry("success", "t")
                            .containsEntry("new_balance", "100.00")
                            .containsKey("transaction_id"));
            database.execute(ADD_CREDITS);

            assertThat(database.lines(CREDITS)).singleElement().asString().startsWith("200.00|200.00|0.00|");
            assertThat(database.lines(
                            "SELECT transaction_type, amount, balance_before, balance_after, source, source_id,"
                                    + " description, metadata FROM credit_transactions ORDER BY balance_after"))
                    .containsExactly(
                            "bonus|100.00|0.00|100.00|manual_grant|chatgpt-fix|Credits for ChatGPT|{}",
                            "bonus|100.00|100.00|200.00|manual_grant|troubleshooting|Manual credit addition|{}");
        }
    }

    @Test
    void troubleshootingShowsWhatIsLeftToMigrate() {
        try (Database database = databaseOfTheGuide()) {
            assertThat(database.lines(LOG_OF_USER)).isEmpty();
            assertThat(database.lines(POSITIVE_BALANCES))
                    .containsExactlyInAnyOrder(IGOR + "|100.00|0.00", TEST + "|50.00|0.00");

            database.execute(EXECUTE);

            assertThat(database.lines(POSITIVE_BALANCES)).isEmpty();
            assertThat(database.rows(CREDITS_OF_USER))
                    .singleElement()
                    .satisfies(row -> assertThat(row).containsEntry("balance", "100.00"));
        }
    }

    @ParameterizedTest
    @CsvSource({"10.0, 1000.00, 1000", "0.5, 50.00, 50"})
    void customRateIsUsedByFunctionAndByLiquibase(String creditsPerUsd, String balance, String creditsInWords) {
        assertRate(
                creditsPerUsd,
                balance,
                creditsInWords,
                database -> database.execute(
                        "SELECT * FROM migrate_user_billing_to_credits(" + creditsPerUsd + ", false);"));
        assertRate(
                creditsPerUsd,
                balance,
                creditsInWords,
                database -> LiquibaseApi.on(database)
                        .parameter("credits.perUsd", creditsPerUsd)
                        .run("update")
                        .assertSucceeded());
    }

    @Test
    void secondExecuteShowsZeroUsersAndConvertsNobody() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);
            Snapshot once = database.everything();

            assertThat(database.lines(EXECUTE)).isEmpty();

            assertThat(database.everything().without("rows of public.billing_migration_run"))
                    .isEqualTo(once.without("rows of public.billing_migration_run"));
        }
    }

    @Test
    void liquibaseAfterExecuteConvertsNobodyTwice() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertTablesAfterMigration(database);
        }
    }

    /** The guide's statements are shown here only to say why not to use them. */
    @Test
    void rollbackFunctionKeepsWhatTheGuidesRollbackDestroys() {
        try (Database guided = databaseOfTheGuide();
                Database ours = databaseOfTheGuide()) {
            for (Database database : List.of(guided, ours)) {
                database.execute(EXECUTE);
                database.execute("UPDATE user_billing SET balance_usd = balance_usd + 20 WHERE user_id = ?", id(IGOR));
            }

            twice(() -> GUIDES_ROLLBACK.forEach(guided::execute));
            twice(() -> ours.execute(OUR_ROLLBACK));

            assertTables(guided, "100.00|0.00", "-100.00|-100.00|0.00"); // $20.00 lost, credits taken twice.
            assertThat(guided.number("SELECT count(*) FROM credit_transactions"))
                    .isZero();
            assertTables(ours, "120.00|0.00", "0.00|0.00|0.00");
            assertThat(ours.lines(
                            "SELECT transaction_type, amount, balance_before, balance_after, source"
                                    + " FROM credit_transactions WHERE user_id = ? ORDER BY amount DESC",
                            id(IGOR)))
                    .containsExactly(
                            "migration|100.00|0.00|100.00|billing_usd_to_credits",
                            "migration_rollback|-100.00|100.00|0.00|billing_credits_to_usd");
        }
    }

    @Test
    void rollbackFunctionRefusesWhereTheGuidesRollbackGoesBelowZero() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);
            database.execute("UPDATE user_credits SET balance = 70, total_spent = 30 WHERE user_id = ?", id(IGOR));
            Snapshot before = database.everything();

            assertThatThrownBy(() -> database.execute(OUR_ROLLBACK))
                    .hasMessageContaining("1 user(s) cannot give back all converted credits, 30.00 are spent: " + IGOR
                            + "; no balance was changed; set credits.onSpent=remainder to return what is left,"
                            + " or debt to let balances go negative");
            assertThat(database.everything()).isEqualTo(before);

            GUIDES_ROLLBACK.forEach(database::execute);
            assertTables(database, "100.00|0.00", "-30.00|0.00|30.00");
        }
    }

    @Test
    void anotherRateThanTheLastRunsIsSaid() throws SQLException {
        try (Database database = Database.prepared();
                Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            database.addUser("10.00");
            statement.execute("SELECT * FROM migrate_user_billing_to_credits(3.0)");
            assertThat((Object) statement.getWarnings()).isNull();
            statement.execute("SELECT * FROM migrate_user_billing_to_credits(3)");
            assertThat((Object) statement.getWarnings()).isNull();
            String run = database.text("SELECT id FROM billing_migration_run ORDER BY started_at DESC LIMIT 1");

            statement.execute("SELECT * FROM migrate_user_billing_to_credits(1.0)");

            assertThat(statement.getWarnings().getMessage())
                    .isEqualTo("run " + run
                            + " converted at 3 credits per USD and none per UAH, this call converts at 1.0 and none");
        }
    }

    @Test
    void moneyThatArrivesLaterIsRoundedAsTheRestWas() {
        try (Database database = Database.prepared()) {
            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.5")
                    .parameter("credits.rounding", "DOWN")
                    .run("update")
                    .assertSucceeded();
            database.addUser("7.01");

            assertThat(database.lines("SELECT new_credits FROM migrate_user_billing_to_credits(0.5, true)"))
                    .containsExactly("3.50");
            assertThat(database.lines("SELECT new_credits FROM migrate_user_billing_to_credits(0.5)"))
                    .containsExactly("3.50");
        }
    }

    @Test
    void proofAndUndoNoticeThatTheGuidesRollbackWasUsed() {
        try (Database database = databaseOfTheGuide()) {
            database.execute(EXECUTE);
            String run = database.text("SELECT id FROM billing_migration_run");
            GUIDES_ROLLBACK.forEach(database::execute);
            Snapshot before = database.everything();

            assertThatThrownBy(() -> database.execute("SELECT billing_migration_verify(?)", id(run)))
                    .hasMessageContaining("proof of run " + run + " failed: I2")
                    .hasMessageContaining("I3 2 ledger entries are missing or do not add up");
            assertThatThrownBy(() -> database.execute(OUR_ROLLBACK))
                    .hasMessageContaining("2 user(s) cannot give back all converted credits, 150.00 are spent");
            assertThat(database.everything()).isEqualTo(before);
        }
    }

    /** Prepared by the changelog, with the guide's $100.00 and $50.00 users. */
    private static Database databaseOfTheGuide() {
        Database database = Database.prepared();
        addUser(database, IGOR, "igor@example.org", "100.00");
        addUser(database, TEST, "test@example.org", "50.00");
        return database;
    }

    private static void addUser(Database database, String id, String email, String balanceUsd) {
        database.execute("INSERT INTO users (id, email) VALUES (?, ?)", id(id), email);
        database.execute(
                "INSERT INTO user_billing (user_id, balance_usd) VALUES (?, ?)", id(id), new BigDecimal(balanceUsd));
        database.execute("INSERT INTO user_credits (user_id) VALUES (?)", id(id));
    }

    private static void assertRate(
            String creditsPerUsd, String balance, String creditsInWords, Consumer<Database> migration) {
        try (Database database = databaseOfTheGuide()) {
            migration.accept(database);

            assertTables(database, "0.00|0.00", balance + "|" + balance + "|0.00");
            assertThat(database.text("SELECT description FROM credit_transactions WHERE user_id = ?", id(IGOR)))
                    .isEqualTo("Migrated from user_billing: $100.00 USD → %s credits (rate: %sx)"
                            .formatted(creditsInWords, creditsPerUsd));
        }
    }

    private static void assertTablesAfterMigration(Database database) {
        assertTables(database, "0.00|0.00", "100.00|100.00|0.00");
        assertThat(database.lines(
                        "SELECT transaction_type, amount, balance_before, balance_after, source, description"
                                + " FROM credit_transactions WHERE user_id = ?",
                        id(IGOR)))
                .containsExactly("migration|100.00|0.00|100.00|billing_usd_to_credits"
                        + "|Migrated from user_billing: $100.00 USD → 100 credits (rate: 1.0x)");
    }

    private static void assertTables(Database database, String billing, String credits) {
        assertThat(database.lines("SELECT balance_usd, balance_uah FROM user_billing WHERE user_id = ?", id(IGOR)))
                .containsExactly(billing);
        assertThat(database.lines(
                        "SELECT balance, total_earned, total_spent FROM user_credits WHERE user_id = ?", id(IGOR)))
                .containsExactly(credits);
    }

    private static void assertStatusOfTheGuide(Database database) {
        String migratedAt = database.text("SELECT migrated_at FROM billing_migration_log LIMIT 1");

        assertThat(database.rows(STATUS).get(0).keySet())
                .startsWith("user_id", "email", "credit_balance", "migration_status", "migrated_at");
        assertThat(database.rows(STATUS))
                .extracting(
                        row -> String.join("|", row.values().stream().limit(5).toList()))
                .containsExactlyInAnyOrder(
                        IGOR + "|igor@example.org|100.00|success|" + migratedAt,
                        TEST + "|test@example.org|50.00|success|" + migratedAt);
    }

    private static void twice(Runnable work) {
        work.run();
        work.run();
    }

    private static UUID id(String text) {
        return UUID.fromString(text);
    }
}
