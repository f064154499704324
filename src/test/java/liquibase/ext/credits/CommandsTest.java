package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code liquibase credits-status}, {@code credits-verify} and {@code credits-grant}, as processes of their own. */
class CommandsTest {

    private static final Template CONVERTED = new Template("commands_converted", database -> {
        Template.PREPARED.preparation().prepare(database);
        database.addUser("100.00");
        database.addUser("50.55", "400.00");
        database.addUser("-3.00");
        LiquibaseApi.on(database).run("update").assertSucceeded();
    });
    private static final String GRANTS =
            "SELECT user_id, amount, source, source_id, description FROM credit_transactions WHERE transaction_type = 'bonus'";

    @Test
    void statusShowsRunsAndUsersAsATable() {
        try (Database database = Database.from(CONVERTED)) {
            String table = LiquibaseCli.on(database)
                    .run("credits-status")
                    .assertSucceeded()
                    .sql();

            assertThat(table)
                    .containsSubsequence("Runs", "run_id", "completed", "150.55", "Users", "skipped", "success");
        }
    }

    @Test
    void statusAsJsonKeepsEveryDigit() {
        try (Database database = Database.from(CONVERTED)) {
            String json = LiquibaseCli.on(database)
                    .run("credits-status", "--format=json")
                    .assertSucceeded()
                    .sql();

            assertThat(database.lines("""
                            SELECT
                                r ->> 'status' AS status, r ->> 'credits' AS credits, s ->> 'state' AS state,
                                s ->> 'users' AS users, s ->> 'credits' AS balance
                            FROM json_array_elements(CAST(? AS json) -> 'runs') AS r,
                                json_array_elements(CAST(? AS json) -> 'users') AS s
                            ORDER BY 3
                            """, json, json))
                    .containsExactly("completed|150.55|skipped|1|0", "completed|150.55|success|2|150.55");
        }
    }

    @Test
    void statusAsCsvIsOneRectangle() {
        try (Database database = Database.from(CONVERTED)) {
            List<String> lines = LiquibaseCli.on(database)
                    .run("credits-status", "--format=csv")
                    .assertSucceeded()
                    .sql()
                    .lines()
                    .toList();

            assertThat(lines).hasSize(4);
            assertThat(lines.get(0))
                    .isEqualTo(
                            "kind,run_id,state,users,usd,uah,credits,undo_users,undone_users,started_at,finished_at");
            assertThat(lines.get(1)).startsWith("run,").contains(",completed,2,150.55,0,150.55,,,");
            assertThat(lines.get(2)).isEqualTo("users,,skipped,1,-3.00,0.00,0,,,,");
            assertThat(lines.get(3)).isEqualTo("users,,success,2,0.00,400.00,150.55,,,,");
        }
    }

    /** The process that would have added up what the batches did is gone. */
    @Test
    void statusIsExactOfARunThatWasKilledAndOfAnUndoThatIsUnfinished() {
        try (Database database = BatchModeTest.populated()) {
            database.execute("SELECT billing_migration_start(1.0, p_commit_mode => 'batch', p_environment => 'stage')");
            database.execute("SELECT billing_migration_cut(r.id, 100) FROM billing_migration_run AS r");
            database.execute("SELECT b.* FROM billing_migration_run AS r"
                    + " CROSS JOIN LATERAL billing_migration_convert_range(r.id, 1, 7) AS b");
            String usd = database.text("SELECT sum(converted_usd) FROM billing_migration_log");
            assertThat(database.lines("SELECT status, done_users FROM billing_migration_run"))
                    .containsExactly("running|0");

            assertThat(runs(database)).singleElement().asString().contains(",running,7," + usd + ",0,");

            BatchModeTest.inBatches(database).run("update").assertSucceeded();
            database.execute("SELECT o.run_id FROM billing_migration_open_undo(NULL, NULL) AS o");
            assertThat(runs(database)).singleElement().asString().contains(",undoing,20,210.00,0,210.00,20,0,");
            database.execute("SELECT billing_migration_cut(r.id, 100) FROM billing_migration_run AS r");
            database.execute("SELECT b.* FROM billing_migration_run AS r"
                    + " CROSS JOIN LATERAL billing_migration_reverse_range(r.id, 1, 7, 'refuse') AS b");
            assertThat(runs(database)).singleElement().asString().contains(",undoing,20,210.00,0,210.00,20,7,");
        }
    }

