package liquibase.ext.credits;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import liquibase.Scope;
import liquibase.change.CheckSum;
import liquibase.change.custom.CustomChangeChecksum;
import liquibase.change.custom.CustomTaskChange;
import liquibase.change.custom.CustomTaskRollback;
import liquibase.changelog.ChangeSet;
import liquibase.database.Database;
import liquibase.database.jvm.JdbcConnection;
import liquibase.exception.CustomChangeException;
import liquibase.exception.DatabaseException;
import liquibase.exception.RollbackImpossibleException;
import liquibase.exception.ValidationErrors;
import liquibase.executor.Executor;
import liquibase.executor.ExecutorService;
import liquibase.ext.credits.connection.PostgresConnection;
import liquibase.ext.credits.conversion.Cohort;
import liquibase.ext.credits.conversion.CohortFile;
import liquibase.ext.credits.conversion.Conversion;
import liquibase.ext.credits.conversion.ConversionException;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.conversion.InvalidSettingsException;
import liquibase.ext.credits.conversion.Reversal;
import liquibase.ext.credits.conversion.ReversalSettings;
import liquibase.ext.credits.conversion.RunIdentity;
import liquibase.ext.credits.conversion.Sql;
import liquibase.ext.credits.environment.Confirmation;
import liquibase.ext.credits.plan.Preview;
import liquibase.ext.credits.plan.SampleUsers;
import liquibase.ext.credits.report.Report;
import liquibase.resource.Resource;
import liquibase.resource.ResourceAccessor;
import liquibase.statement.core.RawParameterizedSqlStatement;
import org.jspecify.annotations.Nullable;

/**
 * The change that turns balances of {@code user_billing} into credits, and its undo.
 *
 * <ol>
 *   <li>{@code update} converts, proves and reports; all in the changeset's transaction.
 *   <li>{@code updateSQL} writes what would happen as comments, and the one statement that does the same work. It
 *       changes nothing.
 *   <li>{@code rollback} returns every balance from the log, on top of what arrived since.
 *   <li>{@code rollbackSQL} writes who would get what back, and the one statement that does it. It changes nothing.
 * </ol>
 *
 * <p>Liquibase calls this class in its {@code *SQL} commands too, and records a finished changeset in a transaction of
 * its own, after ours. So the class asks first whether it may write, and a second call converts only what has arrived
 * since the first.
 *
 * <p>Parameters arrive as text and are refused during validation, before any row is touched; see {@link
 * ConversionSettings}. The checksum is constant: another rate in another environment is not another changeset.
 */
public final class ConvertBalances implements CustomTaskChange, CustomTaskRollback, CustomChangeChecksum {
    private static final String CHECKSUM = "liquibase-credits:convert-balances:v1";
    private static final String STOP_UNLESS_CONVERTED = """
            SELECT set_config('default_transaction_read_only', 'on', false)
            WHERE NOT EXISTS (
                SELECT 1
                FROM billing_migration_run AS r
                WHERE r.deployment_id = '%s' AND r.status = 'completed')""";
    private static final String STOP_UNLESS_UNDONE = """
            SELECT set_config('default_transaction_read_only', 'on', false)
            WHERE EXISTS (
                SELECT 1
                FROM billing_migration_log AS l
                JOIN billing_migration_runs_of(%s) AS f ON f.run_id = l.run_id
                WHERE l.status = 'success')""";
    private static final String STOP_COMMENT =
            "If that failed, the next statement makes this session read-only, so that"
                    + " nothing is recorded as done; then run: liquibase releaseLocks";

    private final Map<String, @Nullable String> parameters = new HashMap<>();
    private @Nullable ResourceAccessor files;
    private @Nullable String sampleUsers;
    private boolean isCanary;
    private String confirmation = "Balances not converted";

    /**
     * Sets the environment's name, written into the run.
     *
     * @param environment as in {@code contexts/}
     */
    public void setEnvironment(String environment) {
        parameters.put("environment", environment);
    }

    /**
     * Sets whether the operator has to confirm.
     *
     * @param confirm none, required or the database's name
     */
    public void setConfirm(String confirm) {
        parameters.put("confirm", confirm);
    }

    /**
     * Sets whom to convert.
     *
     * @param cohort none for everybody, percent:5, ids:file.txt or emails:file.txt
     */
    public void setCohort(String cohort) {
        parameters.put("cohort", cohort);
    }

    /**
     * Sets whether this changeset converts a cohort; then it must be given, and otherwise it must not.
     *
     * @param canary true or false
     */
    public void setCanary(String canary) {
        this.isCanary = Boolean.parseBoolean(canary);
    }

