package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** What a conversion and an undo leave in {@code credits.reportDir}, for people and for programs. */
class ReportTest {

    private static final Schema SCHEMA = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(Template.resource("/liquibase/ext/credits/document/document.schema.json"));

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"once, 1", "batch, 1", "batch, 3"})
    void theReportSaysWhatWasDone(String commit, String workers) {
        try (Database database = populated()) {
            CommandResult result = liquibase(database)
                    .parameter("credits.commit", commit)
                    .parameter("credits.workers", workers)
                    .parameter("credits.batchUsers", "3")
                    .run("update")
                    .assertSucceeded();

            assertThat(result.messages()).contains("Written to " + folder + ": report.json, report.html");
            Map<String, Object> report = json("report.json");
            assertThat(at(report, "isProved")).isEqualTo(true);
            assertThat(at(report, "outcomes", "success"))
                    .isEqualTo(Map.of(
                            "users", 20,
                            "usd", "210.00",
                            "uah", "0",
                            "credits", "210.00",
                            "remainder", "0.000",
                            "usdStays", "0.00",
                            "uahStays", "0.00"));
            assertThat(at(report, "outcomes", "skipped", "uahStays")).isEqualTo("5.00");
            assertThat(list(report, "runs")).hasSize(1);
            assertThat(at(map(list(report, "runs").get(0)), "id"))
                    .isEqualTo(database.text("SELECT id FROM billing_migration_run"));
            assertThat(list(report, "largest")).hasSize(20);
            assertThat(list(report, "withReason")).hasSize(1);
            assertThat(users(list(map(report.get("balances")), "usd"), "users")).isEqualTo(20);
        }
    }

    @Test
    void everyBatchOfEveryWorkerIsInTheReport() {
        try (Database database = populated()) {
            liquibase(database)
                    .parameter("credits.commit", "batch")
                    .parameter("credits.workers", "3")
                    .parameter("credits.batchUsers", "2")
                    .run("update")
                    .assertSucceeded();

            Map<String, Object> batches = map(json("report.json").get("batches"));
            List<Object> points = list(batches, "usersOverTime");
            long commits = database.number("SELECT count(DISTINCT migrated_at) FROM billing_migration_log"
                            + " WHERE status = 'success'")
                    .longValueExact();
            assertThat(batches.get("count")).isEqualTo((int) commits);
            assertThat(users(list(batches, "millis"), "batches")).isEqualTo((int) commits);
            assertThat(points).hasSize((int) commits);
            assertThat(map(points.get(points.size() - 1)).get("users")).isEqualTo(20);
        }
    }

    @Test
    void everyJsonFileFollowsItsSchema() {
        try (Database database = populated()) {
            liquibase(database).run("updateSQL").assertSucceeded();
            liquibase(database)
                    .parameter("credits.plan", folder.resolve("plan.json").toString())
                    .parameter("credits.perUah", "none")
                    .run("update")
                    .assertSucceeded();
            liquibase(database).run("rollbackCountSQL", "count", 1).assertSucceeded();
            liquibase(database).run("rollbackCount", "count", 1).assertSucceeded();

            for (String name : List.of("plan.json", "report.json", "undo-plan.json", "undo.json")) {
                assertThat(SCHEMA.validate(text(name), InputFormat.JSON))
                        .as(name)
                        .isEmpty();
            }
            assertThat(SCHEMA.validate(text("plan.json").replace("\"1.00\"", "1.00"), InputFormat.JSON))
                    .isNotEmpty();
        }
    }

    @Test
    void theReportOfAPlannedRunNamesThePlan() {
        try (Database database = populated()) {
            liquibase(database).run("updateSQL").assertSucceeded();
            liquibase(database)
                    .parameter("credits.plan", folder.resolve("plan.json").toString())
                    .run("update")
                    .assertSucceeded();

            Map<String, Object> plan = json("plan.json");
            Map<String, Object> report = json("report.json");
            assertThat(report.get("fingerprint")).isEqualTo(plan.get("fingerprint"));
            assertThat(at(map(list(report, "runs").get(0)), "planFingerprint")).isEqualTo(plan.get("fingerprint"));
            assertThat(at(report, "checksums", "plan.json").toString()).startsWith("sha256:");
            assertThat(at(plan, "checksums", "plan.csv").toString()).startsWith("sha256:");
            assertThat(text("report.html"))
                    .contains(at(report, "checksums", "plan.json").toString(), "log of run ");
        }
    }

    /** Killed between the last commit and Liquibase's own record, or before the report was written. */
    @ParameterizedTest
    @ValueSource(strings = {"once", "batch"})
    void aRepeatedCommandWritesTheReportOfTheRunThatDidTheWork(String commit) throws IOException {
        try (Database database = populated()) {
            liquibase(database)
                    .parameter("credits.commit", commit)
                    .run("update")
                    .assertSucceeded();
            Map<String, Object> first = json("report.json");
            Files.delete(folder.resolve("report.json"));
            database.execute("DELETE FROM databasechangelog WHERE id = 'user_billing_converted'");

            CommandResult again = liquibase(database)
                    .parameter("credits.commit", commit)
                    .run("update")
                    .assertSucceeded();

            assertThat(again.messages())
                    .contains("had already converted 20 users", "Written to " + folder + ": report.json, report.html");
            Map<String, Object> second = json("report.json");
            assertThat(second.get("batches")).isNull();
            assertThat(List.of("settings", "fingerprint", "outcomes", "runs", "largest", "withReason"))
                    .allSatisfy(part -> assertThat(second.get(part)).isEqualTo(first.get(part)));
        }
    }

    @Test
    void thePageShowsTotalsProofAndReasons() {
        try (Database database = populated()) {
            liquibase(database).run("update").assertSucceeded();

            assertThat(text("report.html"))
                    .contains(
                            "<title>Conversion to credits · stage</title>",
                            "Converted and proved",
                            "210.00 USD × 1.0 = 210.00 credits + ",
                            "source × rate = credits + remainder",
                            "✓ holds",
                            "5.00 UAH stays: no credits.perUah",
                            "USD converted, by size",
                            "Time per batch; locks are held until the one commit",
                            "Users per second, over time",
                            "Largest conversions",
                            "Personal data: user ids, balances, e-mail addresses masked");
        }
    }

    @Test
    void theUndoHasItsOwnReport() {
        try (Database database = populated()) {
            liquibase(database).run("update").assertSucceeded();
            liquibase(database).run("rollbackCountSQL", "count", 1).assertSucceeded();
            CommandResult undone =
                    liquibase(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(undone.messages()).contains("undo.json, undo.html");
            assertThat(at(json("undo-plan.json"), "outcomes", "full", "usd")).isEqualTo("210.00");
            assertThat(at(json("undo.json"), "outcomes", "full", "usd")).isEqualTo("210.00");
            assertThat(at(json("undo.json"), "isProved")).isEqualTo(true);
            assertThat(at(map(list(json("undo.json"), "runs").get(0)), "status"))
                    .isEqualTo("rolled_back");
            assertThat(text("undo.html")).contains("Undone and proved", "Largest returns");
            assertThat(text("undo-plan.html")).contains("Plan of the undo", "Nothing was changed");
        }
    }

    @Test
    void theDryRunOfAnUndoWithAReportTouchesNothing() {
        try (Database database = populated()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            Snapshot values = database.everything();
            Snapshot versions = database.rowVersions();

            liquibase(database).run("rollbackCountSQL", "count", 1).assertSucceeded();

            assertThat(database.everything().since(values)).isEmpty();
            assertThat(database.rowVersions()
                            .without("databasechangeloglock")
                            .since(versions.without("databasechangeloglock")))
                    .isEmpty();
        }
    }

    @Test
    void theCanarysReportIsAboutItsUsersOnly() throws IOException {
        try (Database database = populated()) {
            UUID pilot = database.addUser("7.50");
            Path pilots = Files.writeString(folder.resolve("pilots.txt"), pilot + "\n");
            liquibase(database)
                    .changelog("changelogs/canary.xml")
                    .parameter("credits.cohort", "ids:" + pilots)
                    .run("update")
                    .assertSucceeded();

            Map<String, Object> report = json("report.json");
            assertThat(at(report, "outcomes", "success", "users")).isEqualTo(1);
            assertThat(at(report, "settings", "cohort").toString()).startsWith("ids:" + pilots + " (1 users, ");
        }
    }

    @Test
    void whatAUserWroteIsTextInEveryFile() throws IOException {
        String address = "<img src=//x onerror=alert(1)>\r\n\u001B[2J\u202E&\"'@example.org";
        try (Database database = Database.prepared()) {
            UUID user = database.addUser("10.00");
            database.execute("UPDATE users SET email = ? WHERE id = ?", address, user);

            liquibase(database)
                    .parameter("credits.emails", "full")
                    .run("update")
                    .assertSucceeded();

            assertThat(text("report.html"))
                    .doesNotContain("<img", "\u001B", "\u202E")
                    .contains("&lt;img src=//x onerror=alert(1)&gt;\\u000D\\u000A\\u001B[2J\\u202E&amp;&quot;&apos;@");
            assertThat(text("report.json")).doesNotContain("<img", "\u001B", "\u202E");
            assertThat(map(list(json("report.json"), "largest").get(0)).get("email"))
                    .isEqualTo(address);
        }
    }

    @Test
    void addressesAreMaskedUnlessAskedFor() {
        try (Database database = populated()) {
            liquibase(database).run("update").assertSucceeded();

            String first = database.text("SELECT email FROM users ORDER BY id LIMIT 1");
            assertThat(text("report.json") + text("report.html"))
                    .contains("***@example.org")
                    .doesNotContain(first);
        }
    }

    @Test
    void aReportThatCannotBeWrittenDoesNotUndoWhatIsDone() throws IOException {
        // A folder stands where the report belongs: found only when it is written.
        Files.createDirectories(folder.resolve("report.json/in-the-way"));
        try (Database database = populated()) {
            CommandResult result = liquibase(database).run("update").assertSucceeded();

            assertThat(result.messages())
                    .contains("The report could not be written to " + folder, "what is said above is done");
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("210.00");
        }
    }

    /** Twenty users with 1 to 20 dollars, and one with UAH only. */
    private static Database populated() {
        Database database = Database.prepared();
        for (int dollars = 1; dollars <= 20; dollars++) {
            database.addUser(dollars + ".00");
        }
        database.addUser("0.00", "5.00");
        return database;
    }

    private LiquibaseApi liquibase(Database database) {
        return LiquibaseApi.on(database).parameter("credits.reportDir", folder.toString());
    }

    private String text(String name) {
        try {
            return Files.readString(folder.resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Map<String, Object> json(String name) {
        return new Yaml().load(text(name));
    }

    private static Object at(Map<String, Object> json, String... names) {
        Object value = json;
        for (String name : names) {
            value = map(value).get(name);
        }
        return value;
    }

    private static int users(List<Object> buckets, String counted) {
        return buckets.stream()
                .mapToInt(bucket -> (Integer) map(bucket).get(counted))
                .sum();
    }

    @SuppressWarnings("unchecked") // A document of JSON has these types.
    private static Map<String, Object> map(Object value) {
        return (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // A document of JSON has these types.
    private static List<Object> list(Map<String, Object> json, String name) {
        return (List<Object>) json.get(name);
    }
}
