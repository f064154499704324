package liquibase.ext.credits.crash;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import liquibase.ext.credits.embedded.EmbeddedServer;

/** A PostgreSQL that may be killed: its own, and as careful with what it has promised to keep as production's. */
final class CrashServer implements AutoCloseable {

    private static final int KILL_LIMIT_SECONDS = 30;

    private final Path directory;
    private EmbeddedPostgres postgres;

    private CrashServer(Path directory, EmbeddedPostgres postgres) {
        this.directory = directory;
        this.postgres = postgres;
    }

    static CrashServer start() throws IOException {
        EmbeddedServer.refuseRootWithoutUserNamespaces();
        Path directory = Files.createTempDirectory("crash").resolve("data");
        return new CrashServer(directory, configured(directory).start());
    }

    String url(String database) {
        return postgres.getJdbcUrl("postgres", database);
    }

    /** SIGKILL for every process, then a start in the same directory, on the same port: recovery from the write-ahead log. */
    void killAndRestart() throws Exception {
        int port = postgres.getPort();
        ProcessHandle postmaster = postmaster();
        // The postmaster first, so that it starts nothing in place of the killed ones.
        List<ProcessHandle> all =
                Stream.concat(Stream.of(postmaster), postmaster.descendants()).toList();
        all.forEach(ProcessHandle::destroyForcibly);
        for (ProcessHandle process : all) {
            process.onExit().get(KILL_LIMIT_SECONDS, TimeUnit.SECONDS);
        }
        postgres.close();
        postgres = configured(directory).setPort(port).start();
    }

    @Override
    public void close() throws IOException {
        postgres.close();
        try (Stream<Path> files = Files.walk(directory.getParent())) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        }
    }

    private ProcessHandle postmaster() throws IOException {
        long pid = Long.parseLong(
                Files.readAllLines(directory.resolve("postmaster.pid")).get(0).trim());
        return ProcessHandle.of(pid).orElseThrow();
    }

    private static EmbeddedPostgres.Builder configured(Path directory) {
        return EmbeddedServer.builder()
                .setDataDirectory(directory)
                .setCleanDataDirectory(false)
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on");
    }
}