    /**
     * Sets the rate for USD.
     *
     * @param creditsPerUsd credits for one USD
     */
    public void setCreditsPerUsd(String creditsPerUsd) {
        parameters.put("perUsd", creditsPerUsd);
    }

    /**
     * Sets the rate for UAH.
     *
     * @param creditsPerUah credits for one UAH, or {@code none} to leave UAH where it is
     */
    public void setCreditsPerUah(String creditsPerUah) {
        parameters.put("perUah", creditsPerUah);
    }

    /**
     * Sets the rounding.
     *
     * @param rounding HALF_UP, HALF_EVEN or DOWN
     */
    public void setRounding(String rounding) {
        parameters.put("rounding", rounding);
    }

    /**
     * Sets what one inconvertible user means for the others.
     *
     * @param onError stop or skip
     */
    public void setOnError(String onError) {
        parameters.put("onError", onError);
    }

    /**
     * Sets what the undo does where credits were spent.
     *
     * @param onSpent refuse, remainder or debt
     */
    public void setOnSpent(String onSpent) {
        parameters.put("onSpent", onSpent);
    }

    /**
     * Sets the commit mode.
     *
     * @param commit once or batch
     */
    public void setCommit(String commit) {
        parameters.put("commit", commit);
    }

    /**
     * Sets what happens to money that is added to user_billing after the conversion.
     *
     * @param lateWrites allow, reject or convert
     */
    public void setLateWrites(String lateWrites) {
        parameters.put("lateWrites", lateWrites);
    }

    /**
     * Sets the batch size.
     *
     * @param batchUsers users per batch, or auto
     */
    public void setBatchUsers(String batchUsers) {
        parameters.put("batchUsers", batchUsers);
    }

    /**
     * Sets how long an automatically sized batch should take.
     *
     * @param targetBatchMillis milliseconds
     */
    public void setTargetBatchMillis(String targetBatchMillis) {
        parameters.put("targetBatchMillis", targetBatchMillis);
    }

    /**
     * Sets how far a replica may lag before the conversion pauses.
     *
     * @param maxReplicaLag such as 10s, or none
     */
    public void setMaxReplicaLag(String maxReplicaLag) {
        parameters.put("maxReplicaLag", maxReplicaLag);
    }

    /**
     * Sets how many connections convert, or undo, at the same time.
     *
     * @param workers from 1 to 64; more than one only in commit mode batch
     */
    public void setWorkers(String workers) {
        parameters.put("workers", workers);
    }

    /**
     * Sets when an application is too busy for another batch.
     *
     * @param maxActiveSessions other active sessions, or {@code none}
     */
    public void setMaxActiveSessions(String maxActiveSessions) {
        parameters.put("maxActiveSessions", maxActiveSessions);
    }

    /**
     * Sets how long to wait for a lock.
     *
     * @param lockTimeout such as 10s
     */
    public void setLockTimeout(String lockTimeout) {
        parameters.put("lockTimeout", lockTimeout);
    }

    /**
     * Sets how e-mail addresses are shown.
     *
     * @param emails masked, full or none
     */
    public void setEmails(String emails) {
        parameters.put("emails", emails);
    }

    /**
     * Sets where plan and report are written.
     *
     * @param reportDir a folder, made if missing, relative to the working directory; or none
     */
    public void setReportDir(String reportDir) {
        parameters.put("reportDir", reportDir);
    }

    /**
     * Sets the plan that binds the conversion.
     *
     * @param plan path of a plan.json, relative to the working directory; or none
     */
    public void setPlan(String plan) {
        parameters.put("plan", plan);
    }

    /**
     * Sets how far totals may be from the plan's.
     *
     * @param planTolerancePercent percent of each of the plan's totals, 0 to 100
     */
    public void setPlanTolerancePercent(String planTolerancePercent) {
        parameters.put("planTolerancePercent", planTolerancePercent);
    }

    /**
     * Sets where the demo's users are read from as long as they are not loaded.
     *
     * @param sampleUsers a folder, relative to the changelog file
     */
    public void setSampleUsers(String sampleUsers) {
        this.sampleUsers = sampleUsers;
    }

    @Override
    public void setFileOpener(ResourceAccessor resourceAccessor) {
        this.files = resourceAccessor;
    }

    @Override
    public void setUp() {
        // Nothing to prepare: every call reads its settings itself, because rollback is called without validation.
    }

    @Override
    public CheckSum generateChecksum() {
        return CheckSum.compute(CHECKSUM);
    }

