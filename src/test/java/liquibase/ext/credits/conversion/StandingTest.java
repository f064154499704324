package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** How far a run is, in words. */
class StandingTest {
    private static final Standing HALF =
            new Standing("converted", 450_000, 1_000_000, 5_000, 520, Duration.ofMillis(98), 2, null);

    @Test
    void aLineSaysEverything() {
        assertThat(HALF.line())
                .isEqualTo("450000 of 1000000 users converted (45 %), 5000 users/s, 1:50 left,"
                        + " batch of 520 took 98 ms, 2 workers, not throttled");
    }

    @Test
    void aBarFitsOneLineOfATerminal() {
        assertThat(HALF.bar()).isEqualTo("[####......] 45% 450000/1000000 users, 5000/s, 1:50 left, 2 x 520 in 98 ms");
        assertThat(new Standing("converted", 99_999_999, 100_000_000, 1, 20_000, Duration.ofMinutes(1), 64, null).bar())
                .hasSizeLessThan(80);
    }

    @Test
    void aRunThatWaitsSaysWhy() {
        Standing waiting = HALF.waitingFor("a replica lags more than credits.maxReplicaLag");

        assertThat(waiting.line())
                .endsWith("batch of 520 took 98 ms, 2 workers,"
                        + " paused: a replica lags more than credits.maxReplicaLag");
        assertThat(waiting.bar())
                .isEqualTo("[####......] 45% 450000/1000000 users, paused: a replica lags more than credits");
        assertThat(waiting.waitingFor(null)).isEqualTo(HALF);
    }

    @Test
    void nothingPlannedAndMoreThanPlannedAreAllDone() {
        assertThat(new Standing("converted", 0, 0, 0, 0, Duration.ZERO, 1, null).line())
                .startsWith("0 of 0 users converted (100 %), 0 users/s, batch");
        assertThat(new Standing("converted", 12, 10, 3, 5, Duration.ZERO, 1, null).line())
                .startsWith("12 of 10 users converted (100 %), 3 users/s, 0:00 left");
    }

    @Test
    void fromAnHourOnHoursAreShown() {
        assertThat(new Standing("converted", 0, 3_599, 1, 1, Duration.ZERO, 1, null).line())
                .contains(", 59:59 left");
        assertThat(new Standing("converted", 0, 3_600, 1, 1, Duration.ZERO, 1, null).line())
                .contains(", 1:00:00 left");
        assertThat(new Standing("converted", 0, 7_325, 1, 1, Duration.ZERO, 1, null).line())
                .contains(", 2:02:05 left");
    }

    @Test
    void theSessionsNameFitsWhatPostgresKeeps() {
        String name = new Standing("converted", 5, 5, 0, 0, Duration.ZERO, 1, null).applicationName(UUID.randomUUID());

        assertThat(name.getBytes(StandardCharsets.UTF_8)).hasSize(63);
    }
}
