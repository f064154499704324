package liquibase.ext.credits.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import liquibase.Scope;

/** The PostgreSQL whose files live in one directory and outlast the process. */
final class DirectoryServer {

    private static final String DATABASE_EXISTS = "SELECT 1 FROM pg_catalog.pg_database WHERE datname = ?";

    private final int port;

    private DirectoryServer(int port) {
        this.port = port;
    }

    /**
     * Maven gives each goal a class loader of its own, and the second goal of one command would not see a static field: the
     * port is kept in a system property.
     */
    static synchronized DirectoryServer runningIn(Path parent, int wantedPort) throws SQLException {
        Path directory = parent.resolve(Binaries.major());
        String key = EmbeddedUrl.PREFIX + directory.toAbsolutePath().normalize();
        Integer port = Integer.getInteger(key);
        if (port == null) {
            port = start(directory, wantedPort);
            System.setProperty(key, String.valueOf(port));
        }
        return new DirectoryServer(port);
    }

    private static int start(Path directory, int wantedPort) throws SQLException {
        try {
            EmbeddedServer.refuseRootWithoutUserNamespaces();
            DirectoryLock lock = DirectoryLock.acquire(directory);
            EmbeddedPostgres server = startLocked(directory, wantedPort, lock);
            // One hook for both, because hooks run side by side: the lock outlives the server.
            Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, lock)));
            Scope.getCurrentScope()
                    .getUI()
                    .sendMessage("Embedded PostgreSQL " + Binaries.version() + " started, data in " + directory);
            return server.getPort();
        } catch (IOException e) {
            throw new SQLException("embedded PostgreSQL " + Binaries.version() + " did not start in " + directory + ": "
                    + e.getMessage());
        }
    }

    private static EmbeddedPostgres startLocked(Path directory, int wantedPort, DirectoryLock lock) throws IOException {
        EmbeddedPostgres.Builder builder = EmbeddedServer.builder()
                .setDataDirectory(directory)
                .setCleanDataDirectory(false)
                .setRegisterShutdownHook(false);
        try {
            Orphan.stopIn(directory);
            return (wantedPort == 0 ? builder : builder.setPort(wantedPort)).start();
        } catch (IOException | RuntimeException e) {
            lock.release();
            throw new IOException(e.getMessage() + "; remove that directory to begin anew", e);
        }
    }

    private static void stop(EmbeddedPostgres server, DirectoryLock lock) {
        try {
            server.close();
            lock.release();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    Connection connect(String database) throws SQLException {
        createIfMissing(database);
        return open(database);
    }

    private void createIfMissing(String database) throws SQLException {
        try (Connection connection = open("postgres");
                PreparedStatement exists = connection.prepareStatement(DATABASE_EXISTS);
                Statement create = connection.createStatement()) {
            exists.setString(1, database);
            if (!exists.executeQuery().next()) {
                create.execute("CREATE DATABASE " + database);
            }
        }
    }

    private Connection open(String database) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", "postgres");
        return new org.postgresql.Driver().connect("jdbc:postgresql://localhost:" + port + "/" + database, properties);
    }
}
