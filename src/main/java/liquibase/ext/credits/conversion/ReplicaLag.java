package liquibase.ext.credits.conversion;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * How far the slowest replica is behind, in time. PostgreSQL's own {@code replay_lag} stays at its last value while a
 * replica replays nothing, so positions in the write-ahead log are remembered with the time at which they were the end.
 */
final class ReplicaLag {
    private final Deque<Position> positions = new ArrayDeque<>();

    private record Position(long walBytes, long nanos) {}

    /**
     * Adds a look at the log and measures.
     *
     * @param endWalBytes where the log ends now
     * @param replayedWalBytes what the slowest replica has replayed
     * @param nanos the time of the look
     * @return since when the replica lacks something, counted from the first look at most
     */
    Duration behind(long endWalBytes, long replayedWalBytes, long nanos) {
        while (!positions.isEmpty() && positions.getFirst().walBytes() <= replayedWalBytes) {
            positions.removeFirst();
        }
        if (replayedWalBytes >= endWalBytes) {
            return Duration.ZERO;
        }
        if (positions.isEmpty() || positions.getLast().walBytes() < endWalBytes) {
            positions.addLast(new Position(endWalBytes, nanos));
        }
        return Duration.ofNanos(nanos - positions.getFirst().nanos());
    }
}