    @Override
    public ValidationErrors validate(Database database) {
        ValidationErrors errors = new ValidationErrors();
        try {
            Cohort cohort = ConversionSettings.of(parameters).cohort();
            refuseOtherCohort(cohort);
            if (cohort.isListed()) {
                cohortFile(cohort);
            }
        } catch (InvalidSettingsException e) {
            e.problems().forEach(errors::addError);
        }
        try {
            ReversalSettings.of(parameters);
        } catch (InvalidSettingsException e) {
            e.problems().stream()
                    .filter(problem -> !errors.getErrorMessages().contains(problem))
                    .forEach(errors::addError);
        }
        return errors;
    }

    @Override
    public void execute(Database database) throws CustomChangeException {
        try {
            Connection connection = connection(database);
            ConversionSettings settings = settings(connection);
            Conversion conversion =
                    new Conversion(connection, () -> sibling(database), settings, identity(), Terminal.output(lines()));
            Executor executor = executor(database);
            if (executor.updatesDatabase()) {
                confirm(connection, settings.effects());
                show(conversion.run());
                confirmation = "Balances converted and proved";
                return;
            }
            confirmation = "Dry run written, no balance was changed";
            Optional<String> unfinished = conversion.unfinished();
            if (unfinished.isPresent()) {
                show(unfinished.get());
                executor.comment(unfinished.get());
            }
            Report preview = new Preview(settings, sampleUsers()).read(connection);
            write(executor, preview, conversion.asSql(), STOP_UNLESS_CONVERTED.formatted(deploymentId()));
        } catch (InvalidSettingsException | ConversionException e) {
            throw new CustomChangeException(e.getMessage(), e);
        } catch (SQLException | DatabaseException e) {
            throw new CustomChangeException("the dry run could not be read: " + e.getMessage(), e);
        } catch (IOException e) {
            throw new CustomChangeException("the dry run could not be written: " + e.getMessage(), e);
        }
    }

    @Override
    public void rollback(Database database) throws CustomChangeException, RollbackImpossibleException {
        try {
            Connection connection = connection(database);
            ReversalSettings settings = ReversalSettings.of(parameters);
            refuseCohort(settings.cohort(), "undoes everybody whom it converted");
            Reversal reversal = new Reversal(
                    connection, () -> sibling(database), settings, changesetId(), Terminal.output(lines()));
            Executor executor = executor(database);
            boolean isPrepared = reversal.isPrepared();
            if (executor.updatesDatabase()) {
                if (isPrepared) {
                    confirm(connection, ReversalSettings.EFFECTS);
                    show(reversal.run());
                }
                return;
            }
            if (isPrepared) {
                write(
                        executor,
                        reversal.preview(),
                        List.of(reversal.asSql()),
                        STOP_UNLESS_UNDONE.formatted(Sql.literal(changesetId())));
            } else {
                executor.comment("Nothing is converted yet; once it is, this returns every balance from the log.");
                executor.execute(new RawParameterizedSqlStatement(reversal.asSql()));
            }
        } catch (InvalidSettingsException | ConversionException | DatabaseException e) {
            throw new RollbackImpossibleException(e.getMessage(), e);
        }
    }

    @Override
    public String getConfirmationMessage() {
        return confirmation;
    }

    /** Here and not in validate(), which dry runs call and an undo does not. */
    private void confirm(Connection connection, List<String> effects) throws CustomChangeException {
        Confirmation confirmed =
                new Confirmation(Objects.toString(parameters.get("environment"), ""), parameters.get("confirm"));
        try {
            String refusal = confirmed.isNeeded() ? confirmed.refusal(databaseName(connection), effects) : null;
            if (refusal != null) {
                throw new CustomChangeException(refusal);
            }
        } catch (SQLException e) {
            throw new CustomChangeException("the database did not tell its name: " + e.getMessage(), e);
        }
    }

