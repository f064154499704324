package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Money that an old application instance still adds to {@code user_billing} after the conversion. */
class LateWriteTest {

    private static final String TOP_UP = "UPDATE user_billing SET balance_usd = balance_usd + 7.01";

    @Test
    void allowedMoneyWaitsAndAFurtherRunConvertsOnlyThat() {
        try (Database database = converted("allow")) {
            UUID other = database.addUser("50.00");
            database.execute("SELECT * FROM migrate_user_billing_to_credits(1.0, false)");
            database.execute(TOP_UP + " WHERE user_id <> ?", other);

            assertThat(
                            database.lines(
                                    "SELECT migration_status, balance_usd, late_writes FROM billing_migration_status ORDER BY 2"))
                    .containsExactly("success|0.00|allow", "pending_migration|7.01|allow");
            database.execute("SELECT * FROM migrate_user_billing_to_credits(1.0, false)");
            assertThat(database.lines("SELECT done_users, done_usd FROM billing_migration_run ORDER BY started_at"))
                    .containsExactly("1|100.00", "1|50.00", "1|7.01");
            assertThat(database.lines(
                            "SELECT migration_status, credit_balance FROM billing_migration_status ORDER BY 2"))
                    .containsExactly("success|50.00", "success|107.01");
        }
    }

    /** What a run left where it was is not late; what comes to it, or goes from it, is looked at again. */
    @Test
    void moneyThatArrivesForASkippedUserWaits() {
        try (Database database = Database.prepared()) {
            UUID skipped = database.addUser("0");
            UUID failed = database.addUser("0");
            database.execute("UPDATE user_billing SET balance_uah = 850 WHERE user_id = ?", skipped);
            database.execute("UPDATE user_billing SET balance_usd = 'NaN' WHERE user_id = ?", failed);
            String status = "SELECT migration_status FROM billing_migration_status ORDER BY user_id = '" + failed + "'";
            LiquibaseApi.on(database)
                    .parameter("credits.onError", "skip")
                    .run("update")
                    .assertSucceeded();
            assertThat(database.lines(status)).containsExactly("skipped", "error");

            database.execute("UPDATE user_billing SET balance_usd = 20 WHERE user_id = ?", skipped);
            database.execute("UPDATE user_billing SET balance_usd = 0 WHERE user_id = ?", failed);
            assertThat(database.lines(status)).containsExactly("pending_migration", "no_balance");

            database.execute("UPDATE user_billing SET balance_usd = 0.01 WHERE user_id = ?", failed);
            database.execute("SELECT * FROM migrate_user_billing_to_credits(0.1)");
            assertThat(database.lines(status)).containsExactly("success", "skipped");
        }
    }

    @Test
    void rejectedMoneyFailsWithTheNewWay() {
        try (Database database = converted("reject")) {
            Snapshot before = database.everything();

            assertThatThrownBy(() -> database.execute(TOP_UP))
                    .hasMessageContaining("user_billing of user " + database.text("SELECT id FROM users")
                            + " is closed: balances became credits in run "
                            + database.text("SELECT id FROM billing_migration_run")
                            + "; add credits with add_credits() instead");

            assertThat(database.everything()).isEqualTo(before);
            assertThat(database.text("SELECT late_writes FROM billing_migration_status"))
                    .isEqualTo("reject");
        }
    }

    @Test
    void aNewAccountWithMoneyIsRejectedAndOneWithoutIsNot() {
        try (Database database = converted("reject")) {
            UUID without = database.addUser("0");

            assertThatThrownBy(() -> database.addUser("9.00"))
                    .hasMessageContaining("add credits with add_credits() instead");
            assertThat(database.lines("SELECT balance_usd FROM user_billing WHERE user_id = ?", without))
                    .containsExactly("0.00");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isZero();
        }
    }

