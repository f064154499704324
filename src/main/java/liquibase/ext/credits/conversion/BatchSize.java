package liquibase.ext.credits.conversion;

import java.time.Duration;

/**
 * How many users the next batch takes. Automatic sizes follow the measured time towards a target, at most doubling or
 * halving at once, so that one slow batch does not decide alone.
 */
final class BatchSize {
    static final int AUTOMATIC = 0;

    private static final int FIRST_USERS = 500;
    private static final int LEAST_USERS = 25;
    private static final int MOST_USERS = 20_000;

    private final boolean isAutomatic;
    private final Duration target;
    private int users;

    BatchSize(int users, Duration target) {
        this.isAutomatic = users == AUTOMATIC;
        this.users = isAutomatic ? FIRST_USERS : users;
        this.target = target;
    }

    int users() {
        return users;
    }

    /** A batch of this size took so long. */
    void took(Duration duration) {
        if (isAutomatic) {
            long wanted = users * target.toNanos() / Math.max(1, duration.toNanos());
            users = within((users + Math.min(Math.max(wanted, users / 2), 2L * users)) / 2);
        }
    }

    /** A batch met a lock: a smaller one holds fewer. */
    void halve() {
        users = within(users / 2);
    }

    private static int within(long wanted) {
        return (int) Math.min(Math.max(wanted, LEAST_USERS), MOST_USERS);
    }
}
