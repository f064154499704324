package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * Commit mode {@code batch}: every batch commits, so that locks are short and an interrupted run goes on where it was.
 * The session's advisory lock keeps a second process out between the batches.
 */
final class BatchedRun {
    private static final Set<String> WORTH_A_RETRY = Set.of("55P03", "40P01", "40001");
    private static final int MOST_FAILURES_IN_A_ROW = 10;
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(500);
    private static final String LOCK = "SELECT billing_migration_lock(?, true)";
    private static final String UNLOCK = "SELECT billing_migration_unlock()";
    private static final String NAME = "SELECT set_config('application_name', ?, false)";
    private static final String NAME_NOW = "SELECT current_setting('application_name')";
    private static final String OPEN_RUN = """
            SELECT r.id, r.credits_per_usd, r.credits_per_uah, r.rounding, r.on_error, r.commit_mode,
                r.late_writes, r.cohort
            FROM billing_migration_run AS r
            WHERE r.status IN ('running', 'paused')
            LIMIT 1
            """;
    private static final String REPLICA_LAG =
            "SELECT coalesce(max(extract(epoch FROM s.replay_lag)) * 1000, 0)::bigint FROM pg_stat_replication AS s";

    private final Connection connection;
    private final ConversionSettings settings;
    private final Progress progress;
    private @Nullable String earlierRun;

    BatchedRun(Connection connection, ConversionSettings settings, Progress progress) {
        this.connection = connection;
        this.settings = settings;
        this.progress = progress;
    }

    /** Starts a run, or resumes the open one, and brings it to its proved end. */
    Run run(RunIdentity identity) throws SQLException, ConversionException {
        String nameBefore = nameNow();
        lock();
        try {
            Optional<Run> open = resumed();
            Run run = open.isPresent() ? open.get() : Run.start(connection, settings, identity);
            earlierRun = open.isPresent() ? null : run.earlierRun();
            if (earlierRun != null) {
                connection.rollback();
                return run;
            }
            run.set("running", "run");
            name("liquibase-credits run " + run.id());
            connection.commit();
            convert(run);
            LockTimeout.set(connection, settings.lockTimeout());
            run.finish();
            connection.commit();
            return run;
        } finally {
            unlock(nameBefore);
        }
    }

    /** The run that left nothing to do, in words; null when this one had something to do. */
    @Nullable
    String earlierRun() {
        return earlierRun;
    }

