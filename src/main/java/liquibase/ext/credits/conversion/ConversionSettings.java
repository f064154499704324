package liquibase.ext.credits.conversion;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import liquibase.ext.credits.report.Emails;
import org.jspecify.annotations.Nullable;

/**
 * Everything a conversion is told, validated and immutable.
 *
 * @param environment the environment's name, written into the run
 * @param creditsPerUsd credits for one USD, above 0, at most 1,000,000, at most 18 digits
 * @param creditsPerUah credits for one UAH, same limits; null leaves UAH where it is
 * @param rounding how exact credits are rounded
 * @param onError what one inconvertible user means for the others
 * @param commit one transaction, or one per batch
 * @param lateWrites what happens to money that is added to user_billing afterwards
 * @param batchUsers users per batch, or 0 to follow the target time
 * @param targetBatch how long an automatically sized batch should take
 * @param maxReplicaLag pause while a replica lags more; null never pauses
 * @param lockTimeout how long to wait for a locked row or table
 * @param emails how e-mail addresses are shown
 */
public record ConversionSettings(
        String environment,
        BigDecimal creditsPerUsd,
        @Nullable BigDecimal creditsPerUah,
        Rounding rounding,
        OnError onError,
        CommitMode commit,
        LateWrites lateWrites,
        int batchUsers,
        Duration targetBatch,
        @Nullable Duration maxReplicaLag,
        Duration lockTimeout,
        Emails emails) {

    /** The parameters' names without the prefix {@code credits.}, as the changelog declares them. */
    public static final List<String> PARAMETER_NAMES = List.of(
            "environment",
            "database",
            "confirm",
            "perUsd",
            "perUah",
            "rounding",
            "onError",
            "onSpent",
            "commit",
            "lateWrites",
            "batchUsers",
            "targetBatchMillis",
            "maxReplicaLag",
            "lockTimeout",
            "emails");

    /**
     * Reads the settings from the parameters' texts.
     *
     * @param texts by name without the prefix {@code credits.}; a missing one counts as empty
     * @return the settings
     * @throws InvalidSettingsException naming every unusable parameter
     */
    public static ConversionSettings of(Map<String, @Nullable String> texts) throws InvalidSettingsException {
        Parameters parameters = new Parameters(texts);
        ConversionSettings settings = new ConversionSettings(
                parameters.text("environment"),
                parameters.rate("perUsd"),
                parameters.rateOrNone("perUah"),
                parameters.choice("rounding", Rounding.class),
                parameters.choice("onError", OnError.class),
                parameters.choice("commit", CommitMode.class),
                parameters.choice("lateWrites", LateWrites.class),
                parameters.usersOrAutomatic("batchUsers"),
                parameters.millis("targetBatchMillis"),
                parameters.durationOrNone("maxReplicaLag"),
                parameters.duration("lockTimeout"),
                parameters.choice("emails", Emails.class));
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
        return creditsPerUah == null
                ? List.of(
                        "Convert all USD balances to credits",
                        "Zero out user_billing.balance_usd",
                        "Create transaction records")
                : List.of(
                        "Convert all USD and UAH balances to credits",
                        "Zero out user_billing.balance_usd and user_billing.balance_uah",
                        "Create transaction records");
    }

    /**
     * The rates in words.
     *
     * @return for example {@code 1 USD = 1.0 credits, rounded HALF_UP}
     */
    public String rates() {
        String uah = creditsPerUah == null ? "" : ", 1 UAH = " + creditsPerUah.toPlainString() + " credits";
        return "1 USD = " + creditsPerUsd.toPlainString() + " credits" + uah + ", rounded " + rounding;
    }
}
