package liquibase.ext.credits.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import liquibase.ext.credits.crash.Round.Accident;
import liquibase.ext.credits.crash.Round.Direction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Kills Liquibase, or its server, or its connection, and does again what was interrupted: in the end everything is as if
 * nothing had happened. {@code -Dcrash.rounds} says how often, {@code -Dcrash.seed} where.
 */
class CrashTest {

    private static final int MOST_TRIES = 5;
    private static final Duration LIMIT = Duration.ofSeconds(120);

    /** Liquibase's own lock: taken by the first write of a command, given back by the last. */
    private static final int LOCK_WRITES = 1;

    private static Scene scene;

    @BeforeAll
    static void start() throws Exception {
        scene = Scene.set();
    }

    @AfterAll
    static void stop() throws Exception {
        if (scene != null) {
            scene.close();
        }
    }

    static Stream<Round> rounds() {
        String seed = System.getProperty("crash.seed.under.test", "random");
        long first = seed.equals("random") ? new Random().nextInt(1_000_000) : Long.parseLong(seed);
        int count = Integer.parseInt(System.getProperty("crash.rounds.under.test", "20"));
        System.out.println("CrashTest: " + count + " rounds, -Dcrash.seed=" + first);
        return IntStream.range(0, count).mapToObj(number -> Round.of(number, first));
    }

    @Test
    void theServerKeepsWhatItHasCommitted() throws Exception {
        try (CrashDatabase database = scene.beginning("settings", Direction.CONVERT, "once")) {
            assertThat(database.lines(
                            "SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')"))
                    .containsExactly("on on");
        }
    }

    @ParameterizedTest
    @MethodSource("rounds")
    void endsAsIfNothingHadHappened(Round round) throws Exception {
        try (CrashDatabase database = scene.beginning("round_" + round.number(), round.direction(), round.commit())) {
            interrupt(database, round, false);

            List<String> command = Scene.command(round.direction(), round.commit(), round.workersAfterwards());
            finish(database, round.direction(), command);

            database.assertProved();
            assertThat(database.state())
                    .isEqualTo(scene.end(round.direction(), round.commit()).state());
            assertThat(database.isLocked()).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource(Direction.class)
    void withSessionlockNothingIsLeftToRelease(Direction direction) throws Exception {
        Round round = new Round(0, 0, direction, Accident.JVM_KILLED, "batch", false, 0.5, 0);
        try (CrashDatabase database = scene.beginning("sessionlock", direction, "batch")) {
            interrupt(database, round, true);
            assertThat(database.isLocked()).isFalse();
            await("the killed process' connections to end", database::isAlone);

            try (LiquibaseProcess again =
                    LiquibaseProcess.start(database.url(), true, Scene.command(direction, "batch", 1))) {
                assertThat(again.exitCode()).as(again::output).isZero();
            }

            database.assertProved();
            assertThat(database.state()).isEqualTo(scene.end(direction, "batch").state());
        }
    }

    @Test
    void aCutConnectionIsNamedWithTheWayOn() throws Exception {
        try (CrashDatabase database = scene.beginning("cut", Direction.CONVERT, "batch")) {
            // The 150 users of the first batch write four rows each.
            database.holdAtWrite(1_000);
            try (LiquibaseProcess liquibase =
                    LiquibaseProcess.start(database.url(), false, Scene.command(Direction.CONVERT, "batch", 1))) {
                await("Liquibase to arrive", database::isHeld);
                database.cutOtherConnections();

                assertThat(liquibase.exitCode()).isNotZero();
                assertThat(liquibase.output())
                        .contains("terminating connection due to administrator command")
                        .contains("; Liquibase's own lock stays: run liquibase releaseLocks;"
                                + " 150 of 1657 users are converted; go on with liquibase update");
            }
        }
    }

    private static void interrupt(CrashDatabase database, Round round, boolean hasSessionlock) throws Exception {
        long writes = scene.end(round.direction(), round.commit()).writes();
        long write = 1 + (long) (round.part() * (writes - 2 * LOCK_WRITES));
        if (round.isInGap()) {
            database.holdAtRecord();
        } else {
            database.holdAtWrite(write);
        }
        try (LiquibaseProcess liquibase = LiquibaseProcess.start(
                database.url(), hasSessionlock, Scene.command(round.direction(), round.commit(), round.workers()))) {
            await("Liquibase to arrive " + round, () -> database.isHeld() || !liquibase.isRunning());
            assertThat(liquibase.isRunning()).as(liquibase::output).isTrue();
            if (round.flightMicros() > 0) {
                database.letGo();
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(round.flightMicros()));
            }
            happen(database, round.accident(), liquibase);
            int exitCode = liquibase.exitCode();
            if (round.flightMicros() == 0) {
                assertThat(exitCode).as(liquibase::output).isNotZero();
                assertThat(database.isLocked())
                        .as("a lock is left behind")
                        .isEqualTo(!hasSessionlock && (round.isInGap() || write > LOCK_WRITES));
            }
        }
        database.letGo();
    }

    private static void happen(CrashDatabase database, Accident accident, LiquibaseProcess liquibase) throws Exception {
        switch (accident) {
            case JVM_KILLED -> liquibase.kill();
            case CONNECTION_CUT -> database.cutOtherConnections();
            case SERVER_KILLED -> {
                scene.server().killAndRestart();
                database.disconnect();
            }
        }
    }

    /** What the README tells an operator to do. */
    private static void finish(CrashDatabase database, Direction direction, List<String> command) throws Exception {
        if (direction == Direction.UNDO) {
            // A second rollbackCount 1 would undo the changeset beneath, so its outcome must be known first.
            await("the interrupted connections to end", database::isAlone);
        }
        for (int tried = 1; ; tried++) {
            if (database.isLocked()) {
                Operator.Answer released = scene.operator().run(database.url(), List.of("releaseLocks"));
                assertThat(released.exitCode()).as(released::output).isZero();
            }
            if (direction == Direction.UNDO && !database.isRecorded()) {
                return;
            }
            Operator.Answer answer = scene.operator().run(database.url(), command);
            if (answer.exitCode() == 0) {
                return;
            }
            assertThat(tried).as(answer::output).isLessThan(MOST_TRIES);
            assertThat(answer.output()).contains("another conversion or undo is running");
            await("the interrupted connections to end", database::isAlone);
        }
    }

    private static void await(String what, Callable<Boolean> condition) throws Exception {
        Instant deadline = Instant.now().plus(LIMIT);
        while (!condition.call()) {
            assertThat(Instant.now()).as("waits for " + what).isBefore(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }
}
