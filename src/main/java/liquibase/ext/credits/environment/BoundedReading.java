package liquibase.ext.credits.environment;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/** Reads that wait for a lock no longer than 5 seconds, and leave the settings of the session and what a transaction did as they were. */
final class BoundedReading {
    private static final String SET_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '5s'";

    private BoundedReading() {}

    /** What reads; it must not write, because all of it is rolled back. */
    @FunctionalInterface
    interface Reading {
        @Nullable
        String read() throws SQLException;
    }

    /** Rolling back to a savepoint gives up the locks, brings back the timeout, and makes a failed transaction usable again. */
    static @Nullable String read(Connection connection, Reading reading) throws SQLException {
        boolean autoCommit = connection.getAutoCommit();
        connection.setAutoCommit(false);
        try {
            Savepoint before = connection.setSavepoint();
            try (Statement statement = connection.createStatement()) {
                statement.execute(SET_LOCK_TIMEOUT);
                return reading.read();
            } finally {
                connection.rollback(before);
                connection.releaseSavepoint(before);
            }
        } finally {
            connection.setAutoCommit(autoCommit);
        }
    }
}
