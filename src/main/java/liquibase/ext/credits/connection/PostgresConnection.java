package liquibase.ext.credits.connection;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.util.Properties;
import java.util.Set;
import liquibase.database.DatabaseConnection;
import liquibase.database.jvm.JdbcConnection;
import liquibase.exception.DatabaseException;
import org.jspecify.annotations.Nullable;

/**
 * Liquibase's own JDBC connection to PostgreSQL, which can open siblings of itself. Liquibase finds the class by {@code
 * META-INF/services/liquibase.database.DatabaseConnection} and uses it wherever it opens such a connection, in the CLI, in
 * Maven and by the Java API. URL and password are kept in this object and are handed to nobody but the driver.
 *
 * <p>A password that nobody gave is read from {@code LIQUIBASE_COMMAND_PASSWORD}, as the CLI does: Maven prints with {@code -X}
 * whatever its POM hands to a plugin.
 */
public final class PostgresConnection extends JdbcConnection {
    /** Above liquibase-commercial, which the Maven plugin of 4.33.0 brings along. */
    private static final int PRIORITY = DatabaseConnection.PRIORITY_DEFAULT + 1000;

    private static final String PASSWORD = "password";
    private static final String PASSWORD_VARIABLE = "LIQUIBASE_COMMAND_PASSWORD";

    /** What Maven's plugin hands on when nobody gave one: 5.0.4 nothing, 4.33.0 this word. */
    private static final Set<String> NO_PASSWORD = Set.of("", "null");

    /** A pooler lets a connection wait that it cannot serve; the property is the driver's. */
    private static final String LONGEST_WAIT_SECONDS = "20";

    private @Nullable Opening opening;

    /** A plain class on purpose: a record would print the password in its toString. */
    private static final class Opening {
        private final String url;
        private final Driver driver;
        private final Properties properties;

        private Opening(String url, Driver driver, Properties properties) {
            this.url = url;
            this.driver = driver;
            this.properties = properties;
        }

        private static Opening of(String url, Driver driver, Properties properties) {
            Properties copy = new Properties();
            copy.setProperty("loginTimeout", LONGEST_WAIT_SECONDS);
            properties.stringPropertyNames().forEach(name -> copy.setProperty(name, properties.getProperty(name)));
            return new Opening(url, driver, copy);
        }

        private @Nullable Connection repeat() throws SQLException {
            return driver.connect(url, properties);
        }
    }

    /** Liquibase creates it, then calls {@link #open}. */
    public PostgresConnection() {
        // Nothing to do before it is opened.
    }

    @Override
    public int getPriority() {
        return PRIORITY;
    }

    @Override
    public boolean supports(@Nullable String url) {
        return url != null && (url.startsWith("jdbc:postgresql:") || url.startsWith("jdbc:embedded-postgresql:"));
    }

    @Override
    public void open(String url, Driver driver, Properties properties) throws DatabaseException {
        if (NO_PASSWORD.contains(properties.getProperty(PASSWORD, "")) && System.getenv(PASSWORD_VARIABLE) != null) {
            properties.setProperty(PASSWORD, System.getenv(PASSWORD_VARIABLE));
        }
        super.open(url, driver, properties);
        opening = Opening.of(url, driver, properties);
    }

    /**
     * Opens another connection with the same URL, driver, user and password.
     *
     * @return a connection that the caller closes
     * @throws SQLException if the server refuses it, or this connection was not opened by Liquibase
     */
    public Connection openSibling() throws SQLException {
        Connection sibling = opening == null ? null : opening.repeat();
        if (sibling == null) {
            throw new SQLException("Liquibase did not open the connection itself");
        }
        return sibling;
    }
}
