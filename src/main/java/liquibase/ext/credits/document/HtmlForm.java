package liquibase.ext.credits.document;

import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import liquibase.ext.credits.report.Outcome;
import liquibase.ext.credits.report.ShippedText;

/** A document for people: one page without scripts, fonts or addresses of other places, for a phone, a screen and paper. */
final class HtmlForm {
    private static final String STYLE = ShippedText.of(HtmlForm.class, "document.css");

    private final Document document;

    private HtmlForm(Document document) {
        this.document = document;
    }

    static String of(Document document) {
        return new HtmlForm(document).page();
    }

    private String page() {
        Kind kind = document.kind();
        Provenance provenance = document.provenance();
        boolean isFailed = !document.isProved();
        return """
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
                <meta name="color-scheme" content="light dark">
                <title>%1$s · %2$s</title>
                <style>
                %3$s</style>
                </head>
                <body>
                <header>
                <p class="where">%2$s · database %4$s · %5$s</p>
                <h1>%1$s</h1>
                <p class="status %6$s">%7$s</p>
                </header>
                <main>
                %8$s</main>
                <footer><p>%9$s</p></footer>
                </body>
                </html>
                """.formatted(
                        kind.title(),
                        Html.text(provenance.environment()),
                        STYLE,
                        Html.text(provenance.database()),
                        Html.text(readable(provenance.createdAt())),
                        isFailed ? "bad" : kind == Kind.CONVERSION || kind == Kind.UNDO ? "good" : "neutral",
                        isFailed ? "The proof fails" : kind.verdict(),
                        totals() + proofs() + outcomes() + charts() + tables() + facts(),
                        Html.text(document.privacy()));
    }

    private String totals() {
        List<Outcome> moved = moved().toList();
        BigDecimal uah = sum(moved.stream().map(Outcome::uah));
        BigDecimal remainder = sum(moved.stream().map(Outcome::remainder));
        boolean isUndo = document.kind().isUndo();
        return "<dl class=\"totals\">"
                + total(
                        "Users",
                        Html.number(moved.stream().mapToLong(Outcome::users).sum()))
                + total(
                        isUndo ? "USD returned" : "USD",
                        plain(sum(moved.stream().map(Outcome::usd))))
                + (uah.signum() == 0 ? "" : total(isUndo ? "UAH returned" : "UAH", plain(uah)))
                + total(
                        isUndo ? "Credits taken" : "Credits",
                        plain(sum(moved.stream().map(Outcome::credits))))
                + total(isUndo ? "Credits not taken" : "Remainder", plain(trimmed(remainder)))
                + "</dl>\n";
    }

    /** The outcomes that move money, by any kind's name for them. */
    private Stream<Outcome> moved() {
        return Stream.of("convert", "success", "full", "partial", "kept", "gone")
                .filter(document.outcomes().names()::contains)
                .map(document.outcomes()::of);
    }

    private static String total(String name, String value) {
        return "<div><dt>" + name + "</dt><dd>" + value + "</dd></div>";
    }

    private String proofs() {
        StringBuilder proofs = new StringBuilder();
        for (RunFacts run : document.runs()) {
            String rates = Html.number(run.done().usd()) + " USD × " + Html.text(run.creditsPerUsd())
                    + (run.creditsPerUah() == null
                            ? ""
                            : " + " + Html.number(run.done().uah()) + " UAH × " + Html.text(run.creditsPerUah()));
            proofs.append("<section><h2>Proof</h2>\n<p class=\"equation\">" + rates + " = "
                    + Html.number(run.done().credits()) + " credits + "
                    + Html.number(run.done().remainder()) + " remainder</p>\n<p class=\"note\">Run <code>"
                    + run.id() + "</code>, " + Html.text(run.status().replace('_', ' ')) + "</p>\n"
                    + HtmlTables.proof(run) + "</section>\n");
        }
        String fingerprint = document.fingerprint();
        if (document.kind() == Kind.PLAN && fingerprint != null) {
            proofs.append(
                    "<section><h2>Fingerprint</h2>\n<p class=\"equation\"><code>" + fingerprint
                            + "</code></p>\n<p class=\"note\">Over every user’s balances and the settings below. <code>update</code>"
                            + " with <code>credits.plan</code> set to this plan.json runs only if it is still the same, or, with"
                            + " <code>credits.planTolerancePercent</code>, if the totals are still that close.</p></section>\n");
        }
        return proofs.toString();
    }

