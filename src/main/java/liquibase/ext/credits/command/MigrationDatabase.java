package liquibase.ext.credits.command;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import liquibase.database.Database;
import liquibase.database.jvm.JdbcConnection;
import liquibase.exception.DatabaseException;
import liquibase.ext.credits.environment.DefaultSchema;
import liquibase.ext.credits.report.OneMoment;

/** A PostgreSQL database in which migration 021 is applied. */
final class MigrationDatabase {
    private static final String MISSING = """
            SELECT
                'migration 021 is not applied in database ' || current_database() || ', schema '
                    || coalesce(current_schema(), 'none')
                    || '; check the url and defaultSchemaName, or run liquibase update with changelogs/master.xml first'
            WHERE to_regclass('billing_migration_checklist') IS NULL
            """;

    private final Connection connection;

    private MigrationDatabase(Connection connection) {
        this.connection = connection;
    }

    static MigrationDatabase of(Database target) throws SQLException, DatabaseException, RefusedException {
        if (!"postgresql".equals(target.getShortName())) {
            throw new RefusedException("the database is " + target.getDatabaseProductName()
                    + ", but it must be PostgreSQL; check the url");
        }
        DefaultSchema.use(target);
        MigrationDatabase database =
                new MigrationDatabase(((JdbcConnection) target.getConnection()).getUnderlyingConnection());
        for (List<String> missing : database.rows(MISSING).values()) {
            throw new RefusedException(missing.get(0));
        }
        return database;
    }

    /** From here on every query sees the same moment, and nothing can be written. */
    void readOneMoment() throws SQLException {
        connection.setAutoCommit(false);
        OneMoment.begin(connection);
    }

    /** From here on every statement sees what others have committed, whatever the database's default is. */
    void write() throws SQLException {
        connection.setAutoCommit(false);
        connection.rollback();
        try (PreparedStatement statement =
                connection.prepareStatement("SET TRANSACTION ISOLATION LEVEL READ COMMITTED, READ WRITE")) {
            statement.execute();
        }
    }

    void commit() throws SQLException {
        connection.commit();
    }

    Rows rows(String query, Object... parameters) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < parameters.length; i++) {
                statement.setObject(i + 1, parameters[i]);
            }
            try (ResultSet result = statement.executeQuery()) {
                return rows(result);
            }
        }
    }

    private static Rows rows(ResultSet result) throws SQLException {
        ResultSetMetaData columns = result.getMetaData();
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= columns.getColumnCount(); i++) {
            names.add(columns.getColumnLabel(i));
        }
        List<List<String>> values = new ArrayList<>();
        while (result.next()) {
            List<String> row = new ArrayList<>();
            for (int i = 1; i <= names.size(); i++) {
                String value = result.getString(i);
                row.add(value == null ? "" : value);
            }
            values.add(row);
        }
        return new Rows(names, values);
    }
}
