package liquibase.ext.credits.benchmark;

import java.util.List;
import java.util.Locale;

/**
 * What clients felt during one run, or without any.
 *
 * @param rivalId what ran, or {@link #NOTHING}
 * @param users how many were converted
 * @param seconds how long
 * @param calls made by all clients
 * @param failedCalls answered with an error
 * @param medianMillis half of the calls took longer
 * @param p99Millis one of a hundred took longer
 * @param longestMillis the slowest call
 * @param longestLockWaitMillis as {@link LockWatch} saw it
 */
record Disturbance(
        String rivalId,
        int users,
        double seconds,
        int calls,
        int failedCalls,
        double medianMillis,
        double p99Millis,
        double longestMillis,
        double longestLockWaitMillis) {

    static final String NOTHING = "nothing";
    static final String HEADER =
            "rival,users,seconds,calls,failed_calls,median_ms,p99_ms,longest_ms,longest_lock_wait_ms";

    private static final double NANOS_A_SECOND = 1e9;
    private static final double NANOS_A_MILLISECOND = 1e6;

    static Disturbance of(
            String rivalId, int users, List<Call> allCalls, LockWatch watch, long fromNanos, long toNanos) {
        List<Call> calls = allCalls.stream()
                .filter(call -> call.dueNanos() - fromNanos >= 0 && call.dueNanos() - toNanos < 0)
                .toList();
        double[] millis = calls.stream()
                .mapToDouble(call -> call.nanos() / NANOS_A_MILLISECOND)
                .sorted()
                .toArray();
        return new Disturbance(
                rivalId,
                users,
                (toNanos - fromNanos) / NANOS_A_SECOND,
                calls.size(),
                (int) calls.stream().filter(Call::hasFailed).count(),
                quantile(millis, 50),
                quantile(millis, 99),
                quantile(millis, 100),
                watch.longestWaitMillis(fromNanos, toNanos));
    }

    static Disturbance ofLine(String line) {
        String[] fields = line.split(",", -1);
        return new Disturbance(
                fields[0],
                Integer.parseInt(fields[1]),
                Double.parseDouble(fields[2]),
                Integer.parseInt(fields[3]),
                Integer.parseInt(fields[4]),
                Double.parseDouble(fields[5]),
                Double.parseDouble(fields[6]),
                Double.parseDouble(fields[7]),
                Double.parseDouble(fields[8]));
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%s,%d,%.2f,%d,%d,%.2f,%.2f,%.2f,%.0f",
                rivalId,
                users,
                seconds,
                calls,
                failedCalls,
                medianMillis,
                p99Millis,
                longestMillis,
                longestLockWaitMillis);
    }

    /** The smallest value that so many percent do not exceed; 0 without any call. */
    private static double quantile(double[] sorted, int percent) {
        int rank = (sorted.length * percent + 99) / 100;
        return sorted.length == 0 ? 0 : sorted[Math.max(rank, 1) - 1];
    }
}
