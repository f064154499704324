package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import liquibase.ext.credits.conversion.ConversionException;
import liquibase.ext.credits.conversion.InvalidSettingsException;
import liquibase.ext.credits.conversion.ProgressOutput;
import liquibase.ext.credits.conversion.Reversal;
import liquibase.ext.credits.conversion.ReversalSettings;
import liquibase.ext.credits.conversion.SiblingOpener;
import liquibase.ext.credits.report.Report;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What may have become of a user between the conversion and its undo, under each {@code credits.onSpent}: a stated outcome, which the
 * preview says beforehand, and which an undo of the run by its id from SQL has too.
 */
class ReversalConflictTest {

    private static final UUID USER = UUID.fromString("cafe0301-0000-4000-8000-000000000001");
    private static final UUID BYSTANDER = UUID.fromString("cafe0302-0000-4000-8000-000000000002");

    /** $100.00 of the user and $50.00 of the bystander, converted at 1.0. */
    private static final Template CONVERTED = new Template("converted_before_conflicts", database -> {
        Template.PREPARED.preparation().prepare(database);
        database.execute("INSERT INTO users (id, email) VALUES ('" + USER + "', 'user@example.org'), ('" + BYSTANDER
                + "', 'bystander@example.org')");
        database.execute("INSERT INTO user_billing (user_id, balance_usd) VALUES ('" + USER + "', 100), ('" + BYSTANDER
                + "', 50)");
        LiquibaseApi.on(database).run("tag", "tag", "before").assertSucceeded();
        LiquibaseApi.on(database).run("update").assertSucceeded();
    });

    private static final String SPEND = "UPDATE user_credits SET balance = balance - %1$s,"
            + " total_spent = total_spent + %1$s WHERE user_id = '" + USER + "'";
    private static final String TOP_UP = "SELECT add_credits('" + USER + "', %s, 'purchase', 'test', NULL, NULL, NULL)";
    private static final String EARN =
            "UPDATE user_billing SET balance_usd = balance_usd + %s WHERE user_id = '" + USER + "'";
    private static final String CONVERT = "SELECT billing_migration_convert(1.0)";

    private static final String MONEY = """
            SELECT b.user_id, b.balance_usd, b.balance_uah, c.balance, c.total_earned, c.total_spent
            FROM users AS u
            LEFT JOIN user_billing AS b ON b.user_id = u.id
            LEFT JOIN user_credits AS c ON c.user_id = u.id
            ORDER BY u.id
            """;
    private static final String UNDONE = """
            SELECT l.reversed_credits, l.reversed_usd, l.reversal_reason
            FROM billing_migration_log AS l
            JOIN billing_migration_run AS r ON r.id = l.run_id
            WHERE l.user_id = ? AND l.status = 'rolled_back'
            ORDER BY r.started_at DESC, r.id
            """;
    private static final String NEWEST_FIRST = "SELECT id FROM billing_migration_run ORDER BY started_at DESC, id";
    private static final String PREVIEW_BY_ID = """
            SELECT v.user_id, trim_scale(v.credits_back), trim_scale(v.usd_back), trim_scale(v.uah_back), v.reason
            FROM billing_migration_reversal(?::uuid, ?) AS v
            ORDER BY v.user_id
            """;
    private static final String DEED_BY_ID = """
            SELECT
                l.user_id, trim_scale(l.reversed_credits), trim_scale(l.reversed_usd), trim_scale(l.reversed_uah),
                l.reversal_reason
            FROM billing_migration_log AS l
            WHERE l.run_id = ?::uuid AND l.status = 'rolled_back'
            ORDER BY l.user_id
            """;
    private static final String PROOF = """
            SELECT DISTINCT i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds AND i6_holds AS all_hold
            FROM billing_migration_reconciliation
            """;

    private enum Conflict {
        USER_DELETED("DELETE FROM users WHERE id = '" + USER + "'"),
        CREDITS_ROW_DELETED("DELETE FROM user_credits WHERE user_id = '" + USER + "'"),
        BILLING_ROW_DELETED("DELETE FROM user_billing WHERE user_id = '" + USER + "'"),
        NEW_USD(EARN.formatted("7")),
        SPENT_IN_PART(SPEND.formatted("40")),
        SPENT_ALL(SPEND.formatted("100")),
        SPENT_AND_TOPPED_UP_LESS(SPEND.formatted("40"), TOP_UP.formatted("15")),
        SPENT_AND_TOPPED_UP_MORE(SPEND.formatted("40"), TOP_UP.formatted("50")),
        CONVERTED_TWICE(EARN.formatted("30"), CONVERT),
        CONVERTED_TWICE_AND_SPENT_SOME(EARN.formatted("30"), CONVERT, SPEND.formatted("20")),
        CONVERTED_TWICE_AND_SPENT_MOST(EARN.formatted("30"), CONVERT, SPEND.formatted("110"));

