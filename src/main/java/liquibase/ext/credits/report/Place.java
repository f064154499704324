package liquibase.ext.credits.report;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * Where a command works, so that whoever reads its report sees a wrong database at once.
 *
 * @param database its name
 * @param environment as in {@code contexts/}
 */
public record Place(String database, String environment) {

    /**
     * The database that a connection leads to, in this environment.
     *
     * @param connection any connection to the database
     * @param environment as in {@code contexts/}
     * @return the place
     * @throws SQLException as the driver reports it
     */
    public static Place of(Connection connection, String environment) throws SQLException {
        return new Place(connection.getCatalog(), environment);
    }

    @Override
    public String toString() {
        return "Database " + database + ", environment " + environment;
    }
}
