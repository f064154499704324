package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The undo in commit mode {@code batch}: one run after the other, newest first, every batch commits. What a log row says is
 * undone stays so, so an interrupted undo goes on where it was, in batches or in one transaction.
 */
final class BatchedUndo {
    private static final String CHECK_UNDO = "SELECT billing_migration_check_undo(NULL, ?, ?)";
    private static final String OPEN_UNDO = "SELECT o.run_id FROM billing_migration_open_undo(NULL, ?) AS o";
    private static final String USERS = """
            SELECT coalesce(sum(p.undone_users), 0) AS undone_users, coalesce(sum(p.undo_users), 0) AS undo_users
            FROM billing_migration_progress AS p
            WHERE p.status = 'undoing'
            """;
    private static final String CLOSE_UNDO = "SELECT billing_migration_close_undo(VARIADIC ?)";

    private final Connection connection;
    private final OwnSession session;
    private final SiblingOpener opener;
    private final Pace pace;
    private final String onSpent;
    private final @Nullable String changeset;
    private final Progress progress;
    private final String asSql;
    private boolean hasBegun;

    BatchedUndo(
            OwnSession session,
            SiblingOpener opener,
            Pace pace,
            String onSpent,
            @Nullable String changeset,
            Progress progress,
            String asSql) {
        this.connection = session.connection();
        this.session = session;
        this.opener = opener;
        this.pace = pace;
        this.onSpent = onSpent;
        this.changeset = changeset;
        this.progress = progress;
        this.asSql = asSql;
    }

    /** Brings the undo to its proved end and returns the ids of what is undone; none when everything was before. */
    List<UUID> run() throws SQLException, ConversionException {
        Throttle throttle = new Throttle(pace);
        throttle.refuseBlindness(connection);
        try (LockedSession locked = LockedSession.take(session, progress)) {
            Session.limitLockWait(connection, pace.lockTimeout());
            check();
            List<UUID> due = opened();
            RunUndo.heedControl(connection);
            connection.commit();
            List<UUID> undone = new ArrayList<>();
            try (BatchLoop batches = new BatchLoop(session, throttle, pace, progress)) {
                if (!due.isEmpty()) {
                    begun(batches.open(opener));
                }
                while (!due.isEmpty()) {
                    undo(due, batches);
                    undone.addAll(due);
                    // A transaction older than this undo may have converted a late write since; one that still runs is
                    // missed.
                    Session.limitLockWait(connection, pace.lockTimeout());
                    due = opened();
                    connection.commit();
                }
            } catch (ConversionException e) {
                throw locked.givenUp(e, standing(e.line()));
            } catch (SQLException e) {
                throw locked.givenUp(e, standing(String.valueOf(e.getMessage())));
            }
            return undone;
        }
    }

    private void undo(List<UUID> due, BatchLoop batches) throws SQLException, ConversionException {
        for (UUID id : due) {
            RunUndo run = new RunUndo(connection, id, onSpent);
            Session.limitLockWait(connection, pace.lockTimeout());
            run.goesOn();
            run.cut(pace.rangeUsers());
            connection.commit();
            batches.work(run);
        }
        close(due);
    }

    /** All runs are one undo to whoever watches it. */
    private void begun(int workers) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(USERS);
                ResultSet row = statement.executeQuery()) {
            row.next();
            progress.started(row.getLong("undone_users"), row.getLong("undo_users"), workers);
        }
        connection.commit();
        hasBegun = true;
        if (progress.standing().doneUsers() > 0) {
            progress.says("The undo is resumed; " + users());
        }
    }

    private void check() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(CHECK_UNDO)) {
            statement.setString(1, onSpent);
            statement.setString(2, changeset);
            statement.execute();
        }
    }

    private List<UUID> opened() throws SQLException {
        List<UUID> runIds = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(OPEN_UNDO)) {
            statement.setString(1, changeset);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    runIds.add(rows.getObject(1, UUID.class));
                }
            }
        }
        return runIds;
    }

    private void close(List<UUID> runIds) throws SQLException, ConversionException {
        session.begin(pace.lockTimeout(), progress.standing().applicationName(runIds.get(0)));
        OtherSessions.leaveThemTheCores(connection);
        try (PreparedStatement statement = connection.prepareStatement(CLOSE_UNDO)) {
            statement.setArray(1, connection.createArrayOf("uuid", runIds.toArray()));
            statement.execute();
        }
        connection.commit();
    }

    /** Who is told to set another policy must not read the old one as the way on. */
    private String standing(String failure) {
        return (hasBegun ? users() + "; " : "")
                + (failure.contains("credits.onSpent=")
                        ? "then go on with the same command"
                        : "go on with the same command, or with " + asSql);
    }

    private String users() {
        Standing standing = progress.standing();
        return standing.doneUsers() + " of " + standing.plannedUsers() + " users are undone";
    }
}
