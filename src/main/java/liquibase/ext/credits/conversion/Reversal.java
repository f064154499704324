package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import liquibase.ext.credits.document.Details;
import liquibase.ext.credits.document.Document;
import liquibase.ext.credits.document.Kind;
import liquibase.ext.credits.document.Provenance;
import liquibase.ext.credits.document.RunFacts;
import liquibase.ext.credits.report.Outcomes;
import liquibase.ext.credits.report.Report;
import org.jspecify.annotations.Nullable;

/**
 * Undoes every run of a changeset that is not undone yet, from the log: money goes back on top of what is there, credits are taken,
 * the ledger gets reversing entries. Doing it twice is the same as once.
 */
public final class Reversal {
    private static final String PREPARED = "SELECT to_regclass('billing_migration_log') IS NOT NULL"
            + " AND to_regproc('rollback_billing_migration') IS NOT NULL";
    private static final String PREVIEW = """
            SELECT
                v.user_id, u.email, v.usd_back AS usd, v.uah_back AS uah, v.credits_back AS credits,
                v.credits - v.credits_back AS remainder, 0 AS usd_stays, 0 AS uah_stays, v.outcome, v.reason
            FROM billing_migration_reversal(NULL, ?, NULL, NULL, ?) AS v
            LEFT JOIN users AS u ON u.id = v.user_id
            """;
    /** Late writes are runs too, and stand last; one that came while the undo ran is not seen here by its id. */
    private static final String UNDO = """
            SELECT u.run_id
            FROM rollback_billing_migration(NULL, ?, ?) AS u
            LEFT JOIN billing_migration_run AS r ON r.id = u.run_id
            ORDER BY (r.id IS NULL OR r.armed_by_run_id IS NOT NULL), r.started_at, u.run_id
            """;

    private static final String RESULT = """
            SELECT
                l.user_id, u.email, l.reversed_usd AS usd, l.reversed_uah AS uah, l.reversed_credits AS credits,
                l.new_credits - l.reversed_credits AS remainder, 0 AS usd_stays, 0 AS uah_stays,
                l.reversal_reason AS reason,
                CASE
                    WHEN l.reversed_credits = l.new_credits THEN 'full'
                    WHEN l.reversed_credits > 0 THEN 'partial'
                    ELSE 'kept'
                END AS outcome
            FROM billing_migration_log AS l
            LEFT JOIN users AS u ON u.id = l.user_id
            WHERE l.status = 'rolled_back' AND l.run_id = ANY (string_to_array(?, ',')::uuid[])
            """;

    private static final int SHOWN_RUNS = 20;

    private final Connection connection;
    private final ReversalSettings settings;
    private final @Nullable String changeset;
    private final RunFiles files;

    /**
     * An undo that has not begun.
     *
     * @param connection with an open transaction; the caller commits or rolls back
     * @param settings what to do
     * @param changeset whose runs, with the late writes that came after them; null for all runs
     */
    public Reversal(Connection connection, ReversalSettings settings, @Nullable String changeset) {
        this.connection = connection;
        this.settings = settings;
        this.changeset = changeset;
        this.files = new RunFiles(connection, settings.reportDir());
    }

    /**
     * Whether there is anything to undo with; false before migration 021 was ever applied.
     *
     * @return true when log and undo function exist
     * @throws ConversionException if the database cannot be asked
     */
    public boolean isPrepared() throws ConversionException {
        try (PreparedStatement statement = connection.prepareStatement(PREPARED);
                ResultSet row = statement.executeQuery()) {
            return row.next() && row.getBoolean(1);
        } catch (SQLException e) {
            throw ConversionException.of(e);
        }
    }

    /**
     * Undoes, proves and reports.
     *
     * @return what happened, in numbers
     * @throws ConversionException with one line; the caller must roll back
     */
    public Report run() throws ConversionException {
        try {
            files.check();
            LockTimeout.set(connection, settings.lockTimeout());
            List<String> runIds = undo();
            Outcomes outcomes = Outcomes.readLog(connection, false, RESULT, String.join(",", runIds));
            String ending = runIds.isEmpty()
                    ? "Every run was undone before; no balance was changed"
                    : "Undone and proved: run "
                            + String.join(", run ", runIds.subList(0, Math.min(SHOWN_RUNS, runIds.size())))
                            + (runIds.size() > SHOWN_RUNS ? ", and " + (runIds.size() - SHOWN_RUNS) + " more" : "");
            Report report = Report.ofReversal(outcomes, settings.emails(), true, ending);
            if (!runIds.isEmpty()) {
                write(report, Kind.UNDO, outcomes, runIds, RESULT, String.join(",", runIds));
            }
            return report;
        } catch (SQLException e) {
            throw ConversionException.of(e);
        }
    }

    /**
     * What {@link #run} would do, without doing it.
     *
     * @return the text
     * @throws ConversionException if the database cannot be asked
     */
    public Report preview() throws ConversionException {
        try {
            Outcomes outcomes = Outcomes.read(connection, false, PREVIEW, onSpent(), changeset);
            String ending = outcomes.of("refused").users() == 0
                    ? "⚠  This was a DRY RUN - no changes were made"
                    : "⚠  This was a DRY RUN - no changes were made; credits.onSpent=refuse would stop this undo";
            Report report = Report.ofReversal(outcomes, settings.emails(), false, ending);
            write(report, Kind.UNDO_PLAN, outcomes, List.of(), PREVIEW, onSpent(), changeset);
            return report;
        } catch (SQLException e) {
            throw ConversionException.of(e);
        }
    }

    /**
     * The statement that does the same work from any SQL client.
     *
     * @return SQL without a final semicolon
     */
    public String asSql() {
        return "SELECT * FROM rollback_billing_migration(NULL, '" + onSpent() + "', " + Sql.literal(changeset) + ")";
    }

    private void write(
            Report report, Kind kind, Outcomes outcomes, List<String> runIds, String source, @Nullable Object... values)
            throws SQLException {
        String written = files.write(() -> new Document(
                kind,
                Provenance.read(connection, settings.environment()),
                Map.of("onSpent", onSpent()),
                settings.emails(),
                outcomes,
                Details.read(connection, settings.emails(), source, values),
                RunFacts.read(connection, runIds.stream().map(UUID::fromString).toList()),
                null,
                null,
                Map.of()));
        if (written != null) {
            report.add(written);
        }
    }

    private List<String> undo() throws SQLException {
        List<String> runIds = new ArrayList<>();
        try (PreparedStatement statement = connection.prepareStatement(UNDO)) {
            statement.setString(1, onSpent());
            statement.setString(2, changeset);
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    runIds.add(rows.getString(1));
                }
            }
        }
        return runIds;
    }

    private String onSpent() {
        return settings.onSpent().name().toLowerCase(Locale.ROOT);
    }
}
