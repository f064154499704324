package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** A run whose users are worked in key ranges, a batch of a range at a time: to convert them, or to undo that. */
abstract class RangedRun {
    private static final String CUT = "SELECT billing_migration_cut(?, ?)";
    private static final String OPEN_RANGES = """
            SELECT g.range_number, g.planned_users - g.done_users AS left_users
            FROM billing_migration_range AS g
            WHERE g.run_id = ? AND g.status = 'open'
            ORDER BY g.range_number
            """;
    /** Whoever was overtaken, by an undo or its end, must not bring the old status back. */
    private static final String SET_STATE = """
            UPDATE billing_migration_run
            SET status = ?, throttled = ?, progress_at = clock_timestamp()
            WHERE id = ? AND status IN (?, ?)
            """;

    private final Connection connection;
    private final UUID id;
    private final String statusAtWork;
    private final String statusPaused;

    /**
     * A part of the key space that one worker takes at a time.
     *
     * @param number in the run
     * @param leftUsers about as many users are left in it
     */
    record Range(int number, long leftUsers) {}

    /**
     * One batch of a range.
     *
     * @param users done
     * @param isLast nobody was left in the range
     */
    record Batch(long users, boolean isLast) {}

    RangedRun(Connection connection, UUID id, String statusAtWork, String statusPaused) {
        this.connection = connection;
        this.id = id;
        this.statusAtWork = statusAtWork;
        this.statusPaused = statusPaused;
    }

    /** The same run, seen from another connection. */
    abstract RangedRun on(Connection other);

    /** Does the next users of a range; selects {@code users} and {@code is_done}. */
    abstract PreparedStatement nextBatch(Range range, int users) throws SQLException;

    final Batch next(Range range, int users) throws SQLException {
        try (PreparedStatement statement = nextBatch(range, users);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return new Batch(row.getLong("users"), row.getBoolean("is_done"));
        }
    }

    /** What an operator asks for: run, pause or stop. An undo is asked by any of the runs that are being undone. */
    abstract String control() throws SQLException;

    /** A request counts once: from now on {@code run} is asked for. */
    abstract void heedControl() throws SQLException;

    /** Writes down how far the run is, for whoever looks at it from another session. */
    final void note(Standing standing) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(noteSql())) {
            statement.setInt(1, standing.workers());
            statement.setLong(2, standing.usersPerSecond());
            statement.setInt(3, standing.batchUsers());
            statement.setLong(4, standing.batch().toMillis());
            statement.setObject(5, id);
            statement.executeUpdate();
        }
    }

    /** With workers, users per second, users and milliseconds of a batch, and the run's id. */
    abstract String noteSql();

    final Connection connection() {
        return connection;
    }

    final UUID id() {
        return id;
    }

    /** Cuts the keys into ranges of about so many users, unless that was done before. */
    final void cut(long rangeUsers) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CUT)) {
            statement.setObject(1, id);
            statement.setLong(2, rangeUsers);
            statement.execute();
        }
    }

    final List<Range> openRanges() throws SQLException {
        List<Range> ranges = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(OPEN_RANGES)) {
            statement.setObject(1, id);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    ranges.add(new Range(rows.getInt("range_number"), rows.getLong("left_users")));
                }
            }
        }
        return ranges;
    }

    final void goesOn() throws SQLException, ConversionException {
        set(statusAtWork, null);
    }

    /** Pauses, with the reason in words, or was stopped, without one. */
    final void rests(@Nullable String reason) throws SQLException, ConversionException {
        set(statusPaused, reason);
    }

    private void set(String status, @Nullable String throttled) throws SQLException, ConversionException {
        try (PreparedStatement statement = connection.prepareStatement(SET_STATE)) {
            statement.setString(1, status);
            statement.setString(2, throttled);
            statement.setObject(3, id);
            statement.setString(4, statusAtWork);
            statement.setString(5, statusPaused);
            if (statement.executeUpdate() == 0) {
                throw new ConversionException(
                        "run " + id + " is " + statusAtWork + " no longer; see its status in billing_migration_run");
            }
        }
    }
}
