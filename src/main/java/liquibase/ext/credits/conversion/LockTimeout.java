package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;

/** Limits how long a transaction waits for locks, so that it never queues up in front of the application. */
final class LockTimeout {
    private LockTimeout() {}

    static void set(Connection connection, Duration timeout) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("SELECT set_config('lock_timeout', ?, true)")) {
            statement.setString(1, timeout.toMillis() + "ms");
            statement.execute();
        }
    }
}
