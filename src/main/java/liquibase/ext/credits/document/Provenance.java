package liquibase.ext.credits.document;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import liquibase.util.LiquibaseUtil;

/**
 * Where a document comes from.
 *
 * @param createdAt by the database's clock, in UTC, such as {@code 2026-02-06T10:00:00Z}
 * @param environment as in {@code contexts/}
 * @param database its name
 * @param databaseUser the role that asked
 * @param serverVersion of PostgreSQL
 * @param toolVersion of this extension
 * @param liquibaseVersion of Liquibase
 */
public record Provenance(
        String createdAt,
        String environment,
        String database,
        String databaseUser,
        String serverVersion,
        String toolVersion,
        String liquibaseVersion) {
    private static final String QUERY = """
            SELECT
                to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS created_at,
                current_database() AS database,
                current_user AS database_user,
                current_setting('server_version') AS server_version
            """;

    /**
     * Asks the database.
     *
     * @param connection any connection to it
     * @param environment as in {@code contexts/}
     * @return the provenance of what is read next
     * @throws SQLException as the database reports it
     */
    public static Provenance read(Connection connection, String environment) throws SQLException {
        String version = Provenance.class.getPackage().getImplementationVersion();
        try (PreparedStatement statement = connection.prepareStatement(QUERY);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return new Provenance(
                    row.getString("created_at"),
                    environment,
                    row.getString("database"),
                    row.getString("database_user"),
                    row.getString("server_version"),
                    version == null ? "development" : version,
                    LiquibaseUtil.getBuildVersion());
        }
    }
}
