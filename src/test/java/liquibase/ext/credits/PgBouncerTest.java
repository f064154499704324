package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Through a connection pooler: what works, and what is refused. */
class PgBouncerTest {
    private static final int LIMIT_SECONDS = 120;

    @BeforeAll
    static void needsThePooler() {
        assumeTrue(PgBouncer.program().isPresent(), "skipped: no pgbouncer on the PATH");
        assumeTrue(
                ServerChoice.current().isEmbedded(),
                "skipped: the server must trust connections without a password, as the embedded one does");
    }

    @ParameterizedTest(name = "pool mode {0}")
    @ValueSource(strings = {"session", "transaction"})
    void convertsAndUndoesInOneTransaction(String poolMode, @TempDir Path folder) throws Exception {
        try (Database database = Database.legacy();
                PgBouncer bouncer = PgBouncer.start(database, poolMode, 2, folder)) {
            LifeCycleTest.assertLifeCycle(
                    database,
                    LifeCycleTest.javaApi(() -> LiquibaseApi.on(database).url(bouncer.url(database))));

            assertThat(database.lines("SELECT DISTINCT commit_mode FROM billing_migration_run"))
                    .containsExactly("once");
        }
    }

    @Test
    void convertsAndUndoesInBatchesInPoolModeSession(@TempDir Path folder) throws Exception {
        try (Database database = Database.legacy();
                PgBouncer bouncer = PgBouncer.start(database, "session", 2, folder)) {
            LifeCycleTest.assertLifeCycle(
                    database,
                    LifeCycleTest.javaApi(
                            () -> BatchModeTest.inBatches(database).url(bouncer.url(database))));

            assertThat(database.lines("SELECT DISTINCT commit_mode FROM billing_migration_run"))
                    .containsExactly("batch");
        }
    }

    @Test
    void convertsInBatchesWhenTheSessionPoolHasNoSecondConnection(@TempDir Path folder) throws Exception {
        try (Database database = BatchModeTest.populated();
                PgBouncer bouncer = PgBouncer.start(database, "session", 1, folder)) {
            BatchModeTest.inBatches(database)
                    .url(bouncer.url(database) + "&loginTimeout=5")
                    .run("update")
                    .assertSucceeded();

            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("210.00");
        }
    }

    @ParameterizedTest(name = "{0} workers")
    @ValueSource(strings = {"1", "2"})
    void refusesBatchesInPoolModeTransactionBeforeAnythingMoves(String workers, @TempDir Path folder) throws Exception {
        try (Database database = BatchModeTest.populated();
                PgBouncer bouncer = PgBouncer.start(database, "transaction", 2, folder)) {
            Snapshot before = database.everything();

            CommandResult refused = BatchModeTest.inBatches(database)
                    .url(bouncer.url(database))
                    .parameter("credits.workers", workers)
                    .run("update");

            refused.assertRefused(
                    ", so a pooler in transaction mode is between; commit mode batch needs a session of its"
                            + " own; no balance was changed; connect directly or in pool mode session, or set credits.commit to"
                            + " once");
            assertThat(refused.error()).containsPattern("two connections share server process \\d+, so");
            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    /** An application's pool gives no second connection to look from; then the first batch on another process is refused. */
    @ParameterizedTest(name = "URL with {0}")
    @ValueSource(strings = {"prepareThreshold=0", "prepareThreshold=5"})
    void aChangeOfTheServerProcessStopsTheRunBeforeItsNextBatch(String setting, @TempDir Path folder) throws Exception {
        try (Database database = BatchModeTest.populated();
                PgBouncer bouncer = PgBouncer.start(database, "transaction", 2, folder)) {
            WorkersTest.controlAfter(database, 7, "pause");
            CompletableFuture<CommandResult> update =
                    CompletableFuture.supplyAsync(() -> BatchModeTest.inBatches(database)
                            .onOwnConnection()
                            .url(bouncer.url(database).replace("prepareThreshold=0", setting))
                            .run("update"));
            WorkersTest.await(database, "SELECT throttled FROM billing_migration_progress WHERE throttled IS NOT NULL");
            String process = database.text("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
                    + " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");

            String otherProcess = goOnWithout(process, database, bouncer, update);

            String run = database.text("SELECT id FROM billing_migration_run");
            update.get(LIMIT_SECONDS, TimeUnit.SECONDS)
                    .assertRefused("server process " + otherProcess + " answers in place of " + process
                            + ", so a pooler in transaction mode is between; commit mode batch needs a session of its own;"
                            + " connect directly or in pool mode session; end server process " + process
                            + ", which keeps the run's lock, with SELECT pg_terminate_backend(" + process
                            + "); 9 of 20 users are converted; go on with liquibase update, or undo them with"
                            + " SELECT * FROM rollback_billing_migration('" + run + "')");
            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isEqualByComparingTo("9");
            BatchModeTest.inBatches(database).run("update").assertRefused("another conversion or undo is running (");
            assertThat(database.text("SELECT pg_terminate_backend(?, ?)", Integer.valueOf(process), 60_000))
                    .isEqualTo("t");
            BatchModeTest.inBatches(database).run("update").assertSucceeded();
            assertThat(database.lines("SELECT status, done_users, done_usd FROM billing_migration_run"))
                    .containsExactly("completed|20|210.00");
        }
    }

    /** Two others take both server processes of the pool, and give back the one that the run has not had. */
    private static String goOnWithout(
            String process, Database database, PgBouncer bouncer, CompletableFuture<CommandResult> update)
            throws Exception {
        try (Connection one = connect(bouncer, database);
                Connection two = connect(bouncer, database)) {
            String ofOne = processOf(one);
            String ofTwo = processOf(two);
            database.execute("DROP TRIGGER control ON billing_migration_log");
            database.execute("UPDATE billing_migration_run SET control = 'run'");
            (ofOne.equals(process) ? two : one).rollback();
            update.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            // Closed in a transaction, the pooler would end the server process, and with it the lock.
            one.rollback();
            two.rollback();
            return ofOne.equals(process) ? ofTwo : ofOne;
        }
    }

    private static Connection connect(PgBouncer bouncer, Database database) throws SQLException {
        Connection connection =
                DriverManager.getConnection(bouncer.url(database), database.username(), database.password());
        connection.setAutoCommit(false);
        return connection;
    }

    private static String processOf(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getString(1);
        }
    }
}
