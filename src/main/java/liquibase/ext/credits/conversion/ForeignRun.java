package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A run that another environment began: its settings, and the confirmation it asks for, are not those of the command at hand. A run
 * by hand belongs to none, and goes with any; a late write has the environment of the run whose guard converted it.
 */
final class ForeignRun {
    private static final String FIRST = """
            SELECT
                format(
                    'run %%s was begun in environment %%s, but this is environment %%s; no balance was changed;'
                        ' check the url, and use context %%s, or undo with SELECT * FROM rollback_billing_migration(%%s)',
                    r.id, r.environment, e.environment, r.environment, %s)
            FROM billing_migration_run AS r
            JOIN (VALUES (CAST(? AS text), CAST(? AS text))) AS e (environment, changeset)
                ON r.environment NOT IN ('manual', e.environment)
            WHERE %s
            ORDER BY (r.armed_by_run_id IS NOT NULL), r.started_at, r.id
            LIMIT 1
            """;
    private static final String TO_RESUME = FIRST.formatted("quote_literal(r.id)", "r.status IN ('running', 'paused')");
    private static final String TO_UNDO =
            FIRST.formatted("concat_ws(', ', 'NULL', quote_literal('refuse'), quote_literal(e.changeset))", """
            r.status NOT IN ('rolled_back', 'partly_rolled_back')
                AND r.id IN (SELECT f.run_id FROM billing_migration_runs_of(e.changeset) AS f)""");

    private ForeignRun() {}

    /** Why an update in this environment must not go on with what is unfinished, in one line. */
    static Optional<String> toResume(Connection connection, String environment) throws SQLException {
        return first(connection, TO_RESUME, environment, null);
    }

    /** Why the undo of a changeset in this environment must not begin, in one line. */
    static void refuseToUndo(Connection connection, String environment, @Nullable String changeset)
            throws SQLException, ConversionException {
        Optional<String> refusal = first(connection, TO_UNDO, environment, changeset);
        if (refusal.isPresent()) {
            throw new ConversionException(refusal.get());
        }
    }

    private static Optional<String> first(
            Connection connection, String query, String environment, @Nullable String changeset) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            statement.setString(1, environment);
            statement.setString(2, changeset);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? Optional.of(row.getString(1)) : Optional.empty();
            }
        }
    }
}
