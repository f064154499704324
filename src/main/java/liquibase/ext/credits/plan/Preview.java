package liquibase.ext.credits.plan;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.conversion.Prediction;
import liquibase.ext.credits.report.OneMoment;
import liquibase.ext.credits.report.Outcomes;
import liquibase.ext.credits.report.Place;
import liquibase.ext.credits.report.Report;
import liquibase.ext.credits.report.ShippedText;
import org.jspecify.annotations.Nullable;

/**
 * Predicts a conversion. The query is the text of the SQL function {@code billing_migration_preview}, kept beside this
 * class because the dry run must work before that function, or anything else of ours, exists.
 */
public final class Preview {
    private static final String QUERY = ShippedText.of(Preview.class, "preview.sql");
    private static final String LEGACY_TABLES_EXIST = "SELECT to_regclass('user_billing') IS NOT NULL";
    private static final String AS_THE_FUNCTION = """
            (
            %s
            ) AS p (
                user_id, email, balance_usd, balance_uah, converted_usd, converted_uah, credits, remainder,
                outcome, reason)""";

    private final ConversionSettings settings;
    private final @Nullable SampleUsers sampleUsers;

    /**
     * A preview that has not been read.
     *
     * @param settings what the conversion would be told
     * @param sampleUsers rows that stand in for legacy tables that do not exist yet; null where they must exist
     */
    public Preview(ConversionSettings settings, @Nullable SampleUsers sampleUsers) {
        this.settings = settings;
        this.sampleUsers = sampleUsers;
    }

    /**
     * Reads the prediction, and writes plan.csv, plan.json and plan.html where {@code credits.reportDir} asks for them; works
     * on a read-only replica.
     *
     * @param connection to the database, without anything uncommitted in it
     * @return its text
     * @throws SQLException as the database reports it
     * @throws IOException when the plan cannot be written
     */
    public Report read(Connection connection) throws SQLException, IOException {
        Path folder = settings.reportDir();
        boolean autoCommit = connection.getAutoCommit();
        connection.setAutoCommit(false);
        try {
            OneMoment.begin(connection);
            String rows = rows(connection);
            Outcomes outcomes = Outcomes.read(connection, folder != null, rows);
            Report report = report(Place.of(connection, settings.environment()), outcomes);
            if (folder != null) {
                report.add(new PlanFiles(settings).write(connection, rows, outcomes, folder));
            }
            return report;
        } finally {
            if (!connection.isClosed()) {
                connection.rollback();
                connection.setAutoCommit(autoCommit);
            }
        }
    }

    private Report report(Place place, Outcomes outcomes) {
        Report report = Report.ofDryRun(place, outcomes, settings.emails(), settings.rates());
        if (settings.plan() != null) {
            report.add("credits.plan binds liquibase update; this dry run and its script are not held to it");
        }
        return report;
    }

    private String rows(Connection connection) throws SQLException {
        return Prediction.query(AS_THE_FUNCTION.formatted(source(connection)), settings.cohort());
    }

    private String source(Connection connection) throws SQLException {
        String query = QUERY.replace("p_credits_per_usd", number(settings.creditsPerUsd()))
                .replace("p_credits_per_uah", number(settings.creditsPerUah()))
                .replace("p_rounding", "'" + settings.rounding() + "'");
        return sampleUsers == null || legacyTablesExist(connection) ? query : sampleUsers.asTablesFor(query);
    }

    private static boolean legacyTablesExist(Connection connection) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(LEGACY_TABLES_EXIST);
                ResultSet row = statement.executeQuery()) {
            return row.next() && row.getBoolean(1);
        }
    }

    private static String number(@Nullable BigDecimal number) {
        return "CAST(" + (number == null ? "NULL" : number.toPlainString()) + " AS numeric)";
    }
}
