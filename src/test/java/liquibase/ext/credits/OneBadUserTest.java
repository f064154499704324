package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import liquibase.ext.credits.conversion.Sql;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Users whose money cannot move: {@code credits.onError=stop} names them and converts nobody, {@code skip} converts the others. */
class OneBadUserTest {

    private static final String HOW_TO_CORRECT =
            "; no balance was changed; correct them, or set credits.onError=skip to convert the others";
    private static final String ERRORS =
            "SELECT user_id, reason FROM billing_migration_log WHERE status = 'error' ORDER BY user_id";
    private static final String PROOF = """
            SELECT DISTINCT i1_holds AND i2_holds AND i3_holds AND i4_holds AND i5_holds AND i6_holds AS all_hold
            FROM billing_migration_reconciliation
            """;

    @Test
    void stopNamesEveryUserOfAnApplicationTriggerAndConvertsNobody() {
        try (Database database = populated(12, 6)) {
            refuseInTrigger(database);
            String named = bad(database).stream()
                    .map(user -> user + " (the application refuses this user)")
                    .collect(Collectors.joining(", "));
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("2 user(s) cannot be converted: " + named + HOW_TO_CORRECT);
            assertThatThrownBy(() -> database.execute("SELECT * FROM migrate_user_billing_to_credits()"))
                    .hasMessageContaining("2 user(s) cannot be converted: " + named + HOW_TO_CORRECT);

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    /** PostgreSQL finds it while it plans, also for a set without any user. */
    @Test
    void aTableThatTakesNobodyNamesEverybodyAndNobodyElse() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            UUID user = database.addUser("1.00");
            database.execute("ALTER TABLE credit_transactions ALTER source TYPE varchar(15)");

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("1 user(s) cannot be converted: " + user
                            + " (value too long for type character varying(15))" + HOW_TO_CORRECT);
        }
    }

    @Test
    void aBalanceFinerThanCentsStaysAndIsSaid() {
        try (Database database = Database.legacy()) {
            database.execute("ALTER TABLE user_billing ALTER balance_usd TYPE numeric");
            database.addUser("12.5");
            database.addUser("0.001");

            CommandResult dryRun = LiquibaseApi.on(database).run("updateSQL").assertSucceeded();
            CommandResult done = LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(dryRun.messages()).contains("stays in user_billing: $0.001 and 0.00 UAH");
            assertThat(done.messages()).contains("stays in user_billing: $0.001 and 0.00 UAH");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("0.001");
        }
    }

    @Test
    void whatTheApplicationSaysNeitherHidesTheOthersNorSteersATerminal() {
        String words = "=cmd\u001B[2J\r'); DROP TABLE users; --\n$$";
        try (Database database = populated(12, 6)) {
            refuseInTrigger(database, words);
            List<String> bad = bad(database);

            CommandResult stopped = LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("2 user(s) cannot be converted: " + bad.get(0) + " (=cmd\\u001B[2J), " + bad.get(1)
                            + " (=cmd\\u001B[2J)" + HOW_TO_CORRECT);
            CommandResult skipped = skipping(database, "once").run("update").assertSucceeded();

            assertThat(database.lines("SELECT DISTINCT reason FROM billing_migration_log WHERE status = 'error'"))
                    .containsExactly(words);
            assertThat(skipped.messages()).contains("Failed: =cmd\\u001B[2J\\u000D'); DROP TABLE users; --\\u000A$$");
            for (CommandResult shown : List.of(
                    stopped,
                    skipped,
                    LiquibaseApi.on(database).run("creditsStatus").assertSucceeded(),
                    LiquibaseApi.on(database).run("creditsVerify"))) {
                assertThat(shown.toString()).doesNotContain("\u001B");
            }
        }
    }

    @Test
    void stopLooksAtEveryUserWhateverTheBatch() {
        try (Database database = populated(12, 6)) {
            refuseInTrigger(database);

            LiquibaseApi.on(database)
                    .parameter("credits.batchUsers", "1")
                    .run("update")
                    .assertRefused("2 user(s) cannot be converted: ");
        }
    }

    @Test
    void stopShowsTwentyOfThemAndCountsTheRest() {
        try (Database database = populated(60, 2)) {
            refuseInTrigger(database);
            List<String> bad = bad(database);

            CommandResult result = LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("30 user(s) cannot be converted: " + bad.get(0) + " (");

            assertThat(result.error())
                    .contains(bad.get(19) + " (the application refuses this user), and 10 more; no balance was changed")
                    .doesNotContain(bad.get(20));
            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isZero();
        }
    }

