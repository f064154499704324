package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** An earlier migration 021 was applied by hand: none of its defects is ours, and its objects are taken over and given back. */
class EarlierAttemptTest {

    private static final Template EARLIER_ATTEMPT = new Template("earlier_attempt", database -> {
        Template.LEGACY_WITH_LEDGER.preparation().prepare(database);
        database.execute(Template.resource("/legacy/earlier_attempt.sql"));
    });

    private static final Template TAKEN_OVER = new Template("earlier_attempt_taken_over", database -> {
        EARLIER_ATTEMPT.preparation().prepare(database);
        LiquibaseApi.on(database).runAllButLast();
    });

    private static final UUID WAITING = UUID.fromString("cafe0201-0000-4000-8000-000000000001");
    private static final UUID PATCHED = UUID.fromString("cafe0202-0000-4000-8000-000000000002");
    private static final UUID HRYVNIA = UUID.fromString("cafe0203-0000-4000-8000-000000000003");

    private static final String HISTORY = """
            SELECT
                l.user_id, l.old_balance_usd, l.old_balance_uah, l.new_credits, l.conversion_rate, l.status, l.migrated_at,
                l.migrated_by
            FROM billing_migration_log AS l
            WHERE to_jsonb(l) ->> 'run_id' IS NULL
            ORDER BY l.user_id, l.status
            """;
    private static final String OWNERS = """
            SELECT concat_ws(' ', c.relname, c.relowner::regrole, c.relacl, c.reloptions)
            FROM pg_class AS c
            WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'databasechangelog%'
            UNION ALL
            SELECT concat_ws(' ', p.oid::regprocedure, p.proowner::regrole, p.proacl)
            FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace
            ORDER BY 1
            """;
    private static final String FILES = """
            SELECT pg_relation_filenode('credit_transactions'), pg_relation_filenode('billing_migration_log')
            """;
    private static final String ROWS_READ = """
            SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))
            FROM pg_stat_xact_user_tables
            """;
    private static final String[] WIDENED = {".old_balance_usd", ".old_balance_uah", ".new_credits", ".conversion_rate"
    };

    @Test
    void rowsThatLookLikeARunOfOursAreRefused() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            database.execute("ALTER TABLE billing_migration_log ADD run_id uuid DEFAULT gen_random_uuid()");
            List<String> before = database.lines("SELECT to_jsonb(l)::text FROM billing_migration_log AS l ORDER BY 1");
            assertThat(before).isNotEmpty();

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("billing_migration_log of an earlier attempt has rows with a run_id, which 021 would"
                            + " take for runs of its own; ALTER TABLE billing_migration_log RENAME COLUMN run_id TO"
                            + " earlier_run_id, and run again");

