package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code credits.maxReplicaLag} with a real standby, which falls behind when a test says so. */
class StandbyTest {
    private static final int LIMIT_SECONDS = 240;

    /** Thirty batches together take longer than the lag that is allowed, on the fastest machine. */
    private static final String SLOW = """
            CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                PERFORM pg_sleep(0.1);
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER slow AFTER INSERT ON billing_migration_log
                FOR EACH STATEMENT EXECUTE FUNCTION slow();
            """;

    @BeforeAll
    static void needsTheServersFiles() {
        assumeTrue(
                ServerChoice.current().isEmbedded(), "skipped: the standby is a copy of the embedded server's files");
    }

    @Test
    void aStandbyThatIsBehindHoldsTheRunUntilItHasCaughtUp(@TempDir Path folder) throws Exception {
        try (Database database = populated();
                Standby standby = Standby.of(database, folder)) {
            await(database, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL");
            standby.pause();
            database.execute(SLOW);

            CompletableFuture<CommandResult> update = CompletableFuture.supplyAsync(() -> LiquibaseApi.on(database)
                    .parameter("credits.commit", "batch")
                    .parameter("credits.batchUsers", "10")
                    .parameter("credits.maxReplicaLag", "1s")
                    .run("update"));
            await(database, "SELECT throttled FROM billing_migration_progress WHERE throttled IS NOT NULL");
            assertThat(database.text("SELECT throttled FROM billing_migration_progress"))
                    .isEqualTo("a replica lags more than credits.maxReplicaLag");
            assertThat(database.number("SELECT done_users FROM billing_migration_progress"))
                    .isLessThan(new BigDecimal("300"));
            standby.goOn();
            CommandResult result = update.get(LIMIT_SECONDS, TimeUnit.SECONDS).assertSucceeded();

            assertThat(result.messages())
                    .contains("Paused: a replica lags more than credits.maxReplicaLag", "Going on");
            assertThat(database.lines("SELECT status, done_users, done_usd FROM billing_migration_run"))
                    .containsExactly("completed|300|45150.00");
        }
    }

    @Test
    @SuppressWarnings("try") // The standby follows by itself.
    void aStandbyThatKeepsUpHoldsNothing(@TempDir Path folder) throws Exception {
        try (Database database = populated();
                Standby standby = Standby.of(database, folder)) {
            await(database, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming' AND replay_lsn IS NOT NULL");

            CommandResult result = LiquibaseApi.on(database)
                    .parameter("credits.commit", "batch")
                    .parameter("credits.maxReplicaLag", "10min")
                    .run("update")
                    .assertSucceeded();

            assertThat(result.messages()).doesNotContain("Paused");
            assertThat(database.lines("SELECT status, done_users FROM billing_migration_run"))
                    .containsExactly("completed|300");
        }
    }

    private static Database populated() {
        Database database = Database.prepared();
        database.execute("""
                INSERT INTO users (id, email) SELECT md5(n::text)::uuid, n || '@example.org' FROM generate_series(1, 300) AS n;
                INSERT INTO user_billing (user_id, balance_usd) SELECT md5(n::text)::uuid, n FROM generate_series(1, 300) AS n;
                """);
        return database;
    }

    private static void await(Database database, String sql) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (database.text(sql) == null) {
            assertThat(System.nanoTime()).as("waits for " + sql).isLessThan(deadline);
            Thread.sleep(20);
        }
    }
}