    /** Leaves no transaction open, which the server might end while the operator thinks. */
    private static String databaseName(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT current_database()")) {
            row.next();
            return row.getString(1);
        } finally {
            if (!connection.getAutoCommit()) {
                connection.commit();
            }
        }
    }

    private void write(Executor executor, Report report, List<String> statements, String stop)
            throws DatabaseException {
        show(report);
        for (String line : report.lines(StandardCharsets.US_ASCII)) {
            executor.comment(line);
        }
        for (String statement : statements) {
            executor.execute(new RawParameterizedSqlStatement(statement));
        }
        executor.comment(STOP_COMMENT);
        executor.execute(new RawParameterizedSqlStatement(stop));
    }

    private static void show(Report report) {
        report.lines(consoleCharset()).forEach(ConvertBalances::show);
    }

    private static void show(String line) {
        Scope.getCurrentScope().getUI().sendMessage(line);
    }

    /** Workers have threads of their own, and Liquibase's scope belongs to this one. */
    private static Consumer<String> lines() {
        return Scope.getCurrentScope().getUI()::sendMessage;
    }

    private static Charset consoleCharset() {
        String name = System.getProperty("stdout.encoding", System.getProperty("native.encoding", "US-ASCII"));
        return Charset.isSupported(name) ? Charset.forName(name) : StandardCharsets.US_ASCII;
    }

    private ConversionSettings settings(Connection connection) throws InvalidSettingsException, SQLException {
        ConversionSettings settings = ConversionSettings.of(parameters);
        refuseOtherCohort(settings.cohort());
        return settings.cohort().isListed()
                ? ConversionSettings.of(
                        parameters, cohortFile(settings.cohort()).userIds(connection))
                : settings;
    }

    private void refuseOtherCohort(Cohort cohort) throws InvalidSettingsException {
        if (isCanary && cohort.isEverybody()) {
            throw new InvalidSettingsException(
                    List.of("credits.cohort is none; changelogs/canary.xml converts a part of the users:"
                            + " give percent:5, ids:file.txt or emails:file.txt"));
        }
        refuseCohort(cohort, "converts everybody who is left");
    }

    private void refuseCohort(Cohort cohort, String effect) throws InvalidSettingsException {
        if (!isCanary && !cohort.isEverybody()) {
            throw new InvalidSettingsException(
                    List.of("credits.cohort is '" + cohort.runName() + "', but changelogs/master.xml " + effect
                            + "; run changelogs/canary.xml, or leave the cohort out"));
        }
    }

    /** On Liquibase's search path, as changelogs are, or where the process runs. */
    private CohortFile cohortFile(Cohort cohort) throws InvalidSettingsException {
        String path = cohort.file();
        try {
            Resource resource = files == null ? null : files.get(path);
            if (resource != null && resource.exists()) {
                try (InputStream stream = resource.openInputStream()) {
                    return CohortFile.of(cohort, new String(stream.readAllBytes(), StandardCharsets.UTF_8));
                }
            }
            return CohortFile.of(cohort, Files.readString(Path.of(path)));
        } catch (IOException | InvalidPathException e) {
            throw new InvalidSettingsException(List.of("credits.cohort names " + path + ", which cannot be read;"
                    + " give a UTF-8 file relative to the search path or the working directory"));
        }
    }

    private @Nullable SampleUsers sampleUsers() throws IOException {
        ResourceAccessor accessor = files;
        ChangeSet changeSet = changeSet();
        String folder = sampleUsers;
        if (accessor == null || changeSet == null || folder == null) {
            return null;
        }
        Resource changelog = accessor.getExisting(changeSet.getChangeLog().getPhysicalFilePath());
        Map<String, String> csvByTable = new HashMap<>();
        for (String table : SampleUsers.TABLES) {
            try (InputStream file =
                    changelog.resolveSibling(folder + "/" + table + ".csv").openInputStream()) {
                csvByTable.put(table, new String(file.readAllBytes(), StandardCharsets.UTF_8));
            }
        }
        return new SampleUsers(csvByTable);
    }

    private static Connection connection(Database database) {
        return ((JdbcConnection) database.getConnection()).getUnderlyingConnection();
    }

    private static Connection sibling(Database database) throws SQLException {
        if (database.getConnection() instanceof PostgresConnection connection) {
            return connection.openSibling();
        }
        throw new SQLException("a pool or another program opened the connection");
    }

    private static Executor executor(Database database) {
        return Scope.getCurrentScope().getSingleton(ExecutorService.class).getExecutor("jdbc", database);
    }

    private RunIdentity identity() {
        String version = ConvertBalances.class.getPackage().getImplementationVersion();
        return new RunIdentity(
                Objects.requireNonNullElse(changesetId(), "convert_balances"),
                version == null ? "development" : version,
                deploymentId());
    }

    private static @Nullable String deploymentId() {
        return Scope.getCurrentScope().getDeploymentId();
    }

    private static @Nullable String changesetId() {
        ChangeSet changeSet = changeSet();
        return changeSet == null ? null : changeSet.getId();
    }

    private static @Nullable ChangeSet changeSet() {
        return Scope.getCurrentScope().get(Scope.Attr.changeSet, ChangeSet.class);
    }
}
