package liquibase.ext.credits.plan;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.document.Details;
import liquibase.ext.credits.document.Document;
import liquibase.ext.credits.document.Kind;
import liquibase.ext.credits.document.Provenance;
import liquibase.ext.credits.document.ReportFolder;
import liquibase.ext.credits.report.Outcomes;

/** Writes plan.csv, plan.json and plan.html, all three of the same moment. */
final class PlanFiles {
    private final ConversionSettings settings;

    PlanFiles(ConversionSettings settings) {
        this.settings = settings;
    }

    /** Returns the line for the operator. */
    String write(Connection connection, String source, Outcomes outcomes, Path path) throws SQLException, IOException {
        Provenance provenance = Provenance.read(connection, settings.environment());
        Details details = Details.read(connection, settings.emails(), source);
        Map<String, String> decisive = settings.decisive();
        ReportFolder folder = ReportFolder.open(path);
        String csv = folder.write("plan.csv", out -> new PlanCsv(settings).write(connection, source, out));
        folder.write(new Document(
                Kind.PLAN,
                provenance,
                decisive,
                settings.emails(),
                outcomes,
                details,
                List.of(),
                null,
                outcomes.fingerprint(decisive),
                Map.of("plan.csv", csv)));
        return folder.message();
    }

    /**
     * Begins a transaction that sees one moment and can write nothing; ending it, or a rollback, leaves the session as it was. Works on a
     * replica. Parallel workers share no hash tables, as in billing_migration_totals.
     */
    static void beginOneMoment(Connection connection) throws SQLException {
        connection.rollback();
        try (PreparedStatement statement =
                connection.prepareStatement("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
                        + " SET LOCAL enable_parallel_hash = off")) {
            statement.execute();
        }
    }
}
