package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Commit mode {@code batch}: every batch commits, so that locks are short and an interrupted run goes on where it was.
 * The session's advisory lock keeps a second process out between the batches.
 */
final class BatchedRun {
    private static final String REFUSE_UNFINISHED_UNDO = "SELECT billing_migration_refuse_unfinished_undo()";

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
        Throttle throttle = new Throttle(settings.pace());
        throttle.refuseBlindness(connection);
        try (LockedSession locked = LockedSession.take(session, progress)) {
            refuseUnfinishedUndo();
            Optional<Run> open = new OpenRun(connection, settings, plan.fingerprintOrNone()).find();
            LateWriteGuard.attach(connection, settings);
            OtherSessions.leaveThemTheCores(connection);
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
            run.heedControl();
            run.goesOn();
            run.cut(settings.pace().rangeUsers());
            connection.commit();
            try {
                complete(run, throttle);
            } catch (ConversionException e) {
                throw locked.givenUp(e, standing(run));
            } catch (SQLException e) {
                throw locked.givenUp(e, standing(run));
            }
            return run;
        }
    }

    /** The run that left nothing to do; null when this one had something to do. */
    Run.@Nullable Earlier earlierRun() {
        return earlierRun;
    }

    /** Whose money comes back would otherwise be converted again by a run that is resumed. */
    private void refuseUnfinishedUndo() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(REFUSE_UNFINISHED_UNDO)) {
            statement.execute();
        }
    }

    private void complete(Run run, Throttle throttle) throws SQLException, ConversionException {
        try (BatchLoop batches = new BatchLoop(session, throttle, settings.pace(), progress)) {
            int workers = batches.open(opener);
            Run.State state = run.state();
            progress.started(state.doneUsers(), state.plannedUsers(), workers);
            batches.work(run);
        }
        session.begin(settings.pace().lockTimeout(), progress.standing().applicationName(run.id()));
        OtherSessions.leaveThemTheCores(connection);
        run.finish();
        connection.commit();
    }

    private String standing(Run run) {
        Standing standing = progress.standing();
        return standing.doneUsers() + " of " + standing.plannedUsers()
                + " users are converted; go on with liquibase update, or undo them with"
                + " SELECT * FROM rollback_billing_migration('" + run.id() + "')";
    }
}
