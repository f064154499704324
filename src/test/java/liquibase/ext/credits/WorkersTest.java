package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** {@code credits.workers}: several connections, one run, everybody once. */
class WorkersTest {
    private static final int USERS = 300;
    private static final int LIMIT_SECONDS = 120;

    /** The first batch of every session waits until two sessions are at work, so that both take part. */
    private static final String MEET = """
            CREATE TABLE met (pid integer);
            CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF EXISTS (SELECT 1 FROM met WHERE pid = pg_backend_pid()) THEN
                    RETURN NULL;
                END IF;
                INSERT INTO met VALUES (pg_backend_pid());
                FOR look IN 1..6000 LOOP
                    PERFORM pg_stat_clear_snapshot();
                    EXIT WHEN (
                        SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND state = 'active'
                            AND application_name LIKE 'liquibase-credits %') = 2
                        OR (SELECT count(DISTINCT pid) FROM met) > 1;
                    PERFORM pg_sleep(0.01);
                END LOOP;
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER a_meet AFTER INSERT ON billing_migration_log
                FOR EACH STATEMENT EXECUTE FUNCTION meet();
            """;

    @Test
    void twoWorkersShareTheUsers() {
        try (Database database = populated()) {
            database.execute(MEET);

            inBatches(database, 2).run("update").assertSucceeded();

            assertThat(database.number("SELECT count(DISTINCT pid) FROM met")).isEqualByComparingTo("2");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void twoWorkersShareTheUndo() {
        try (Database database = populated()) {
            inBatches(database, 1).run("update").assertSucceeded();
            database.execute(MEET.replace("AFTER INSERT ON", "AFTER UPDATE ON"));

            inBatches(database, 2).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.number("SELECT count(DISTINCT pid) FROM met")).isEqualByComparingTo("2");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("45150");
            assertThat(database.lines(
                            "SELECT status, i6_holds, i6_reversed_users FROM billing_migration_reconciliation"))
                    .containsExactly("rolled_back|t|300");
        }
    }

    @Test
    void aFailureOfOneWorkerStopsAllAndAnyNumberGoesOn() {
        try (Database database = populated()) {
            database.execute("""
                    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        RAISE EXCEPTION 'the application refuses sevens';
                    END
                    $$;
                    CREATE TRIGGER refuse BEFORE INSERT ON credit_transactions
                        FOR EACH ROW WHEN (NEW.amount = 7) EXECUTE FUNCTION refuse();
                    """);

            inBatches(database, 2)
                    .run("update")
                    .assertRefused("1 user(s) cannot be converted")
                    .assertRefused(" of 300 users are converted; go on with liquibase update, or undo them with"
                            + " SELECT * FROM rollback_billing_migration('");
            assertThat(database.number("SELECT balance_usd FROM user_billing WHERE balance_usd = 7"))
                    .isEqualByComparingTo("7");
            assertThat(database.lines("SELECT i2_holds FROM billing_migration_reconciliation"))
                    .containsExactly("t");
            database.execute("DROP TRIGGER refuse ON credit_transactions");
            inBatches(database, 3).run("update").assertSucceeded();

            assertEverybodyOnce(database);
        }
    }

    @Test
    void aLostSiblingStopsTheRunAndLosesNothing() {
        try (Database database = populated()) {
            database.execute(MEET + """
                    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        PERFORM pg_terminate_backend(pg_backend_pid())
                        WHERE NOT EXISTS (
                            SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid());
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER b_lose AFTER INSERT ON billing_migration_log
                        FOR EACH STATEMENT EXECUTE FUNCTION lose();
                    """);

            CommandResult lost = inBatches(database, 2).run("update");
            lost.assertRefused("terminating connection due to administrator command; ");
            assertThat(lost.error()).doesNotContain("releaseLocks");
            database.execute("DROP TRIGGER b_lose ON billing_migration_log");
            inBatches(database, 1).run("update").assertSucceeded();

            assertEverybodyOnce(database);
        }
    }

    @Test
    void anUnfinishedRunOfSeveralWorkersCanBeUndone() {
        try (Database database = populated()) {
            controlAfter(database, 50, "stop");
            inBatches(database, 2).run("update").assertRefused("stopped by control = 'stop'");

            database.execute("SELECT * FROM rollback_billing_migration()");

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("45150");
            assertThat(database.lines("SELECT status, i2_holds, i6_holds FROM billing_migration_reconciliation"))
                    .containsExactly("rolled_back|t|t");
            assertThat(database.number("SELECT count(*) FROM billing_migration_range"))
                    .isZero();
        }
    }

    @Test
    void aPauseHoldsAllWorkersAndIsSeenFromOutside() throws Exception {
        try (Database database = populated()) {
            controlAfter(database, 50, "pause");

            CompletableFuture<CommandResult> update =
                    CompletableFuture.supplyAsync(() -> inBatches(database, 2).run("update"));
            await(database, "SELECT throttled FROM billing_migration_progress WHERE throttled IS NOT NULL");
            assertThat(database.text("SELECT throttled FROM billing_migration_progress"))
                    .isEqualTo("control = 'pause' in billing_migration_run");
            assertThat(database.text("SELECT max(application_name) FROM pg_stat_activity"
                            + " WHERE datname = current_database() AND application_name LIKE 'liquibase-credits %'"))
                    .matches("liquibase-credits \\d+% run " + database.text("SELECT id FROM billing_migration_run"));
            database.execute("DROP TRIGGER control ON billing_migration_log");
            database.execute("UPDATE billing_migration_run SET control = 'run'");
            CommandResult result = update.get(LIMIT_SECONDS, TimeUnit.SECONDS).assertSucceeded();

            assertThat(result.messages()).contains("Paused: control = 'pause' in billing_migration_run", "Going on");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void aBusyApplicationHoldsTheRun() throws Exception {
        try (Database database = populated()) {
            CompletableFuture<Void> one = sleep(database);
            CompletableFuture<Void> other = sleep(database);
            await(
                    database,
                    "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'"
                            + " AND datname = current_database() AND state = 'active' HAVING count(*) = 2");

            CompletableFuture<CommandResult> update = CompletableFuture.supplyAsync(() -> inBatches(database, 2)
                    .parameter("credits.maxActiveSessions", "1")
                    .run("update"));
            await(database, "SELECT throttled FROM billing_migration_progress WHERE throttled IS NOT NULL");
            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isZero();
            database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    + " WHERE query = 'SELECT pg_sleep(600)' AND datname = current_database()");
            CommandResult result = update.get(LIMIT_SECONDS, TimeUnit.SECONDS).assertSucceeded();

            assertThat(result.messages())
                    .contains("other sessions are active, more than credits.maxActiveSessions", "Going on");
            CompletableFuture.allOf(one, other).handle((done, lost) -> lost).get(LIMIT_SECONDS, TimeUnit.SECONDS);
            assertEverybodyOnce(database);
        }
    }

    /** 49 of 300 users are worth less than the smallest credit: planned are 251, and still no range holds more than ten rows. */
    @Test
    void rangesAreEvenWhereManyUsersAreNotWorthACredit() {
        try (Database database = populated()) {
            database.execute(
                    "SELECT billing_migration_cut(billing_migration_start(0.0001, p_commit_mode => 'batch'), 10)");

            assertThat(database.lines("SELECT planned_users FROM billing_migration_run"))
                    .containsExactly("251");
            assertThat(database.lines("""
                            SELECT count(DISTINCT g.range_number) AS ranges, count(*) AS users, min(g.users), max(g.users)
                            FROM user_billing AS b
                            JOIN (
                                SELECT r.range_number, r.after_user_id, r.upto_user_id, (
                                    SELECT count(*) FROM user_billing AS i
                                    WHERE (r.after_user_id IS NULL OR i.user_id > r.after_user_id)
                                        AND (r.upto_user_id IS NULL OR i.user_id <= r.upto_user_id)) AS users
                                FROM billing_migration_range AS r
                            ) AS g
                                ON (g.after_user_id IS NULL OR b.user_id > g.after_user_id)
                                AND (g.upto_user_id IS NULL OR b.user_id <= g.upto_user_id)
                            """)).containsExactly("30|300|10|10");
        }
    }

    /** 300 users fit into one automatic batch; beside others one in 250 is locked at a time, but never fewer than 25. */
    @Test
    void automaticBatchesAreSmallerBesideAnApplication() throws Exception {
        try (Database database = populated();
                Connection application = database.connection()) {
            application.setAutoCommit(false);
            try (Statement statement = application.createStatement()) {
                statement.execute("SELECT 1");
                automatic(LiquibaseApi.on(database)).run("update").assertSucceeded();
            }

            assertThat(batches(database)).isEqualByComparingTo("12");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void automaticBatchesAreWholeBesideASessionThatRests() throws Exception {
        try (Database database = populated();
                Connection application = database.connection()) {
            try (Statement statement = application.createStatement()) {
                statement.execute("SELECT 1");
            }
            await(
                    database,
                    "SELECT 1 FROM pg_stat_activity WHERE query = 'SELECT 1' AND datname = current_database()"
                            + " AND state = 'idle' AND state_change < clock_timestamp() - interval '1 second'");

            automatic(LiquibaseApi.on(database)).run("update").assertSucceeded();

            assertThat(batches(database)).isEqualByComparingTo("1");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void predictionAndProofTakeNoParallelWorkersBesideAnApplication() throws Exception {
        try (Database database = populated()) {
            database.execute("""
                    CREATE TABLE parallel_workers (at text, planned text);
                    CREATE FUNCTION note_parallel_workers() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        INSERT INTO parallel_workers
                        VALUES (NEW.status, current_setting('max_parallel_workers_per_gather'));
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER a_start AFTER INSERT ON billing_migration_run
                        FOR EACH ROW EXECUTE FUNCTION note_parallel_workers();
                    CREATE TRIGGER an_end AFTER UPDATE ON billing_migration_run
                        FOR EACH ROW WHEN (NEW.status IN ('completed', 'rolled_back'))
                        EXECUTE FUNCTION note_parallel_workers();
                    DO $$
                    BEGIN
                        EXECUTE format('ALTER DATABASE %I SET max_parallel_workers_per_gather = 3', current_database());
                    END
                    $$;
                    """);
            try (Connection application = database.connection();
                    Statement statement = application.createStatement()) {
                application.setAutoCommit(false);
                statement.execute("SELECT 1");
                automatic(LiquibaseApi.on(database)).run("update").assertSucceeded();
                automatic(LiquibaseApi.on(database))
                        .run("rollbackCount", "count", 1)
                        .assertSucceeded();
            }
            await(
                    database,
                    "SELECT 1 WHERE NOT EXISTS (SELECT FROM pg_stat_activity WHERE query = 'SELECT 1'"
                            + " AND datname = current_database())");
            automatic(LiquibaseApi.on(database)).run("update").assertSucceeded();

            assertThat(database.lines("SELECT at, planned FROM parallel_workers"))
                    .startsWith("running|0", "completed|0", "rolled_back|0")
                    .endsWith("completed|3")
                    .hasSize(5);
        }
    }

    @Test
    void aSessionThatMayNotBeSeenCountsAsOneAtWork() throws Exception {
        try (Database database = Database.legacy();
                Connection application = database.connection();
                MigratingRole role = MigratingRole.in(database)) {
            assertThat(application.isValid(LIMIT_SECONDS)).isTrue();
            populate(database);

            automatic(role.liquibase()).run("update").assertSucceeded();

            assertThat(batches(database)).isEqualByComparingTo("12");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void aConnectionOpenedBySomebodyElseWorksAlone() {
        try (Database database = populated()) {
            CommandResult result =
                    inBatches(database, 2).onOwnConnection().run("update").assertSucceeded();

            assertThat(result.messages())
                    .contains("credits.workers is 2, but a pool or another program opened the connection;"
                            + " going on with 1");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void theCommandLineOpensSiblingsToo() {
        try (Database database = populated()) {
            database.execute(MEET);

            LiquibaseCli.on(database)
                    .parameter("credits.commit", "batch")
                    .parameter("credits.batchUsers", "10")
                    .parameter("credits.workers", "2")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.number("SELECT count(DISTINCT pid) FROM met")).isEqualByComparingTo("2");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void theMavenPluginOpensSiblingsToo() {
        try (Database database = populated()) {
            database.execute(MEET);

            LiquibaseMaven.on(database)
                    .option("contexts", "stage")
                    .option("credits.commit", "batch")
                    .option("credits.batchUsers", "10")
                    .option("credits.workers", "2")
                    .run("liquibase:update")
                    .assertSucceeded();

            assertThat(database.number("SELECT count(DISTINCT pid) FROM met")).isEqualByComparingTo("2");
            assertEverybodyOnce(database);
        }
    }

    @Test
    void aTerminalShowsABarThatSaysWhyTheRunWaits() throws Exception {
        assumeTrue(Subprocess.hasTerminal(), "script of util-linux makes the terminal; it is not on this machine");
        try (Database database = populated()) {
            controlAfter(database, 50, "pause");

            CompletableFuture<CommandResult> update = CompletableFuture.supplyAsync(() -> LiquibaseCli.on(database)
                    .parameter("credits.commit", "batch")
                    .parameter("credits.batchUsers", "10")
                    .typing("")
                    .run("update"));
            await(database, "SELECT throttled FROM billing_migration_progress WHERE throttled IS NOT NULL");
            database.execute("DROP TRIGGER control ON billing_migration_log");
            database.execute("UPDATE billing_migration_run SET control = 'run'");
            String shown = update.get(LIMIT_SECONDS, TimeUnit.SECONDS)
                    .assertSucceeded()
                    .sql();

            String bar = "[#.........] 16% 50/300 users, paused: control = 'pause' in billing_migration_run";
            assertThat(shown)
                    .contains("Paused: control = 'pause' in billing_migration_run\r\n" + bar.substring(0, 79))
                    .contains("\r" + " ".repeat(79) + "\rGoing on");
            assertEverybodyOnce(database);
        }
    }

    private static Database populated() {
        Database database = Database.prepared();
        populate(database);
        return database;
    }

    private static void populate(Database database) {
        database.execute("""
                INSERT INTO users (id, email) SELECT md5(n::text)::uuid, n || '@example.org' FROM generate_series(1, %1$d) AS n;
                INSERT INTO user_billing (user_id, balance_usd) SELECT md5(n::text)::uuid, n FROM generate_series(1, %1$d) AS n;
                """.formatted(USERS));
    }

    private static LiquibaseApi automatic(LiquibaseApi liquibase) {
        return liquibase.parameter("credits.commit", "batch");
    }

    private static BigDecimal batches(Database database) {
        return database.number("SELECT count(DISTINCT migrated_at) FROM billing_migration_log");
    }

    private static LiquibaseApi inBatches(Database database, int workers) {
        return LiquibaseApi.on(database)
                .parameter("credits.commit", "batch")
                .parameter("credits.batchUsers", "10")
                .parameter("credits.workers", String.valueOf(workers));
    }

    static void controlAfter(Database database, int users, String control) {
        database.execute("""
                CREATE FUNCTION control() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    UPDATE billing_migration_run SET control = '%s'
                    WHERE (SELECT count(*) FROM billing_migration_log) >= %d;
                    RETURN NULL;
                END
                $$;
                CREATE TRIGGER control AFTER INSERT ON billing_migration_log
                    FOR EACH STATEMENT EXECUTE FUNCTION control();
                """.formatted(control, users));
    }

    private static CompletableFuture<Void> sleep(Database database) {
        return CompletableFuture.runAsync(() -> {
            try (var connection = database.connection();
                    var statement = connection.createStatement()) {
                statement.execute("SELECT pg_sleep(600)");
            } catch (java.sql.SQLException ended) {
                throw new IllegalStateException(ended);
            }
        });
    }

    static void await(Database database, String sql) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (database.text(sql) == null) {
            assertThat(System.nanoTime()).as("waits for " + sql).isLessThan(deadline);
            Thread.sleep(20);
        }
    }

    private static void assertEverybodyOnce(Database database) {
        assertThat(database.lines("SELECT status, done_users, done_usd FROM billing_migration_run"))
                .containsExactly("completed|300|45150.00");
        assertThat(database.lines("SELECT count(*), sum(balance) FROM user_credits"))
                .containsExactly("300|45150.00");
        assertThat(database.number("SELECT sum(balance_usd) FROM user_billing")).isZero();
        assertThat(database.lines("SELECT finding FROM billing_migration_discrepancy"))
                .isEmpty();
        assertThat(database.number("SELECT count(*) FROM billing_migration_range"))
                .isZero();
    }
}
