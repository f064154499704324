package liquibase.ext.credits.benchmark;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import liquibase.ext.credits.embedded.EmbeddedServer;

/**
 * A server that writes as production's does: the tests' own server trades durability for speed. Memory and log size are
 * those of a small production server, so that no checkpoint falls into one rival's time and not into another's.
 */
final class BenchmarkServer {
    private static final String CHOICE = "postgres.under.test";

    private BenchmarkServer() {}

    /** Starts the embedded server unless another one is chosen; true if it runs on this machine for certain. */
    static boolean start() throws IOException {
        String choice = System.getProperty(CHOICE, "embedded");
        if (!choice.equals("embedded") && !choice.matches("\\d+")) {
            return false;
        }
        EmbeddedServer.refuseRootWithoutUserNamespaces();
        EmbeddedPostgres server = EmbeddedServer.builder()
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .setServerConfig("full_page_writes", "on")
                .setServerConfig("shared_buffers", "512MB")
                .setServerConfig("max_wal_size", "16GB")
                .setServerConfig("min_wal_size", "4GB")
                .setServerConfig("checkpoint_timeout", "1h")
                .start();
        System.setProperty(CHOICE, server.getJdbcUrl("postgres", "postgres"));
        return true;
    }
}
