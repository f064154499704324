package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Map;
import liquibase.ext.credits.report.Outcomes;
import org.jspecify.annotations.Nullable;

/** Holds a run to the plan that {@code credits.plan} names; without one everything is allowed. */
final class PlanCheck {
    private static final String PREVIEW = "billing_migration_preview(?, ?, ?) AS p";

    private final Connection connection;
    private final ConversionSettings settings;
    private final @Nullable BoundPlan plan;

    private PlanCheck(Connection connection, ConversionSettings settings, @Nullable BoundPlan plan) {
        this.connection = connection;
        this.settings = settings;
        this.plan = plan;
    }

    /** Reads the plan and compares its settings. */
    static PlanCheck of(Connection connection, ConversionSettings settings) throws SQLException, ConversionException {
        return new PlanCheck(connection, settings, BoundPlan.of(settings, connection.getCatalog()));
    }

    /** As {@code billing_migration_run} keeps it, or none. */
    String fingerprintOrNone() {
        return plan == null ? "none" : plan.fingerprint();
    }

    /** Of the plan's file, by name; empty without a plan. */
    Map<String, String> checksums() {
        return plan == null ? Map.of() : Map.of("plan.json", plan.checksum());
    }

    /** In the transaction that started the run, before its first user. */
    void before(Run run) throws SQLException, ConversionException {
        if (plan != null) {
            Outcomes now = Outcomes.read(
                    connection,
                    true,
                    Prediction.query(PREVIEW, settings.cohort()),
                    settings.creditsPerUsd(),
                    settings.creditsPerUah(),
                    settings.rounding().name());
            plan.checkBefore(now, settings.decisive());
            run.bindTo(plan);
        }
    }

    /**
     * Over the finished run's log. In commit mode once a difference takes the run back; in commit mode batch everything is committed,
     * so that it becomes a line for the operator. Null when there is nothing to say.
     */
    @Nullable
    String after(Outcomes logged) throws ConversionException {
        if (plan == null) {
            return null;
        }
        if (settings.commit() == CommitMode.ONCE) {
            plan.checkAfter(logged, settings.decisive());
            return null;
        }
        return plan.differenceAfter(logged, settings.decisive());
    }

    /**
     * Whether an earlier run, which left nothing to convert, did what is asked for now; so a command whose success Liquibase could not
     * record may be repeated with its plan.
     */
    boolean isMetBy(Run.Earlier earlier) {
        return plan == null || plan.fingerprint().equals(earlier.planFingerprint());
    }
}
