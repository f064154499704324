package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import liquibase.ext.credits.report.Outcomes;
import liquibase.ext.credits.report.Report;

/**
 * Converts every positive balance, once.
 *
 * <ol>
 *   <li>{@code billing_migration_start} refuses a second run and inconvertible users, and writes the plan down.
 *   <li>{@code billing_migration_convert_batch}, or in commit mode {@code batch} {@code billing_migration_convert_range},
 *       moves the money, a batch at a time, in key order.
 *   <li>{@code billing_migration_finish} logs who was skipped and proves invariants I1 to I6.
 * </ol>
 *
 * <p>In commit mode {@code once} the caller's transaction holds all of it: an exception, or a killed process, leaves
 * nothing behind. In commit mode {@code batch} every batch commits, and the next call resumes.
 */
public final class Conversion {
    private static final int USERS_PER_BATCH_IN_ONE_TRANSACTION = 5_000;
    private static final String RESULT = """
            SELECT
                l.user_id, u.email, coalesce(l.converted_usd, 0) AS usd, coalesce(l.converted_uah, 0) AS uah,
                l.new_credits AS credits, l.remainder, l.status AS outcome, l.reason,
                l.old_balance_usd - coalesce(l.converted_usd, 0) AS usd_stays,
                l.old_balance_uah - coalesce(l.converted_uah, 0) AS uah_stays
            FROM billing_migration_log AS l
            LEFT JOIN users AS u ON u.id = l.user_id
            WHERE l.run_id = ?
            """;

    private final Connection connection;
    private final SiblingOpener siblings;
    private final ConversionSettings settings;
    private final RunIdentity identity;
    private final Progress progress;

    /**
     * A conversion that has not begun.
     *
     * @param connection with an open transaction; the caller commits or rolls back
     * @param siblings opens further connections for {@code credits.workers} above 1
     * @param settings what to do
     * @param identity who asks
     * @param output takes how far the run is
     */
    public Conversion(
            Connection connection,
            SiblingOpener siblings,
            ConversionSettings settings,
            RunIdentity identity,
            ProgressOutput output) {
        this.connection = connection;
        this.siblings = siblings;
        this.settings = settings;
        this.identity = identity;
        this.progress = new Progress(output);
    }

    /**
     * Converts, proves and reports.
     *
     * @return what happened, in numbers
     * @throws ConversionException with one line; the caller must roll back
     */
    public Report run() throws ConversionException {
        try {
            return settings.commit() == CommitMode.ONCE ? runOnce() : runInBatches();
        } catch (SQLException e) {
            throw ConversionException.of(e);
        } finally {
            progress.ends();
        }
    }

    private Report runOnce() throws SQLException {
        LockTimeout.set(connection, settings.lockTimeout());
        Savepoint beforeRun = connection.setSavepoint();
        Run run = Run.start(connection, settings, identity);
        String earlier = run.earlierRun();
        if (earlier != null) {
            connection.rollback(beforeRun);
            return report(run, earlier);
        }
        int users = settings.batchUsers() == BatchSize.AUTOMATIC
                ? USERS_PER_BATCH_IN_ONE_TRANSACTION
                : settings.batchUsers();
        progress.started(0, run.state().plannedUsers(), 1);
        UUID lastUserId = null;
        long doneUsers = 0;
        do {
            long startNanos = System.nanoTime();
            lastUserId = run.convertBatch(lastUserId, users);
            long nowUsers = run.state().doneUsers();
            progress.converted(nowUsers - doneUsers, users, Duration.ofNanos(System.nanoTime() - startNanos));
            Session.nameTransaction(connection, progress.standing().applicationName(run.id()));
            doneUsers = nowUsers;
        } while (lastUserId != null);
        run.finish();
        return provedReport(run);
    }

    private Report runInBatches() throws SQLException, ConversionException {
        BatchedRun batches = new BatchedRun(connection, siblings, settings, progress);
        Run run = batches.run(identity);
        String earlier = batches.earlierRun();
        return earlier == null ? provedReport(run) : report(run, earlier);
    }

    private Report provedReport(Run run) throws SQLException {
        return report(
                run,
                "Run " + run.id() + " is proved: invariants I1 to I6 hold."
                        + " Undo: liquibase rollbackCount 1, or mvn liquibase:rollback -Dliquibase.rollbackCount=1 -Dcontexts="
                        + settings.environment()
                        + (settings.cohort().isEverybody() ? "" : ", with the changelog changelogs/canary.xml"));
    }

    /**
     * The statement that does the same work from any SQL client.
     *
     * @return SQL without a final semicolon
     */
    public String asSql() {
        return """
                SELECT billing_migration_convert(
                    p_credits_per_usd => %s,
                    p_credits_per_uah => %s,
                    p_rounding => '%s',
                    p_on_error => '%s',
                    p_late_writes => '%s',
                    p_environment => %s,
                    p_changeset => %s,
                    p_tool_version => %s,
                    p_deployment_id => %s%s)""".formatted(
                        settings.creditsPerUsd().toPlainString(),
                        settings.creditsPerUah() == null
                                ? "NULL"
                                : settings.creditsPerUah().toPlainString(),
                        settings.rounding(),
                        lower(settings.onError()),
                        lower(settings.lateWrites()),
                        Sql.literal(settings.environment()),
                        Sql.literal(identity.changeset()),
                        Sql.literal(identity.toolVersion()),
                        Sql.literal(identity.deploymentId()),
                        settings.cohort().asArguments());
    }

    private Report report(Run run, String ending) throws SQLException {
        Outcomes outcomes = Outcomes.readLog(connection, RESULT, run.id());
        return Report.ofConversion(outcomes, settings.emails(), settings.rates(), ending);
    }

    private static String lower(Enum<?> choice) {
        return choice.name().toLowerCase(Locale.ROOT);
    }
}