            assertThat(database.lines("SELECT to_jsonb(l)::text FROM billing_migration_log AS l ORDER BY 1"))
                    .isEqualTo(before);
            database.execute("ALTER TABLE billing_migration_log RENAME COLUMN run_id TO earlier_run_id");
            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @Test
    void earlierFunctionConvertedNobody() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            assertThat(database.lines(
                            "SELECT status, reason, conversion_rate FROM billing_migration_log WHERE user_id = ?"
                                    + " ORDER BY status",
                            WAITING))
                    .containsExactly("error|column reference \"user_id\" is ambiguous|0.01", "skipped||0.01");

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT user_id, old_balance_usd, new_credits, status FROM billing_migration_log"
                            + " WHERE run_id IS NOT NULL ORDER BY user_id"))
                    .containsExactly(WAITING + "|40.00|40.00|success", HRYVNIA + "|60.00|60.00|success");
            assertThat(balances(database, WAITING)).isEqualTo("0.00 0.00 43.00");
            assertThat(balances(database, HRYVNIA)).isEqualTo("0.00 850.00 60.00");
        }
    }

    @Test
    void errorsAreRaisedInsteadOfSwallowed() {
        try (Database database = Database.from(TAKEN_OVER)) {
            UUID rich = database.addUser("99999999.99");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 0.01)", rich);
            Snapshot before = database.everything();

            assertThatThrownBy(() -> database.execute("SELECT * FROM migrate_user_billing_to_credits(1.0, false)"))
                    .hasMessageContaining("1 user(s) cannot be converted: " + rich
                            + " (99999999.99 credits on top of 0.01 do not fit); no balance was changed");
            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void dryRunWritesNothingIntoTheLog() {
        try (Database database = Database.from(TAKEN_OVER)) {
            Snapshot before = database.rowVersions();

            assertThat(database.lines(
                            "SELECT user_id, status, message FROM migrate_user_billing_to_credits(1.0, true)"))
                    .containsExactly(
                            WAITING + "|dry_run|Would migrate",
                            HRYVNIA + "|dry_run|Would migrate; 850.00 UAH stays: no credits.perUah");
            assertThat(database.rowVersions()).isEqualTo(before);
        }
    }

    @Test
    void statusShowsEveryUserOnceHoweverOftenConverted() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            assertThat(database.lines("SELECT user_id FROM billing_migration_status"))
                    .hasSize(5);

            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 7 WHERE user_id = ?", WAITING);
            assertThat(status(database, WAITING)).isEqualTo("pending_migration");
            database.execute("SELECT * FROM migrate_user_billing_to_credits()");

            assertThat(database.lines("SELECT user_id FROM billing_migration_status ORDER BY user_id"))
                    .containsExactly(WAITING.toString(), PATCHED.toString(), HRYVNIA.toString());
            assertThat(status(database, WAITING)).isEqualTo("success");
            assertThat(status(database, PATCHED)).isEqualTo("success");
        }
    }

    @Test
    void rateKeepsAllItsDigits() {
        try (Database database = Database.from(TAKEN_OVER)) {
            LiquibaseApi.on(database)
                    .parameter("credits.perUsd", "0.005")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.lines(
                            "SELECT DISTINCT conversion_rate FROM billing_migration_log WHERE run_id IS NOT NULL"))
                    .containsExactly("0.005");
            assertThat(balances(database, WAITING)).isEqualTo("0.00 0.00 3.20");
        }
    }

    @Test
    void hryvniaIsNamedOrConvertedButNeverForgotten() {
        try (Database database = Database.from(TAKEN_OVER)) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.text("SELECT reason FROM billing_migration_status WHERE user_id = ?", HRYVNIA))
                    .isEqualTo("850.00 UAH stays: no credits.perUah");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            LiquibaseApi.on(database)
                    .parameter("credits.perUah", "0.02")
                    .run("update")
                    .assertSucceeded();
            assertThat(balances(database, HRYVNIA)).isEqualTo("0.00 0.00 77.00");
        }
    }

    @Test
    void workPerUserDoesNotGrowWithTheNumberOfUsers() throws SQLException {
        long few = rowsReadPerUser(500);

        assertThat(few).isPositive();
        assertThat(rowsReadPerUser(2_000)).isLessThanOrEqualTo(few);
    }

    @Test
    void undoKeepsLedgerAndLateMoneyAndStopsBeforeANegativeBalance() {
        try (Database database = Database.from(TAKEN_OVER)) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("UPDATE user_billing SET balance_usd = 7 WHERE user_id = ?", WAITING);
            database.execute("SELECT deduct_credits(?, 50, 'search', NULL, NULL)", HRYVNIA);
            Snapshot spent = database.everything();

            LiquibaseApi.on(database)
                    .run("rollbackCount", "count", 1)
                    .assertRefused("1 user(s) cannot give back all converted credits, 50.00 are spent: " + HRYVNIA);
            assertThat(database.everything().without("databasechangeloglock"))
                    .isEqualTo(spent.without("databasechangeloglock"));

            database.execute("SELECT add_credits(?, 50, 'refund', 'search', NULL, NULL, NULL)", HRYVNIA);
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            Snapshot undone = database.everything();
            assertThat(balances(database, WAITING)).isEqualTo("47.00 0.00 3.00");
            assertThat(balances(database, HRYVNIA)).isEqualTo("60.00 850.00 0.00");
            assertThat(database.lines(
                            "SELECT transaction_type, amount FROM credit_transactions WHERE user_id = ?"
                                    + " ORDER BY amount DESC",
                            WAITING))
                    .containsExactly(
                            "migration|40.00", "purchase|5.00", "deduction|-2.00", "migration_rollback|-40.00");

            assertThat(database.lines("SELECT * FROM rollback_billing_migration()"))
                    .isEmpty();
            assertThat(database.everything()).isEqualTo(undone);
        }
    }

    @Test
    void earlierLogIsHistoryAndNotOurs() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            var history = database.lines(HISTORY);

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(history).hasSize(5);
            assertThat(database.lines(HISTORY)).isEqualTo(history);
            assertThat(database.lines(
                            "SELECT planned_users, done_users, skipped_users, error_users FROM billing_migration_run"))
                    .containsExactly("2|2|0|0");
            assertThat(database.lines("SELECT i1_holds, i2_holds, i3_holds, i4_holds, i5_holds, i6_holds, i4_log_rows"
                            + " FROM billing_migration_reconciliation"))
                    .containsExactly("t|t|t|t|t|t|2");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(HISTORY)).isEqualTo(history);
            assertThat(balances(database, PATCHED)).isEqualTo("0.00 0.00 20.00");
        }
    }

    @Test
    void proofAndUndoOutliveADeletedUser() {
        try (Database database = Database.from(TAKEN_OVER)) {
            LiquibaseApi.on(database).run("update").assertSucceeded();

            database.execute("DELETE FROM users WHERE id = ?", WAITING);

            assertThat(database.lines("SELECT billing_migration_verify(id) FROM billing_migration_run"))
                    .hasSize(1);
            undoEverything(database);
            assertThat(balances(database, HRYVNIA)).isEqualTo("60.00 850.00 ");
            assertThat(database.lines("SELECT DISTINCT user_id FROM billing_migration_log ORDER BY user_id"))
                    .containsExactly(PATCHED.toString(), HRYVNIA.toString());
        }
    }

    @Test
    void updateRewritesNoTable() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            var files = database.lines(FILES);
            Snapshot before = database.everything();

            LiquibaseApi.on(database).runAllButLast();

            assertThat(database.lines(FILES)).isEqualTo(files);
            assertThat(database.everything().parts().get("rows of public.credit_transactions"))
                    .isEqualTo(before.parts().get("rows of public.credit_transactions"));
        }
    }

    @Test
    void undoOfAllChangesetsGivesTheEarlierObjectsBack() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            Snapshot before = database.everything();
            var owners = database.lines(OWNERS);

            LiquibaseApi.on(database).runAllButLast();
            assertThat(database.rows("SELECT * FROM billing_migration_status").get(0))
                    .containsKey("credit_balance");
            undoEverything(database);

            assertThat(database.everything().without("databasechangelog").without(WIDENED))
                    .isEqualTo(before.without(WIDENED));
            assertThat(database.lines(OWNERS)).isEqualTo(owners);
            assertThat(database.lines("SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                            + " WHERE attrelid = 'billing_migration_log'::regclass AND atttypid = 'numeric'::regtype"))
                    .containsExactly(
                            "old_balance_usd|numeric",
                            "old_balance_uah|numeric",
                            "new_credits|numeric",
                            "conversion_rate|numeric");
        }
    }

    @Test
    void undoGivesAViewWithoutOptionsCommentOrGrantsBackToo() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            database.execute("DROP VIEW billing_migration_status");
            database.execute("CREATE VIEW billing_migration_status AS SELECT 'earlier' AS status");
            Snapshot before = database.everything();

            LiquibaseApi.on(database).runAllButLast();
            undoEverything(database);

            assertThat(database.everything().without("databasechangelog").without(WIDENED))
                    .isEqualTo(before.without(WIDENED));
        }
    }

    @Test
    void undoOfAConversionLeavesOnlyItsLedgerEntries() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            Snapshot before = database.everything();
            String[] written = {"rows of public.credit_transactions", "rows of public.user_"}; // Entries, updated_at.

            LiquibaseApi.on(database).run("update").assertSucceeded();
            undoEverything(database);

            assertThat(database.everything()
                            .without("databasechangelog")
                            .without(WIDENED)
                            .without(written))
                    .isEqualTo(before.without(WIDENED).without(written));
            assertThat(balances(database, WAITING)).isEqualTo("40.00 0.00 3.00");
            assertThat(balances(database, PATCHED)).isEqualTo("0.00 0.00 20.00");
            assertThat(balances(database, HRYVNIA)).isEqualTo("60.00 850.00 ");
            assertThat(database.lines(
                            "SELECT transaction_type, count(*) FROM credit_transactions GROUP BY 1 ORDER BY 1"))
                    .containsExactly("deduction|1", "migration|3", "migration_rollback|2", "purchase|1");
        }
    }

    @Test
    void forwardBackAndForwardAgain() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            undoEverything(database);
            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(balances(database, WAITING)).isEqualTo("0.00 0.00 43.00");
            assertThat(database.lines(HISTORY)).hasSize(5);
            assertThat(database.lines("SELECT count(*) FROM billing_migration_status"))
                    .containsExactly("3");
        }
    }

    private static void undoEverything(Database database) {
        int changesets =
                database.number("SELECT count(*) FROM databasechangelog").intValue();
        LiquibaseApi.on(database).run("rollbackCount", "count", changesets).assertSucceeded();
    }

    private static String balances(Database database, UUID user) {
        return database.text(
                "SELECT concat(b.balance_usd, ' ', b.balance_uah, ' ', c.balance) FROM user_billing AS b"
                        + " LEFT JOIN user_credits AS c ON c.user_id = b.user_id WHERE b.user_id = ?",
                user);
    }

    private static String status(Database database, UUID user) {
        return database.text("SELECT migration_status FROM billing_migration_status WHERE user_id = ?", user);
    }

    /** Counted by PostgreSQL, because seconds depend on the machine. */
    private static long rowsReadPerUser(int users) throws SQLException {
        try (Database database = Database.prepared();
                Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            database.execute(
                    "INSERT INTO users (email) SELECT i || '@example.org' FROM generate_series(1, " + users + ") AS i");
            database.execute("INSERT INTO user_billing (user_id, balance_usd) SELECT id, 10 FROM users");
            connection.setAutoCommit(false);
            statement.execute("SELECT * FROM migrate_user_billing_to_credits()");
            try (ResultSet rows = statement.executeQuery(ROWS_READ)) {
                rows.next();
                return rows.getLong(1) / users;
            }
        }
    }
}
