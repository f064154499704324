package liquibase.ext.credits.conversion;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import liquibase.ext.credits.report.Outcomes;
import org.jspecify.annotations.Nullable;

/** One row of {@code billing_migration_run} and the SQL functions that work on it. */
final class Run extends RangedRun {
    private static final String START = "SELECT billing_migration_start(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    private static final String EARLIER_RUN = """
            SELECT
                r.id, r.done_users, r.finished_at, r.plan_fingerprint,
                r.environment, coalesce(r.cohort, 'none') AS cohort,
                trim_scale(r.credits_per_usd) AS per_usd, coalesce(trim_scale(r.credits_per_uah)::text, 'none') AS per_uah,
                r.rounding, r.on_error, r.commit_mode, r.late_writes
            FROM billing_migration_run AS r
            JOIN billing_migration_run AS n ON n.id = ? AND n.planned_users = 0 AND n.changeset = r.changeset
            WHERE r.status = 'completed' AND r.id <> n.id
            ORDER BY r.started_at DESC
            LIMIT 1
            """;
    private static final String CONVERT_BATCH =
            "SELECT b.last_user_id FROM billing_migration_convert_batch(?, ?, ?) AS b";
    private static final String FINISH = "SELECT billing_migration_finish(?)";
    private static final String CONVERT_RANGE =
            "SELECT b.users, b.is_done FROM billing_migration_convert_range(?, ?, ?) AS b";
    private static final String STATE = """
            SELECT p.done_users, p.planned_users
            FROM billing_migration_progress AS p
            WHERE p.run_id = ?
            """;
    private static final String CONTROL = "SELECT r.control FROM billing_migration_run AS r WHERE r.id = ?";
    private static final String HEED_CONTROL = "UPDATE billing_migration_run SET control = 'run' WHERE id = ?";
    private static final String NOTE = """
            UPDATE billing_migration_run AS r
            SET
                done_users = p.done_users,
                done_usd = p.done_usd,
                done_uah = p.done_uah,
                done_credits = p.done_credits,
                done_remainder = p.done_remainder,
                workers = ?,
                users_per_second = ?,
                batch_users = ?,
                batch_millis = ?,
                progress_at = clock_timestamp()
            FROM billing_migration_progress AS p
            WHERE r.id = ? AND p.run_id = r.id
            """;

    private static final String BIND = "UPDATE billing_migration_run SET plan_fingerprint = ? WHERE id = ?";

    /** What became of a run's users, from its log. */
    static final String RESULT = """
            SELECT
                l.user_id, u.email, coalesce(l.converted_usd, 0) AS usd, coalesce(l.converted_uah, 0) AS uah,
                l.new_credits AS credits, l.remainder, l.status AS outcome, l.reason,
                l.old_balance_usd - coalesce(l.converted_usd, 0) AS usd_stays,
                l.old_balance_uah - coalesce(l.converted_uah, 0) AS uah_stays
            FROM billing_migration_log AS l
            LEFT JOIN users AS u ON u.id = l.user_id
            WHERE l.run_id = ?
            """;

    /**
     * Where a run stands.
     *
     * @param doneUsers converted so far
     * @param plannedUsers when it started
     */
    record State(long doneUsers, long plannedUsers) {}

    /**
     * A run that did all there is to do.
     *
     * @param id the run's
     * @param planFingerprint of the plan that bound it; null without one
     * @param settings as {@link ConversionSettings#decisive}
     * @param inWords for the operator
     */
    record Earlier(UUID id, @Nullable String planFingerprint, Map<String, String> settings, String inWords) {}

    Run(Connection connection, UUID id) {
        super(connection, id, "running", "paused");
    }

    static Run start(Connection connection, ConversionSettings settings, RunIdentity identity) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(START)) {
            statement.setBigDecimal(1, settings.creditsPerUsd());
            statement.setBigDecimal(2, settings.creditsPerUah());
            statement.setString(3, settings.rounding().name());
            statement.setString(4, Parameters.spelling(settings.onError()));
            statement.setString(5, Parameters.spelling(settings.commit()));
            statement.setString(6, Parameters.spelling(settings.lateWrites()));
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

    private static @Nullable Array userIds(Connection connection, Cohort cohort) throws SQLException {
        return cohort.isListed()
                ? connection.createArrayOf("uuid", cohort.userIds().toArray())
                : null;
    }

    /** The run of the same changeset that left nothing for this one; null when there is something to convert. */
    @Nullable
    Earlier earlierRun() throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(EARLIER_RUN)) {
            statement.setObject(1, id());
            try (ResultSet row = statement.executeQuery()) {
                if (!row.next()) {
                    return null;
                }
                return new Earlier(
                        row.getObject("id", UUID.class),
                        row.getString("plan_fingerprint"),
                        settings(row),
                        "Run %s had already converted %d users at %s, and nothing has arrived since; no balance was changed"
                                .formatted(
                                        row.getString("id"), row.getLong("done_users"), row.getString("finished_at")));
            }
        }
    }

    private static Map<String, String> settings(ResultSet row) throws SQLException {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("environment", row.getString("environment"));
        settings.put("cohort", row.getString("cohort"));
        settings.put("perUsd", row.getString("per_usd"));
        settings.put("perUah", row.getString("per_uah"));
        settings.put("rounding", row.getString("rounding"));
        settings.put("onError", row.getString("on_error"));
        settings.put("commit", row.getString("commit_mode"));
        settings.put("lateWrites", row.getString("late_writes"));
        return settings;
    }

    /** Converts the next users after a key in one transaction; returns the last one's, null when none was left. */
    @Nullable
    UUID convertBatch(@Nullable UUID afterUserId, int users) throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(CONVERT_BATCH)) {
            statement.setObject(1, id());
            statement.setObject(2, afterUserId, Types.OTHER);
            statement.setInt(3, users);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getObject(1, UUID.class);
            }
        }
    }

    /** Writes down which plan binds this run. */
    void bindTo(BoundPlan plan) throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(BIND)) {
            statement.setString(1, plan.fingerprint());
            statement.setObject(2, id());
            statement.executeUpdate();
        }
    }

    /** What became of its users, from the log. */
    Outcomes outcomes(boolean isFingerprinted) throws SQLException {
        return Outcomes.readLog(connection(), isFingerprinted, RESULT, id());
    }

    void finish() throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(FINISH)) {
            statement.setObject(1, id());
            statement.execute();
        }
    }

    @Override
    Run on(Connection other) {
        return new Run(other, id());
    }

    @Override
    PreparedStatement nextBatch(Range range, int users) throws SQLException {
        PreparedStatement statement = connection().prepareStatement(CONVERT_RANGE);
        statement.setObject(1, id());
        statement.setInt(2, range.number());
        statement.setInt(3, users);
        return statement;
    }

    State state() throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(STATE)) {
            statement.setObject(1, id());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return new State(row.getLong("done_users"), row.getLong("planned_users"));
            }
        }
    }

    @Override
    String control() throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(CONTROL)) {
            statement.setObject(1, id());
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString("control");
            }
        }
    }

    @Override
    void heedControl() throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(HEED_CONTROL)) {
            statement.setObject(1, id());
            statement.executeUpdate();
        }
    }

    @Override
    String noteSql() {
        return NOTE;
    }
}
