package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A part of the users first: {@code changelogs/canary.xml} with {@code credits.cohort}, and the rest with {@code master.xml}. */
class CanaryTest {

    private static final String CONVERTED = "SELECT user_id FROM user_billing WHERE balance_usd = 0 ORDER BY 1";
    private static final String RUNS = "SELECT changeset, cohort, status, done_users, planned_users"
            + " FROM billing_migration_run ORDER BY started_at";
    private static final String UNPROVED = "SELECT run_id FROM billing_migration_reconciliation"
            + " WHERE NOT (i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds AND i6_holds)";

    @TempDir
    Path files;

    @Test
    void theCanaryConvertsItsListAndMasterConvertsTheRest() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID other = database.addUser("50.00");

            CommandResult canary = canary(database, ids(pilot)).run("update").assertSucceeded();
            assertThat(canary.messages())
                    .contains("Users migrated: 1", "only ids:", "(1 users, ", "changelogs/canary.xml");
            assertThat(database.lines(CONVERTED)).containsExactly(pilot.toString());
            assertThat(database.lines("SELECT user_id FROM billing_migration_status"
                            + " WHERE migration_status = 'pending_migration'"))
                    .containsExactly(other.toString());

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("0");
            assertThat(database.lines("SELECT changeset, cohort IS NULL, done_users FROM billing_migration_run"
                            + " ORDER BY started_at"))
                    .containsExactly("user_billing_canary_converted|f|1", "user_billing_converted|t|1");
            assertThat(database.lines(UNPROVED)).isEmpty();
        }
    }

    @Test
    void eachUndoReturnsItsOwnUsersInEitherOrder() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID other = database.addUser("50.00");
            String cohort = ids(pilot);
            canary(database, cohort).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("update").assertSucceeded();

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(CONVERTED)).containsExactly(pilot.toString());

            LiquibaseApi.on(database).run("update").assertSucceeded();
            canary(database, cohort).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(CONVERTED)).containsExactly(other.toString());

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(CONVERTED)).isEmpty();
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("150.00");
            assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
            assertThat(database.lines(UNPROVED)).isEmpty();
        }
    }

    @Test
    void theDryRunOfAnUndoNamesOnlyItsOwnUsersAndItsSqlDoesTheSame() throws Exception {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID other = database.addUser("50.00");
            String cohort = ids(pilot);
            canary(database, cohort).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("update").assertSucceeded();

            CommandResult dryRun =
                    canary(database, cohort).run("rollbackCountSQL", "count", 1).assertSucceeded();
            assertThat(dryRun.sql()).contains("Users to roll back: 1", "USD returned: $100.00");
            runAsScript(database, dryRun.sql());

            assertThat(database.lines(CONVERTED)).containsExactly(other.toString());
            assertThat(database.text("SELECT count(*) FROM databasechangelog WHERE id LIKE '%canary%'"))
                    .isEqualTo("0");
        }
    }

    @Test
    void moneyThatArrivesAfterTheCanaryIsMastersAndGoesBackWithMaster() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            canary(database, ids(pilot)).run("update").assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 7");
            LiquibaseApi.on(database).run("update").assertSucceeded();

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("7.00");
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");
        }
    }

    /** What only a conversion needs must not hold up an undo in an emergency; what is left to convert needs it still. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "UPDATE user_billing SET balance_uah = NULL | 1 user(s) hold a balance in one currency and NULL in the other",
                "ALTER TABLE user_credits ADD tier integer NOT NULL DEFAULT 1;"
                        + " ALTER TABLE user_credits ALTER tier DROP DEFAULT"
                        + " | user_credits.tier is NOT NULL, and the conversion leaves it empty",
            })
    void theUndoOfTheCanaryIsNotHeldToWhatAConversionNeeds(String damage, String message) throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            canary(database, ids(pilot)).run("update").assertSucceeded();
            UUID stranger = database.addUser("50.00");
            database.execute("ALTER TABLE user_billing ALTER balance_uah DROP NOT NULL");
            database.execute(damage);
            assertRefused(database, LiquibaseApi.on(database), message);

            canary(database, ids(pilot)).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(balances(database, pilot, stranger)).containsExactly("100.00|", "50.00|");
        }
    }

    @Test
    void theLogStaysWhileTheCanaryNeedsIt() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            database.addUser("50.00");
            canary(database, ids(pilot)).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            Snapshot before = database.everything().without("databasechangelog");

            LiquibaseApi.on(database)
                    .run("rollbackCount", "count", 1)
                    .assertRefused("1 converted user(s) would lose their way back");

            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void aRunByHandGoesBackWithMaster() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            canary(database, ids(pilot)).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.addUser("5.00");
            database.execute("SELECT migrate_user_billing_to_credits(1.0, false)");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.lines("SELECT balance_usd FROM user_billing ORDER BY 1"))
                    .containsExactly("0.00", "5.00");
        }
    }

    @Test
    void undoTwiceIsTheSameAsOnce() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            String cohort = ids(pilot);
            canary(database, cohort).run("update").assertSucceeded();
            canary(database, cohort).run("rollbackCount", "count", 1).assertSucceeded();
            Snapshot undone = database.everything();

            assertThat(
                            database.lines(
                                    "SELECT run_id FROM rollback_billing_migration(NULL, 'refuse', 'user_billing_canary_converted')"))
                    .isEmpty();
            assertThat(database.everything()).isEqualTo(undone);

            canary(database, cohort).run("update").assertSucceeded();
            assertThat(database.lines(CONVERTED)).containsExactly(pilot.toString());
        }
    }

    @ParameterizedTest(name = "percent:{0}")
    @ValueSource(strings = {"5", "37.25", "100"})
    void thePreviewAndTheConversionTakeTheSameShare(String percent) {
        try (Database database = Database.prepared()) {
            addUsers(database, 300);
            List<String> expected = database.lines("SELECT b.user_id FROM user_billing AS b"
                    + " WHERE billing_migration_in_percent(b.user_id, " + percent + ") ORDER BY 1");
            Snapshot before = database.everything();

            CommandResult dryRun =
                    canary(database, "percent:" + percent).run("updateSQL").assertSucceeded();
            assertThat(dryRun.sql()).contains("Users to migrate: " + expected.size());
            assertThat(database.everything()).isEqualTo(before);
            canary(database, "percent:" + percent).run("update").assertSucceeded();

            assertThat(database.lines(CONVERTED)).isEqualTo(expected);
            assertThat(database.lines(RUNS))
                    .containsExactly("user_billing_canary_converted|percent:" + percent + "|completed|"
                            + expected.size() + "|" + expected.size());
            assertThat(database.lines(UNPROVED)).isEmpty();
        }
    }

    @Test
    void aLargerShareContainsTheSmaller() {
        try (Database database = Database.prepared()) {
            database.execute(
                    "CREATE TABLE sample AS SELECT md5(n::text)::uuid AS id FROM generate_series(1, 20000) AS n");

            assertThat(database.lines("""
                            SELECT
                                count(*) FILTER (WHERE billing_migration_in_percent(id, 5) AND NOT billing_migration_in_percent(id, 5.01)) AS lost,
                                count(*) FILTER (WHERE billing_migration_in_percent(id, 5)) BETWEEN 850 AND 1150 AS is_a_twentieth,
                                count(*) FILTER (WHERE billing_migration_in_percent(id, 100)) AS all_users
                            FROM sample
                            """)).containsExactly("0|t|20000");
            // Known values: another server, version or day must not choose other users.
            assertThat(database.lines("SELECT n FROM generate_series(1, 40) AS n"
                            + " WHERE billing_migration_in_percent(md5(n::text)::uuid, 10)"))
                    .containsExactly("28", "40");
        }
    }

    @Test
    void theSqlOfTheDryRunDoesTheSameWork() throws Exception {
        try (Database database = Database.legacy()) {
            List<UUID> users = addUsers(database, 20);
            List<UUID> pilots = users.subList(0, 7);
            String cohort = emails(pilots);
            Snapshot before = database.everything();

            CommandResult dryRun = canary(database, cohort).run("updateSQL").assertSucceeded();
            assertThat(database.everything()).isEqualTo(before);
            assertThat(dryRun.sql()).contains("Users to migrate: 7").doesNotContain(pilots.get(0) + "@example.org");
            runAsScript(database, dryRun.sql());

            assertThat(database.lines(CONVERTED))
                    .isEqualTo(pilots.stream().map(UUID::toString).sorted().toList());
            canary(database, cohort).run("update").assertSucceeded();
            assertThat(database.lines("SELECT done_users FROM billing_migration_run"))
                    .containsExactly("7");
        }
    }

    @Test
    void aHundredThousandIdsAreAList() throws IOException {
        try (Database database = Database.prepared()) {
            database.execute("INSERT INTO users (id, email) SELECT md5(n::text)::uuid, n || '@example.org'"
                    + " FROM generate_series(1, 100000) AS n");
            database.execute("INSERT INTO user_billing (user_id, balance_usd) SELECT id, 1 FROM users");
            database.addUser("5.00");
            Path file = Files.write(
                    files.resolve("many.txt"),
                    database.lines("SELECT user_id FROM user_billing WHERE balance_usd = 1"));

            assertThat(canary(database, "ids:" + file)
                            .run("updateSQL")
                            .assertSucceeded()
                            .sql())
                    .contains("Users to migrate: 100000");
            canary(database, "ids:" + file).run("update").assertSucceeded();

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("5.00");
            assertThat(database.lines(UNPROVED)).isEmpty();
        }
    }

    @Test
    void oneBadUserOutsideTheCohortDoesNotStopIt() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID negative = database.addUser("-3.00");
            database.addUser("-4.00");
            database.execute(
                    "INSERT INTO user_credits (user_id, balance) VALUES (?, 99999999.99)", database.addUser("1.00"));

            CommandResult update =
                    canary(database, ids(pilot, negative)).run("update").assertSucceeded();

            assertThat(update.messages()).contains("Users migrated: 1", "Skipped: 1, failed: 0");
            assertThat(database.lines("SELECT user_id FROM billing_migration_log WHERE status = 'skipped'"))
                    .containsExactly(negative.toString());
        }
    }

    @Test
    void oneBadUserInTheCohortIsNamedAndTheOthersConvert() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID outside = database.addUser("10.00");
            UUID rich = database.addUser("1.00");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 99999999.99)", rich);

            canary(database, ids(pilot, rich))
                    .parameter("credits.onError", "skip")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT user_id, status FROM billing_migration_log ORDER BY status"))
                    .containsExactly(rich + "|error", pilot + "|success");
            assertThat(database.lines("SELECT balance_usd FROM user_billing WHERE user_id = ?", outside))
                    .containsExactly("10.00");
        }
    }

    @Test
    void lateWritesOfOthersAreNotTheCanarysAndTheGuardOutlivesMastersUndo() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID other = database.addUser("50.00");
            String cohort = ids(pilot);
            canary(database, cohort)
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertSucceeded();
            String topUp = "UPDATE user_billing SET balance_usd = balance_usd + 5";

            database.execute(topUp);
            assertThat(balances(database, pilot, other)).containsExactly("0.00|105.00", "55.00|");

            LiquibaseApi.on(database).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            database.execute(topUp);
            assertThat(balances(database, pilot, other)).containsExactly("0.00|110.00", "60.00|");

            canary(database, cohort).run("rollbackCount", "count", 1).assertSucceeded();
            database.execute(topUp);
            assertThat(balances(database, pilot, other)).containsExactly("115.00|", "65.00|");
        }
    }

    /** Whatever reads the whole cohort for each batch takes time that grows with the square of its users. */
    @Test
    void aBatchReadsNoMoreOfTheCohortThanItsOwnUsers() throws SQLException {
        try (Database database = Database.prepared();
                // Of its own, because what a session has counted and not yet reported would count again.
                Connection starting = database.connection();
                Statement statement = starting.createStatement()) {
            statement.execute("""
                    INSERT INTO users (id, email) SELECT md5(n::text)::uuid, n || '@example.org' FROM generate_series(1, 2000) AS n;
                    INSERT INTO user_billing (user_id, balance_usd) SELECT u.id, 1 FROM users AS u;
                    ANALYZE users, user_billing;
                    SELECT billing_migration_start(1.0, p_cohort => 'percent:100');
                    """);

            assertThat(database.lines("""
                            WITH converted AS MATERIALIZED (
                                SELECT b.users
                                FROM billing_migration_run AS r
                                CROSS JOIN LATERAL billing_migration_convert_batch(r.id, '80000000-0000-0000-0000-000000000000', 10) AS b
                            )
                            SELECT
                                c.users,
                                (
                                    SELECT t.seq_tup_read + t.idx_tup_fetch <= 5 * 10
                                    FROM pg_stat_xact_user_tables AS t
                                    WHERE t.relname = 'billing_migration_cohort_user'
                                ) AS is_little_read
                            FROM converted AS c
                            """)).containsExactly("10|t");
        }
    }

    @Test
    void masterDoesNotResumeTheCanary() throws Exception {
        try (Database database = Database.prepared();
                Connection first = database.connection()) {
            UUID pilot = database.addUser("100.00");
            database.addUser("50.00");
            String cohort = ids(pilot);
            first.setAutoCommit(true);
            try (Statement statement = first.createStatement()) {
                statement.execute("SELECT billing_migration_start(1.0, NULL, 'HALF_UP', 'stop', 'batch',"
                        + " p_changeset => 'user_billing_canary_converted', p_cohort => 'percent:5')");
            }

            LiquibaseApi.on(database)
                    .parameter("credits.commit", "batch")
                    .run("update")
                    .assertRefused("credits.cohort is none, the run has percent:5");
            canary(database, cohort)
                    .parameter("credits.commit", "batch")
                    .run("update")
                    .assertRefused("(1 users, ");
            canary(database, "percent:5.00")
                    .parameter("credits.commit", "batch")
                    .run("update")
                    .assertSucceeded();
            assertThat(database.lines("SELECT status FROM billing_migration_run"))
                    .containsExactly("completed");
        }
    }

    @Test
    void identitiesAndChecksumsAreTheSameInBothChangelogs() {
        String shared = "SELECT id, author, filename, md5sum FROM databasechangelog"
                + " WHERE id NOT LIKE 'user_billing%converted' ORDER BY orderexecuted";
        try (Database byMaster = Database.legacy();
                Database byCanary = Database.legacy()) {
            LiquibaseApi.on(byMaster).run("update").assertSucceeded();
            canary(byCanary, "percent:5").run("update").assertSucceeded();

            assertThat(byCanary.lines(shared)).isEqualTo(byMaster.lines(shared)).hasSizeGreaterThan(20);
            assertThat(byCanary.lines("SELECT id FROM databasechangelog WHERE id LIKE 'user_billing%converted'"))
                    .containsExactly("user_billing_canary_converted");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "percent:0 | give none, percent: with a number above 0 and at most 100",
                "percent:100.01 | give none, percent: with a number above 0 and at most 100",
                "percent:5.001 | give none, percent: with a number above 0 and at most 100",
                "percent:-5 | give none, percent: with a number above 0 and at most 100",
                "5 | give none, percent: with a number above 0 and at most 100",
                "none | credits.cohort is none; changelogs/canary.xml converts a part of the users",
                "ids:missing.txt | credits.cohort names missing.txt, which cannot be read",
                "ids:\u001B[2J.txt | credits.cohort is 'ids:\\u001B[2J.txt'; give none, percent:",
            })
    void refusesAnUnusableCohort(String cohort, String message) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            assertRefused(database, canary(database, cohort), message);
        }
    }

    @Test
    void masterRefusesACohort() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            assertRefused(
                    database,
                    LiquibaseApi.on(database).parameter("credits.cohort", "percent:5"),
                    "credits.cohort is 'percent:5', but changelogs/master.xml converts everybody who is left;"
                            + " run changelogs/canary.xml, or leave the cohort out");
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"rollbackCount", "rollbackCountSQL"})
    void theUndoOfMasterRefusesACohort(String command) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .parameter("credits.cohort", "percent:5")
                    .run(command, "count", 1)
                    .assertRefused("credits.cohort is 'percent:5', but changelogs/master.xml undoes everybody whom it"
                            + " converted; run changelogs/canary.xml, or leave the cohort out");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void theUndoOfACanaryNeedsNoCohort() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            canary(database, ids(pilot)).run("update").assertSucceeded();

            LiquibaseApi.on(database)
                    .changelog("changelogs/canary.xml")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(balances(database, pilot)).containsExactly("100.00|");
        }
    }

    @Test
    void theCanaryOfProdAsksForConfirmationToo() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            String name = database.text("SELECT current_database()");
            LiquibaseApi prod = LiquibaseApi.on(database)
                    .contexts("prod")
                    .changelog("changelogs/canary.xml")
                    .parameter("credits.database", name)
                    .parameter("credits.cohort", "percent:100");

            assertRefused(database, prod, "environment prod asks for a confirmation");
            prod.parameter("credits.confirm", name).run("update").assertSucceeded();

            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");
        }
    }

    @Test
    void refusesLinesByNumberAndNeverByAddress() throws IOException {
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("100.00");
            Path ids = file("ids.txt", "# pilots\r\n\r\n" + user + "\r\nnot-an-id\r\n");
            Path emails = file("emails.txt", user + "@example.org\nsecret at example.org\n");
            Path unknown = file(
                    "unknown.txt",
                    user + "@example.org\n"
                            + String.join(
                                    "\n",
                                    IntStream.range(0, 25)
                                            .mapToObj(n -> n + "@example.org")
                                            .toList()));

            assertRefused(database, canary(database, "ids:" + ids), "which has in line 4 not an id (a UUID)");
            assertRefused(database, canary(database, "emails:" + emails), "which has in line 2 not an e-mail address");
            CommandResult refused = assertRefused(
                    database, canary(database, "emails:" + unknown), ", 21, and 5 more a user that is not in users");
            assertThat(refused.toString()).doesNotContain("@example.org");
            assertRefused(
                    database,
                    canary(database, "ids:" + file("empty.txt", "# nobody\n")),
                    "which holds no user; give one a line");
        }
    }

    @Test
    void commentsEmptyLinesAndWindowsLineEndsAreAllowed() throws IOException {
        try (Database database = Database.prepared()) {
            UUID pilot = database.addUser("100.00");
            UUID other = database.addUser("50.00");
            Path file = file(
                    "ids.txt",
                    "\uFEFF# pilots\r\n\r\n  " + pilot.toString().toUpperCase(java.util.Locale.ROOT) + "  \r\n" + pilot
                            + "\r\n");

            canary(database, "ids:" + file).run("update").assertSucceeded();

            assertThat(database.lines(CONVERTED)).containsExactly(pilot.toString());
            assertThat(balances(database, other)).containsExactly("50.00|");
        }
    }

    private static CommandResult assertRefused(Database database, LiquibaseApi liquibase, String message) {
        Snapshot before = database.everything().without("databasechangelog");
        CommandResult result = liquibase.run("update");
        result.assertRefused(message);
        assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        return result;
    }

    private static LiquibaseApi canary(Database database, String cohort) {
        return LiquibaseApi.on(database).changelog("changelogs/canary.xml").parameter("credits.cohort", cohort);
    }

    private String ids(UUID... users) throws IOException {
        return "ids:"
                + file(
                        "ids.txt",
                        String.join(
                                "\n",
                                List.of(users).stream().map(UUID::toString).toList()));
    }

    private String emails(List<UUID> users) throws IOException {
        return "emails:"
                + file(
                        "emails.txt",
                        String.join(
                                "\n",
                                users.stream()
                                        .map(user -> user + "@example.org")
                                        .toList()));
    }

    private Path file(String name, String text) throws IOException {
        return Files.writeString(files.resolve(name), text);
    }

    private static List<UUID> addUsers(Database database, int count) {
        List<UUID> users = new ArrayList<>();
        for (int user = 1; user <= count; user++) {
            users.add(database.addUser(user + ".00"));
        }
        return users;
    }

    private static List<String> balances(Database database, UUID... users) {
        return List.of(users).stream()
                .flatMap(user -> database
                        .lines(
                                "SELECT b.balance_usd, c.balance FROM user_billing AS b"
                                        + " LEFT JOIN user_credits AS c ON c.user_id = b.user_id WHERE b.user_id = ?",
                                user)
                        .stream())
                .toList();
    }

    private static void runAsScript(Database database, String sql) throws SQLException {
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }
}
