package liquibase.ext.credits.conversion;

import java.time.Duration;

/**
 * How many users a worker's next batch takes. Automatic sizes follow the measured time towards a target, at most
 * doubling or halving at once and half the way, so that one slow batch does not decide alone.
 */
final class BatchSize {
    static final int AUTOMATIC = 0;

    private static final int FIRST_USERS = 500;
    private static final int LEAST_USERS = 25;
    private static final int MOST_USERS = 20_000;

    private final boolean isAutomatic;
    private final int givenUsers;
    private final Duration target;
    private int users;

    BatchSize(int users, Duration target) {
        this.isAutomatic = users == AUTOMATIC;
        this.users = isAutomatic ? FIRST_USERS : users;
        this.givenUsers = users;
        this.target = target;
    }

    int users() {
        return users;
    }

    /** The size of the next batch when so many users are left: automatic ones share them evenly. */
    int users(long leftUsers) {
        if (!isAutomatic || leftUsers <= 0) {
            return users;
        }
        long batches = (leftUsers + users - 1) / users;
        return (int) ((leftUsers + batches - 1) / batches);
    }

    /** A batch of so many users took so long. A given size that was halved comes back. */
    void took(long batchUsers, Duration duration) {
        if (isAutomatic) {
            long wanted = batchUsers * target.toNanos() / Math.max(1, duration.toNanos());
            users = within((users + Math.min(Math.max(wanted, users / 2), 2L * users)) / 2);
        } else {
            users = (int) Math.min(givenUsers, 2L * users);
        }
    }

    /** A batch met a lock: a smaller one holds fewer. */
    void halve() {
        users = isAutomatic ? within(users / 2) : Math.max(1, users / 2);
    }

    private static int within(long wanted) {
        return (int) Math.min(Math.max(wanted, LEAST_USERS), MOST_USERS);
    }
}
