package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import com.opencsv.CSVReader;
import com.opencsv.CSVReaderBuilder;
import com.opencsv.RFC4180ParserBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** A plan that was looked at is what is done, or nothing is. */
class PlanTest {

    private static final UUID FIRST = UUID.fromString("00000000-0000-4000-8000-000000000001");
    private static final UUID SECOND = UUID.fromString("00000000-0000-4000-8000-000000000002");

    /** As an application does while a conversion runs: one user who is not converted yet pays in. */
    private static final String PAYS_IN = """
            CREATE FUNCTION pay_in() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                UPDATE user_billing SET balance_usd = balance_usd + 1
                WHERE
                    user_id = (SELECT max(b.user_id::text) FROM user_billing AS b WHERE b.balance_usd > 0)::uuid
                    AND (SELECT count(*) FROM billing_migration_log) <= 3;
                RETURN NULL;
            END
            $$;
            CREATE TRIGGER pay_in AFTER INSERT ON billing_migration_log
                FOR EACH STATEMENT EXECUTE FUNCTION pay_in();
            """;

    @TempDir
    Path folder;

    @Test
    void thePlanHasEveryUserWithHisOutcome() throws Exception {
        try (Database database = Database.legacy()) {
            addUser(database, FIRST, "10.01", "0", "igor@example.org");
            addUser(database, SECOND, "-1.00", "5.00", "test@example.org");

            CommandResult result = plan(database, "credits.perUsd", "0.333");

            assertThat(result.messages()).contains("Written to " + folder + ": plan.csv, plan.json, plan.html");
            assertThat(csv())
                    .containsExactly(
                            List.of(
                                    "user_id",
                                    "email",
                                    "balance_usd",
                                    "balance_uah",
                                    "credits_per_usd",
                                    "credits_per_uah",
                                    "exact_credits",
                                    "credits",
                                    "remainder",
                                    "outcome",
                                    "reason"),
                            List.of(
                                    FIRST.toString(),
                                    "i***@example.org",
                                    "10.01",
                                    "0.00",
                                    "0.333",
                                    "none",
                                    "3.33333",
                                    "3.33",
                                    "0.00333",
                                    "convert",
                                    ""),
                            List.of(
                                    SECOND.toString(),
                                    "t***@example.org",
                                    "-1.00",
                                    "5.00",
                                    "0.333",
                                    "none",
                                    "0",
                                    "0",
                                    "0",
                                    "skipped",
                                    "'-1.00 USD is negative and stays, 5.00 UAH stays: no credits.perUah"));
            assertThat(Files.readString(folder.resolve("plan.json"))).doesNotContain("igor@", "test@");
            assertThat(Files.readString(folder.resolve("plan.html"))).doesNotContain("igor@", "test@");
        }
    }

