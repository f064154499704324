package liquibase.ext.credits.conversion;

/** What {@code billing_migration_preview} says of every user, in the columns that {@link liquibase.ext.credits.report.Outcomes} reads. */
public final class Prediction {
    private static final String QUERY = """
            SELECT
                p.user_id, p.email, p.converted_usd AS usd, p.converted_uah AS uah, p.credits, p.remainder,
                p.balance_usd - p.converted_usd AS usd_stays, p.balance_uah - p.converted_uah AS uah_stays,
                p.outcome, p.reason
            FROM %s
            WHERE %s
            """;

    private Prediction() {}

    /**
     * The rows of a prediction.
     *
     * @param preview calls the function, or stands for it where it does not exist yet; named {@code p}
     * @param cohort whom the prediction is for
     * @return SQL, one row per user
     */
    public static String query(String preview, Cohort cohort) {
        return QUERY.formatted(preview, cohort.condition("p.user_id"));
    }
}