    @Test
    void stopInBatchesNamesTheUsersOfTheBatchAndResumesOnceTheyAreCorrected() {
        try (Database database = populated(12, 6)) {
            refuseInTrigger(database);
            String first = bad(database).get(0);

            CommandResult result = inBatchesOf(database, 4, "stop")
                    .run("update")
                    .assertRefused(
                            "1 user(s) cannot be converted: " + first
                                    + " (the application refuses this user); no balance of this batch was changed; correct them;");
            assertThat(result.error()).contains(" of 12 users are converted; go on with liquibase update");
            assertThat(database.number("SELECT balance_usd FROM user_billing WHERE user_id = ?::uuid", first))
                    .isEqualByComparingTo("13");

            database.execute("DROP TRIGGER refuse ON credit_transactions");
            inBatchesOf(database, 4, "stop").run("update").assertSucceeded();
            assertThat(database.lines("SELECT status, done_users, error_users FROM billing_migration_run"))
                    .containsExactly("completed|12|0");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"once", "batch"})
    void skipIsolatesThirtyBadUsersAmongFiveHundred(String commit) {
        try (Database database = populated(500, 17)) {
            refuseInTrigger(database);
            refuseInCheck(database);
            List<String> bad = bad(database);
            assertThat(bad).hasSize(29);

            CommandResult result = LiquibaseApi.on(database)
                    .parameter("credits.onError", "skip")
                    .parameter("credits.commit", commit)
                    .parameter("credits.batchUsers", "100")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT status, done_users, error_users, done_usd FROM billing_migration_run"))
                    .containsExactly("completed|470|30|4700.00");
            assertThat(database.lines("SELECT reason, count(*) FROM billing_migration_log WHERE status = 'error'"
                            + " GROUP BY reason ORDER BY 2"))
                    .containsExactly(
                            "new row for relation \"user_credits\" violates check constraint \"user_credits_limit\"|1",
                            "the application refuses this user|29");
            assertThat(database.lines("SELECT migration_status, count(*) FROM billing_migration_status"
                            + " GROUP BY migration_status ORDER BY 2"))
                    .containsExactly("error|30", "success|470");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("577"); // 29 users with 13, one with 200.
            assertThat(database.lines(PROOF)).containsExactly("t");
            assertThat(result.messages()).contains("Users migrated: 470", "failed: 30", "  ... and 10 more");
        }
    }

    @Test
    void skipKeepsTheOthersSetBased() {
        try (Database database = populated(500, 250)) {
            refuseInTrigger(database);
            database.execute("CREATE SEQUENCE statement_count");
            database.execute("CREATE FUNCTION count_statement() RETURNS trigger LANGUAGE plpgsql AS"
                    + " 'BEGIN PERFORM nextval(''statement_count''); RETURN NULL; END'");
            database.execute("CREATE TRIGGER count_statement BEFORE UPDATE ON user_billing"
                    + " FOR EACH STATEMENT EXECUTE FUNCTION count_statement()");

            LiquibaseApi.on(database)
                    .parameter("credits.onError", "skip")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT done_users, error_users FROM billing_migration_run"))
                    .containsExactly("498|2");
            // Two searches by halves and back; sequences count what was rolled back as well.
            assertThat(database.number("SELECT last_value FROM statement_count"))
                    .isLessThan(new BigDecimal("70"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"once", "batch"})
    void whatCanBePredictedIsLoggedAsItWasPredicted(String commit) {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            UUID full = database.addUser("5.00");
            UUID earned = database.addUser("6.00");
            UUID notANumber = database.addUser("7.00");
            UUID orphan = database.addUser("8.00");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 99999996)", full);
            database.execute(
                    "INSERT INTO user_credits (user_id, balance, total_earned) VALUES (?, 0, 99999995)", earned);
            database.execute("UPDATE user_billing SET balance_usd = 'NaN' WHERE user_id = ?", notANumber);
            database.execute("ALTER TABLE user_billing DROP CONSTRAINT user_billing_user_id_fkey");
            database.execute("DELETE FROM users WHERE id = ?", orphan);
            List<String> expected = List.of(
                            full + "|5.00 credits on top of 99999996.00 do not fit",
                            earned + "|6.00 credits on top of 99999995.00 earned do not fit",
                            notANumber + "|balance is NaN",
                            orphan + "|no row in users")
                    .stream()
                    .sorted()
                    .toList();

            assertThat(database.lines("SELECT user_id, reason FROM billing_migration_preview(1.0, NULL, 'HALF_UP')"
                            + " WHERE outcome = 'error' ORDER BY user_id"))
                    .isEqualTo(expected);
            LiquibaseApi.on(database).run("update").assertRefused("4 user(s) cannot be converted: ");
            CommandResult dryRun = skipping(database, commit).run("updateSQL").assertSucceeded();
            CommandResult result = skipping(database, commit).run("update").assertSucceeded();

            assertThat(database.lines(ERRORS)).isEqualTo(expected);
            assertThat(lines(result, "Failed: ")).isEqualTo(lines(dryRun, "Would fail: "));
            assertThat(lines(result, "Failed: ")).hasSize(4);
            assertThat(result.messages()).contains("Users migrated: 1", "failed: 4");
            assertThat(database.lines(PROOF)).containsExactly("t");
        }
    }

