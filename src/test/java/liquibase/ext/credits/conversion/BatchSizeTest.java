package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How many users the next batch takes. */
class BatchSizeTest {
    private static final Duration TARGET = Duration.ofMillis(100);

    @Test
    void settlesAtTheTarget() {
        BatchSize size = new BatchSize(BatchSize.AUTOMATIC, TARGET);
        for (int batch = 0; batch < 40; batch++) {
            size.took(size.users(), Duration.ofNanos(size.users() * 40_000L));
        }
        assertThat(size.users()).isBetween(2_490, 2_510);
    }

    @Test
    void oneSlowOrFastBatchDecidesHalfTheWay() {
        BatchSize size = new BatchSize(BatchSize.AUTOMATIC, TARGET);

        size.took(500, Duration.ofSeconds(60));
        assertThat(size.users()).isEqualTo(375);
        size.took(375, Duration.ZERO);
        assertThat(size.users()).isEqualTo(562);
    }

    @Test
    void staysWithinItsLimits() {
        BatchSize size = new BatchSize(BatchSize.AUTOMATIC, TARGET);
        for (int batch = 0; batch < 40; batch++) {
            size.took(size.users(), Duration.ofHours(1));
            size.halve();
        }
        assertThat(size.users()).isEqualTo(25);
        for (int batch = 0; batch < 40; batch++) {
            size.took(size.users(), Duration.ofNanos(1));
        }
        assertThat(size.users()).isEqualTo(20_000);
    }

    @Test
    void sharesWhatIsLeftEvenly() {
        BatchSize size = new BatchSize(BatchSize.AUTOMATIC, TARGET);

        assertThat(size.users(2_000)).isEqualTo(500);
        assertThat(size.users(501)).isEqualTo(251);
        assertThat(size.users(7)).isEqualTo(7);
        assertThat(size.users(0)).isEqualTo(500);
        assertThat(size.users(-3)).isEqualTo(500);
    }

    @Test
    void aGivenSizeIsHalvedByLocksOnlyAndComesBack() {
        BatchSize size = new BatchSize(3, TARGET);

        size.took(3, Duration.ofHours(1));
        assertThat(size.users()).isEqualTo(3);
        size.halve();
        size.halve();
        assertThat(size.users()).isEqualTo(1);
        size.took(1, TARGET);
        size.took(2, TARGET);
        assertThat(size.users()).isEqualTo(3);
        assertThat(size.users(2)).isEqualTo(3);
    }
}
