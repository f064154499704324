package liquibase.ext.credits.conversion;

import java.math.BigDecimal;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import liquibase.ext.credits.report.Emails;
import org.jspecify.annotations.Nullable;

/**
 * Everything a conversion is told, validated and immutable.
 *
 * @param environment the environment's name, written into the run
 * @param cohort whom the run is for
 * @param creditsPerUsd credits for one USD, above 0, at most 1,000,000, at most 18 digits
 * @param creditsPerUah credits for one UAH, same limits; null leaves UAH where it is
 * @param rounding how exact credits are rounded
 * @param onError what one inconvertible user means for the others
 * @param commit one transaction, or one per batch
 * @param lateWrites what happens to money that is added to user_billing afterwards
 * @param pace how hard it may press on the database
 * @param emails how e-mail addresses are shown
 * @param reportDir the folder that plan and report are written to; null writes none
 * @param plan the plan.json that binds the run; null binds it to none
 * @param planTolerancePercent how far each total may be from the plan's, in percent of it; at 0 the fingerprint decides
 */
public record ConversionSettings(
        String environment,
        Cohort cohort,
        BigDecimal creditsPerUsd,
        @Nullable BigDecimal creditsPerUah,
        Rounding rounding,
        OnError onError,
        CommitMode commit,
        LateWrites lateWrites,
        Pace pace,
        Emails emails,
        @Nullable Path reportDir,
        @Nullable Path plan,
        BigDecimal planTolerancePercent) {

    /** The parameters' names without the prefix {@code credits.}, as the changelog declares them. */
    public static final List<String> PARAMETER_NAMES = List.of(
            "environment",
            "database",
            "confirm",
            "cohort",
            "perUsd",
            "perUah",
            "rounding",
            "onError",
            "onSpent",
            "commit",
            "lateWrites",
            "batchUsers",
            "workers",
            "targetBatchMillis",
            "maxReplicaLag",
            "maxActiveSessions",
            "lockTimeout",
            "emails",
            "reportDir",
            "plan",
            "planTolerancePercent");

    /**
     * Reads the settings from the parameters' texts; a cohort that is a list has no users yet.
     *
     * @param texts by name without the prefix {@code credits.}; a missing one counts as empty
     * @return the settings
     * @throws InvalidSettingsException naming every unusable parameter
     */
    public static ConversionSettings of(Map<String, @Nullable String> texts) throws InvalidSettingsException {
        return of(texts, List.of());
    }

    /**
     * Reads the settings from the parameters' texts.
     *
     * @param texts by name without the prefix {@code credits.}; a missing one counts as empty
     * @param cohortUserIds the users of a cohort that is a list, as {@link CohortFile} found them
     * @return the settings
     * @throws InvalidSettingsException naming every unusable parameter
     */
    public static ConversionSettings of(Map<String, @Nullable String> texts, List<UUID> cohortUserIds)
            throws InvalidSettingsException {
        Parameters parameters = new Parameters(texts);
        ConversionSettings settings = new ConversionSettings(
                parameters.word("environment"),
                parameters.cohort("cohort", cohortUserIds),
                parameters.rate("perUsd"),
                parameters.rateOrNone("perUah"),
                parameters.choice("rounding", Rounding.class),
                parameters.choice("onError", OnError.class),
                parameters.choice("commit", CommitMode.class),
                parameters.choice("lateWrites", LateWrites.class),
                Pace.of(parameters),
                parameters.choice("emails", Emails.class),
                parameters.pathOrNone("reportDir", "a folder"),
                parameters.pathOrNone("plan", "the path of a plan.json"),
                parameters.percent("planTolerancePercent"));
        List<String> problems = parameters.problems();
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException(problems);
        }
        return settings;
    }

    /**
     * What a conversion with these settings is going to do, in the guide's words.
     *
     * @return one line per effect
     */
    public List<String> effects() {
        String currencies = creditsPerUah == null ? "USD" : "USD and UAH";
        String columns = creditsPerUah == null ? "" : " and user_billing.balance_uah";
        String which = cohort.isEverybody() ? "all " : "";
        String whose = cohort.isEverybody() ? "" : ", only of " + cohort.runName();
        return List.of(
                "Convert " + which + currencies + " balances to credits: " + rates(),
                "Zero out user_billing.balance_usd" + columns + whose,
                "Create transaction records");
    }

    /**
     * What decides who gets how much, and how; a plan binds a run by these.
     *
     * @return name without the prefix {@code credits.} to value, rates without trailing zeros, in a fixed order
     */
    public Map<String, String> decisive() {
        Map<String, String> decisive = new LinkedHashMap<>();
        decisive.put("environment", environment);
        decisive.put("cohort", Objects.requireNonNullElse(cohort.runName(), "none"));
        decisive.put("perUsd", rate(creditsPerUsd));
        decisive.put("perUah", creditsPerUah == null ? "none" : rate(creditsPerUah));
        decisive.put("rounding", rounding.name());
        decisive.put("onError", Parameters.spelling(onError));
        decisive.put("commit", Parameters.spelling(commit));
        decisive.put("lateWrites", Parameters.spelling(lateWrites));
        return decisive;
    }

    /**
     * The rates in words.
     *
     * @return for example {@code 1 USD = 1.0 credits, rounded HALF_UP}, and for whom if not for everybody
     */
    public String rates() {
        String uah = creditsPerUah == null ? "" : ", 1 UAH = " + creditsPerUah.toPlainString() + " credits";
        return "1 USD = " + creditsPerUsd.toPlainString() + " credits" + uah + ", rounded " + rounding
                + (cohort.isEverybody() ? "" : ", only " + cohort.runName());
    }

    /** 1.0 and 1 are the same rate. */
    private static String rate(BigDecimal rate) {
        return rate.stripTrailingZeros().toPlainString();
    }
}
