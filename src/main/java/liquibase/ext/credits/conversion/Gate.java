package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Every worker comes by here before each batch. While one is held up inside, the others wait at the door: so the run
 * pauses as a whole, and says so once.
 */
final class Gate {
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(200);

    private final RangedRun run;
    private final Throttle throttle;
    private final Duration lockTimeout;
    private final Progress progress;
    private final OtherSessions others;
    private volatile boolean isShut;
    private volatile boolean othersAreAtWork;

    Gate(RangedRun run, Throttle throttle, Pace pace, Progress progress) {
        this.run = run;
        this.throttle = throttle;
        this.others = new OtherSessions(pace);
        this.lockTimeout = pace.lockTimeout();
        this.progress = progress;
    }

    /** A worker failed or the run was stopped: nobody begins another batch. */
    void shut() {
        isShut = true;
    }

    /** As of the last batch that was let pass. */
    boolean othersAreAtWork() {
        return othersAreAtWork;
    }

    /** Waits while an operator, a replica or a busy application asks for it; false when no batch may begin any more. */
    synchronized boolean letsPass(Connection connection) throws SQLException, ConversionException {
        RangedRun seen = run.on(connection);
        boolean hasWaited = false;
        while (!isShut) {
            String reason = reason(seen, connection);
            if (reason == null) {
                if (hasWaited) {
                    if (!isWritten(connection, seen::goesOn)) {
                        continue;
                    }
                    progress.goesOn();
                }
                othersAreAtWork = others.areAtWork(connection);
                return true;
            }
            hasWaited = true;
            progress.waits(reason);
            isWritten(connection, () -> seen.rests(reason));
            Pause.of(BETWEEN_LOOKS);
        }
        return false;
    }

    /** What a transaction writes about the run. */
    @FunctionalInterface
    private interface Note {
        void write() throws SQLException, ConversionException;
    }

    /** Whoever holds the run's row, such as an operator who has not committed yet, does not end the run. */
    private boolean isWritten(Connection connection, Note note) throws SQLException, ConversionException {
        try {
            Session.limitLockWait(connection, lockTimeout);
            note.write();
            connection.commit();
            return true;
        } catch (SQLException e) {
            if (!ConversionException.LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                throw e;
            }
            connection.rollback();
            return false;
        }
    }

    private @Nullable String reason(RangedRun seen, Connection connection) throws SQLException, ConversionException {
        return switch (seen.control()) {
            case "stop" -> {
                Session.limitLockWait(connection, lockTimeout);
                seen.heedControl();
                seen.rests(null);
                connection.commit();
                shut();
                throw new ConversionException("stopped by control = 'stop'");
            }
            case "pause" -> "control = 'pause' in billing_migration_run";
            default -> throttle.reason(connection);
        };
    }
}
