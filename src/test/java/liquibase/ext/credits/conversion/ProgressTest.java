package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a run says while it runs; where time counts, only what holds on a machine of any speed. */
class ProgressTest {

    private static final Duration NEVER = Duration.ofDays(10_000);

    private final List<String> messages = new ArrayList<>();
    private final List<String> updates = new ArrayList<>();

    @Test
    void everyBatchIsSaidWhenItIsDue() {
        Progress progress = progress(false, Duration.ZERO);
        progress.started(10, 100, 2);

        progress.batchDone(5, 7, Duration.ofMillis(3));

        assertThat(updates).hasSize(1);
        assertThat(updates.get(0))
                .startsWith("15 of 100 users converted (15 %), ")
                .endsWith(", batch of 7 took 3 ms, 2 workers, not throttled");
        assertThat(messages).isEmpty();
    }

    @Test
    void nothingIsSaidBeforeItIsDue() {
        Progress progress = progress(false, NEVER);

        progress.batchDone(5, 5, Duration.ofMillis(3));

        assertThat(updates).isEmpty();
        assertThat(progress.standing().doneUsers()).isEqualTo(5);
    }

    @Test
    void thePaceIsThatOfThisCall() {
        long before = System.nanoTime();
        Progress progress = progress(false, NEVER);
        long started = System.nanoTime();
        assertPace(progress, before, started, 0);

        before = System.nanoTime();
        progress.started(1_000_000_000, 2_000_000_000, 1);
        assertPace(progress, before, System.nanoTime(), 1_000_000_000);
    }

    /** It was measured between two looks at the clock before and two after. */
    private static void assertPace(Progress progress, long before, long started, long firstUsers) {
        long converting = System.nanoTime();
        progress.batchDone(1_000_000, 1_000_000, Duration.ofMillis(1));
        long after = System.nanoTime();

        assertThat(progress.standing().doneUsers()).isEqualTo(firstUsers + 1_000_000);
        assertThat(progress.standing().usersPerSecond())
                .isGreaterThanOrEqualTo(1_000_000_000_000_000L / (after - before))
                .isLessThanOrEqualTo(1_000_000_000_000_000L / Math.max(1, converting - started));
    }

    @Test
    void aRunThatWaitsSaysSoOnce() {
        Progress progress = progress(false, NEVER);

        progress.waits("a replica");
        progress.waits("a replica");
        assertThat(progress.standing().waitsFor()).isEqualTo("a replica");
        progress.goesOn();

        assertThat(progress.standing().waitsFor()).isNull();
        assertThat(messages).containsExactly("Paused: a replica", "Going on");
        progress.ends();
        assertThat(updates).isEmpty();
    }

    @Test
    void aTerminalShowsTheBarAndGetsItsLineBack() {
        Progress progress = progress(true, NEVER);
        progress.started(50, 100, 1);

        progress.waits("a replica");
        progress.ends();

        assertThat(updates).containsExactly("[#####.....] 50% 50/100 users, paused: a replica", "");
    }

    @Test
    void aWaitThatGoesOnIsShownWhenItIsDue() {
        Progress progress = progress(false, Duration.ZERO);

        progress.waits("a replica");
        assertThat(updates).isEmpty();
        progress.waits("a replica");

        assertThat(updates).hasSize(1);
    }

    /** Tried again where the machine was so slow that a second passed in between. */
    @Test
    void aNoteIsDueAtOnceAndThenNotForASecond() {
        Progress progress = progress(false, NEVER);
        boolean isDueAgain;
        long asked;
        do {
            progress.started(0, 0, 1);
            asked = System.nanoTime();
            assertThat(progress.isNoteDue()).isTrue();
            isDueAgain = progress.isNoteDue();
        } while (System.nanoTime() - asked >= Duration.ofSeconds(1).toNanos());

        assertThat(isDueAgain).isFalse();
    }

    private Progress progress(boolean isTerminal, Duration between) {
        return new Progress(new ProgressOutput(messages::add, updates::add, isTerminal, between), "converted");
    }
}