    @ParameterizedTest(name = "{0} at {1} per UAH")
    @CsvSource({
        "reject,  none, 5.00|100.00",
        "convert, none, 5.00|100.00",
        "convert, 0.5,  0.00|102.50",
    })
    void hryvniasAreGuardedOnlyWhereTheyAreConverted(String lateWrites, String creditsPerUah, String money) {
        try (Database database = converted(lateWrites, "1.0", creditsPerUah)) {
            database.execute("UPDATE user_billing SET balance_uah = balance_uah + 5");

            assertThat(database.lines("SELECT b.balance_uah, c.balance FROM user_billing AS b"
                            + " JOIN user_credits AS c ON c.user_id = b.user_id"))
                    .containsExactly(money);
        }
    }

    @Test
    void rejectedHryvniasFailWhereTheyAreConverted() {
        try (Database database = converted("reject", "1.0", "0.5")) {
            assertThatThrownBy(() -> database.execute("UPDATE user_billing SET balance_uah = balance_uah + 5"))
                    .hasMessageContaining("add credits with add_credits() instead");
        }
    }

    @Test
    void otherWritesGoOnWhileMoneyIsRejected() {
        try (Database database = converted("reject")) {
            database.execute("UPDATE user_billing SET total_requests = 5, balance_usd = balance_usd - 3");

            assertThat(database.lines("SELECT balance_usd, total_requests FROM user_billing"))
                    .containsExactly("-3.00|5");
        }
    }

