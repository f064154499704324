package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The life cycle through a connection pooler. */
class PgBouncerTest {

    @BeforeAll
    static void needsThePooler() {
        assumeTrue(PgBouncer.program().isPresent(), "skipped: no pgbouncer on the PATH");
        assumeTrue(
                System.getProperty("postgres.under.test", "embedded").matches("embedded|\\d+"),
                "skipped: the server must trust connections without a password, as the embedded one does");
    }

    @ParameterizedTest(name = "pool mode {0}")
    @ValueSource(strings = {"session", "transaction"})
    void convertsAndUndoesInOneTransaction(String poolMode, @TempDir Path folder) throws Exception {
        try (Database database = Database.legacy();
                PgBouncer bouncer = PgBouncer.start(database, poolMode, folder)) {
            LiquibaseCli liquibase = LiquibaseCli.on(database).url(bouncer.url(database));

            LifeCycleTest.assertLifeCycle(database, LifeCycleTest.commandLine(liquibase));
        }
    }

    @Test
    void convertsInBatchesInPoolModeSession(@TempDir Path folder) throws Exception {
        try (Database database = Database.legacy();
                PgBouncer bouncer = PgBouncer.start(database, "session", folder)) {
            LiquibaseCli liquibase = LiquibaseCli.on(database)
                    .url(bouncer.url(database))
                    .parameter("credits.commit", "batch")
                    .parameter("credits.batchUsers", "1");

            LifeCycleTest.assertLifeCycle(database, LifeCycleTest.commandLine(liquibase));

            assertThat(database.lines("SELECT DISTINCT commit_mode FROM billing_migration_run"))
                    .containsExactly("batch");
        }
    }
}
