package liquibase.ext.credits.embedded;

import java.sql.Connection;
import java.sql.Driver;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.util.Properties;
import java.util.logging.Logger;

/**
 * The JDBC driver of {@code jdbc:embedded-postgresql:<database>?dir=<directory>&port=<port>}.
 *
 * <ol>
 *   <li>Waits until no other process uses the directory.
 *   <li>Starts PostgreSQL on it, unless this process has done so already; a first start creates the files.
 *   <li>Creates the database if it is missing.
 *   <li>Returns the PostgreSQL driver's own connection to it.
 * </ol>
 *
 * The server stops with the process; the data stays for the next one.
 */
public final class EmbeddedPostgresDriver implements Driver {

    @Override
    public Connection connect(String url, Properties properties) throws SQLException {
        if (!acceptsURL(url)) {
            return null;
        }
        EmbeddedUrl target = EmbeddedUrl.parse(url);
        return DirectoryServer.runningIn(target.directory(), target.port()).connect(target.database());
    }

    @Override
    public boolean acceptsURL(String url) {
        return url.startsWith(EmbeddedUrl.PREFIX);
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties properties) {
        return new DriverPropertyInfo[0];
    }

    @Override
    public int getMajorVersion() {
        return 1;
    }

    @Override
    public int getMinorVersion() {
        return 0;
    }

    @Override
    public boolean jdbcCompliant() {
        return false;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException();
    }
}
