package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the server says against another batch: a replica that is behind, or an application that is busy. */
final class Throttle {
    private static final String SEES_OTHERS = "SELECT pg_has_role('pg_read_all_stats', 'USAGE'), current_user";
    private static final String REPLICA_LAG = """
            SELECT
                pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS end_wal_bytes,
                pg_wal_lsn_diff(min(s.replay_lsn), '0/0')::bigint AS replayed_wal_bytes,
                coalesce(max(extract(epoch FROM s.replay_lag)) * 1000, 0)::bigint AS replay_lag_millis
            FROM pg_stat_replication AS s
            WHERE s.state IN ('streaming', 'catchup')
            HAVING count(s.replay_lsn) > 0
            """;
    private final Pace pace;
    private final ReplicaLag replicaLag = new ReplicaLag();

    Throttle(Pace pace) {
        this.pace = pace;
    }

    /** Without this right the server hides what is asked for, and nothing would ever pause. */
    void refuseBlindness(Connection connection) throws SQLException, ConversionException {
        if (pace.maxReplicaLag() == null && pace.maxActiveSessions() == 0) {
            return;
        }
        try (PreparedStatement statement = connection.prepareStatement(SEES_OTHERS);
                ResultSet row = statement.executeQuery()) {
            row.next();
            if (!row.getBoolean(1)) {
                throw new ConversionException("role " + row.getString(2)
                        + " may not see replicas and sessions, which credits.maxReplicaLag and"
                        + " credits.maxActiveSessions need; no balance was changed; GRANT pg_read_all_stats TO "
                        + row.getString(2) + ", or set both to none");
            }
        }
    }

    /** Why the next batch should wait, in words; null when it should not. */
    @Nullable
    String reason(Connection connection) throws SQLException {
        String replica = replica(connection, pace.maxReplicaLag());
        return replica == null ? sessions(connection, pace.maxActiveSessions()) : replica;
    }

    private @Nullable String replica(Connection connection, @Nullable Duration limit) throws SQLException {
        if (limit == null) {
            return null;
        }
        try (PreparedStatement statement = connection.prepareStatement(REPLICA_LAG);
                ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return null;
            }
            Duration behind = replicaLag.behind(
                    row.getLong("end_wal_bytes"), row.getLong("replayed_wal_bytes"), System.nanoTime());
            boolean isBehind = behind.compareTo(limit) > 0 || row.getLong("replay_lag_millis") > limit.toMillis();
            return isBehind ? "a replica lags more than credits.maxReplicaLag" : null;
        }
    }

    private static @Nullable String sessions(Connection connection, int limit) throws SQLException {
        if (limit == 0) {
            return null;
        }
        int active = OtherSessions.active(connection);
        return active > limit ? active + " other sessions are active, more than credits.maxActiveSessions" : null;
    }
}
