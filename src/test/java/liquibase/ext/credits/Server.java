package liquibase.ext.credits;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import liquibase.ext.credits.embedded.EmbeddedServer;
import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** The one PostgreSQL of this test run, as its {@link ServerChoice} wants it. */
record Server(String urlBeforeDatabase, String urlAfterDatabase, String username, String password) {

    private static final Pattern URL = Pattern.compile("(jdbc:postgresql://[^/]+/)[^?]*(\\?.*)?");
    private static final Server CURRENT = start(ServerChoice.current());

    static Server current() {
        return CURRENT;
    }

    String url(String database) {
        return urlBeforeDatabase + database + urlAfterDatabase;
    }

    Connection connect(String database) throws SQLException {
        return DriverManager.getConnection(url(database), username, password);
    }

    private static Server start(ServerChoice choice) {
        if (choice.isEmbedded()) {
            return embedded(choice.name());
        }
        return choice.isUrl() ? at(choice.name(), "postgres", "postgres") : container(choice.name());
    }

    /** Without autovacuum, so that what a test sees changed was changed by the test. */
    private static Server embedded(String choice) {
        try {
            EmbeddedServer.refuseRootWithoutUserNamespaces();
            EmbeddedPostgres server = EmbeddedServer.builder()
                    .setServerConfig("autovacuum", "off")
                    .start();
            Server started = at(server.getJdbcUrl("postgres", "postgres"), "postgres", "postgres");
            started.refuseOtherMajor(choice);
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A major without a Maven profile would start another one. */
    private void refuseOtherMajor(String choice) {
        try (Connection connection = connect("postgres")) {
            String major = String.valueOf(connection.getMetaData().getDatabaseMajorVersion());
            if (!choice.equals("embedded") && !choice.equals(major)) {
                throw new IllegalStateException("test.postgres is " + choice + ", but PostgreSQL " + major
                        + " started; give a major from 14 to 18");
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("resource") // Testcontainers removes the container when the process ends.
    private static Server container(String image) {
        PostgreSQLContainer container =
                new PostgreSQLContainer(DockerImageName.parse(image).asCompatibleSubstituteFor("postgres"));
        container.withCommand("postgres", "-c", "autovacuum=off", "-c", "fsync=off", "-c", "max_connections=300");
        container.start();
        return at(container.getJdbcUrl(), container.getUsername(), container.getPassword());
    }

    /** A user and a password in the URL win over the given ones; they leave it, so that a test may connect as somebody else. */
    private static Server at(String url, String username, String password) {
        Matcher parts = URL.matcher(url);
        if (!parts.matches()) {
            throw new IllegalArgumentException(
                    "test.postgres is " + url + "; give jdbc:postgresql://host:port/database?user=…&password=…");
        }
        String options = parts.group(2) == null ? "" : parts.group(2);
        return new Server(
                parts.group(1),
                options.replaceAll("(?<=[?&])(user|password)=[^&]*&?", "").replaceAll("[?&]$", ""),
                option(options, "user", username),
                option(options, "password", password));
    }

    private static String option(String options, String name, String otherwise) {
        Matcher option = Pattern.compile("[?&]" + name + "=([^&]*)").matcher(options);
        return option.find() ? option.group(1) : otherwise;
    }
}
