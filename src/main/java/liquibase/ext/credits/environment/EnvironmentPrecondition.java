package liquibase.ext.credits.environment;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import liquibase.changelog.ChangeSet;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.changelog.RanChangeSet;
import liquibase.changelog.visitor.ChangeExecListener;
import liquibase.database.Database;
import liquibase.database.jvm.JdbcConnection;
import liquibase.exception.DatabaseException;
import liquibase.exception.PreconditionErrorException;
import liquibase.exception.PreconditionFailedException;
import liquibase.exception.ValidationErrors;
import liquibase.exception.Warnings;
import liquibase.ext.credits.report.UntrustedText;
import liquibase.precondition.AbstractPrecondition;
import org.jspecify.annotations.Nullable;

/**
 * {@code <ext:creditsEnvironment environments="demo,prod" database="any"/>}: exactly one known environment as context,
 * parameters spelt right, PostgreSQL 14 or later, the expected database, and (while the changelog's conversion has not
 * run) legacy tables, columns, types, privileges and rows as the conversion needs them.
 *
 * <p>It needs {@code onSqlOutput="TEST"} on the surrounding {@code preConditions}: without it Liquibase skips it in its
 * {@code *SQL} commands.
 */
public final class EnvironmentPrecondition extends AbstractPrecondition {
    /** Of master.xml and of canary.xml: each undoes its own, whatever the other has done. */
    private static final Set<String> CONVERSIONS = Set.of("user_billing_converted", "user_billing_canary_converted");

    private static final String DEMO_FIRST = "demo_users_created";
    private static final String DEMO_LAST = "demo_user_credits_loaded";
    private static final String DEMO = "demo";

    private @Nullable String environments;
    private @Nullable String database;

    /**
     * The known environments.
     *
     * @return names, separated by commas
     */
    public @Nullable String getEnvironments() {
        return environments;
    }

    /**
     * Sets the known environments.
     *
     * @param environments names, separated by commas
     */
    public void setEnvironments(String environments) {
        this.environments = environments;
    }

    /**
     * The name of the only database this environment may change.
     *
     * @return a name, or {@code any}
     */
    public @Nullable String getDatabase() {
        return database;
    }

    /**
     * Sets the name of the only database this environment may change.
     *
     * @param database a name, or {@code any}
     */
    public void setDatabase(String database) {
        this.database = database;
    }

    @Override
    public String getName() {
        return "creditsEnvironment";
    }

    @Override
    public String getSerializedObjectNamespace() {
        return GENERIC_CHANGELOG_EXTENSION_NAMESPACE;
    }

    @Override
    public Warnings warn(Database ignored) {
        return new Warnings();
    }

    @Override
    public ValidationErrors validate(Database ignored) {
        return new ValidationErrors();
    }

    @Override
    public void check(
            Database target,
            DatabaseChangeLog changeLog,
            @Nullable ChangeSet changeSet,
            @Nullable ChangeExecListener listener)
            throws PreconditionFailedException, PreconditionErrorException {
        Optional<String> refusal;
        try {
            refusal = refusal(target, changeLog);
        } catch (SQLException | DatabaseException e) {
            throw new PreconditionErrorException(e, changeLog, this);
        }
        if (refusal.isPresent()) {
            throw new PreconditionFailedException(UntrustedText.line(refusal.get()), changeLog, this);
        }
    }

    private Optional<String> refusal(Database target, DatabaseChangeLog changeLog)
            throws SQLException, DatabaseException {
        Set<String> contexts =
                Set.copyOf(changeLog.getChangeLogParameters().getContexts().getContexts());
        List<String> known = environments == null ? List.of() : List.of(environments.split("\\s*,\\s*"));
        if (contexts.size() != 1 || !known.containsAll(contexts)) {
            String found = contexts.isEmpty()
                    ? "none"
                    : "'" + String.join(",", contexts.stream().sorted().toList()) + "'";
            return Optional.of("the context is " + found + "; give exactly one environment of "
                    + String.join(", ", known) + ", for example -Dcontexts=stage with Maven or --contexts=stage");
        }
        String environment = contexts.iterator().next();

        Optional<String> misspelt = ParameterNames.firstMisspelt(changeLog, environment);
        if (misspelt.isPresent()) {
            return misspelt;
        }
        if (!"postgresql".equals(target.getShortName())) {
            return Optional.of("the database is " + target.getDatabaseProductName()
                    + "; the conversion runs on PostgreSQL 14 or later; check the url");
        }
        if (target.getDatabaseMajorVersion() < 14) {
            return Optional.of("the server is PostgreSQL " + target.getDatabaseProductVersion()
                    + "; the conversion needs 14 or later; upgrade it first");
        }

        DefaultSchema.use(target);
        Connection connection = ((JdbcConnection) target.getConnection()).getUnderlyingConnection();
        LegacySchema schema = new LegacySchema(connection, changeLogTable(target));
        Optional<String> wrongDatabase = wrongDatabase(environment, schema.databaseName());
        if (wrongDatabase.isPresent()) {
            return wrongDatabase;
        }
        if (DEMO.equals(environment) && !hasRun(target, DEMO_LAST)) {
            return schema.hasUsers() && !hasRun(target, DEMO_FIRST)
                    ? Optional.of("context demo, but database " + schema.databaseName()
                            + " already has a users table that the demo did not make;"
                            + " use an empty database, or the environment this one belongs to")
                    : schema.problemOfServer();
        }
        return hasConverted(target, changeLog) ? Optional.empty() : schema.problem();
    }

    private Optional<String> wrongDatabase(String environment, String found) {
        if (database == null || database.equals("any") || database.equals(found)) {
            return Optional.empty();
        }
        return Optional.of("connected to database " + found + ", but environment " + environment + " belongs to "
                + database + "; check the url, or credits.database in contexts/" + environment
                + "/conversion.properties");
    }

    private static String changeLogTable(Database target) {
        return target.escapeTableName(
                target.getLiquibaseCatalogName(),
                target.getLiquibaseSchemaName(),
                target.getDatabaseChangeLogTableName());
    }

    private static boolean hasConverted(Database target, DatabaseChangeLog changeLog) throws DatabaseException {
        Set<String> conversions = changeLog.getChangeSets().stream()
                .map(ChangeSet::getId)
                .filter(CONVERSIONS::contains)
                .collect(Collectors.toSet());
        return !conversions.isEmpty() && ranIds(target).containsAll(conversions);
    }

    private static boolean hasRun(Database target, String changeSetId) throws DatabaseException {
        return ranIds(target).contains(changeSetId);
    }

    private static Set<String> ranIds(Database target) throws DatabaseException {
        return target.getRanChangeSetList().stream().map(RanChangeSet::getId).collect(Collectors.toSet());
    }
}
