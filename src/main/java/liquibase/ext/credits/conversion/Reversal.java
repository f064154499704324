package liquibase.ext.credits.conversion;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
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
 * Undoes every run of a changeset that is not undone yet, from the log: money goes back on top of what is there, credits are taken,
 * the ledger gets reversing entries. Doing it twice is the same as once.
 */
public final class Reversal {
    private static final String PREPARED = "SELECT to_regclass('billing_migration_log') IS NOT NULL"
            + " AND to_regproc('rollback_billing_migration') IS NOT NULL";
    /** Of all runs of a user. */
    private static final String REASONS = """
            CASE WHEN count(*) > 1 THEN 'converted ' || count(*) || ' times: ' ELSE '' END
                || string_agg(v.reason, '; ' ORDER BY v.reason)""";
    /** A user may have been converted in several runs, by late writes too, and is one user all the same. */
    private static final String PREVIEW = """
            SELECT
                d.user_id, u.email, d.usd, d.uah, d.credits, d.remainder, 0 AS usd_stays, 0 AS uah_stays, d.outcome,
                d.reason
            FROM (
                SELECT
                    v.user_id,
                    sum(v.usd_back) AS usd,
                    sum(v.uah_back) AS uah,
                    sum(v.credits_back) AS credits,
                    sum(v.credits - v.credits_back) AS remainder,
                    CASE
                        WHEN bool_or(v.outcome = 'refused') THEN 'refused'
                        WHEN min(v.outcome) = max(v.outcome) THEN min(v.outcome)
                        ELSE 'partial'
                    END AS outcome,
                    %s AS reason
                FROM billing_migration_reversal(NULL, ?, NULL, NULL, ?) AS v
                GROUP BY v.user_id
            ) AS d
            LEFT JOIN users AS u ON u.id = d.user_id
            """.formatted(REASONS);

    private static final String UNDO = "SELECT u.run_id FROM rollback_billing_migration(NULL, ?, ?) AS u";
    /** Late writes are runs too, and stand last. */
    private static final String IN_ORDER = """
            SELECT r.id
            FROM billing_migration_run AS r
            WHERE r.id = ANY (?)
            ORDER BY (r.armed_by_run_id IS NOT NULL), r.started_at, r.id
            """;

    private static final String UNDONE = """
            SELECT
                l.user_id, l.reversed_usd AS usd, l.reversed_uah AS uah, l.reversed_credits AS credits, l.new_credits,
                l.reversal_reason AS reason
            FROM billing_migration_log AS l
            WHERE l.status = 'rolled_back' AND l.run_id = ANY (?)
            """;
    /** One row per user, as in the preview. */
    private static final String UNDONE_IN_SEVERAL_RUNS = """
            SELECT
                v.user_id,
                sum(v.usd) AS usd,
                sum(v.uah) AS uah,
                sum(v.credits) AS credits,
                sum(v.new_credits) AS new_credits,
                %s AS reason
            FROM (%s) AS v
            GROUP BY v.user_id
            """.formatted(REASONS, UNDONE);

    private static final String RESULT = """
            SELECT
                d.user_id, u.email, d.usd, d.uah, d.credits, d.new_credits - d.credits AS remainder,
                0 AS usd_stays, 0 AS uah_stays, d.reason,
                CASE
                    WHEN d.credits = d.new_credits THEN 'full'
                    WHEN d.credits > 0 THEN 'partial'
                    ELSE 'kept'
                END AS outcome
            FROM (%s) AS d
            LEFT JOIN users AS u ON u.id = d.user_id
            """;

    private static final int SHOWN_RUNS = 20;

    private final Connection connection;
    private final SiblingOpener siblings;
    private final ReversalSettings settings;
    private final @Nullable String changeset;
    private final Progress progress;
    private final RunFiles files;