    @Test
    void convertedMoneyBecomesCreditsAtTheRunsRateAtOnce() {
        try (Database database = converted("convert", "0.5")) {
            database.execute(TOP_UP);

            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("0.00");
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("53.51|53.51");
            assertThat(database.lines("SELECT amount, balance_before, balance_after FROM credit_transactions"
                            + " ORDER BY balance_after"))
                    .containsExactly("50.00|0.00|50.00", "3.51|50.00|53.51");
            assertThat(database.lines("SELECT new_credits, remainder FROM billing_migration_log ORDER BY new_credits"))
                    .containsExactly("3.51|-0.005", "50.00|0.000");
            assertThat(database.lines("SELECT migration_status, late_writes FROM billing_migration_status"))
                    .containsExactly("success|convert");
            assertThat(database.lines("SELECT finding FROM billing_migration_discrepancy"))
                    .isEmpty();
            assertThat(database.lines("SELECT DISTINCT i1_holds AND i2_holds AND i3_holds AND i5_holds AS all_hold"
                            + " FROM billing_migration_reconciliation"))
                    .containsExactly("t");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
        ON CONFLICT (user_id) DO NOTHING;                                                         0.00;  100.00
        ON CONFLICT (user_id) DO UPDATE SET balance_usd = user_billing.balance_usd + excluded.balance_usd; 0.00; 109.00
        ON CONFLICT (user_id) DO UPDATE SET balance_usd = user_billing.balance_usd - 1;          -1.00;  100.00
        """)
    void anInsertThatMeetsAnAccountCountsAsWhatItDoes(String onConflict, String balanceUsd, String credits) {
        try (Database database = converted("convert")) {
            database.execute(
                    "INSERT INTO user_billing (user_id, balance_usd) SELECT u.id, 9 FROM users AS u " + onConflict);

            assertThat(database.lines("SELECT b.balance_usd, c.balance FROM user_billing AS b"
                            + " JOIN user_credits AS c ON c.user_id = b.user_id"))
                    .containsExactly(balanceUsd + "|" + credits);
            assertThat(database.number("SELECT sum(amount) FROM credit_transactions"))
                    .isEqualByComparingTo(credits);
        }
    }

    /** Neither a new account nor an update of all columns is money. */
    @ParameterizedTest(name = "{0}, {1} per UAH")
    @CsvSource({"reject, none", "reject, 0.5", "convert, none", "convert, 0.5"})
    void aBalanceThatIsNullIsNoMoney(String lateWrites, String creditsPerUah) {
        try (Database database = converted(lateWrites, "1.0", creditsPerUah)) {
            database.execute(
                    "ALTER TABLE user_billing ALTER balance_usd DROP NOT NULL, ALTER balance_uah DROP NOT NULL");
            UUID user = database.addUser("0");

            database.execute("UPDATE user_billing SET balance_usd = 0, balance_uah = NULL WHERE user_id = ?", user);
            database.execute("UPDATE user_billing SET balance_usd = 0, balance_uah = NULL WHERE user_id = ?", user);
            database.execute("UPDATE user_billing SET balance_usd = NULL WHERE user_id = ?", user);
            assertThat(database.number("SELECT count(*) FROM credit_transactions"))
                    .isEqualByComparingTo("1");

            if (lateWrites.equals("convert")) {
                database.execute("UPDATE user_billing SET balance_usd = 5 WHERE user_id = ?", user);
                assertThat(database.lines(
                                "SELECT b.balance_usd, b.balance_uah IS NULL, c.balance FROM user_billing AS b"
                                        + " JOIN user_credits AS c ON c.user_id = b.user_id WHERE b.user_id = ?",
                                user))
                        .containsExactly("0.00|t|5.00");
            }
        }
    }

    @Test
    void aBalanceThatIsNoNumberIsRefused() {
        try (Database database = converted("convert")) {
            Snapshot before = database.everything();

            assertThatThrownBy(() -> database.execute("UPDATE user_billing SET balance_usd = 'NaN'"))
                    .hasMessageContaining("would hold NaN USD and 0.00 UAH, which cannot become credits;"
                            + " the write is refused; write a number");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void theOwnerOfTheTableIsAskedForItsRightsToo() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            String owner = database.text("SELECT current_database()") + "_owner";
            database.execute("CREATE ROLE " + owner + "; GRANT ALL ON SCHEMA public TO " + owner
                    + "; ALTER TABLE user_billing OWNER TO " + owner);

            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertRefused("role " + owner + " may write to user_billing and lacks ");

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("100.00");
            database.execute(
                    "REASSIGN OWNED BY " + owner + " TO CURRENT_USER; DROP OWNED BY " + owner + "; DROP ROLE " + owner);
        }
    }

    @Test
    void anInsertThatComesToNothingIsNotRejected() {
        try (Database database = converted("reject")) {
            Snapshot before = database.everything();

            database.execute("INSERT INTO user_billing (user_id, balance_usd) SELECT u.id, 9 FROM users AS u"
                    + " ON CONFLICT (user_id) DO NOTHING");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
        a_drops_it  | BEFORE | RETURN NULL                                             | 100.00
        z_drops_it  | BEFORE | RETURN NULL                                             | 100.00
        z_doubles   | BEFORE | NEW.balance_usd := NEW.balance_usd * 2; RETURN NEW      | 114.02
        a_adds_once | AFTER  | UPDATE user_billing SET balance_usd = balance_usd + 1 WHERE user_id = NEW.user_id AND NEW.balance_usd = 7.01; RETURN NULL | 108.01
        z_adds_once | AFTER  | UPDATE user_billing SET balance_usd = balance_usd + 1 WHERE user_id = NEW.user_id AND NEW.balance_usd = 7.01; RETURN NULL | 108.01
        """)
    void whatATriggerOfTheApplicationMakesOfAWriteIsConverted(String name, String when, String body, String credits) {
        try (Database database = converted("convert")) {
            database.execute("CREATE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN " + body
                    + "; END$$; CREATE TRIGGER " + name + " " + when
                    + " UPDATE OF balance_usd ON user_billing FOR EACH ROW EXECUTE FUNCTION " + name + "()");

            database.execute(TOP_UP);

            assertThat(database.lines("SELECT b.balance_usd, c.balance FROM user_billing AS b"
                            + " JOIN user_credits AS c ON c.user_id = b.user_id"))
                    .containsExactly("0.00|" + credits);
            assertThat(database.number("SELECT sum(amount) FROM credit_transactions"))
                    .isEqualByComparingTo(credits);
        }
    }

    @Test
    void aWalletThatALateWriteMadeGoesWithItsUndo() {
        try (Database database = converted("convert")) {
            database.addUser("9.00");

            database.execute("SELECT * FROM rollback_billing_migration()");

            assertThat(database.lines("SELECT balance_usd FROM user_billing ORDER BY balance_usd"))
                    .containsExactly("9.00", "100.00");
            assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
        }
    }

    @Test
    void aWalletsIdNeedsNoDefault() {
        try (Database database = converted("convert")) {
            database.execute("ALTER TABLE user_credits ALTER COLUMN id DROP DEFAULT");
            UUID user = database.addUser("9.00");
            UUID other = database.addUser("0");

            database.execute("SELECT * FROM add_credits(?, 5, 'purchase', 'test')", other);

            assertThat(database.lines(
                            "SELECT balance FROM user_credits WHERE user_id IN (?, ?) ORDER BY 1", user, other))
                    .containsExactly("5.00", "9.00");
        }
    }

    @Test
    void statusNamesTheGuardWhateverTheReadersSearchPath() {
        try (Database database = converted("reject")) {
            database.execute("SET search_path TO pg_catalog");

            assertThat(database.text("SELECT late_writes FROM public.billing_migration_status"))
                    .isEqualTo("reject");
        }
    }

    @Test
    void aNewAccountWithMoneyIsConvertedToo() {
        try (Database database = converted("convert")) {
            database.addUser("9.00");

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isZero();
            assertThat(database.lines("SELECT balance FROM user_credits ORDER BY balance"))
                    .containsExactly("9.00", "100.00");
        }
    }

    @Test
    void theUndoReturnsLateMoneyTooAndDisarms() {
        for (String lateWrites : new String[] {"convert", "reject"}) {
            try (Database database = converted(lateWrites)) {
                if (lateWrites.equals("convert")) {
                    database.execute(TOP_UP);
                }

                LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
                database.execute("UPDATE user_billing SET balance_usd = balance_usd + 1");

                assertThat(database.number("SELECT balance_usd FROM user_billing"))
                        .isEqualByComparingTo(lateWrites.equals("convert") ? "108.01" : "101.00");
                assertThat(database.text("SELECT late_writes FROM billing_migration_status"))
                        .isEqualTo("allow");
                assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
            }
        }
    }

    /** Each is a run of its own: whatever reads the log once per run takes time that grows with the square of the late writes. */
    @Test
    void manyLateWritesAreProvedAndUndoneWithoutReadingTheLogForEach() {
        try (Database database = converted("convert")) {
            for (int user = 0; user < 29; user++) {
                database.addUser("0");
            }
            database.execute(TOP_UP);
            database.execute(
                    "DELETE FROM users WHERE id IN (SELECT user_id FROM user_credits WHERE balance < 50 LIMIT 2)");
            database.execute("SET enable_nestloop = off");

            assertThat(database.lines("EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off)"
                            + " SELECT * FROM billing_migration_reconciliation"))
                    .filteredOn(line -> line.contains(" on billing_migration_log "))
                    .hasSize(3)
                    .allMatch(line -> line.contains("loops=1"));
            assertThat(database.lines("""
                            WITH undone AS MATERIALIZED (
                                SELECT count(*) AS runs, sum(r.users) AS users FROM rollback_billing_migration() AS r
                            )
                            SELECT
                                u.runs,
                                u.users,
                                (
                                    SELECT t.seq_tup_read + t.idx_tup_fetch < 20 * 31
                                    FROM pg_stat_xact_user_tables AS t
                                    WHERE t.relname = 'billing_migration_log'
                                ) AS is_log_read_a_few_times
                            FROM undone AS u
                            """)).containsExactly("31|29|t");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("296.28");
            assertThat(database.number("SELECT count(*) FROM user_credits")).isZero();
        }
    }

    @Test
    void manyLateWritesAreOneLineOfStatusAndOfChecks() {
        try (Database database = converted("convert")) {
            database.addUser("0");
            database.addUser("0");
            database.execute(TOP_UP);

            assertThat(LiquibaseCli.on(database)
                            .run("credits-status", "--format=csv")
                            .assertSucceeded()
                            .sql()
                            .lines()
                            .filter(line -> line.startsWith("run,"))
                            .map(line -> line.replaceAll("^run,[^,]*,|,[^,]*,[^,]*$", "")))
                    .containsExactly("completed,1,100.00,0,100.00,,", "late writes completed,3,21.03,0,21.03,,");
            assertThat(LiquibaseCli.on(database)
                            .run("credits-verify")
                            .assertSucceeded()
                            .sql()
                            .lines()
                            .filter(line -> line.contains("I1")))
                    .containsExactly(
                            "passed  I1: source x rate = credits + remainder: 100 and 100",
                            "passed  Late writes: I1 to I6 hold: 3 late writes were converted, 0 of them are not proved");

            String wrong =
                    database.text("SELECT id FROM billing_migration_run WHERE armed_by_run_id IS NOT NULL LIMIT 1");
            database.execute("UPDATE billing_migration_run SET done_credits = 8 WHERE id = ?::uuid", wrong);
            assertThat(database.lines("SELECT item, run_id FROM billing_migration_checklist"
                            + " WHERE result = 'failed' AND item ~ 'I[1-6]'"))
                    .containsExactly("I2: run = log = ledger|" + wrong, "Late writes: I1 to I6 hold|");
        }
    }

    @Test
    void aWriterThatTheGuardWouldFailIsNamedBeforeTheConversion() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            String writer = database.text("SELECT current_database()") + "_writer";
            database.execute("CREATE ROLE " + writer + "; GRANT INSERT ON user_credits TO " + writer
                    + "; GRANT SELECT, UPDATE (balance_usd) ON user_billing TO " + writer);
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertRefused("role " + writer
                            + " may write to user_billing and lacks EXECUTE ON FUNCTION billing_credits,"
                            + " INSERT ON billing_migration_log, INSERT ON billing_migration_run,"
                            + " INSERT ON credit_transactions, SELECT ON billing_migration_run,"
                            + " SELECT ON user_credits, UPDATE ON user_billing, UPDATE ON user_credits"
                            + " for credits.lateWrites=convert;"
                            + " no balance was changed; grant that to it, or set credits.lateWrites=allow");
            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));

            database.execute("GRANT EXECUTE ON FUNCTION billing_credits TO " + writer
                    + "; GRANT INSERT ON billing_migration_log, billing_migration_run, credit_transactions TO " + writer
                    + "; GRANT SELECT ON billing_migration_run, user_credits TO " + writer
                    + "; GRANT UPDATE ON user_credits TO " + writer
                    + "; GRANT UPDATE (balance_uah) ON user_billing TO " + writer);
            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertSucceeded();
            database.execute(
                    "SET ROLE " + writer + "; UPDATE user_billing SET balance_usd = balance_usd + 7.01; RESET ROLE");

            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("107.01");
            database.execute("DROP OWNED BY " + writer + "; DROP ROLE " + writer);
        }
    }

    @Test
    void rejectingNeedsNoRightsOfTheWriter() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            String writer = database.text("SELECT current_database()") + "_writer";
            database.execute("CREATE ROLE " + writer + "; GRANT SELECT, UPDATE ON user_billing TO " + writer);

            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "reject")
                    .run("update")
                    .assertSucceeded();

            assertThatThrownBy(() -> database.execute("SET ROLE " + writer + "; " + TOP_UP))
                    .hasMessageContaining("add credits with add_credits() instead");
            database.execute("RESET ROLE; DROP OWNED BY " + writer + "; DROP ROLE " + writer);
        }
    }

    private static Database converted(String lateWrites) {
        return converted(lateWrites, "1.0");
    }

    private static Database converted(String lateWrites, String creditsPerUsd) {
        return converted(lateWrites, creditsPerUsd, "none");
    }

    private static Database converted(String lateWrites, String creditsPerUsd, String creditsPerUah) {
        Database database = Database.prepared();
        database.addUser("100.00");
        LiquibaseApi.on(database)
                .parameter("credits.lateWrites", lateWrites)
                .parameter("credits.perUsd", creditsPerUsd)
                .parameter("credits.perUah", creditsPerUah)
                .run("update")
                .assertSucceeded();
        return database;
    }
}