    private static List<String> runs(Database database) {
        return LiquibaseCli.on(database)
                .run("credits-status", "--format=csv")
                .assertSucceeded()
                .sql()
                .lines()
                .filter(line -> line.startsWith("run,"))
                .toList();
    }

    @Test
    void verifyPassesAfterAConversionAndChangesNothing() {
        try (Database database = Database.from(CONVERTED)) {
            Snapshot before = database.rowVersions();

            String lines = LiquibaseCli.on(database)
                    .run("credits-verify")
                    .assertSucceeded()
                    .sql();

            assertThat(lines)
                    .containsSubsequence(
                            "passed  I1: source x rate = credits + remainder: 150.55 and 150.55",
                            "passed  I6: reversals return what they took: 0 wrong of 0 reversals",
                            "Post-migration checklist",
                            "passed  All users migrated successfully: 2 converted, 0 in error, 0 still hold 0 USD and 0 UAH",
                            "passed  ChatGPT integration working",
                            "passed  Old user_billing.balance_usd values are zeroed",
                            "passed  New user_credits.balance values are correct",
                            "passed  Transaction records created in credit_transactions",
                            "passed  Migration log shows all successes: 2 success, 1 skipped with a reason",
                            "open    Test MCP tool execution with real users: 0 deductions of 0 users",
                            "14 checks: 13 passed, 1 open, 0 failed");
            assertThat(database.rowVersions()).isEqualTo(before);
        }
    }

    @ParameterizedTest(name = "{1}")
    @CsvSource(
            delimiter = ';',
            value = {
                "UPDATE credit_transactions SET amount = amount + 1, balance_after = balance_after + 1; I3: every ledger entry",
                "DELETE FROM credit_transactions; Transaction records created",
                "UPDATE user_credits SET balance = balance + 1; New user_credits.balance values",
                "DELETE FROM user_credits; ChatGPT integration working",
                "UPDATE billing_migration_run SET done_usd = 1; I2: run = log = ledger",
                "UPDATE billing_migration_run SET status = 'paused'; All users migrated",
                "WITH l AS (UPDATE billing_migration_log SET status = 'error', old_balance_usd = 5 WHERE status = 'skipped'"
                        + " RETURNING user_id) UPDATE user_billing AS b SET balance_usd = 5 FROM l WHERE b.user_id = l.user_id;"
                        + " Migration log shows",
                "UPDATE billing_migration_log SET remainder = remainder + 1; I1: source x rate"
            })
    void verifyFailsAndNamesTheCheck(String damage, String check) {
        try (Database database = Database.from(CONVERTED)) {
            database.execute(damage);

            CommandResult result = LiquibaseApi.on(database).run("creditsVerify");

            result.assertRefused("of 14 checks failed");
            assertThat(result.sql()).contains("failed  " + check);
        }
    }

