package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import liquibase.ext.credits.document.BatchTimes;
import liquibase.ext.credits.document.Details;
import liquibase.ext.credits.document.Document;
import liquibase.ext.credits.document.Kind;
import liquibase.ext.credits.document.Provenance;
import liquibase.ext.credits.document.RunFacts;
import liquibase.ext.credits.report.Outcomes;
import liquibase.ext.credits.report.Place;
import liquibase.ext.credits.report.Report;
import org.jspecify.annotations.Nullable;

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

    private final Connection connection;
    private final SiblingOpener siblings;
    private final ConversionSettings settings;
    private final RunIdentity identity;
    private final Progress progress;
    private final RunFiles files;

    /**
     * A conversion that has not begun.
     *
     * @param connection with an open transaction; the caller commits or rolls back. In commit mode {@code batch}, and before
     *     anything else with a guard against late writes, this class commits too
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
        this.progress = new Progress(output, "converted");
        this.files = new RunFiles(connection, settings.reportDir());
    }

    /**
     * Converts, proves and reports.
     *
     * @return what happened, in numbers
     * @throws ConversionException with one line; the caller must roll back
     */
    public Report run() throws ConversionException {
        try {
            files.check();
            PlanCheck plan = PlanCheck.of(connection, settings);
            return settings.commit() == CommitMode.ONCE ? runOnce(plan) : runInBatches(plan);
        } catch (SQLException e) {
            throw ConversionException.of(e);
        } finally {
            progress.ends();
        }
    }

    /**
     * Asks, for a dry run, whether a run or an undo is unfinished, so that its script would be refused.
     *
     * @return which one and what an update would do, in one line; empty if there is none, or nothing of 021 yet
     * @throws SQLException if the database cannot be read
     */
    public Optional<String> unfinished() throws SQLException {
        return OpenRun.inWords(connection, settings.environment());
    }

    private Report runOnce(PlanCheck plan) throws SQLException, ConversionException {
        LateWriteGuard.attach(connection, settings);
        Session.limitLockWait(connection, settings.pace().lockTimeout());
        Savepoint beforeRun = connection.setSavepoint();
        Run run = Run.start(connection, settings, identity);
        Run.Earlier earlier = run.earlierRun();
        if (earlier != null && plan.isMetBy(earlier)) {
            connection.rollback(beforeRun);
            return earlierReport(run, earlier, plan);
        }
        plan.before(run);
        int users = settings.pace().isAutomatic()
                ? USERS_PER_BATCH_IN_ONE_TRANSACTION
                : settings.pace().batchUsers();
        progress.started(0, run.state().plannedUsers(), 1);
        UUID lastUserId = null;
        long doneUsers = 0;
        do {
            long startNanos = System.nanoTime();
            lastUserId = run.convertBatch(lastUserId, users);
            long nowUsers = run.state().doneUsers();
            progress.batchDone(nowUsers - doneUsers, users, Duration.ofNanos(System.nanoTime() - startNanos));
            Session.nameTransaction(connection, progress.standing().applicationName(run.id()));
            doneUsers = nowUsers;
        } while (lastUserId != null);
        run.finish();
        return provedReport(run, plan);
    }

    private Report runInBatches(PlanCheck plan) throws SQLException, ConversionException {
        BatchedRun batches = new BatchedRun(OwnSession.alone(connection, siblings), siblings, settings, progress, plan);
        Run run = batches.run(identity);
        Run.Earlier earlier = batches.earlierRun();
        if (earlier != null) {
            return earlierReport(run, earlier, plan);
        }
        try {
            return provedReport(run, plan);
        } catch (SQLException e) {
            throw ConversionException.afterCommit(e);
        }
    }

    /** Nothing was left to do; whoever lost the report of the run that did it gets it here. */
    private Report earlierReport(Run run, Run.Earlier earlier, PlanCheck plan) throws SQLException {
        Report report = report(run.outcomes(false), earlier.inWords());
        Run done = new Run(connection, earlier.id());
        write(report, () -> document(done, earlier.settings(), done.outcomes(true), null, plan));
        return report;
    }

    private Report provedReport(Run run, PlanCheck plan) throws SQLException, ConversionException {
        Outcomes outcomes = run.outcomes(settings.plan() != null || settings.reportDir() != null);
        String differences = plan.after(outcomes);
        Report report = report(
                outcomes,
                "Run " + run.id() + " is proved: invariants I1 to I6 hold."
                        + " Undo: liquibase rollbackCount 1, or mvn liquibase:rollback -Dliquibase.rollbackCount=1 -Dcontexts="
                        + settings.environment()
                        + (settings.cohort().isEverybody() ? "" : ", with the changelog changelogs/canary.xml"));
        if (differences != null) {
            report.add(differences);
        }
        write(report, () -> document(run, settings.decisive(), outcomes, progress.batchTimes(), plan));
        return report;
    }

    private void write(Report report, RunFiles.Reading document) throws SQLException {
        String written = files.write(document);
        if (written != null) {
            report.add(written);
        }
    }

    private Document document(
            Run run, Map<String, String> decisive, Outcomes outcomes, @Nullable BatchTimes batches, PlanCheck plan)
            throws SQLException {
        return new Document(
                Kind.CONVERSION,
                Provenance.read(connection, settings.environment()),
                decisive,
                settings.emails(),
                outcomes,
                Details.read(connection, settings.emails(), Run.RESULT, run.id()),
                RunFacts.read(connection, List.of(run.id())),
                batches,
                outcomes.fingerprint(decisive),
                plan.checksums());
    }

    /**
     * The statements that do the same work from any SQL client, each to be committed before the next.
     *
     * @return SQL without a final semicolon
     */
    public List<String> asSql() {
        return settings.lateWrites() == LateWrites.ALLOW
                ? List.of(convertSql())
                : List.of(
                        "SELECT billing_migration_attach('" + Parameters.spelling(settings.lateWrites()) + "', "
                                + !settings.cohort().isEverybody() + ")",
                        convertSql());
    }

    private String convertSql() {
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
                        Parameters.spelling(settings.onError()),
                        Parameters.spelling(settings.lateWrites()),
                        Sql.literal(settings.environment()),
                        Sql.literal(identity.changeset()),
                        Sql.literal(identity.toolVersion()),
                        Sql.literal(identity.deploymentId()),
                        settings.cohort().asArguments());
    }

    private Report report(Outcomes outcomes, String ending) throws SQLException {
        Place place = Place.of(connection, settings.environment());
        return Report.ofConversion(place, outcomes, settings.emails(), settings.rates(), ending);
    }
}
