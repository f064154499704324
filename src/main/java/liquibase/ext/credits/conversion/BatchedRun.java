package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * Commit mode {@code batch}: every batch commits, so that locks are short and an interrupted run goes on where it was.
 * The session's advisory lock keeps a second process out between the batches.
 */
final class BatchedRun {
    /** A range takes about as many batches: few enough to share ranges evenly, many enough to fill the batches. */
    private static final int BATCHES_PER_RANGE = 4;

    /** What an automatic batch may be expected to hold per millisecond of its target, within a factor of two. */
    private static final int USERS_PER_MILLISECOND = 5;

    private final Connection connection;
    private final OwnSession session;
    private final SiblingOpener opener;
    private final ConversionSettings settings;
    private final Progress progress;
    private final PlanCheck plan;
    private Run.@Nullable Earlier earlierRun;

    BatchedRun(
            OwnSession session, SiblingOpener opener, ConversionSettings settings, Progress progress, PlanCheck plan) {
        this.connection = session.connection();
        this.session = session;
        this.opener = opener;
        this.settings = settings;
        this.progress = progress;
        this.plan = plan;
    }

    /** Starts a run, or resumes the open one, and brings it to its proved end. */
    Run run(RunIdentity identity) throws SQLException, ConversionException {
        Throttle throttle = new Throttle(settings);
        throttle.refuseBlindness(connection);
        String nameBefore = Session.name(connection);
        session.lock();
        try {
            Optional<Run> open = new OpenRun(connection, settings, plan.fingerprintOrNone()).find();
            LateWriteGuard.attach(connection, settings);
            Run run = open.isPresent() ? open.get() : Run.start(connection, settings, identity);
            if (open.isPresent()) {
                progress.says("Run " + run.id() + " is resumed");
            } else {
                Run.Earlier earlier = run.earlierRun();
                if (earlier != null && plan.isMetBy(earlier)) {
                    earlierRun = earlier;
                    connection.rollback();
                    return run;
                }
                plan.before(run);
            }
            run.set("running", "run", null);
            run.cut(rangeUsers());
            connection.commit();
            complete(run, throttle);
            return run;
        } finally {
            leave(nameBefore);
        }
    }

    /** The run that left nothing to do; null when this one had something to do. */
    Run.@Nullable Earlier earlierRun() {
        return earlierRun;
    }

    private long rangeUsers() {
        long batchUsers = settings.batchUsers() == BatchSize.AUTOMATIC
                ? settings.targetBatch().toMillis() * USERS_PER_MILLISECOND
                : settings.batchUsers();
        return batchUsers * BATCHES_PER_RANGE;
    }

    private void complete(Run run, Throttle throttle) throws SQLException, ConversionException {
        try {
            convert(run, throttle);
            session.begin(settings.lockTimeout(), progress.standing().applicationName(run.id()));
            run.finish();
            connection.commit();
        } catch (ConversionException e) {
            throw unfinished(run, e.line());
        } catch (SQLException e) {
            throw unfinished(run, session.found(e));
        }
    }

    private void convert(Run run, Throttle throttle) throws SQLException, ConversionException {
        try (Siblings siblings = new Siblings()) {
            siblings.open(connection, opener, settings.workers() - 1, progress);
            Run.State state = run.state();
            Queue<Run.Range> ranges = new ConcurrentLinkedQueue<>(run.openRanges());
            progress.started(
                    state.doneUsers(), state.plannedUsers(), siblings.sessions().size() + 1);
            Gate gate = new Gate(run, throttle, new OtherSessions(settings), progress);
            List<Worker> workers = new ArrayList<>();
            workers.add(new Worker(session, run, ranges, settings, gate, progress));
            for (OwnSession sibling : siblings.sessions()) {
                workers.add(new Worker(sibling, run, ranges, settings, gate, progress));
            }
            new Crew(gate).work(workers);
        }
    }

    private ConversionException unfinished(Run run, String why) throws SQLException {
        Standing standing = progress.standing();
        String release = connection.isClosed()
                ? "Liquibase's own lock stays: run liquibase releaseLocks"
                : rolledBackAndUnlocked();
        return new ConversionException(why + (release.isEmpty() ? "" : "; " + release) + "; " + standing.doneUsers()
                + " of " + standing.plannedUsers()
                + " users are converted; go on with liquibase update, or undo them with"
                + " SELECT * FROM rollback_billing_migration('" + run.id() + "')");
    }

    /** A session that was lost has given its lock back, and why it was lost must not be hidden by a failure here. */
    private void leave(String nameBefore) throws SQLException {
        if (connection.isClosed()) {
            return;
        }
        String release = rolledBackAndUnlocked();
        if (!release.isEmpty()) {
            progress.says(release);
        }
        Session.name(connection, nameBefore);
        connection.commit();
    }

    private String rolledBackAndUnlocked() throws SQLException {
        connection.rollback();
        return session.unlock();
    }
}
