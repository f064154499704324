package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** One connection that takes the next unfinished key range until none is left. Every batch commits. */
final class Worker {
    private static final Set<String> WORTH_A_RETRY = Set.of("55P03", "40P01", "40001");
    private static final int MOST_FAILURES_IN_A_ROW = 10;
    private static final Duration LONGEST_WAIT_FOR_NOTE = Duration.ofMillis(100);

    private final Connection connection;
    private final OwnSession session;
    private final RangedRun run;
    private final Queue<RangedRun.Range> ranges;
    private final Pace pace;
    private final Gate gate;
    private final Progress progress;
    private final BatchSize size;

    Worker(OwnSession session, RangedRun run, Queue<RangedRun.Range> ranges, Pace pace, Gate gate, Progress progress) {
        this.connection = session.connection();
        this.session = session;
        this.run = run.on(connection);
        this.ranges = ranges;
        this.pace = pace;
        this.gate = gate;
        this.progress = progress;
        Standing start = progress.standing();
        this.size = new BatchSize(pace.batchUsers(), pace.targetBatch(), start.plannedUsers(), start.workers());
    }

    void work() throws SQLException, ConversionException {
        try {
            boolean mayGoOn = true;
            for (RangedRun.Range range = ranges.poll(); range != null && mayGoOn; range = ranges.poll()) {
                mayGoOn = finish(range);
            }
        } catch (SQLException e) {
            throw new ConversionException(session.found(e), e);
        }
    }

    private boolean finish(RangedRun.Range range) throws SQLException, ConversionException {
        long leftUsers = range.leftUsers();
        int failures = 0;
        while (gate.letsPass(connection)) {
            int users = size.users(leftUsers, gate.othersAreAtWork());
            try {
                RangedRun.Batch batch = batch(range, users);
                failures = 0;
                leftUsers -= batch.users();
                if (batch.isLast()) {
                    return true;
                }
            } catch (SQLException e) {
                failures++;
                retry(e, users, failures);
            }
        }
        return false;
    }

    private RangedRun.Batch batch(RangedRun.Range range, int users) throws SQLException, ConversionException {
        long startNanos = System.nanoTime();
        session.begin(pace.lockTimeout(), progress.standing().applicationName(run.id()));
        RangedRun.Batch batch = run.next(range, users);
        connection.commit();
        Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
        // The rest of a range may be a handful of users, which says little about a whole batch.
        if (batch.users() * 2 >= users) {
            size.took(batch.users(), took);
        }
        progress.batchDone(batch.users(), users, took);
        note();
        return batch;
    }

    private void retry(SQLException cause, int users, int failures) throws SQLException, ConversionException {
        if (failures == MOST_FAILURES_IN_A_ROW) {
            throw cause;
        }
        takeBack(cause);
        size.halve(users);
        progress.says(
                "A batch of " + users + " users met a lock (" + failures + " times in a row); next " + size.users());
        Pause.of(Duration.ofMillis(ThreadLocalRandom.current().nextLong(50L << failures)));
    }

    /** Figures for onlookers: never worth a wait, nor an end of the run, when somebody holds the run's row. */
    private void note() throws SQLException {
        if (!progress.isNoteDue()) {
            return;
        }
        try {
            Session.limitLockWait(connection, LONGEST_WAIT_FOR_NOTE);
            run.note(progress.standing());
            connection.commit();
        } catch (SQLException e) {
            takeBack(e);
        }
    }

    /** Others were in the way, which passes; anything else goes on up. */
    private void takeBack(SQLException cause) throws SQLException {
        if (connection.isClosed() || !WORTH_A_RETRY.contains(Objects.requireNonNullElse(cause.getSQLState(), ""))) {
            throw cause;
        }
        connection.rollback();
    }
}
