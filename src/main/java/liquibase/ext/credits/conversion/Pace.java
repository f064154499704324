package liquibase.ext.credits.conversion;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How hard a conversion or an undo may press on the database.
 *
 * @param batchUsers users per batch, or 0 to follow the target time
 * @param workers connections at work at the same time; more than one only in commit mode batch
 * @param targetBatch how long an automatically sized batch should take
 * @param maxReplicaLag pause while a replica lags more; null never pauses
 * @param maxActiveSessions pause while more other sessions of the database are active; 0 never pauses
 * @param lockTimeout how long to wait for a locked row or table
 */
public record Pace(
        int batchUsers,
        int workers,
        Duration targetBatch,
        @Nullable Duration maxReplicaLag,
        int maxActiveSessions,
        Duration lockTimeout) {
    /** A range takes about as many batches: few enough to share ranges evenly, many enough to fill the batches. */
    private static final int BATCHES_PER_RANGE = 4;

    /** What an automatic batch may be expected to hold per millisecond of its target, within a factor of two. */
    private static final int USERS_PER_MILLISECOND = 5;

    static Pace of(Parameters parameters) {
        return new Pace(
                parameters.usersOrAutomatic("batchUsers"),
                parameters.workers("workers"),
                parameters.millis("targetBatchMillis"),
                parameters.durationOrNone("maxReplicaLag"),
                parameters.sessionsOrNone("maxActiveSessions"),
                parameters.timeout("lockTimeout"));
    }

    boolean isAutomatic() {
        return batchUsers == BatchSize.AUTOMATIC;
    }

    long rangeUsers() {
        return BATCHES_PER_RANGE * (isAutomatic() ? targetBatch.toMillis() * USERS_PER_MILLISECOND : batchUsers);
    }
}