    @Test
    void whoIsNotConvertedAtAllStandsBeforeTheManyWhoKeepHryvnia() throws IOException {
        try (Database database = Database.legacy()) {
            UUID owed = database.addUser("-1.00");
            UUID rich = database.addUser("2.00");
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, 99999999)", rich);
            for (int user = 0; user < 200; user++) {
                database.addUser("1.00", "5.00");
            }

            plan(database);

            List<?> withReason = (List<?>) planned().get("withReason");
            assertThat(withReason).hasSize(200);
            assertThat(withReason.get(0).toString()).contains("userId=" + rich, "outcome=error");
            assertThat(withReason.get(1).toString()).contains("userId=" + owed, "outcome=skipped");
            assertThat(Files.readString(folder.resolve("plan.html"))).contains("and 2 more; plan.csv has all");
        }
    }

    @Test
    void writingThePlanTouchesNothing() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.execute("ALTER TABLE user_billing SET (autovacuum_enabled = false)");
            LiquibaseApi.on(database).run("status").assertSucceeded();
            Snapshot values = database.everything();
            Snapshot versions = database.rowVersions();

            plan(database);

            assertThat(database.everything().since(values)).isEmpty();
            assertThat(database.rowVersions()
                            .without("databasechangeloglock")
                            .since(versions.without("databasechangeloglock")))
                    .isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource({"once, 1", "batch, 1", "batch, 3"})
    void theConversionThatWasPlannedIsDone(String commit, String workers) {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.addUser("-1.00", "5.00");
            database.addUser("0.00");
            String[] settings = {"credits.commit", commit, "credits.workers", workers};
            plan(database, settings);

            apply(database, settings).assertSucceeded();

            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("100.00");
            assertThat(database.text("SELECT plan_fingerprint FROM billing_migration_run"))
                    .isEqualTo(planned().get("fingerprint"));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            UPDATE user_billing SET balance_usd = balance_usd + 0.01 WHERE balance_usd = 100 | USD is 150.01, the plan has 150.00, credits is 150.01, the plan has 150.00;
            UPDATE user_billing SET balance_uah = 7 WHERE balance_usd = 100                 | totals agree, but balances of single users do not: the fingerprint is sha256:
            UPDATE user_billing SET balance_usd = 150 - balance_usd                         | totals agree, but balances of single users do not: the fingerprint is sha256:
            UPDATE user_billing SET balance_usd = -5 WHERE balance_usd = 100                | users to convert is 1, the plan has 2, USD is 50.00, the plan has 150.00, credits is 50.00, the plan has 150.00, skipped users is 1, the plan has 0;
            DELETE FROM user_billing                                                        | users to convert is 0, the plan has 2
            """)
    void balancesThatChangedSinceThePlanAreRefused(String change, String difference) {
        for (String commit : List.of("once", "batch")) {
            try (Database database = Database.prepared()) {
                database.addUser("100.00");
                database.addUser("50.00");
                plan(database, "credits.commit", commit);
                database.execute(change);
                Snapshot before = database.everything().without("databasechangelog");

                apply(database, "credits.commit", commit)
                        .assertRefused("plan " + folder.resolve("plan.json") + " does not fit: " + difference)
                        .assertRefused(
                                "balances changed since the plan was written; no balance was changed; write a new plan"
                                        + " with updateSQL and look at it, or allow such a difference, for example"
                                        + " credits.planTolerancePercent=1");

                assertThat(database.everything().without("databasechangelog").since(before))
                        .isEmpty();
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "credits.perUsd, 1.5, 'credits.perUsd is 1.5, the plan has 1;'",
        "credits.perUah, 0.02, 'credits.perUah is 0.02, the plan has none;'",
        "credits.rounding, DOWN, 'credits.rounding is DOWN, the plan has HALF_UP;'",
        "credits.onError, skip, 'credits.onError is skip, the plan has stop;'",
        "credits.commit, batch, 'credits.commit is batch, the plan has once;'",
        "credits.lateWrites, reject, 'credits.lateWrites is reject, the plan has allow;'",
    })
    void otherSettingsThanThePlansAreRefusedWhateverTheTolerance(String name, String value, String difference) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            plan(database);
            Snapshot before = database.everything().without("databasechangelog");

            apply(database, name, value, "credits.planTolerancePercent", "100")
                    .assertRefused("does not fit: " + difference
                            + " no balance was changed; give the plan's settings, or write a new plan with updateSQL");

            assertThat(database.everything().without("databasechangelog").since(before))
                    .isEmpty();
        }
    }

    @Test
    void aPlanOfAnotherDatabaseIsRefused() {
        try (Database stage = Database.prepared();
                Database prod = Database.prepared()) {
            addUser(stage, FIRST, "100.00", "0", "igor@example.org");
            addUser(prod, FIRST, "100.00", "0", "igor@example.org");
            plan(stage);

            apply(prod)
                    .assertRefused("does not fit: the database is " + prod.text("SELECT current_database()")
                            + ", the plan has " + stage.text("SELECT current_database()"));

            assertThat(prod.number("SELECT balance_usd FROM user_billing")).isEqualByComparingTo("100.00");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "100.00, 100.99, 1, true",
        "100.00, 101.00, 1, true",
        "100.00, 101.01, 1, false",
        "100.00, 99.00, 1, true",
        "100.00, 98.99, 1, false",
        "100.00, 100.01, 0.01, true",
        "100.00, 100.02, 0.01, false",
    })
    void eachTotalMayDifferByTheTolerance(String planned, String now, String percent, boolean isAccepted) {
        try (Database database = Database.prepared()) {
            database.addUser(planned);
            plan(database);
            database.execute("UPDATE user_billing SET balance_usd = " + now);

            CommandResult result = apply(database, "credits.planTolerancePercent", percent);

            assertThat(result.succeeded()).as(result::toString).isEqualTo(isAccepted);
            assertThat(database.number("SELECT balance_usd FROM user_billing"))
                    .isEqualByComparingTo(isAccepted ? "0" : now);
        }
    }

    @Test
    void aResumedRunNeedsThePlanItWasStartedWith() {
        try (Database database = populated()) {
            String[] settings = {"credits.commit", "batch", "credits.batchUsers", "3"};
            plan(database, settings);
            database.execute("""
                    CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        UPDATE billing_migration_run SET control = 'stop';
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER stop AFTER INSERT ON billing_migration_log
                        FOR EACH STATEMENT EXECUTE FUNCTION stop();
                    """);
            apply(database, settings).assertRefused("stopped by control = 'stop'; 3 of 20 users are converted");
            database.execute("DROP TRIGGER stop ON billing_migration_log");

            update(database, settings)
                    .assertRefused("started with other settings: credits.plan is none, the run has sha256:");
            assertThat(database.number("SELECT count(*) FROM billing_migration_log"))
                    .isEqualByComparingTo("3");
            CommandResult resumed = apply(database, settings).assertSucceeded();

            assertThat(resumed.messages()).contains("Users migrated: 20").doesNotContain("Balances changed");
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("210.00");
        }
    }

    @Test
    void aRunThatLiquibaseDidNotRecordMayBeRepeatedWithItsPlan() {
        try (Database database = populated()) {
            plan(database, "credits.commit", "batch");
            apply(database, "credits.commit", "batch").assertSucceeded();
            database.execute("DELETE FROM databasechangelog WHERE id = 'user_billing_converted'");

            CommandResult again = apply(database, "credits.commit", "batch").assertSucceeded();

            assertThat(again.messages()).contains("had already converted 20 users");
            assertThat(database.lines("SELECT status, done_users FROM billing_migration_run"))
                    .containsExactly("completed|20");
        }
    }

    @Test
    void moneyThatArrivesWhileOneTransactionConvertsTakesItBack() {
        try (Database database = populated()) {
            String[] settings = {"credits.batchUsers", "3"};
            plan(database, settings);
            database.execute(PAYS_IN);
            Snapshot before = database.everything().without("databasechangelog");

            apply(database, settings)
                    .assertRefused("USD is 211.00, the plan has 210.00, credits is 211.00, the plan has 210.00;"
                            + " balances changed while they were converted; the conversion is taken back");

            assertThat(database.everything().without("databasechangelog").since(before))
                    .isEmpty();
        }
    }

    @Test
    void moneyThatArrivesWhileBatchesCommitIsNamed() {
        try (Database database = populated()) {
            String[] settings = {"credits.commit", "batch", "credits.batchUsers", "3"};
            plan(database, settings);
            database.execute(PAYS_IN);

            CommandResult result = apply(database, settings).assertSucceeded();

            assertThat(result.messages())
                    .contains("Balances changed while they were converted: USD is 211.00, the plan has 210.00");
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("211.00");
        }
    }

    @Test
    void aCanarysPlanBindsTheCanaryAndNobodyElse() throws Exception {
        try (Database database = Database.prepared()) {
            addUser(database, FIRST, "100.00", "0", "igor@example.org");
            addUser(database, SECOND, "50.00", "0", "test@example.org");
            Path pilots = Files.writeString(folder.resolve("pilots.txt"), FIRST + "\n");
            String[] settings = {"credits.cohort", "ids:" + pilots};
            canary(database, settings).run("updateSQL").assertSucceeded();
            assertThat(csv()).hasSize(2).anyMatch(line -> line.contains(FIRST.toString()));
            apply(database).assertRefused("does not fit: credits.cohort is none, the plan has ids:" + pilots);
            Files.writeString(pilots, SECOND + "\n");
            bound(canary(database, settings)).run("update").assertRefused("does not fit: credits.cohort is ids:");
            Files.writeString(pilots, FIRST + "\n");
            bound(canary(database, settings)).run("update").assertSucceeded();

            assertThat(database.lines("SELECT balance_usd FROM user_billing ORDER BY user_id"))
                    .containsExactly("0.00", "50.00");
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            nothing.json  |                                                         | does not exist; give the plan.json that updateSQL wrote
            broken.json   | {"schema": "liquibase-credits/document/1", "kind"       | is not JSON; give the plan.json that updateSQL wrote
            list.json     | [1, 2]                                                  | is no plan of this version; write a new one with updateSQL
            report.json   | {"schema": "liquibase-credits/document/1", "kind": "report", "fingerprint": "x", "settings": {}, "provenance": {}, "outcomes": {}} | is no plan of this version
            later.json    | {"schema": "liquibase-credits/document/2", "kind": "plan", "fingerprint": "x", "settings": {}, "provenance": {}, "outcomes": {}} | is no plan of this version
            emptied.json  | {"schema": "liquibase-credits/document/1", "kind": "plan", "fingerprint": "x", "settings": {}, "provenance": {}, "outcomes": {}} | the plan has missing
            twice.json    | {"schema": "liquibase-credits/document/1", "kind": "plan", "kind": "plan"} | is not JSON
            """)
    void whatIsNoPlanIsRefused(String name, String content, String words) throws IOException {
        Path file = folder.resolve(name);
        if (content != null) {
            Files.writeString(file, content);
        }
        try (Database database = Database.prepared()) {
            database.addUser("100.00");

            update(database, "credits.plan", file.toString())
                    .assertRefused("plan " + file + " ")
                    .assertRefused(words);

            assertThat(database.number("SELECT balance_usd FROM user_billing")).isEqualByComparingTo("100.00");
        }
    }

    @Test
    void aPlanWithAChangedTotalIsRefused() throws IOException {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            plan(database);
            Path file = folder.resolve("plan.json");
            Files.writeString(
                    file, Files.readString(file).replace("\"credits\": \"100.00\"", "\"credits\": \"99.00\""));

            apply(database).assertRefused("does not fit: credits is 100.00, the plan has 99.00");
        }
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "files have no POSIX permissions")
    void onlyTheirOwnerReadsTheFiles() throws IOException {
        Path made = folder.resolve("made/here");
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            LiquibaseApi.on(database)
                    .parameter("credits.reportDir", made.toString())
                    .run("updateSQL")
                    .assertSucceeded();

            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
                    .isEqualTo("rwx------");
            try (var files = Files.list(made)) {
                assertThat(files.toList())
                        .hasSize(3)
                        .allSatisfy(
                                file -> assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                                        .isEqualTo("rw-------"));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"update", "updateSQL"})
    void aFolderThatCannotBeWrittenToIsRefusedBeforeAnybodyMoves(String command) throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "");
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            Snapshot before = database.everything().without("databasechangelog");

            LiquibaseApi.on(database)
                    .parameter("credits.reportDir", file.toString())
                    .run(command)
                    .assertRefused("credits.reportDir " + file + " cannot be written to")
                    .assertRefused("give a folder of your own, or none");

            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void aFormulaInAnAddressIsATextAndALineEndIsNoLineEnd() throws Exception {
        List<String> addresses = List.of(
                "=cmd|' /C calc'!A0@example.org",
                "+1@example.org",
                "-2+3@example.org",
                "@SUM(A1)",
                "\t=1@example.org",
                "a\"b@example.org",
                "a,b@example.org",
                "a\r\nb,c@example.org",
                "<script>alert(1)</script>@example.org",
                "\u202Egro.elpmaxe@x");
        try (Database database = Database.legacy()) {
            for (String address : addresses) {
                addUser(database, UUID.randomUUID(), "10.00", "0", address);
            }

            plan(database, "credits.emails", "full");

            List<List<String>> lines = csv();
            assertThat(lines)
                    .hasSize(addresses.size() + 1)
                    .allSatisfy(line -> assertThat(line)
                            .hasSize(11)
                            .allSatisfy(cell ->
                                    assertThat(cell).doesNotStartWith("=").doesNotMatch("(?s).*\\p{Cntrl}.*")));
            assertThat(lines.stream().map(line -> line.get(1)))
                    .contains(
                            "'=cmd|' /C calc'!A0@example.org",
                            "'+1@example.org",
                            "'-2+3@example.org",
                            "'@SUM(A1)",
                            "a\"b@example.org",
                            "a,b@example.org",
                            "a\\u000D\\u000Ab,c@example.org");
            assertThat(Files.readString(folder.resolve("plan.html")))
                    .doesNotContain("<script", "\u202E")
                    .contains("&lt;script&gt;alert(1)&lt;/script&gt;@example.org");
            assertThat(Files.readString(folder.resolve("plan.json"))).doesNotContain("<script", "\u202E");
            assertThat(planned().get("largest").toString())
                    .contains("<script>alert(1)</script>@example.org", "a\r\nb,c@example.org");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "credits.planTolerancePercent, 101, 'give a number of percent from 0 to 100, such as 0.5'",
        "credits.planTolerancePercent, -1, 'give a number of percent from 0 to 100, such as 0.5'",
        "credits.planTolerancePercent, 1e1, 'give a number of percent from 0 to 100, such as 0.5'",
        "credits.plan, '', 'give the path of a plan.json, or none'",
        "credits.reportDir, '', 'give a folder, or none'",
    })
    void unusableValuesAreRefused(String name, String value, String words) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");

            LiquibaseApi.on(database).parameter(name, value).run("update").assertRefused(words);

            assertThat(database.number("SELECT balance_usd FROM user_billing")).isEqualByComparingTo("100.00");
        }
    }

    private CommandResult plan(Database database, String... settings) {
        return with(LiquibaseApi.on(database).parameter("credits.reportDir", folder.toString()), settings)
                .run("updateSQL")
                .assertSucceeded();
    }

    private CommandResult apply(Database database, String... settings) {
        return bound(with(LiquibaseApi.on(database), settings)).run("update");
    }

    private static CommandResult update(Database database, String... settings) {
        return with(LiquibaseApi.on(database), settings).run("update");
    }

    private LiquibaseApi canary(Database database, String... settings) {
        return with(LiquibaseApi.on(database).changelog("changelogs/canary.xml"), settings)
                .parameter("credits.reportDir", folder.toString());
    }

    private LiquibaseApi bound(LiquibaseApi liquibase) {
        return liquibase.parameter("credits.plan", folder.resolve("plan.json").toString());
    }

    private static LiquibaseApi with(LiquibaseApi liquibase, String... settings) {
        for (int i = 0; i < settings.length; i += 2) {
            liquibase.parameter(settings[i], settings[i + 1]);
        }
        return liquibase;
    }

    private List<List<String>> csv() throws Exception {
        try (CSVReader reader = new CSVReaderBuilder(Files.newBufferedReader(folder.resolve("plan.csv")))
                .withCSVParser(new RFC4180ParserBuilder().build())
                .build()) {
            return reader.readAll().stream().map(List::of).toList();
        }
    }

    private Map<String, Object> planned() {
        try {
            return new Yaml().load(Files.readString(folder.resolve("plan.json")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Twenty users with 1 to 20 dollars. */
    private static Database populated() {
        Database database = Database.prepared();
        for (int dollars = 1; dollars <= 20; dollars++) {
            database.addUser(dollars + ".00");
        }
        return database;
    }

    private static void addUser(Database database, UUID id, String usd, String uah, String email) {
        database.execute("INSERT INTO users (id, email) VALUES (?, ?)", id, email);
        database.execute(
                "INSERT INTO user_billing (user_id, balance_usd, balance_uah) VALUES (?, " + usd + ", " + uah + ")",
                id);
    }
}
