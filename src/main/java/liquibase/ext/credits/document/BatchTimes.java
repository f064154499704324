package liquibase.ext.credits.document;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How long batches took and how fast users were converted or undone; safe to use by several workers. Its size does not grow
 * with the run: times fall into fixed buckets, and of the points over time every second one goes when there are too many.
 */
public final class BatchTimes {
    private static final long[] BOUNDS_MILLIS = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000};
    private static final int MOST_POINTS = 128;

    private final long[] counts = new long[BOUNDS_MILLIS.length + 1];
    private final List<Point> points = new ArrayList<>();
    private long batches;
    private long longestMillis;
    private long totalMillis;
    private long batchesPerPoint = 1;

    /**
     * How many users were converted when.
     *
     * @param elapsedMillis since this call of the conversion began
     * @param users converted in it so far, by all workers
     */
    record Point(long elapsedMillis, long users) {}

    /**
     * A batch ended.
     *
     * @param took from before its first lock to its last statement, in mode batch to its commit
     * @param elapsed since this call of the conversion or undo began
     * @param users done in it so far, by all workers
     */
    public synchronized void add(Duration took, Duration elapsed, long users) {
        long millis = took.toMillis();
        int bucket = 0;
        while (bucket < BOUNDS_MILLIS.length && millis >= BOUNDS_MILLIS[bucket]) {
            bucket++;
        }
        counts[bucket]++;
        batches++;
        longestMillis = Math.max(longestMillis, millis);
        totalMillis += millis;
        if (batches % batchesPerPoint == 0) {
            points.add(new Point(elapsed.toMillis(), users));
        }
        if (points.size() == MOST_POINTS) {
            thinOut();
        }
    }

    private void thinOut() {
        batchesPerPoint *= 2;
        List<Point> kept = new ArrayList<>();
        for (int i = 1; i < points.size(); i += 2) {
            kept.add(points.get(i));
        }
        points.clear();
        points.addAll(kept);
    }

    synchronized long batches() {
        return batches;
    }

    synchronized long longestMillis() {
        return longestMillis;
    }

    synchronized long totalMillis() {
        return totalMillis;
    }

    /** From the first bucket with a batch to the last; bounds in milliseconds. */
    synchronized List<Bucket> histogram() {
        List<Bucket> buckets = new ArrayList<>();
        int first = 0;
        int last = counts.length - 1;
        while (first < last && counts[first] == 0) {
            first++;
        }
        while (last > first && counts[last] == 0) {
            last--;
        }
        for (int i = first; i <= last && Arrays.stream(counts).sum() > 0; i++) {
            @Nullable String below = i == BOUNDS_MILLIS.length ? null : Long.toString(BOUNDS_MILLIS[i]);
            buckets.add(new Bucket(i == 0 ? "0" : Long.toString(BOUNDS_MILLIS[i - 1]), below, counts[i]));
        }
        return buckets;
    }

    synchronized List<Point> points() {
        return List.copyOf(points);
    }
}
