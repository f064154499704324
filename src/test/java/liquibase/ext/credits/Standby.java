package liquibase.ext.credits;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Set;
import liquibase.ext.credits.embedded.EmbeddedServer;

/** A real standby of the tests' embedded server, streaming from it until it is closed: a copy of its files, made while it runs. */
final class Standby implements AutoCloseable {

    private static final Duration START_LIMIT = Duration.ofMinutes(3);

    private static final String SLOT = "credits_standby";

    /** What a copy must not have, or what is of no use to it. */
    private static final Set<String> LEFT_OUT = Set.of("postmaster.pid", "postmaster.opts", "epg-lock");

    private static final Set<String> LEFT_EMPTY =
            Set.of("pg_wal", "pg_replslot", "pg_dynshmem", "pg_notify", "pg_serial", "pg_snapshots", "pg_subtrans");

    private final Database database;
    private final EmbeddedPostgres server;

    private Standby(Database database, EmbeddedPostgres server) {
        this.database = database;
        this.server = server;
    }

    /** Follows the server of this database, with files in this folder, which the caller removes. */
    static Standby of(Database database, Path folder) throws IOException, SQLException {
        Path data = folder.resolve("standby");
        Path primary = Path.of(database.text("SHOW data_directory"));
        // Other tests write on meanwhile, and a checkpoint would remove the write-ahead log that the copy still needs.
        database.execute("SELECT pg_create_physical_replication_slot('" + SLOT + "', true)");
        try (Connection connection = database.connection();
                Statement statement = connection.createStatement()) {
            // Renamed in 15.
            boolean isOld = connection.getMetaData().getDatabaseMajorVersion() < 15;
            statement.execute(
                    isOld
                            ? "SELECT pg_start_backup('standby', true, false)"
                            : "SELECT pg_backup_start('standby', true)");
            copy(primary, data, LEFT_EMPTY);
            try (ResultSet row = statement.executeQuery(
                    "SELECT labelfile FROM " + (isOld ? "pg_stop_backup(false, false)" : "pg_backup_stop(false)"))) {
                row.next();
                Files.writeString(data.resolve("backup_label"), row.getString(1));
            }
        }
        // All that makes the copy consistent is then here, and need not be waited for.
        copy(primary.resolve("pg_wal"), data.resolve("pg_wal"), Set.of());
        Files.createFile(data.resolve("standby.signal"));
        Files.writeString(
                data.resolve("postgresql.auto.conf"),
                "primary_conninfo = 'host=127.0.0.1 port=%s user=%s application_name=standby'%nprimary_slot_name = '%s'%n"
                        .formatted(database.text("SHOW port"), database.username(), SLOT),
                StandardOpenOption.APPEND);
        return new Standby(database, start(data, folder.resolve("standby.log")));
    }

    /** Still receives what the primary writes, but applies nothing of it. */
    void pause() throws SQLException {
        query("SELECT pg_wal_replay_pause()");
    }

    void goOn() throws SQLException {
        query("SELECT pg_wal_replay_resume()");
    }

    @Override
    public void close() throws IOException {
        server.close();
        // The primary notices a moment later that nobody reads any more, and until then keeps the slot.
        database.execute("""
                DO $$
                BEGIN
                    WHILE EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = 'credits_standby' AND active) LOOP
                        PERFORM pg_sleep(0.05);
                    END LOOP;
                    PERFORM pg_drop_replication_slot('credits_standby');
                END
                $$
                """);
    }

    private void query(String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(server.getJdbcUrl("postgres", "postgres"));
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private static EmbeddedPostgres start(Path data, Path log) throws IOException {
        try {
            return EmbeddedServer.builder()
                    .setPGStartupWait(START_LIMIT)
                    .setDataDirectory(data)
                    .setCleanDataDirectory(false)
                    .setOutputRedirector(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .setErrorRedirector(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
        } catch (IOException e) {
            throw new IOException(Files.readString(log), e);
        }
    }

    private static void copy(Path from, Path to, Set<String> leftEmpty) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
                    throws IOException {
                Path name = from.relativize(directory);
                if (name.startsWith("pg_replslot") && name.getNameCount() > 1) {
                    return FileVisitResult.SKIP_SUBTREE;
                }
                // PostgreSQL refuses a data directory that others may read.
                Path copied = to.resolve(name);
                if (!Files.exists(copied)) {
                    Files.createDirectory(
                            copied, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Path name = from.relativize(file);
                if (leftEmpty.contains(name.getName(0).toString()) || LEFT_OUT.contains(name.toString())) {
                    return FileVisitResult.CONTINUE;
                }
                try {
                    Files.copy(file, to.resolve(name));
                } catch (NoSuchFileException e) {
                    return visitFileFailed(file, e);
                }
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
                // Other tests drop tables and databases meanwhile; the write-ahead log knows of it.
                if (e instanceof NoSuchFileException vanished
                        && vanished.getFile().equals(file.toString())) {
                    return FileVisitResult.CONTINUE;
                }
                throw e;
            }
        });
    }
}
