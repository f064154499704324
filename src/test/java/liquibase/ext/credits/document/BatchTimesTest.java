package liquibase.ext.credits.document;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Figures of batches, from several workers at once, in little memory. */
class BatchTimesTest {

    @Test
    void nothingIsLostWhenWorkersMeet() throws Exception {
        BatchTimes times = new BatchTimes();
        ExecutorService workers = Executors.newFixedThreadPool(4);
        List<Future<?>> ends = new ArrayList<>();
        for (int worker = 0; worker < 4; worker++) {
            ends.add(workers.submit(() -> {
                for (int batch = 0; batch < 10_000; batch++) {
                    times.add(Duration.ofMillis(batch % 20), Duration.ofMillis(batch), batch);
                }
            }));
        }
        for (Future<?> end : ends) {
            end.get();
        }
        workers.shutdown();

        assertThat(times.batches()).isEqualTo(40_000);
        assertThat(times.longestMillis()).isEqualTo(19);
        assertThat(times.totalMillis()).isEqualTo(380_000);
        assertThat(times.histogram().stream().mapToLong(Bucket::count).sum()).isEqualTo(40_000);
        assertThat(times.points()).hasSizeBetween(32, 128);
    }

    @Test
    void aTimeOnABoundBelongsToTheBucketAboveIt() {
        BatchTimes times = new BatchTimes();
        times.add(Duration.ofMillis(99), Duration.ZERO, 1);
        times.add(Duration.ofMillis(100), Duration.ZERO, 2);
        times.add(Duration.ofSeconds(60), Duration.ZERO, 3);

        assertThat(times.histogram())
                .startsWith(new Bucket("50", "100", 1), new Bucket("100", "200", 1))
                .endsWith(new Bucket("10000", null, 1));
    }

    @Test
    void aRunWithoutBatchesHasNoHistogram() {
        assertThat(new BatchTimes().histogram()).isEmpty();
    }
}
