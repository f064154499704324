package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;

/** The undo of one run, in batches. */
final class RunUndo extends RangedRun {
    private static final String STATUS = "undoing";
    private static final String REVERSE_RANGE =
            "SELECT b.users, b.is_done FROM billing_migration_reverse_range(?, ?, ?, ?) AS b";
    /** Whoever steers an undo of several runs need not know which one is at work. */
    private static final String CONTROL = """
            SELECT r.control
            FROM billing_migration_run AS r
            WHERE r.control <> 'run' AND r.status = 'undoing'
            ORDER BY (r.control = 'stop') DESC
            LIMIT 1
            """;

    private static final String HEED_CONTROL =
            "UPDATE billing_migration_run SET control = 'run' WHERE status = 'undoing' AND control <> 'run'";
    private static final String NOTE = """
            UPDATE billing_migration_run AS r
            SET
                workers = ?,
                users_per_second = ?,
                batch_users = ?,
                batch_millis = ?,
                progress_at = clock_timestamp()
            WHERE r.id = ?
            """;

    private final String onSpent;

    RunUndo(Connection connection, UUID id, String onSpent) {
        super(connection, id, STATUS, STATUS);
        this.onSpent = onSpent;
    }

    /** Of all runs that are being undone. */
    static void heedControl(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(HEED_CONTROL)) {
            statement.executeUpdate();
        }
    }

    @Override
    RunUndo on(Connection other) {
        return new RunUndo(other, id(), onSpent);
    }

    @Override
    PreparedStatement nextBatch(Range range, int users) throws SQLException {
        PreparedStatement statement = connection().prepareStatement(REVERSE_RANGE);
        statement.setObject(1, id());
        statement.setInt(2, range.number());
        statement.setInt(3, users);
        statement.setString(4, onSpent);
        return statement;
    }

    @Override
    String control() throws SQLException {
        try (PreparedStatement statement = connection().prepareStatement(CONTROL);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getString("control") : "run";
        }
    }

    @Override
    void heedControl() throws SQLException {
        heedControl(connection());
    }

    @Override
    String noteSql() {
        return NOTE;
    }
}
