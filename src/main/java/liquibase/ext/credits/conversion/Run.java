package liquibase.ext.credits.conversion;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** One row of {@code billing_migration_run} and the SQL functions that work on it. */
final class Run {
    private static final String START = "SELECT billing_migration_start(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    private static final String EARLIER_RUN = """
            SELECT r.id, r.done_users, r.finished_at
            FROM billing_migration_run AS r
            JOIN billing_migration_run AS n ON n.id = ? AND n.planned_users = 0 AND n.changeset = r.changeset
            WHERE r.status = 'completed' AND r.id <> n.id
            ORDER BY r.started_at DESC
            LIMIT 1
            """;
    private static final String CONVERT_BATCH =
            "SELECT b.last_user_id FROM billing_migration_convert_batch(?, ?, ?) AS b";
    private static final String FINISH = "SELECT billing_migration_finish(?)";
    private static final String STATE = """
            SELECT r.done_users, r.planned_users, r.last_user_id, r.control
            FROM billing_migration_run AS r
            WHERE r.id = ?
            """;
    private static final String SET_STATE = "UPDATE billing_migration_run SET status = ?, control = ? WHERE id = ?";

    private final Connection connection;
    private final UUID id;

    /**
     * Where a run stands.
     *
     * @param doneUsers converted so far
     * @param plannedUsers when it started
     * @param lastUserId the key the next batch starts after; null before the first
     * @param control what an operator asks of it: run, pause or stop
     */
    record State(
            long doneUsers, long plannedUsers, @Nullable UUID lastUserId, String control) {}

    Run(Connection connection, UUID id) {
        this.connection = connection;
        this.id = id;
    }

    static Run start(Connection connection, ConversionSettings settings, RunIdentity identity) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(START)) {
            statement.setBigDecimal(1, settings.creditsPerUsd());
            statement.setBigDecimal(2, settings.creditsPerUah());
            statement.setString(3, settings.rounding().name());
            statement.setString(4, settings.onError().name().toLowerCase(Locale.ROOT));
            statement.setString(5, settings.commit().name().toLowerCase(Locale.ROOT));
            statement.setString(6, settings.lateWrites().name().toLowerCase(Locale.ROOT));
            statement.setString(7, settings.environment());
            statement.setString(8, identity.changeset());
            statement.setString(9, identity.toolVersion());
            statement.setString(10, identity.deploymentId());
            statement.setString(11, settings.cohort().runName());
            statement.setArray(12, userIds(connection, settings.cohort()));
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new Run(connection, row.getObject(1, UUID.class));
            }
        }
    }

    UUID id() {
        return id;
    }

    private static @Nullable Array userIds(Connection connection, Cohort cohort) throws SQLException {
        return cohort.isListed()
                ? connection.createArrayOf("uuid", cohort.userIds().toArray())
                : null;
    }

    /** The run of the same changeset that left nothing for this one, in words; null when there is something to convert. */
    @Nullable
    String earlierRun() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(EARLIER_RUN)) {
            statement.setObject(1, id);
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                return "Run %s had already converted %d users at %s, and nothing has arrived since; no balance was changed"
                        .formatted(row.getString("id"), row.getLong("done_users"), row.getString("finished_at"));
            }
        }
    }

    /** Converts the next users after a key; returns the last one's, null when none was left. */
    @Nullable
    UUID convertBatch(@Nullable UUID afterUserId, int users) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CONVERT_BATCH)) {
            statement.setObject(1, id);
            statement.setObject(2, afterUserId, Types.OTHER);
            statement.setInt(3, users);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getObject(1, UUID.class);
            }
        }
    }

    void finish() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(FINISH)) {
            statement.setObject(1, id);
            statement.execute();
        }
    }

    State state() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(STATE)) {
            statement.setObject(1, id);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new State(
                        row.getLong("done_users"),
                        row.getLong("planned_users"),
                        row.getObject("last_user_id", UUID.class),
                        row.getString("control"));
            }
        }
    }

    void set(String status, String control) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(SET_STATE)) {
            statement.setString(1, status);
            statement.setString(2, control);
            statement.setObject(3, id);
            statement.executeUpdate();
        }
    }
}