    private String outcomes() {
        StringBuilder body = new StringBuilder();
        boolean isUndo = document.kind().isUndo();
        for (String name : document.outcomes().names()) {
            Outcome outcome = document.outcomes().of(name);
            body.append("<tr><th scope=\"row\">" + Html.text(name) + "</th>")
                    .append(HtmlTables.amount(Long.toString(outcome.users()), "users"))
                    .append(amount(outcome.usd(), "USD") + amount(outcome.uah(), "UAH"))
                    .append(amount(outcome.credits(), "credits"))
                    .append(isUndo ? "" : amount(outcome.usdStaying(), "USD stays"))
                    .append(isUndo ? "" : amount(outcome.uahStaying(), "UAH stays"))
                    .append("</tr>\n");
        }
        return body.isEmpty()
                ? ""
                : """
                <section><h2>Outcomes</h2>
                <table class="outcomes"><thead><tr><th></th><th class="n">Users</th><th class="n">USD</th>\
                <th class="n">UAH</th><th class="n">Credits</th>%s</tr></thead>
                <tbody>
                %s</tbody></table></section>
                """.formatted(isUndo ? "" : "<th class=\"n\">USD stays</th><th class=\"n\">UAH stays</th>", body);
    }

    private static String amount(BigDecimal amount, String unit) {
        return HtmlTables.amount(amount.toPlainString(), unit);
    }

    private String charts() {
        Details details = document.details();
        String verb = document.kind().isUndo() ? "returned" : "converted";
        BatchTimes batches = document.batches();
        String charts = HtmlCharts.histogram("USD " + verb + ", by size", "USD", "Users", details.usd())
                + HtmlCharts.histogram("UAH " + verb + ", by size", "UAH", "Users", details.uah())
                + (batches == null ? "" : batchTimes(batches));
        return charts.isEmpty() ? "" : "<section class=\"charts\">\n" + charts + "</section>\n";
    }

    private String batchTimes(BatchTimes batches) {
        String title = isInBatches()
                ? "Time per batch; its locks are held no longer"
                : "Time per batch; locks are held until the one commit";
        return "<div>" + HtmlCharts.histogram(title, "ms", "Batches", batches.histogram())
                + HtmlCharts.throughput(batches) + "</div>";
    }

    private String tables() {
        return HtmlTables.withReason(document.kind(), document.details())
                + HtmlTables.largest(
                        document.kind().isUndo() ? "Largest returns" : "Largest conversions",
                        document.details().largest());
    }

    private String facts() {
        Provenance provenance = document.provenance();
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("Environment", provenance.environment());
        facts.put("Database", provenance.database() + ", PostgreSQL " + provenance.serverVersion());
        facts.put("Written", readable(provenance.createdAt()) + " by " + provenance.databaseUser());
        for (RunFacts run : document.runs()) {
            facts.put("Run " + run.id().substring(0, 8), ran(run));
        }
        BatchTimes batches = document.batches();
        if (batches != null && batches.batches() > 0) {
            facts.put(
                    "Batches",
                    batches.batches() + " in " + HtmlCharts.seconds((double) batches.totalMillis()) + ", the longest "
                            + batches.longestMillis() + " ms");
        }
        if (!document.runs().isEmpty()) {
            facts.put(
                    "Committed",
                    isInBatches()
                            ? "batch by batch, before this was written"
                            : "by Liquibase right after this was written; credits-status shows whether it was");
        }
        facts.put(
                "Tool",
                "liquibase-credits " + provenance.toolVersion() + ", Liquibase " + provenance.liquibaseVersion());
        Map<String, String> checksums = new LinkedHashMap<>(document.checksums());
        document.runs().forEach(run -> checksums.put("log of run " + run.id().substring(0, 8), run.logChecksum()));
        return (document.settings().isEmpty() ? "" : HtmlTables.facts("Settings", document.settings()))
                + HtmlTables.facts("Where, who, when", facts)
                + (checksums.isEmpty() ? "" : HtmlTables.facts("Checksums", checksums));
    }

    private boolean isInBatches() {
        return "batch".equals(document.settings().get("commit"));
    }

    private static String ran(RunFacts run) {
        return readable(run.startedAt())
                + (run.finishedAt() == null ? "" : " to " + readable(run.finishedAt()))
                + (run.rolledBackAt() == null ? "" : ", undone " + readable(run.rolledBackAt()))
                + " by " + run.databaseUser()
                + (run.deploymentId() == null ? "" : ", deployment " + run.deploymentId());
    }

    private static String readable(String instant) {
        return instant.replace('T', ' ').replace("Z", " UTC");
    }

    private static BigDecimal sum(Stream<BigDecimal> amounts) {
        return amounts.reduce(BigDecimal.ZERO, BigDecimal::add);
    }

    private static BigDecimal trimmed(BigDecimal amount) {
        return amount.signum() == 0 ? BigDecimal.ZERO : amount.stripTrailingZeros();
    }

    private static String plain(BigDecimal amount) {
        return Html.number(amount.toPlainString());
    }
}
