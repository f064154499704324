package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/** Who else uses the database: all client sessions but those of the run. */
final class OtherSessions {
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(500);
    private static final Duration BEFORE_FIRST_LOOK = Duration.ofMillis(100);

    private static final String ACTIVE = """
            SELECT count(*)
            FROM pg_stat_activity AS a
            WHERE
                a.datname = current_database()
                AND a.backend_type = 'client backend'
                AND a.state = 'active'
                AND a.pid <> pg_backend_pid()
                AND a.application_name NOT LIKE 'liquibase-credits%'
            """;
    /** What a role may not see of another role's session is null; such a session counts as one at work. */
    private static final String AT_WORK = """
            SELECT EXISTS (
                SELECT 1
                FROM pg_stat_activity AS a
                WHERE
                    a.datname = current_database()
                    AND a.usesysid IS NOT NULL
                    AND coalesce(a.backend_type, 'client backend') = 'client backend'
                    AND a.pid <> pg_backend_pid()
                    AND a.application_name NOT LIKE 'liquibase-credits%'
                    AND (
                        a.state IS NULL
                        OR a.state <> 'idle'
                        OR a.state_change > clock_timestamp() - ? * interval '1 millisecond'
                    )
            )
            """;

    private final boolean isAsked;
    private long lookNanos;
    private boolean hasLooked;
    private boolean areAtWork;

    /** For batches of automatic size; with a given one nobody is looked at. */
    OtherSessions(Pace pace) {
        this.isAsked = pace.isAutomatic();
    }

    /** How many run a statement at this moment. */
    static int active(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(ACTIVE);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getInt(1);
        }
    }

    /**
     * Leaves them the cores if any has done something within a tenth of a second: until the transaction ends, prediction and proof take
     * no parallel workers.
     */
    static void leaveThemTheCores(Connection connection) throws SQLException {
        if (wereAtWork(connection, BEFORE_FIRST_LOOK)) {
            Session.refuseParallelWorkers(connection);
        }
    }

    /** Whether any of them has done something since the last look, half a second ago, or at first within a tenth. */
    boolean areAtWork(Connection connection) throws SQLException {
        long now = System.nanoTime();
        Duration sinceLook = hasLooked ? Duration.ofNanos(now - lookNanos) : BEFORE_FIRST_LOOK;
        if (isAsked && (!hasLooked || sinceLook.compareTo(BETWEEN_LOOKS) >= 0)) {
            lookNanos = now;
            hasLooked = true;
            areAtWork = wereAtWork(connection, sinceLook);
        }
        return areAtWork;
    }

    private static boolean wereAtWork(Connection connection, Duration within) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(AT_WORK)) {
            statement.setLong(1, within.toMillis());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }
}
