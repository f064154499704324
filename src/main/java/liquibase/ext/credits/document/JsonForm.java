package liquibase.ext.credits.document;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import liquibase.ext.credits.report.Outcome;
import org.jspecify.annotations.Nullable;

/** A document for programs; {@code document.schema.json} beside this class describes it. */
final class JsonForm {
    /** Goes up when a reader of an earlier one would be misled. */
    static final String SCHEMA = "liquibase-credits/document/1";

    private JsonForm() {}

    static String of(Document document) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("schema", SCHEMA);
        json.put("kind", document.kind().fileName());
        json.put("provenance", provenance(document.provenance()));
        json.put("settings", document.settings());
        json.put("isProved", document.runs().isEmpty() ? null : document.isProved());
        json.put("fingerprint", document.fingerprint());
        json.put("outcomes", outcomes(document));
        json.put("runs", document.runs().stream().map(JsonForm::run).toList());
        json.put("batches", batches(document.batches()));
        json.put("balances", balances(document.details()));
        json.put(
                "largest",
                document.details().largest().stream().map(JsonForm::row).toList());
        json.put("usersWithReason", document.details().usersWithReason());
        json.put(
                "withReason",
                document.details().withReason().stream().map(JsonForm::row).toList());
        json.put("checksums", document.checksums());
        json.put("personalData", document.privacy());
        return Json.of(json);
    }

    private static Map<String, @Nullable Object> provenance(Provenance provenance) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("createdAt", provenance.createdAt());
        json.put("environment", provenance.environment());
        json.put("database", provenance.database());
        json.put("databaseUser", provenance.databaseUser());
        json.put("serverVersion", provenance.serverVersion());
        json.put("toolVersion", provenance.toolVersion());
        json.put("liquibaseVersion", provenance.liquibaseVersion());
        return json;
    }

    private static Map<String, @Nullable Object> outcomes(Document document) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        for (String name : document.outcomes().names()) {
            Outcome outcome = document.outcomes().of(name);
            Map<String, @Nullable Object> totals = new LinkedHashMap<>();
            totals.put("users", outcome.users());
            totals.put("usd", outcome.usd().toPlainString());
            totals.put("uah", outcome.uah().toPlainString());
            totals.put("credits", outcome.credits().toPlainString());
            totals.put("remainder", outcome.remainder().toPlainString());
            totals.put("usdStays", outcome.usdStaying().toPlainString());
            totals.put("uahStays", outcome.uahStaying().toPlainString());
            json.put(name, totals);
        }
        return json;
    }

    private static Map<String, @Nullable Object> run(RunFacts run) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("id", run.id());
        json.put("status", run.status());
        json.put("startedAt", run.startedAt());
        json.put("finishedAt", run.finishedAt());
        json.put("rolledBackAt", run.rolledBackAt());
        json.put("databaseUser", run.databaseUser());
        json.put("deploymentId", run.deploymentId());
        json.put("creditsPerUsd", run.creditsPerUsd());
        json.put("creditsPerUah", run.creditsPerUah());
        json.put("rounding", run.rounding());
        json.put("planFingerprint", run.planFingerprint());
        json.put("planned", totals(run.planned()));
        json.put("done", totals(run.done()));
        json.put("logChecksum", run.logChecksum());
        json.put("isProved", run.isProved());
        json.put("proof", run.invariants().stream().map(JsonForm::invariant).toList());
        return json;
    }

    private static Map<String, @Nullable Object> totals(Totals totals) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("users", totals.users());
        json.put("usd", totals.usd());
        json.put("uah", totals.uah());
        json.put("credits", totals.credits());
        json.put("remainder", totals.remainder());
        return json;
    }

    private static Map<String, @Nullable Object> invariant(Invariant invariant) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("id", invariant.id());
        json.put("meaning", invariant.meaning());
        json.put("left", invariant.left());
        json.put("right", invariant.right());
        json.put("holds", invariant.holds());
        return json;
    }

    private static @Nullable Map<String, @Nullable Object> batches(@Nullable BatchTimes batches) {
        if (batches == null) {
            return null;
        }
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("count", batches.batches());
        json.put("totalMillis", batches.totalMillis());
        json.put("longestMillis", batches.longestMillis());
        json.put("millis", buckets(batches.histogram(), "batches"));
        json.put("usersOverTime", batches.points().stream().map(JsonForm::point).toList());
        return json;
    }

    private static Map<String, @Nullable Object> point(BatchTimes.Point point) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("elapsedMillis", point.elapsedMillis());
        json.put("users", point.users());
        return json;
    }

    private static Map<String, @Nullable Object> balances(Details details) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("usd", buckets(details.usd(), "users"));
        json.put("uah", buckets(details.uah(), "users"));
        return json;
    }

    private static List<Map<String, @Nullable Object>> buckets(List<Bucket> buckets, String counted) {
        return buckets.stream()
                .map(bucket -> {
                    Map<String, @Nullable Object> json = new LinkedHashMap<>();
                    json.put("from", bucket.from());
                    json.put("below", bucket.below());
                    json.put(counted, bucket.count());
                    return json;
                })
                .toList();
    }

    private static Map<String, @Nullable Object> row(Row row) {
        Map<String, @Nullable Object> json = new LinkedHashMap<>();
        json.put("userId", row.userId());
        json.put("email", row.email());
        json.put("outcome", row.outcome());
        json.put("usd", row.usd());
        json.put("uah", row.uah());
        json.put("credits", row.credits());
        json.put("usdStays", row.usdStays());
        json.put("uahStays", row.uahStays());
        json.put("reason", row.reason());
        return json;
    }
}
