package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How many users the next batch takes. */
class BatchSizeTest {
    private static final Duration TARGET = Duration.ofMillis(100);
    private static final long USERS = 100_000;

    @Test
    void settlesAtTheTarget() {
        BatchSize size = automatic();
        for (int batch = 0; batch < 40; batch++) {
            size.took(size.users(), Duration.ofNanos(size.users() * 40_000L));
        }
        assertThat(size.users()).isBetween(2_490, 2_510);
    }

    @Test
    void oneSlowOrFastBatchDecidesHalfTheWay() {
        BatchSize size = automatic();

        size.took(500, Duration.ofSeconds(60));
        assertThat(size.users()).isEqualTo(375);
        size.took(375, Duration.ZERO);
        assertThat(size.users()).isEqualTo(562);
    }

    @Test
    void staysWithinItsLimits() {
        BatchSize size = automatic();
        for (int batch = 0; batch < 40; batch++) {
            size.took(size.users(), Duration.ofHours(1));
            size.halve(size.users());
        }
        assertThat(size.users()).isEqualTo(25);
        for (int batch = 0; batch < 40; batch++) {
            size.took(size.users(), Duration.ofNanos(1));
        }
        assertThat(size.users()).isEqualTo(20_000);
        assertThat(size.users(29_999, false)).isEqualTo(20_000);
    }

    @Test
    void sharesWhatIsLeftEvenly() {
        BatchSize size = automatic();

        assertThat(size.users(2_000, false)).isEqualTo(500);
        assertThat(size.users(749, false)).isEqualTo(749);
        assertThat(size.users(750, false)).isEqualTo(375);
        assertThat(size.users(7, false)).isEqualTo(7);
        assertThat(size.users(0, false)).isEqualTo(500);
        assertThat(size.users(-3, false)).isEqualTo(500);
    }

    @Test
    void besideOthersOneUserInTwoHundredAndFiftyIsLocked() {
        BatchSize alone = automatic();
        BatchSize oneOfTwo = new BatchSize(BatchSize.AUTOMATIC, TARGET, USERS, 2);
        BatchSize ofMany = new BatchSize(BatchSize.AUTOMATIC, TARGET, 1_000_000, 1);
        BatchSize ofFew = new BatchSize(BatchSize.AUTOMATIC, TARGET, 1_000, 1);

        assertThat(alone.users(10_000, true)).isEqualTo(400);
        assertThat(alone.users(10_000, false)).isEqualTo(500);
        assertThat(alone.users(0, true)).isEqualTo(400);
        assertThat(alone.users(401, true)).isEqualTo(201);
        assertThat(oneOfTwo.users(10_000, true)).isEqualTo(200);
        assertThat(ofMany.users(10_000, true)).isEqualTo(500);
        assertThat(ofFew.users(10_000, true)).isEqualTo(25);
    }

    @Test
    void aBatchThatMetALockIsHalvedAsItWas() {
        BatchSize size = automatic();
        for (int batch = 0; batch < 40; batch++) {
            size.took(400, Duration.ofMillis(10));
        }
        assertThat(size.users()).isGreaterThan(3_000);

        size.halve(400);
        assertThat(size.users(10_000, true)).isEqualTo(200);
    }

    @Test
    void aGivenSizeIsHalvedByLocksOnlyAndComesBack() {
        BatchSize size = new BatchSize(3, TARGET, USERS, 1);

        size.took(3, Duration.ofHours(1));
        assertThat(size.users()).isEqualTo(3);
        size.halve(size.users());
        size.halve(size.users());
        assertThat(size.users()).isEqualTo(1);
        size.took(1, TARGET);
        size.took(2, TARGET);
        assertThat(size.users()).isEqualTo(3);
        assertThat(size.users(2, true)).isEqualTo(3);
    }

    private static BatchSize automatic() {
        return new BatchSize(BatchSize.AUTOMATIC, TARGET, USERS, 1);
    }
}
