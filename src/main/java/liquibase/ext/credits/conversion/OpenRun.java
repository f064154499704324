package liquibase.ext.credits.conversion;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** The run that an earlier call left unfinished: gone on with under the same settings, or refused. */
final class OpenRun {
    private static final String OPEN_RUN = """
            SELECT r.id, r.credits_per_usd, r.credits_per_uah, r.rounding, r.on_error, r.commit_mode,
                r.late_writes, r.cohort, r.plan_fingerprint
            FROM billing_migration_run AS r
            WHERE r.status IN ('running', 'paused')
            LIMIT 1
            """;

    private static final String KNOWS_RUNS = """
            SELECT has_table_privilege(to_regclass('billing_migration_progress'), 'SELECT')
                AND has_table_privilege(to_regclass('billing_migration_run'), 'SELECT')
            """;
    private static final String IN_WORDS = """
            SELECT CASE p.status
                WHEN 'undoing' THEN 'The undo of run ' || p.run_id || ' is unfinished: an update converts nobody until the'
                    || ' command that began it has finished it, and this script is refused'
                ELSE 'Run ' || p.run_id || ' is unfinished (' || p.done_users || ' of ' || p.planned_users || ' users done): '
                    || CASE r.commit_mode
                        WHEN 'batch'
                            THEN 'an update goes on with it under its own settings, among them credits.commit=batch and'
                                || ' credits.perUsd=' || r.credits_per_usd || ', and refuses others, as it does this script'
                        ELSE 'an update and this script are refused until it is undone with rollback_billing_migration'
                    END
            END
            FROM billing_migration_progress AS p
            JOIN billing_migration_run AS r ON r.id = p.run_id
            WHERE p.status IN ('running', 'paused', 'undoing')
            ORDER BY r.armed_by_run_id IS NOT NULL, r.started_at, r.id
            LIMIT 1
            """;

    private final Connection connection;
    private final ConversionSettings settings;
    private final String planFingerprint;

    OpenRun(Connection connection, ConversionSettings settings, String planFingerprint) {
        this.connection = connection;
        this.settings = settings;
        this.planFingerprint = planFingerprint;
    }

    /** What stands in the way of a script, for a dry run, which may come before 021. */
    static Optional<String> inWords(Connection connection, String environment) throws SQLException {
        if (!"t".equals(first(connection, KNOWS_RUNS))) {
            return Optional.empty();
        }
        Optional<String> foreign = ForeignRun.toResume(connection, environment);
        return foreign.isPresent()
                ? foreign.map(refusal -> "An update and this script are refused: " + refusal)
                : Optional.ofNullable(first(connection, IN_WORDS));
    }

    private static @Nullable String first(Connection connection, String query) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getString(1) : null;
        }
    }

    Optional<Run> find() throws SQLException, ConversionException {
        Optional<String> foreign = ForeignRun.toResume(connection, settings.environment());
        if (foreign.isPresent()) {
            throw new ConversionException(foreign.get());
        }
        try (PreparedStatement statement = connection.prepareStatement(OPEN_RUN);
                ResultSet row = statement.executeQuery()) {
            if (!row.next()) {
                return Optional.empty();
            }
            UUID id = row.getObject("id", UUID.class);
            List<String> differences = differences(row);
            if (!differences.isEmpty()) {
                throw new ConversionException("run " + id + " is unfinished and was started with other settings: "
                        + String.join(", ", differences)
                        + "; resume it with its own, or undo it with SELECT * FROM rollback_billing_migration('" + id
                        + "')");
            }
            return Optional.of(new Run(connection, id));
        }
    }

    private List<String> differences(ResultSet row) throws SQLException {
        List<String> differences = new ArrayList<>();
        differ(differences, "commit", row.getString("commit_mode"), "batch");
        differ(differences, "perUsd", row.getBigDecimal("credits_per_usd"), settings.creditsPerUsd());
        differ(differences, "perUah", row.getBigDecimal("credits_per_uah"), settings.creditsPerUah());
        differ(
                differences,
                "rounding",
                row.getString("rounding"),
                settings.rounding().name());
        differ(differences, "onError", row.getString("on_error"), Parameters.spelling(settings.onError()));
        differ(differences, "lateWrites", row.getString("late_writes"), Parameters.spelling(settings.lateWrites()));
        differ(
                differences,
                "cohort",
                Objects.requireNonNullElse(row.getString("cohort"), "none"),
                Objects.requireNonNullElse(settings.cohort().runName(), "none"));
        differ(
                differences,
                "plan",
                Objects.requireNonNullElse(row.getString("plan_fingerprint"), "none"),
                planFingerprint);
        return differences;
    }

    private static void differ(List<String> differences, String name, String ofRun, String ofSettings) {
        if (!ofRun.equals(ofSettings)) {
            differences.add("credits." + name + " is " + ofSettings + ", the run has " + ofRun);
        }
    }

    /** 1.0 and 1 are the same rate. */
    private static void differ(
            List<String> differences, String name, @Nullable BigDecimal ofRun, @Nullable BigDecimal ofSettings) {
        boolean isSame = ofRun != null && ofSettings != null && ofRun.compareTo(ofSettings) == 0;
        if (!isSame) {
            differ(differences, name, text(ofRun), text(ofSettings));
        }
    }

    private static String text(@Nullable BigDecimal rate) {
        return rate == null ? "none" : rate.toPlainString();
    }
}
