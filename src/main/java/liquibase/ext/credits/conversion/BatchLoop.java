package liquibase.ext.credits.conversion;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Works the open ranges of one run after the other, with as many connections as can be had; every batch commits. */
final class BatchLoop implements AutoCloseable {
    private final OwnSession session;
    private final Throttle throttle;
    private final Pace pace;
    private final Progress progress;
    private final Siblings siblings = new Siblings();

    BatchLoop(OwnSession session, Throttle throttle, Pace pace, Progress progress) {
        this.session = session;
        this.throttle = throttle;
        this.pace = pace;
        this.progress = progress;
    }

    /** Opens the further workers' connections, or as many as can be had, and returns how many there are with the first. */
    int open(SiblingOpener opener) throws SQLException {
        siblings.open(session.connection(), opener, pace.workers() - 1, progress);
        return siblings.sessions().size() + 1;
    }

    void work(RangedRun run) throws SQLException, ConversionException {
        Queue<RangedRun.Range> ranges = new ConcurrentLinkedQueue<>(run.openRanges());
        session.connection().commit();
        List<OwnSession> sessions = sessionsFor(ranges.size());
        Gate gate = new Gate(run, throttle, pace, progress);
        new Crew(gate)
                .work(sessions.stream()
                        .map(worker -> new Worker(worker, run, ranges, pace, gate, progress))
                        .toList());
    }

    /** A late write is a run of one range, which needs nobody but the first session. */
    private List<OwnSession> sessionsFor(int ranges) {
        List<OwnSession> sessions = new ArrayList<>();
        sessions.add(session);
        sessions.addAll(siblings.sessions());
        return sessions.subList(0, Math.max(1, Math.min(sessions.size(), ranges)));
    }

    @Override
    public void close() throws SQLException {
        siblings.close();
    }
}
