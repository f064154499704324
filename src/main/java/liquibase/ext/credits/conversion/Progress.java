package liquibase.ext.credits.conversion;

import java.time.Duration;
import java.util.Locale;
import java.util.function.Consumer;

/** Says how far a run is: at most one line in a while, and one whenever the run waits. */
final class Progress {
    private final Consumer<String> sink;
    private final Duration between;
    private final long startNanos = System.nanoTime();
    private long lastNanos = startNanos;
    private long firstUsers = -1;

    Progress(Consumer<String> sink, Duration between) {
        this.sink = sink;
        this.between = between;
    }

    void converted(long doneUsers, long plannedUsers, int batchUsers, Duration batch) {
        if (firstUsers < 0) {
            firstUsers = doneUsers;
        }
        long now = System.nanoTime();
        if (now - lastNanos < between.toNanos()) {
            return;
        }
        lastNanos = now;
        long usersPerSecond = (doneUsers - firstUsers) * 1_000_000_000L / Math.max(1, now - startNanos);
        long leftUsers = Math.max(0, plannedUsers - doneUsers);
        String left = usersPerSecond == 0 ? "" : ", " + leftUsers / usersPerSecond + " s left";
        sink.accept(String.format(
                Locale.ROOT,
                "%d of %d users converted (%d %%), %d users/s%s, batch of %d took %d ms",
                doneUsers,
                plannedUsers,
                plannedUsers == 0 ? 100 : Math.min(100, doneUsers * 100 / plannedUsers),
                usersPerSecond,
                left,
                batchUsers,
                batch.toMillis()));
    }

    void waits(String why) {
        sink.accept(why);
    }
}