        private final List<String> statements;

        Conflict(String... statements) {
            this.statements = List.of(statements);
        }

        Database happened() {
            Database database = Database.from(CONVERTED);
            statements.forEach(database::execute);
            return database;
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(
            delimiter = ';',
            value = {
                "USER_DELETED; refuse; null; 0|0|user deleted",
                "USER_DELETED; remainder; null; 0|0|user deleted",
                "USER_DELETED; debt; null; 0|0|user deleted",
                "CREDITS_ROW_DELETED; remainder; 0.00|0.00|||; 0|0|user_credits row deleted",
                "CREDITS_ROW_DELETED; debt; 0.00|0.00|||; 0|0|user_credits row deleted",
                "BILLING_ROW_DELETED; remainder; ||100.00|100.00|0.00; 0|0|user_billing row deleted",
                "BILLING_ROW_DELETED; debt; ||100.00|100.00|0.00; 0|0|user_billing row deleted",
                "NEW_USD; refuse; 107.00|0.00|||; 100.00|100.00|",
                "NEW_USD; remainder; 107.00|0.00|||; 100.00|100.00|",
                "NEW_USD; debt; 107.00|0.00|||; 100.00|100.00|",
                "SPENT_IN_PART; remainder; 60.00|0.00|0.00|40.00|40.00; 60.00|60.00|40.00 of 100.00 credits spent",
                "SPENT_IN_PART; debt; 100.00|0.00|-40.00|0.00|40.00; 100.00|100.00|balance goes to -40.00",
                "SPENT_ALL; remainder; 0.00|0.00|0.00|100.00|100.00; 0|0|100.00 of 100.00 credits spent",
                "SPENT_ALL; debt; 100.00|0.00|-100.00|0.00|100.00; 100.00|100.00|balance goes to -100.00",
                // Credits are alike: what is on the balance is what is left, whoever put it there.
                "SPENT_AND_TOPPED_UP_LESS; remainder; 75.00|0.00|0.00|40.00|40.00;"
                        + "75.00|75.00|25.00 of 100.00 credits spent",
                "SPENT_AND_TOPPED_UP_LESS; debt; 100.00|0.00|-25.00|15.00|40.00; 100.00|100.00|balance goes to -25.00",
                "SPENT_AND_TOPPED_UP_MORE; refuse; 100.00|0.00|10.00|50.00|40.00; 100.00|100.00|",
                "SPENT_AND_TOPPED_UP_MORE; remainder; 100.00|0.00|10.00|50.00|40.00; 100.00|100.00|",
                "SPENT_AND_TOPPED_UP_MORE; debt; 100.00|0.00|10.00|50.00|40.00; 100.00|100.00|",
                // The newer run comes first; the older one gets what that leaves.
                "CONVERTED_TWICE; refuse; 130.00|0.00|||; 30.00|30.00|, 100.00|100.00|",
                "CONVERTED_TWICE; remainder; 130.00|0.00|||; 30.00|30.00|, 100.00|100.00|",
                "CONVERTED_TWICE; debt; 130.00|0.00|||; 30.00|30.00|, 100.00|100.00|",
                "CONVERTED_TWICE_AND_SPENT_SOME; remainder; 110.00|0.00|0.00|20.00|20.00;"
                        + "30.00|30.00|, 80.00|80.00|20.00 of 100.00 credits spent",
                "CONVERTED_TWICE_AND_SPENT_SOME; debt; 130.00|0.00|-20.00|0.00|20.00;"
                        + "30.00|30.00|, 100.00|100.00|balance goes to -20.00",
                "CONVERTED_TWICE_AND_SPENT_MOST; remainder; 20.00|0.00|0.00|110.00|110.00;"
                        + "20.00|20.00|10.00 of 30.00 credits spent, 0|0|100.00 of 100.00 credits spent",
                "CONVERTED_TWICE_AND_SPENT_MOST; debt; 130.00|0.00|-110.00|0.00|110.00;"
                        + "30.00|30.00|balance goes to -10.00, 100.00|100.00|balance goes to -110.00",
            })
    void everyConflictHasAStatedOutcome(Conflict conflict, String onSpent, String money, String undone)
            throws Exception {
        try (Database byLiquibase = conflict.happened();
                Database byRun = conflict.happened()) {
            List<String> announced = preview(byLiquibase, onSpent);
            List<String> reported = undo(byLiquibase, onSpent);
            undoEachRunById(byRun, onSpent);

            assertThat(reported).isEqualTo(announced);
            for (Database database : List.of(byLiquibase, byRun)) {
                assertThat(database.lines(MONEY).get(0))
                        .isEqualTo(
                                money.equals("null")
                                        ? BYSTANDER + "|50.00|0.00|||"
                                        : (money.startsWith("||") ? "" : USER) + "|" + money);
                assertThat(database.lines(MONEY)).last().isEqualTo(BYSTANDER + "|50.00|0.00|||");
                assertThat(database.lines(UNDONE, USER)).containsExactly(undone.split(", "));
                assertThat(database.lines(PROOF)).containsExactly("t");
                assertThat(database.lines("SELECT run_id FROM rollback_billing_migration(NULL, ?)", onSpent))
                        .isEmpty();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = ';',
            value = {
                "CREDITS_ROW_DELETED; 100.00 are spent",
                "BILLING_ROW_DELETED; 0.00 are spent and 1 have no row in user_billing to return money to",
                "SPENT_IN_PART; 40.00 are spent",
                "SPENT_ALL; 100.00 are spent",
                "SPENT_AND_TOPPED_UP_LESS; 25.00 are spent",
                "CONVERTED_TWICE_AND_SPENT_SOME; 20.00 are spent",
                "CONVERTED_TWICE_AND_SPENT_MOST; 110.00 are spent",
            })
    void refuseStopsBeforeAnythingMovesAndThePreviewSaysSo(Conflict conflict, String found) throws Exception {
        try (Database database = conflict.happened()) {
            Snapshot before = database.everything();

            assertThat(String.join("\n", preview(database, "refuse")))
                    .contains("Refuses the undo: ")
                    .containsPattern("refused: [12];");
            assertThatThrownBy(() -> undo(database, "refuse"))
                    .isInstanceOf(ConversionException.class)
                    .hasMessage("1 user(s) cannot give back all converted credits, " + found + ": " + USER
                            + "; no balance was changed; set credits.onSpent=remainder to return what is left,"
                            + " or debt to let balances go negative");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource(
            value = Conflict.class,
            names = {
                "CREDITS_ROW_DELETED",
                "BILLING_ROW_DELETED",
                "SPENT_IN_PART",
                "SPENT_ALL",
                "SPENT_AND_TOPPED_UP_LESS"
            })
    void refuseByTheRunsIdStopsBeforeAnythingMovesAndThePreviewSaysSo(Conflict conflict) {
        try (Database database = conflict.happened()) {
            String run = database.text(NEWEST_FIRST);
            Snapshot before = database.everything();

            assertThat(database.lines(
                            "SELECT user_id, outcome FROM billing_migration_reversal(?::uuid, 'refuse') ORDER BY 1",
                            run))
                    .containsExactly(USER + "|refused", BYSTANDER + "|full");
            assertThatThrownBy(() -> database.execute("SELECT * FROM rollback_billing_migration(?::uuid)", run))
                    .hasMessageContaining("1 user(s) cannot give back all converted credits, ")
                    .hasMessageContaining(": " + USER + "; no balance was changed; set credits.onSpent=remainder");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void aRunUndoneByItsIdLeavesTheOtherRunAlone() {
        try (Database database = Conflict.CONVERTED_TWICE_AND_SPENT_SOME.happened()) {
            String older = database.text("SELECT id FROM billing_migration_run ORDER BY started_at LIMIT 1");

            assertThat(database.lines(
                            "SELECT users, returned_usd, taken_credits, kept_users, kept_credits"
                                    + " FROM rollback_billing_migration(?::uuid)",
                            older))
                    .containsExactly("2|150.00|150.00|0|0.00");

            assertThat(database.lines(MONEY)).first().isEqualTo(USER + "|100.00|0.00|10.00|30.00|20.00");
            assertThat(database.lines("SELECT status FROM billing_migration_run ORDER BY started_at"))
                    .containsExactly("rolled_back", "completed");
            assertThatThrownBy(() -> database.lines("SELECT * FROM rollback_billing_migration()"))
                    .hasMessageContaining("1 user(s) cannot give back all converted credits, 20.00 are spent: " + USER);
            assertThat(database.lines("SELECT returned_usd, taken_credits, kept_users, kept_credits"
                            + " FROM rollback_billing_migration(NULL, 'remainder')"))
                    .containsExactly("10.00|10.00|1|20.00");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rollbackSQL", "rollbackCountSQL"})
    void liquibasesPreviewListsWhoGetsWhatBackWhatStaysAndWhy(String command) {
        try (Database database = Conflict.CONVERTED_TWICE_AND_SPENT_SOME.happened()) {
            Object[] arguments =
                    command.equals("rollbackSQL") ? new Object[] {"tag", "before"} : new Object[] {"count", 1};
            Snapshot before = database.everything();

            CommandResult preview = LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "remainder")
                    .run(command, arguments)
                    .assertSucceeded();

            assertThat(database.everything()).isEqualTo(before);
            for (String line : List.of(
                    "User: b***@example.org (cafe0302-...) - 50 credits → $50.00 - Would return",
                    "User: u***@example.org (cafe0301-...) - 110 credits → $110.00 - Would return in part;"
                            + " converted 2 times: 20.00 of 100.00 credits spent",
                    "  USD returned: $160.00",
                    "  Credits taken: 160",
                    "  In part: 1, nothing returned: 0, refused: 0; not taken: 20 credits")) {
                assertThat(preview.messages()).contains(line);
                assertThat(preview.sql()).contains("-- " + line.replace("→", "->"));
            }
            assertThat(preview.sql())
                    .contains("SELECT * FROM rollback_billing_migration(NULL, 'remainder', 'user_billing_converted')");

            database.execute("SELECT * FROM rollback_billing_migration(NULL, 'remainder')");
            assertThat(database.lines(MONEY)).first().isEqualTo(USER + "|110.00|0.00|0.00|20.00|20.00");
        }
    }

    @Test
    void theLogKeepsWhatTheConversionSaidBesideWhatTheUndoSays() {
        try (Database database = Database.prepared()) {
            database.addUser("10.00", "-4.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("UPDATE user_credits SET balance = 6, total_spent = 4");

            database.execute("SELECT * FROM rollback_billing_migration(NULL, 'remainder')");

            assertThat(database.lines("SELECT reason, reversal_reason FROM billing_migration_log"))
                    .containsExactly("-4.00 UAH is negative and stays|4.00 of 10.00 credits spent");
            assertThat(database.lines("SELECT migration_status, reason FROM billing_migration_status"))
                    .containsExactly("pending_migration|-4.00 UAH is negative and stays; 4.00 of 10.00 credits spent");
        }
    }

    /** The lines about users and the totals, in words that do not tell a preview from the deed. */
    private static List<String> preview(Database database, String onSpent) throws Exception {
        try (Connection connection = transaction(database)) {
            return comparable(reversal(connection, onSpent).preview());
        }
    }

    private static List<String> undo(Database database, String onSpent) throws Exception {
        try (Connection connection = transaction(database)) {
            Report report = reversal(connection, onSpent).run();
            connection.commit();
            return comparable(report);
        }
    }

    private static List<String> comparable(Report report) {
        return report.lines(StandardCharsets.UTF_8).stream()
                .filter(line -> line.startsWith("User: ") || line.startsWith("  "))
                .filter(line -> !line.contains("Migration 021"))
                .map(line -> line.replace("Would return", "Returned").replace("to roll back", "rolled back"))
                .sorted()
                .toList();
    }

    private static void undoEachRunById(Database database, String onSpent) {
        for (String run : database.lines(NEWEST_FIRST)) {
            List<String> announced = database.lines(PREVIEW_BY_ID, run, onSpent);
            database.execute("SELECT * FROM rollback_billing_migration(?::uuid, ?)", run, onSpent);
            assertThat(database.lines(DEED_BY_ID, run)).isEqualTo(announced);
        }
    }

    private static Connection transaction(Database database) throws SQLException {
        Connection connection = database.connection();
        connection.setAutoCommit(false);
        return connection;
    }

    private static Reversal reversal(Connection connection, String onSpent) throws InvalidSettingsException {
        ReversalSettings settings = ReversalSettings.of(Map.of(
                "environment", "stage",
                "onSpent", onSpent,
                "commit", "once",
                "batchUsers", "auto",
                "workers", "1",
                "targetBatchMillis", "100",
                "maxReplicaLag", "none",
                "maxActiveSessions", "none",
                "lockTimeout", "5s",
                "emails", "masked"));
        SiblingOpener none = () -> {
            throw new SQLException("one transaction needs one connection");
        };
        return new Reversal(connection, none, settings, null, ProgressOutput.lines(line -> {}, Duration.ZERO));
    }
}
