package liquibase.ext.credits.conversion;

import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * How far a run or its undo is, in numbers.
 *
 * @param done what happens to the users, in one word: converted or undone
 * @param doneUsers so far, by this and by interrupted calls
 * @param plannedUsers when it started; more may have arrived since
 * @param usersPerSecond of this call
 * @param batchUsers size of the last batch
 * @param batch how long the last batch took and held its locks
 * @param workers connections at work
 * @param waitsFor why no batch begins, in words; null while the run goes on
 */
record Standing(
        String done,
        long doneUsers,
        long plannedUsers,
        long usersPerSecond,
        int batchUsers,
        Duration batch,
        int workers,
        @Nullable String waitsFor) {
    private static final int BAR_CELLS = 10;
    /** One line of the narrowest usual terminal; a longer one would wrap and could not be redrawn. */
    private static final int BAR_LINE_CHARACTERS = 79;

    /** The same, while the run waits, or with null when it goes on. */
    Standing waitingFor(@Nullable String reason) {
        return new Standing(done, doneUsers, plannedUsers, usersPerSecond, batchUsers, batch, workers, reason);
    }

    long percent() {
        return plannedUsers == 0 ? 100 : Math.min(100, doneUsers * 100 / plannedUsers);
    }

    /** For pg_stat_activity, which keeps 63 bytes. */
    String applicationName(Object runId) {
        return "liquibase-credits " + percent() + "% run " + runId;
    }

    String line() {
        return String.format(
                Locale.ROOT,
                "%d of %d users %s (%d %%), %d users/s%s, %s, %s",
                doneUsers,
                plannedUsers,
                done,
                percent(),
                usersPerSecond,
                left(", %s left"),
                batches(),
                waitsFor == null ? "not throttled" : "paused: " + waitsFor);
    }

    String bar() {
        int filled = (int) (percent() * BAR_CELLS / 100);
        String bar = "[" + "#".repeat(filled) + ".".repeat(BAR_CELLS - filled) + "] " + percent() + "% " + doneUsers
                + "/" + plannedUsers + " users, " + (waitsFor == null ? pace() : "paused: " + waitsFor);
        return bar.length() <= BAR_LINE_CHARACTERS ? bar : bar.substring(0, BAR_LINE_CHARACTERS);
    }

    private String pace() {
        return usersPerSecond + "/s" + left(", %s left") + ", " + workers + " x " + batchUsers + " in "
                + batch.toMillis() + " ms";
    }

    private String batches() {
        return "batch of " + batchUsers + " took " + batch.toMillis() + " ms, " + workers
                + (workers == 1 ? " worker" : " workers");
    }

    private String left(String format) {
        if (usersPerSecond == 0) {
            return "";
        }
        long seconds = Math.max(0, plannedUsers - doneUsers) / usersPerSecond;
        String time = seconds < 3600
                ? String.format(Locale.ROOT, "%d:%02d", seconds / 60, seconds % 60)
                : String.format(Locale.ROOT, "%d:%02d:%02d", seconds / 3600, seconds / 60 % 60, seconds % 60);
        return format.formatted(time);
    }
}