    /** Neither wallet nor ledger would refuse him, and the undo would take him for deleted. */
    @ParameterizedTest
    @ValueSource(strings = {"once", "batch"})
    void whoHasNoRowInUsersIsNotConvertedWhereNoForeignKeyMinds(String commit) {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            UUID orphan = database.addUser("8.00");
            database.execute("ALTER TABLE user_billing DROP CONSTRAINT user_billing_user_id_fkey;"
                    + " ALTER TABLE user_credits DROP CONSTRAINT user_credits_user_id_fkey;"
                    + " ALTER TABLE credit_transactions DROP CONSTRAINT credit_transactions_user_id_fkey");
            database.execute("DELETE FROM users WHERE id = ?", orphan);

            skipping(database, commit).run("update").assertSucceeded();

            assertThat(database.lines(ERRORS)).containsExactly(orphan + "|no row in users");
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("10.00");
            assertThat(database.lines("SELECT balance_usd FROM user_billing WHERE user_id = ?", orphan))
                    .containsExactly("8.00");
            assertThat(database.lines(PROOF)).containsExactly("t");
        }
    }

    @ParameterizedTest(name = "at {0} per UAH")
    @CsvSource({"none, 'success|NaN UAH stays: no credits.perUah'", "0.025, 'error|balance is NaN'"})
    void aHryvniaBalanceThatIsNoNumberCountsOnlyWhereHryvniasAreConverted(String creditsPerUah, String logged) {
        try (Database database = Database.prepared()) {
            database.addUser("10.00");
            UUID user = database.addUser("20.00");
            database.execute("UPDATE user_billing SET balance_uah = 'NaN' WHERE user_id = ?", user);

            skipping(database, "once")
                    .parameter("credits.perUah", creditsPerUah)
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines("SELECT status, reason FROM billing_migration_log WHERE user_id = ?", user))
                    .containsExactly(logged);
        }
    }

    @Test
    void whatIsNobodysFaultStopsEvenASkippingRun() {
        try (Database database = populated(12, 6)) {
            database.execute("CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS"
                    + " 'BEGIN INSERT INTO no_such_table VALUES (1); RETURN NEW; END'");
            database.execute("CREATE TRIGGER broken BEFORE INSERT ON credit_transactions"
                    + " FOR EACH ROW EXECUTE FUNCTION broken()");

            skipping(database, "once").run("update").assertRefused("relation \"no_such_table\" does not exist");

            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isZero();
        }
    }

    /** Users with $10, every nth with $13, which the application refuses. */
    private static Database populated(int users, int every) {
        Database database = Database.prepared();
        database.execute("INSERT INTO users (id, email) SELECT md5(i::text)::uuid, i || '@example.org'"
                + " FROM generate_series(1, " + users + ") AS i");
        database.execute("INSERT INTO user_billing (user_id, balance_usd)"
                + " SELECT md5(i::text)::uuid, CASE WHEN i % " + every + " = 0 THEN 13 ELSE 10 END"
                + " FROM generate_series(1, " + users + ") AS i");
        return database;
    }

    private static List<String> bad(Database database) {
        return database.lines("SELECT user_id FROM user_billing WHERE balance_usd = 13 ORDER BY user_id");
    }

    private static void refuseInTrigger(Database database) {
        refuseInTrigger(database, "the application refuses this user");
    }

    private static void refuseInTrigger(Database database, String words) {
        database.execute("""
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $refuse$
                BEGIN
                    IF NEW.amount = 13 THEN
                        RAISE EXCEPTION %s;
                    END IF;
                    RETURN NEW;
                END
                $refuse$
                """.formatted(Sql.literal(words)));
        database.execute("CREATE TRIGGER refuse BEFORE INSERT ON credit_transactions"
                + " FOR EACH ROW EXECUTE FUNCTION refuse()");
    }

    private static void refuseInCheck(Database database) {
        database.execute("ALTER TABLE user_credits ADD CONSTRAINT user_credits_limit CHECK (balance <= 100)");
        database.execute("UPDATE user_billing SET balance_usd = 200 WHERE user_id = md5('1')::uuid");
    }

    private static LiquibaseApi skipping(Database database, String commit) {
        return LiquibaseApi.on(database).parameter("credits.onError", "skip").parameter("credits.commit", commit);
    }

    private static LiquibaseApi inBatchesOf(Database database, int users, String onError) {
        return LiquibaseApi.on(database)
                .parameter("credits.commit", "batch")
                .parameter("credits.batchUsers", String.valueOf(users))
                .parameter("credits.onError", onError);
    }

    private static List<String> lines(CommandResult result, String verdict) {
        List<String> lines = new ArrayList<>();
        result.messages()
                .lines()
                .filter(line -> line.startsWith("User: ") && line.contains(verdict))
                .map(line -> line.replace(verdict, ""))
                .forEach(lines::add);
        return lines;
    }
}
