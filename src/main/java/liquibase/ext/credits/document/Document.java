package liquibase.ext.credits.document;

import java.util.List;
import java.util.Map;
import liquibase.ext.credits.report.Emails;
import liquibase.ext.credits.report.Outcomes;
import org.jspecify.annotations.Nullable;

/**
 * Everything that is written about a plan, a conversion or an undo, whatever the form.
 *
 * @param kind what it is about
 * @param provenance where it comes from
 * @param settings what decided, by name
 * @param emails how addresses are shown
 * @param outcomes totals
 * @param details users and histograms
 * @param runs with their proofs; none for a plan
 * @param batches how long they took; null where nothing ran in batches
 * @param fingerprint over balances and settings; null for an undo
 * @param checksums of other files, by name
 */
public record Document(
        Kind kind,
        Provenance provenance,
        Map<String, String> settings,
        Emails emails,
        Outcomes outcomes,
        Details details,
        List<RunFacts> runs,
        @Nullable BatchTimes batches,
        @Nullable String fingerprint,
        Map<String, String> checksums) {

    /** Whether every invariant of every run holds. */
    boolean isProved() {
        return runs.stream().allMatch(RunFacts::isProved);
    }

    /** What personal data the files hold, in words. */
    String privacy() {
        String addresses = switch (emails) {
            case MASKED -> "e-mail addresses masked to first letter and domain";
            case FULL -> "full e-mail addresses";
            case NONE -> "no e-mail addresses";
        };
        return "Personal data: user ids, balances, " + addresses
                + ". Readable by its owner only when written; share it with those who need it, and delete it when it has served.";
    }
}
