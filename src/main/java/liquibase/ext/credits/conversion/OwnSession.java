package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.OffsetDateTime;

/**
 * A connection that one server process must serve from beginning to end, because the run's lock, the role and the search path belong
 * to that process. Behind a pooler in transaction mode any transaction may get another one.
 */
final class OwnSession {
    private static final String SERVER_PROCESS =
            "SELECT pg_backend_pid() AS id, pg_postmaster_start_time() AS server_start";
    private static final String BEGIN = """
            SELECT
                set_config('lock_timeout', ?, true),
                set_config('application_name', ?, false),
                pg_backend_pid() AS id,
                pg_postmaster_start_time() AS server_start
            """;
    private static final String KEEPS_LOCK =
            "SELECT count(*) FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted AND l.pid = ?";

    private static final String NEED =
            ", so a pooler in transaction mode is between; commit mode batch needs a session of its own; ";
    private static final String REMEDY = "connect directly or in pool mode session";

    private final Connection connection;
    private final ServerProcess process;
    private boolean isLocked;

    /**
     * Who serves a transaction.
     *
     * @param id of the process, unique on its server
     * @param serverStart tells servers apart
     */
    private record ServerProcess(int id, OffsetDateTime serverStart) {

        /** A plain statement: one that the driver has prepared would be unknown to another process. */
        private static ServerProcess of(Connection connection) throws SQLException {
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(SERVER_PROCESS)) {
                row.next();
                return of(row);
            }
        }

        private static ServerProcess of(ResultSet row) throws SQLException {
            return new ServerProcess(row.getInt("id"), row.getObject("server_start", OffsetDateTime.class));
        }
    }

    private OwnSession(Connection connection, ServerProcess process) {
        this.connection = connection;
        this.process = process;
    }

    /** Whatever serves the current transaction must serve all that follow. */
    static OwnSession of(Connection connection) throws SQLException {
        return new OwnSession(connection, ServerProcess.of(connection));
    }

    /** Commits, so that a pooler may lend the server process to a second connection, and refuses one that does. */
    static OwnSession alone(Connection connection, SiblingOpener opener) throws SQLException, ConversionException {
        OwnSession session = of(connection);
        connection.commit();
        if (session.isShared(opener)) {
            throw new ConversionException("two connections share server process " + session.process.id() + NEED
                    + "no balance was changed; " + REMEDY + ", or set credits.commit to once");
        }
        return session;
    }

    Connection connection() {
        return connection;
    }

    /** To be called first in a transaction that moves money; refuses it when another server process serves it. */
    void begin(Duration lockTimeout, String name) throws SQLException, ConversionException {
        try (PreparedStatement statement = connection.prepareStatement(BEGIN)) {
            statement.setString(1, lockTimeout.toMillis() + "ms");
            statement.setString(2, name);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                ServerProcess now = ServerProcess.of(row);
                if (!now.equals(process)) {
                    throw new ConversionException(replaced(now));
                }
            }
        }
    }

    /** Why a transaction failed, in one line: without its session, any statement may. */
    String found(SQLException cause) {
        try {
            connection.rollback();
            ServerProcess now = ServerProcess.of(connection);
            return now.equals(process) ? ConversionException.found(cause) : replaced(now);
        } catch (SQLException lost) {
            return ConversionException.found(cause);
        }
    }

    /** Takes the run's lock; refuses, and gives it back, where another server process would keep it. */
    void lock() throws SQLException, ConversionException {
        Session.lock(connection);
        ServerProcess now = ServerProcess.of(connection);
        if (!now.equals(process)) {
            Session.unlock(connection);
            throw new ConversionException(replaced(now) + "; no balance was changed");
        }
        isLocked = true;
    }

    /** Gives the run's lock back. Only its own process can: otherwise returns what else frees it, in words. */
    String unlock() throws SQLException {
        if (!isLocked) {
            return "";
        }
        isLocked = false;
        if (ServerProcess.of(connection).equals(process)) {
            Session.unlock(connection);
            return "";
        }
        return keepsLock()
                ? "end server process %1$d, which keeps the run's lock, with SELECT pg_terminate_backend(%1$d)"
                        .formatted(process.id())
                : "";
    }

    /** Without a second connection, as from a pool of the application's, only the transactions to come can tell. */
    private boolean isShared(SiblingOpener opener) throws SQLException {
        try (Connection second = opener.open()) {
            return ServerProcess.of(second).equals(process);
        } catch (SQLException e) {
            if (connection.isClosed()) {
                throw e;
            }
            return false;
        }
    }

    private String replaced(ServerProcess now) {
        return "server process " + now.id() + " answers in place of " + process.id() + NEED + REMEDY;
    }

    private boolean keepsLock() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(KEEPS_LOCK)) {
            statement.setInt(1, process.id());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getInt(1) > 0;
            }
        }
    }
}