    private Optional<Run> resumed() throws SQLException, ConversionException {
        try (PreparedStatement statement = connection.prepareStatement(OPEN_RUN);
                ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return Optional.empty();
            }
            List<String> differences = new ArrayList<>();
            differ(differences, "commit", row.getString("commit_mode"), "batch");
            if (row.getBigDecimal("credits_per_usd").compareTo(settings.creditsPerUsd()) != 0) {
                differ(
                        differences,
                        "perUsd",
                        row.getString("credits_per_usd"),
                        settings.creditsPerUsd().toPlainString());
            }
            differ(
                    differences,
                    "perUah",
                    Objects.requireNonNullElse(row.getString("credits_per_uah"), "none"),
                    settings.creditsPerUah() == null
                            ? "none"
                            : settings.creditsPerUah().toPlainString());
            differ(
                    differences,
                    "rounding",
                    row.getString("rounding"),
                    settings.rounding().name());
            differ(
                    differences,
                    "onError",
                    row.getString("on_error"),
                    settings.onError().name().toLowerCase(Locale.ROOT));
            differ(
                    differences,
                    "lateWrites",
                    row.getString("late_writes"),
                    settings.lateWrites().name().toLowerCase(Locale.ROOT));
            differ(
                    differences,
                    "cohort",
                    Objects.requireNonNullElse(row.getString("cohort"), "none"),
                    Objects.requireNonNullElse(settings.cohort().runName(), "none"));
            UUID id = row.getObject("id", UUID.class);
            if (!differences.isEmpty()) {
                throw new ConversionException("run " + id + " is unfinished and was started with other settings: "
                        + String.join(", ", differences)
                        + "; resume it with its own, or undo it with SELECT * FROM rollback_billing_migration('" + id
                        + "')");
            }
            progress.waits("Run " + id + " is resumed");
            return Optional.of(new Run(connection, id));
        }
    }

    private static void differ(List<String> differences, String name, String ofRun, String ofSettings) {
        if (!ofRun.equals(ofSettings)) {
            differences.add("credits." + name + " is " + ofSettings + ", the run has " + ofRun);
        }
    }

    private void convert(Run run) throws SQLException, ConversionException {
        BatchSize size = new BatchSize(settings.batchUsers(), settings.targetBatch());
        Run.State state = run.state();
        int failures = 0;
        boolean isMore = true;
        while (isMore) {
            obey(run, state);
            long startNanos = System.nanoTime();
            int users = size.users();
            try {
                LockTimeout.set(connection, settings.lockTimeout());
                isMore = run.convertBatch(state.lastUserId(), users) != null;
                state = run.state();
                connection.commit();
                failures = 0;
                Duration took = Duration.ofNanos(System.nanoTime() - startNanos);
                size.took(took);
                progress.converted(state.doneUsers(), state.plannedUsers(), users, took);
            } catch (SQLException e) {
                if (connection.isClosed()) {
                    throw unfinished(
                            run,
                            state,
                            ConversionException.found(e) + "; Liquibase's own lock stays: run liquibase releaseLocks");
                }
                connection.rollback();
                failures++;
                if (!WORTH_A_RETRY.contains(Objects.requireNonNullElse(e.getSQLState(), ""))
                        || failures == MOST_FAILURES_IN_A_ROW) {
                    throw unfinished(run, state, ConversionException.found(e));
                }
                size.halve();
                progress.waits("A batch of " + users + " users met a lock (" + failures + " times in a row); next "
                        + size.users());
                pause(Duration.ofMillis(ThreadLocalRandom.current().nextLong(50L << failures)));
            }
        }
    }

    /** Waits while an operator or a lagging replica asks for it. */
    private void obey(Run run, Run.State state) throws SQLException, ConversionException {
        String control = state.control();
        boolean isPaused = false;
        while (!control.equals("run") || replicaLags()) {
            if (control.equals("stop")) {
                run.set("paused", "run");
                connection.commit();
                throw unfinished(run, state, "stopped by control = 'stop'");
            }
            if (!isPaused) {
                progress.waits(
                        control.equals("pause")
                                ? "Paused by control = 'pause' in billing_migration_run"
                                : "Paused: a replica lags more than credits.maxReplicaLag");
                run.set("paused", control);
                isPaused = true;
            }
            connection.commit();
            pause(BETWEEN_LOOKS);
            control = run.state().control();
        }
        if (isPaused) {
            run.set("running", "run");
            connection.commit();
            progress.waits("Going on");
        }
    }

    private boolean replicaLags() throws SQLException {
        Duration limit = settings.maxReplicaLag();
        if (limit == null) {
            return false;
        }
        try (PreparedStatement statement = connection.prepareStatement(REPLICA_LAG);
                ResultSet row = statement.executeQuery()) {
            return row.next() && row.getLong(1) > limit.toMillis();
        }
    }

    private static ConversionException unfinished(Run run, Run.State state, String why) {
        return new ConversionException(why + "; " + state.doneUsers() + " of " + state.plannedUsers()
                + " users are converted; go on with liquibase update, or undo them with"
                + " SELECT * FROM rollback_billing_migration('" + run.id() + "')");
    }

    private void lock() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LOCK)) {
            statement.setObject(1, UUID.randomUUID());
            statement.execute();
        }
    }

    /** A session that was lost has given its lock back, and why it was lost must not be hidden by a failure here. */
    private void unlock(String nameBefore) throws SQLException {
        if (connection.isClosed()) {
            return;
        }
        connection.rollback();
        try (PreparedStatement statement = connection.prepareStatement(UNLOCK)) {
            statement.execute();
        }
        name(nameBefore);
        connection.commit();
    }

    private void name(String name) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(NAME)) {
            statement.setString(1, name);
            statement.execute();
        }
    }

    private String nameNow() throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(NAME_NOW);
                ResultSet row = statement.executeQuery()) {
            row.next();
            return row.getString(1);
        }
    }

    private static void pause(Duration duration) throws ConversionException {
        try {
            Thread.sleep(duration.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConversionException("interrupted between two batches; go on with liquibase update");
        }
    }
}
