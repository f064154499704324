package liquibase.ext.credits.environment;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import liquibase.Scope;
import liquibase.database.Database;
import liquibase.database.jvm.JdbcConnection;
import liquibase.exception.DatabaseException;
import liquibase.executor.Executor;
import liquibase.executor.ExecutorService;
import liquibase.statement.core.RawParameterizedSqlStatement;
import org.jspecify.annotations.Nullable;

/**
 * {@code defaultSchemaName}: first on the search path for the whole session, and in the script of a dry run. Liquibase 5 itself sets it
 * for one transaction only, unquoted, and leaves it out of the script; our SQL names no schema.
 */
public final class DefaultSchema {
    private static final String SEARCH_PATH = """
            SELECT concat_ws(', ', quote_ident(?), nullif(current_setting('search_path'), ''))
            WHERE current_schema() IS DISTINCT FROM ?
            """;
    private static final String SET = "SELECT set_config('search_path', ?, false)";

    private DefaultSchema() {}

    /**
     * Puts the schema first on the session's search path; a no-op without {@code defaultSchemaName}. Ends the open transaction.
     *
     * @param database connected to PostgreSQL
     * @throws SQLException if the search path cannot be set
     * @throws DatabaseException if the dry run's script cannot be written
     */
    public static void use(Database database) throws SQLException, DatabaseException {
        Connection connection = ((JdbcConnection) database.getConnection()).getUnderlyingConnection();
        String schema = database.getDefaultSchemaName();
        if (schema == null) {
            return;
        }
        // What Liquibase set for this transaction would hide what the session has.
        endTransaction(connection);
        String searchPath = first(connection, SEARCH_PATH, schema, schema);
        if (searchPath != null) {
            first(connection, SET, searchPath);
            endTransaction(connection);
            writeIntoScript(database, searchPath);
        }
    }

    private static void writeIntoScript(Database database, String searchPath) throws DatabaseException {
        Executor executor =
                Scope.getCurrentScope().getSingleton(ExecutorService.class).getExecutor("jdbc", database);
        if (!executor.updatesDatabase()) {
            executor.execute(new RawParameterizedSqlStatement("SET search_path TO " + searchPath));
        }
    }

    private static void endTransaction(Connection connection) throws SQLException {
        if (!connection.getAutoCommit()) {
            connection.commit();
        }
    }

    private static @Nullable String first(Connection connection, String query, String... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < values.length; i++) {
                statement.setString(i + 1, values[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }
}
