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

    /** One user in so many is locked at most while others are at work, so that a locked wallet does not decide their p99. */
    private static final int USERS_PER_LOCKED_USER = 250;

    private final boolean isAutomatic;
    private final int givenUsers;
    private final Duration target;
    private final int mostUsersBesideOthers;
    private int users;

    /** With the size that is given or {@link #AUTOMATIC}, for one of so many workers on so many users. */
    BatchSize(int users, Duration target, long plannedUsers, int workers) {
        this.isAutomatic = users == AUTOMATIC;
        this.users = isAutomatic ? FIRST_USERS : users;
        this.givenUsers = users;
        this.target = target;
        this.mostUsersBesideOthers = within(plannedUsers / USERS_PER_LOCKED_USER / workers);
    }

    int users() {
        return users;
    }

    /** The size of the next batch when so many users are left: automatic ones share them evenly, and are smaller beside others. */
    int users(long leftUsers, boolean othersAreAtWork) {
        if (!isAutomatic) {
            return users;
        }
        int most = othersAreAtWork ? Math.min(users, mostUsersBesideOthers) : users;
        if (leftUsers <= 0) {
            return most;
        }
        // Alone, a batch may be half as large again: what it costs by itself weighs more than a lock that nobody waits
        // for.
        long batches = othersAreAtWork ? (leftUsers + most - 1) / most : Math.max(1, (leftUsers + most / 2) / most);
        return (int) Math.min((leftUsers + batches - 1) / batches, MOST_USERS);
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

    /** A batch of so many users met a lock: a smaller one holds fewer. */
    void halve(int batchUsers) {
        int half = Math.min(users, batchUsers) / 2;
        users = isAutomatic ? within(half) : Math.max(1, half);
    }

    private static int within(long wanted) {
        return (int) Math.min(Math.max(wanted, LEAST_USERS), MOST_USERS);
    }
}