    @Test
    void verifyFailsBeforeAConversionAndListsMoneyThatArrivedLaterAfterIt() {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");
            assertThat(LiquibaseCli.on(database).run("credits-verify").sql())
                    .contains(
                            "failed  All users migrated successfully: 0 converted, 0 in error, 1 still hold 100.00 USD");

            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 7 WHERE user_id = ?", user);
            CommandResult result =
                    LiquibaseCli.on(database).run("credits-verify").assertSucceeded();

            assertThat(result.sql())
                    .contains(
                            "passed  Old user_billing.balance_usd values are zeroed: 0 of the converted are not, 0 wait to be converted; 1 received 7.00 USD",
                            "1 findings in billing_migration_discrepancy, 1 shown",
                            user + ": billing: 7.00 USD and 0.00 UAH arrived after the conversion");
        }
    }

    @Test
    void verifyCountsWhatWasUndoneAndSaysWhoWaitsAgain() {
        try (Database database = Database.from(CONVERTED)) {
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(LiquibaseApi.on(database).run("creditsVerify").sql())
                    .contains(
                            "failed  Old user_billing.balance_usd values are zeroed: 0 of the converted are not, 2 wait to be converted;",
                            "passed  Migration log shows all successes: 0 success, 1 skipped with a reason, 2 rolled back, 0 error");
        }
    }

    @Test
    void verifyShowsTwentyFindingsAndTheirCount() {
        try (Database database = Database.prepared()) {
            IntStream.range(0, 25).forEach(index -> database.addUser("1.00"));
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("UPDATE user_credits SET balance = 2");

            CommandResult result = LiquibaseApi.on(database).run("creditsVerify");

            assertThat(result.sql()).contains("25 findings in billing_migration_discrepancy, 20 shown");
            assertThat(result.sql().lines().filter(line -> line.contains("the newest ledger entry says")))
                    .hasSize(20);
        }
    }

    @Test
    void aCohortLeavesTheOthersOpen() {
        try (Database database = Database.from(CONVERTED)) {
            database.execute("UPDATE billing_migration_run SET cohort = 'percent:5'");
            database.addUser("10.00");

            String lines = LiquibaseCli.on(database)
                    .run("credits-verify")
                    .assertSucceeded()
                    .sql();

            assertThat(lines)
                    .contains("open    All users migrated successfully: 2 converted, 0 in error, 1 still hold");
        }
    }

    @Test
    void grantsOncePerKeyAndShowsTheBalances() {
        try (Database database = Database.from(CONVERTED)) {
            UUID user = UUID.fromString(database.text("SELECT user_id FROM user_billing WHERE balance_uah = 400"));

            String first = grant(database, user + "@example.org", "100", "chatgpt-fix")
                    .assertSucceeded()
                    .sql();
            String second = grant(database, user.toString(), "100", "chatgpt-fix")
                    .assertSucceeded()
                    .sql();

            assertThat(first)
                    .contains(
                            "Granted 100 credits to user " + user.toString().charAt(0) + "***@example.org (" + user
                                    + ")",
                            "Balance before: 50.55 credits",
                            "Balance after: 150.55 credits")
                    .doesNotContain(user + "@example.org");
            assertThat(second)
                    .contains(
                            "Nothing granted: key chatgpt-fix granted 100 credits",
                            "Balance before: 150.55 credits",
                            "Balance after: 150.55 credits");
            assertThat(database.lines(GRANTS))
                    .containsExactly(user + "|100.00|manual_grant|chatgpt-fix|Credits for ChatGPT");
            LiquibaseCli.on(database).run("credits-verify").assertSucceeded();
        }
    }

    @Test
    void whatAKeyHoldsSteersNoTerminal() {
        try (Database database = Database.from(CONVERTED)) {
            UUID user = UUID.fromString(database.text("SELECT user_id FROM user_billing WHERE balance_uah = 400"));

            for (String sentence :
                    List.of("Granted 1 credits to user ", "Nothing granted: key =1\\u001B[2J granted 1")) {
                assertThat(LiquibaseApi.on(database)
                                .run(
                                        "creditsGrant",
                                        "user",
                                        user.toString(),
                                        "amount",
                                        "1",
                                        "reason",
                                        "\u001B[2J'; --",
                                        "key",
                                        "=1\u001B[2J")
                                .assertSucceeded()
                                .sql())
                        .contains(sentence)
                        .doesNotContain("\u001B");
            }
            assertThat(database.lines("SELECT source_id, description FROM credit_transactions WHERE amount = 1"))
                    .containsExactly("=1\u001B[2J|\u001B[2J'; --");
        }
    }

    @Test
    void twoGrantsAtOnceWithOneKeyGrantOnce() {
        try (Database database = Database.from(CONVERTED)) {
            UUID user = UUID.fromString(database.text("SELECT user_id FROM user_billing WHERE balance_uah = 400"));

            List<CompletableFuture<CommandResult>> both = Stream.generate(() ->
                            CompletableFuture.supplyAsync(() -> grant(database, user.toString(), "100", "incident-7")))
                    .limit(2)
                    .toList();
            both.forEach(one -> one.join().assertSucceeded());

            assertThat(database.lines(GRANTS)).hasSize(1);
            assertThat(database.text("SELECT balance FROM user_credits WHERE user_id = ?", user))
                    .isEqualTo("150.55");
        }
    }

    /** Holds the first call between its grant and its commit, so that the two surely meet. */
    @Test
    void theSecondCallWaitsForTheFirstAndThenSeesItsKey() throws Exception {
        try (Database database = Database.from(CONVERTED);
                var first = database.connection()) {
            UUID user = UUID.fromString(database.text("SELECT user_id FROM user_billing WHERE balance_uah = 400"));
            String grant = "SELECT is_repeated FROM billing_migration_grant('" + user + "', 100, 'why', 'incident-8')";
            first.setAutoCommit(false);
            first.createStatement().execute(grant);

            CompletableFuture<String> second = CompletableFuture.supplyAsync(() -> database.text(grant));
            while (waiting(first) == 0 && !second.isDone()) {
                Thread.sleep(10);
            }
            first.commit();

            assertThat(second.join()).isEqualTo("t");
            assertThat(database.lines(GRANTS)).hasSize(1);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "nobody@example.org | 100 | first | no user is n***@example.org; give an id or e-mail address",
                "00000000-0000-0000-0000-000000000000 | 100 | first | no user is 00000000-0000-0000-0000-000000000000",
                "twice@EXAMPLE.org | 100 | first | 2 users have the e-mail address t***@EXAMPLE.org",
                "one@example.org | -5 | first | amount is '-5'; give a positive number of credits",
                "one@example.org | 0 | first | amount is '0'; give a positive number of credits",
                "one@example.org | NaN | first | amount is 'NaN'; give a positive number of credits",
                "one@example.org | 1.005 | first | amount 1.005 is finer than the ledger keeps; round it to 1.01",
                "one@example.org | '\u001B[2J' | first | amount is '\\u001B[2J'; give a positive number of credits",
                "one@example.org | 6 | '=1\u001B[2J' | key =1\\u001B[2J granted 5.00 credits to user",
                "one@example.org | 1e9 | first | amount is '1e9'; give a positive number of credits",
                "one@example.org | 6 | used | key used granted 5.00 credits to user"
            })
    void refusesAGrantInOneLine(String user, String amount, String key, String message) {
        try (Database database = Database.from(CONVERTED)) {
            database.execute(
                    "INSERT INTO users (email) VALUES ('one@example.org'), ('twice@example.org'), ('Twice@example.org')");
            for (String used : List.of("used", "=1\u001B[2J")) {
                database.execute(
                        "SELECT balance_after FROM billing_migration_grant('one@example.org', 5, 'why', ?)", used);
            }
            Snapshot before = database.everything();

            CommandResult result = LiquibaseApi.on(database)
                    .run("creditsGrant", "user", user, "amount", amount, "reason", "why", "key", key);

            result.assertRefused(message);
            assertThat(result.error()).doesNotContain("\tat ", user.contains("@") ? user : "@");
            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void keepsTheApplicationsOwnAddCredits() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            UUID user = database.addUser("10.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();

            grant(database, user.toString(), "2.50", "ticket-1").assertSucceeded();

            assertThat(database.lines(GRANTS))
                    .containsExactly(user + "|2.50|manual_grant|ticket-1|Credits for ChatGPT");
            assertThat(database.text("SELECT balance FROM user_credits WHERE user_id = ?", user))
                    .isEqualTo("12.50");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"credits-status", "credits-verify", "credits-grant"})
    void saysInOneLineThatNothingIsThereYet(String command) {
        try (Database database = Database.legacy()) {
            String[] arguments = command.equals("credits-grant")
                    ? new String[] {command, "--user=a@example.org", "--amount=1", "--reason=why", "--key=k"}
                    : new String[] {command};

            CommandResult result = LiquibaseCli.on(database).run(arguments);

            result.assertRefused("migration 021 is not applied in database ");
            assertThat(result.error()).contains("run liquibase update").doesNotContain("\tat ");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "credits-status, --format",
        "credits-verify, --url",
        "credits-grant, --user",
        "credits-grant, --amount",
        "credits-grant, --reason",
        "credits-grant, --key"
    })
    void helpNamesEveryArgument(String command, String argument) {
        try (Database database = Database.empty()) {
            CommandResult help =
                    LiquibaseCli.on(database).run(command, "--help").assertSucceeded();

            assertThat(help.sql()).contains("(liquibase-credits)", argument);
        }
    }

    @Test
    void worksInTheDefaultSchema() {
        try (Database database = Database.from(CONVERTED)) {
            database.execute("ALTER SCHEMA public RENAME TO \"Billing\"");

            LiquibaseCli.on(database).run("credits-verify").assertRefused("is not applied in database");
            LiquibaseCli.on(database)
                    .run("credits-verify", "--default-schema-name=Billing")
                    .assertSucceeded();
        }
    }

    private static CommandResult grant(Database database, String user, String amount, String key) {
        return LiquibaseCli.on(database)
                .run(
                        "credits-grant",
                        "--user=" + user,
                        "--amount=" + amount,
                        "--reason=Credits for ChatGPT",
                        "--key=" + key);
    }

    private static int waiting(java.sql.Connection connection) throws java.sql.SQLException {
        try (var result = connection
                .createStatement()
                .executeQuery(
                        "SELECT count(*) FROM pg_locks AS l WHERE l.locktype = 'advisory' AND NOT l.granted"
                                + " AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())")) {
            result.next();
            return result.getInt(1);
        }
    }
}
