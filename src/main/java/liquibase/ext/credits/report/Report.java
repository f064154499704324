package liquibase.ext.credits.report;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** A text for the operator: a box, one line per user, a summary, and what it means. */
public final class Report {
    private static final String DOUBLE_RULE = "═".repeat(64);
    private static final String SINGLE_RULE = "─".repeat(64);
    private static final String TITLE = "Migration 021: Billing USD → Credits";

    private final List<String> lines = new ArrayList<>();

    private Report(String title, Place place) {
        lines.add(DOUBLE_RULE);
        lines.add("  " + title);
        lines.add("  " + place);
        lines.add(DOUBLE_RULE);
        lines.add("");
    }

    /**
     * The text of a dry run.
     *
     * @param place where it works
     * @param outcomes with the outcomes convert, skipped and error
     * @param emails how addresses are shown
     * @param rates for example {@code 1 USD = 1.0 credits, HALF_UP}
     * @return the text
     */
    public static Report ofDryRun(Place place, Outcomes outcomes, Emails emails, String rates) {
        Report report = new Report(TITLE + " (DRY RUN)", place);
        Outcome convert = outcomes.of("convert");
        report.users(convert, user -> user.converted(emails, "Would migrate"));
        report.unmoved(outcomes.of("skipped"), emails, "Would skip");
        report.unmoved(outcomes.of("error"), emails, "Would fail");
        report.summary("Users to migrate", convert, outcomes, rates);
        report.lines.add("⚠  This was a DRY RUN - no changes were made");
        return report;
    }

    /**
     * The text of a finished conversion.
     *
     * @param place where it works
     * @param outcomes with the outcomes success, skipped and error
     * @param emails how addresses are shown
     * @param rates for example {@code 1 USD = 1.0 credits, HALF_UP}
     * @param ending what the operator should know last
     * @return the text
     */
    public static Report ofConversion(Place place, Outcomes outcomes, Emails emails, String rates, String ending) {
        Report report = new Report(TITLE, place);
        Outcome success = outcomes.of("success");
        report.users(success, user -> user.converted(emails, "Migrated"));
        report.unmoved(outcomes.of("skipped"), emails, "Skipped");
        report.unmoved(outcomes.of("error"), emails, "Failed");
        report.summary("Users migrated", success, outcomes, rates);
        report.lines.add(ending);
        return report;
    }

    /**
     * The text of an undo, or of its dry run.
     *
     * @param place where it works
     * @param outcomes with the outcomes full, partial, kept, gone and refused; the remainder is what is not taken
     * @param emails how addresses are shown
     * @param done true when it happened, false for the dry run
     * @param ending what the operator should know last
     * @return the text
     */
    public static Report ofReversal(Place place, Outcomes outcomes, Emails emails, boolean done, String ending) {
        Report report = new Report("Migration 021: Credits → Billing USD (UNDO" + (done ? ")" : ", DRY RUN)"), place);
        String verdict = done ? "Returned" : "Would return";
        report.users(outcomes.of("full"), user -> user.reversed(emails, verdict));
        report.users(outcomes.of("partial"), user -> user.reversed(emails, verdict + " in part"));
        report.unmoved(outcomes.of("kept"), emails, "Nothing returned");
        report.unmoved(outcomes.of("gone"), emails, "Nothing returned");
        report.unmoved(outcomes.of("refused"), emails, "Refuses the undo");
        report.reversalSummary(outcomes, done);
        report.lines.add(ending);
        return report;
    }

    /**
     * Adds a line at the end.
     *
     * @param line what else the operator should know
     */
    public void add(String line) {
        lines.add(line);
    }

    /**
     * The text, line by line; nothing that a user wrote can end a line or steer a terminal.
     *
     * @param charset of the place it is written to; where that has no box characters, plain ones are used
     * @return lines without line ends
     */
    public List<String> lines(Charset charset) {
        List<String> harmless = lines.stream().map(UntrustedText::line).toList();
        if (charset.newEncoder().canEncode(DOUBLE_RULE + SINGLE_RULE + "→⚠")) {
            return harmless;
        }
        return harmless.stream()
                .map(line -> line.replace('═', '=')
                        .replace('─', '-')
                        .replace("→", "->")
                        .replace('⚠', '!'))
                .toList();
    }

    private void users(Outcome outcome, Function<UserLine, String> text) {
        outcome.firstUsers().stream().map(text).forEach(lines::add);
        more(outcome);
    }

    private void unmoved(Outcome outcome, Emails emails, String verdict) {
        users(outcome, user -> user.unmoved(emails, verdict));
    }

    private void more(Outcome outcome) {
        long more = outcome.users() - outcome.firstUsers().size();
        if (more > 0) {
            lines.add("  ... and " + more + " more");
        }
    }

    private void summary(String label, Outcome moved, Outcomes all, String rates) {
        openSummary();
        lines.add("  " + label + ": " + moved.users());
        lines.add("  Total USD: $" + moved.usd());
        if (moved.uah().signum() > 0) {
            lines.add("  Total UAH: " + moved.uah());
        }
        lines.add("  Total credits: " + UserLine.plain(moved.credits()));
        lines.add("  Rate: " + rates + "; remainder " + UserLine.plain(moved.remainder()) + " credits");
        Outcome skipped = all.of("skipped");
        Outcome error = all.of("error");
        lines.add("  Skipped: " + skipped.users() + ", failed: " + error.users() + staying(moved, skipped, error));
        lines.add(SINGLE_RULE);
    }

    private void reversalSummary(Outcomes outcomes, boolean done) {
        Outcome full = outcomes.of("full");
        Outcome partial = outcomes.of("partial");
        openSummary();
        lines.add("  Users " + (done ? "rolled back" : "to roll back") + ": " + (full.users() + partial.users()));
        lines.add("  USD returned: $" + full.usd().add(partial.usd()));
        if (full.uah().add(partial.uah()).signum() > 0) {
            lines.add("  UAH returned: " + full.uah().add(partial.uah()));
        }
        lines.add("  Credits taken: " + UserLine.plain(full.credits().add(partial.credits())));
        Outcome kept = outcomes.of("kept");
        Outcome gone = outcomes.of("gone");
        lines.add("  In part: " + partial.users() + ", nothing returned: " + (kept.users() + gone.users())
                + ", refused: " + outcomes.of("refused").users() + "; not taken: "
                + UserLine.plain(partial.remainder().add(kept.remainder()).add(gone.remainder())) + " credits");
        lines.add(SINGLE_RULE);
    }

    private void openSummary() {
        lines.add("");
        lines.add(SINGLE_RULE);
        lines.add("Summary:");
    }

    private static String staying(Outcome... outcomes) {
        BigDecimal usd = BigDecimal.ZERO;
        BigDecimal uah = BigDecimal.ZERO;
        for (Outcome outcome : outcomes) {
            usd = usd.add(outcome.usdStaying());
            uah = uah.add(outcome.uahStaying());
        }
        return "; stays in user_billing: " + (usd.signum() < 0 ? "-$" : "$") + money(usd.abs()) + " and " + money(uah)
                + " UAH";
    }

    /** With cents, and finer where the column keeps finer amounts. */
    private static String money(BigDecimal amount) {
        BigDecimal exact = amount.signum() == 0 ? BigDecimal.ZERO : amount.stripTrailingZeros();
        return exact.setScale(Math.max(2, exact.scale()), RoundingMode.UNNECESSARY)
                .toPlainString();
    }
}
