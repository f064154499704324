package liquibase.ext.credits.conversion;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import liquibase.ext.credits.report.Emails;
import org.jspecify.annotations.Nullable;

/**
 * Everything an undo is told. Rates are not among it: the undo reads them from the log.
 *
 * @param environment the environment's name, that of every run to be undone
 * @param cohort whom the command is for; its users are not read, because the log knows them
 * @param onSpent what happens to users who have spent converted credits
 * @param commit one transaction, or one per batch
 * @param pace how hard it may press on the database
 * @param emails how e-mail addresses are shown
 * @param reportDir the folder that the report is written to; null writes none
 */
public record ReversalSettings(
        String environment,
        Cohort cohort,
        OnSpent onSpent,
        CommitMode commit,
        Pace pace,
        Emails emails,
        @Nullable Path reportDir) {
    /** What an undo is going to do, one line per effect. */
    public static final List<String> EFFECTS = List.of(
            "Return all converted balances to user_billing",
            "Take the converted credits out of user_credits.balance",
            "Create reversing transaction records");

    /**
     * Reads the settings from the parameters' texts.
     *
     * @param texts by name without the prefix {@code credits.}
     * @return the settings
     * @throws InvalidSettingsException naming every unusable parameter
     */
    public static ReversalSettings of(Map<String, @Nullable String> texts) throws InvalidSettingsException {
        Parameters parameters = new Parameters(texts);
        ReversalSettings settings = new ReversalSettings(
                parameters.word("environment"),
                parameters.cohort("cohort", List.of()),
                parameters.choice("onSpent", OnSpent.class),
                parameters.choice("commit", CommitMode.class),
                Pace.of(parameters),
                parameters.choice("emails", Emails.class),
                parameters.pathOrNone("reportDir", "a folder"));
        List<String> problems = parameters.problems();
        if (!problems.isEmpty()) {
            throw new InvalidSettingsException(problems);
        }
        return settings;
    }
}