    /**
     * An undo that has not begun.
     *
     * @param connection with an open transaction; the caller commits or rolls back. In commit mode {@code batch} this class
     *     commits too
     * @param siblings opens further connections for {@code credits.workers} above 1
     * @param settings what to do
     * @param changeset whose runs, with the late writes that came after them; null for all runs
     * @param output takes how far an undo in batches is
     */
    public Reversal(
            Connection connection,
            SiblingOpener siblings,
            ReversalSettings settings,
            @Nullable String changeset,
            ProgressOutput output) {
        this.connection = connection;
        this.siblings = siblings;
        this.settings = settings;
        this.changeset = changeset;
        this.progress = new Progress(output, "undone");
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
            ForeignRun.refuseToUndo(connection, settings.environment(), changeset);
            if (settings.commit() == CommitMode.ONCE) {
                return report(undoOnce());
            }
            List<UUID> runIds = undoInBatches();
            try {
                return report(runIds);
            } catch (SQLException e) {
                throw ConversionException.afterCommit(e);
            }
        } catch (SQLException e) {
            throw ConversionException.of(e);
        } finally {
            progress.ends();
        }
    }

    private Report report(List<UUID> undone) throws SQLException {
        List<UUID> runIds = inOrder(undone);
        Array ids = array(runIds);
        boolean isEachUserOnce = runIds.size() == 1;
        String result = RESULT.formatted(isEachUserOnce ? UNDONE : UNDONE_IN_SEVERAL_RUNS);
        Outcomes outcomes = isEachUserOnce
                ? Outcomes.readLog(connection, false, result, ids)
                : Outcomes.read(connection, false, result, ids);
        String ending = runIds.isEmpty()
                ? "Every run was undone before; no balance was changed"
                : "Undone and proved: run "
                        + runIds.stream().limit(SHOWN_RUNS).map(UUID::toString).collect(Collectors.joining(", run "))
                        + (runIds.size() > SHOWN_RUNS ? ", and " + (runIds.size() - SHOWN_RUNS) + " more" : "");
        Report report = report(outcomes, true, ending);
        if (!runIds.isEmpty()) {
            write(report, Kind.UNDO, outcomes, runIds, result, ids);
        }
        return report;
    }

    /**
     * What {@link #run} would do, without doing it.
     *
     * @return the text
     * @throws ConversionException with one line if the undo would be refused here, or the database cannot be asked
     */
    public Report preview() throws ConversionException {
        try {
            ForeignRun.refuseToUndo(connection, settings.environment(), changeset);
            Outcomes outcomes = Outcomes.read(connection, false, PREVIEW, onSpent(), changeset);
            String ending = outcomes.of("refused").users() == 0
                    ? "⚠  This was a DRY RUN - no changes were made"
                    : "⚠  This was a DRY RUN - no changes were made; credits.onSpent=refuse would stop this undo";
            Report report = report(outcomes, false, ending);
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

    private Report report(Outcomes outcomes, boolean done, String ending) throws SQLException {
        Place place = Place.of(connection, settings.environment());
        return Report.ofReversal(place, outcomes, settings.emails(), done, ending);
    }

    private void write(
            Report report, Kind kind, Outcomes outcomes, List<UUID> runIds, String source, @Nullable Object... values)
            throws SQLException {
        String written = files.write(() -> new Document(
                kind,
                Provenance.read(connection, settings.environment()),
                decisive(),
                settings.emails(),
                outcomes,
                Details.read(connection, settings.emails(), source, values),
                RunFacts.read(connection, runIds),
                kind == Kind.UNDO && settings.commit() == CommitMode.BATCH ? progress.batchTimes() : null,
                null,
                Map.of()));
        if (written != null) {
            report.add(written);
        }
    }

    private List<UUID> undoOnce() throws SQLException {
        Session.limitLockWait(connection, settings.pace().lockTimeout());
        try (PreparedStatement statement = connection.prepareStatement(UNDO)) {
            statement.setString(1, onSpent());
            statement.setString(2, changeset);
            return ids(statement);
        }
    }

    private List<UUID> undoInBatches() throws SQLException, ConversionException {
        OwnSession session = OwnSession.alone(connection, siblings);
        return new BatchedUndo(session, siblings, settings.pace(), onSpent(), changeset, progress, asSql()).run();
    }

    private List<UUID> inOrder(List<UUID> runIds) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(IN_ORDER)) {
            statement.setArray(1, array(runIds));
            return ids(statement);
        }
    }

    private Array array(List<UUID> runIds) throws SQLException {
        return connection.createArrayOf("uuid", runIds.toArray());
    }

    private static List<UUID> ids(PreparedStatement statement) throws SQLException {
        List<UUID> ids = new ArrayList<>();
        try (ResultSet rows = statement.executeQuery()) {
            while (rows.next()) {
                ids.add(rows.getObject(1, UUID.class));
            }
        }
        return ids;
    }

    private Map<String, String> decisive() {
        Map<String, String> decisive = new LinkedHashMap<>();
        decisive.put("onSpent", onSpent());
        decisive.put("commit", Parameters.spelling(settings.commit()));
        return decisive;
    }

    private String onSpent() {
        return Parameters.spelling(settings.onSpent());
    }
}
