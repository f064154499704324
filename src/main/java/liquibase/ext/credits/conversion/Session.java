package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/** What a database session carries besides its transaction. */
final class Session {
    private static final String LOCK = "SELECT billing_migration_lock(NULL, true)";
    private static final String UNLOCK = "SELECT billing_migration_unlock()";
    private static final String SET = "SELECT set_config(?, ?, ?)";
    private static final String GET = "SELECT current_setting(?)";
    private static final String SEES_LOCK =
            "SELECT NOT pg_try_advisory_xact_lock(hashtextextended('billing_migration in ' || current_schema(), 0))";

    private Session() {}

    /** Takes the one lock of this schema's conversion, or fails at once and names who holds it. */
    static void lock(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LOCK)) {
            statement.execute();
        }
    }

    static void unlock(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(UNLOCK)) {
            statement.execute();
        }
    }

    /** Whether another session holds that lock, as this one sees it: in the same database and schema. */
    static boolean seesLock(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SEES_LOCK);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getBoolean(1);
        }
    }

    /** Until the transaction ends, so that it never queues up in front of the application. */
    static void limitLockWait(Connection connection, Duration timeout) throws SQLException {
        set(connection, "lock_timeout", timeout.toMillis() + "ms", true);
    }

    static void name(Connection connection, String name) throws SQLException {
        set(connection, "application_name", name, false);
    }

    /** Until the transaction ends. */
    static void nameTransaction(Connection connection, String name) throws SQLException {
        set(connection, "application_name", name, true);
    }

    /** Until the transaction ends. */
    static void refuseParallelWorkers(Connection connection) throws SQLException {
        set(connection, "max_parallel_workers_per_gather", "0", true);
    }

    static String name(Connection connection) throws SQLException {
        return get(connection, "application_name");
    }

    /** Gives one session what another one has been told since it was opened. */
    static void copy(Connection from, Connection to) throws SQLException {
        for (String setting : new String[] {"search_path", "application_name", "role"}) {
            set(to, setting, get(from, setting), false);
        }
    }

    private static String get(Connection connection, String setting) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(GET)) {
            statement.setString(1, setting);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }

    private static void set(Connection connection, String setting, String value, boolean isForTransaction)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SET)) {
            statement.setString(1, setting);
            statement.setString(2, value);
            statement.setBoolean(3, isForTransaction);
            statement.execute();
        }
    }
}
