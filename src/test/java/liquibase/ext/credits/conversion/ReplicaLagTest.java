package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How far a replica is behind, from positions in the write-ahead log alone. */
class ReplicaLagTest {
    private final ReplicaLag lag = new ReplicaLag();

    @Test
    void aReplicaThatHasEverythingIsNotBehind() {
        assertThat(lag.behind(100, 100, 0)).isEqualTo(Duration.ZERO);
        assertThat(lag.behind(200, 200, 5_000)).isEqualTo(Duration.ZERO);
    }

    @Test
    void aReplicaThatStandsStillFallsBehindWithTheClock() {
        lag.behind(100, 50, 0);
        lag.behind(200, 50, 1_000);

        assertThat(lag.behind(300, 50, 3_000)).isEqualTo(Duration.ofNanos(3_000));
    }

    @Test
    void catchingUpCountsFromTheFirstPositionThatIsMissing() {
        lag.behind(100, 50, 0);
        lag.behind(200, 50, 1_000);

        assertThat(lag.behind(300, 150, 3_000)).isEqualTo(Duration.ofNanos(2_000));
        assertThat(lag.behind(300, 300, 4_000)).isEqualTo(Duration.ZERO);
    }

    @Test
    void aPositionThatIsReachedIsNotMissing() {
        lag.behind(100, 50, 0);
        lag.behind(200, 50, 1_000);

        assertThat(lag.behind(300, 100, 3_000)).isEqualTo(Duration.ofNanos(2_000));
    }

    @Test
    void aReplicaThatJoinsIsMeasuredFromThenOn() {
        lag.behind(100, 100, 0);

        assertThat(lag.behind(200, 50, 1_000)).isEqualTo(Duration.ZERO);
    }
}
