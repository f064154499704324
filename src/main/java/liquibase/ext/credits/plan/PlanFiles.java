package liquibase.ext.credits.plan;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
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
}
