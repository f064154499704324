package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/** The trigger that looks after money which is added to {@code user_billing} after a conversion. */
final class LateWriteGuard {
    private static final String ATTACH = "SELECT billing_migration_attach(?, ?)";

    private LateWriteGuard() {}

    /**
     * Attaches it, unless late writes are allowed, and commits: its lock on the table must not meet anybody who waits for a row of the
     * run. It does nothing before the run has ended.
     */
    static void attach(Connection connection, ConversionSettings settings) throws SQLException {
        if (settings.lateWrites() == LateWrites.ALLOW) {
            return;
        }
        Session.limitLockWait(connection, settings.pace().lockTimeout());
        try (PreparedStatement statement = connection.prepareStatement(ATTACH)) {
            statement.setString(1, Parameters.spelling(settings.lateWrites()));
            statement.setBoolean(2, !settings.cohort().isEverybody());
            statement.execute();
        }
        connection.commit();
    }
}
