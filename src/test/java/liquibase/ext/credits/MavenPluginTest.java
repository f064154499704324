package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code mvn liquibase:…} as the README shows it. Few and long tests, because each Maven run takes seconds. */
class MavenPluginTest {

    private static final String BALANCES = """
            SELECT b.balance_usd, c.balance
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            ORDER BY b.balance_usd, c.balance
            """;

    @Test
    void previewsConvertsAndUndoesTheDatabaseOfTheEnvironmentVariables() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            Snapshot before = database.everything();

            CommandResult status = stage(database).run("liquibase:status");
            assertThat(withoutStackTrace(status)).contains("not been applied");
            CommandResult dryRun =
                    stage(database).option("credits.perUsd", "0.5").run("liquibase:updateSQL");
            assertThat(withoutStackTrace(dryRun)).contains("Total credits: 50");
            assertThat(dryRun.sql()).contains("--   Total credits: 50", "SELECT billing_migration_convert(");
            assertThat(database.everything()).isEqualTo(before);

            CommandResult update =
                    stage(database).option("credits.perUsd", "0.5").run("liquibase:update");
            assertThat(withoutStackTrace(update)).contains("Users migrated: 1", "Total credits: 50");
            assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00");

            CommandResult rollback =
                    stage(database).option("liquibase.rollbackCount", "1").run("liquibase:rollback");
            assertThat(withoutStackTrace(rollback)).contains("Users rolled back: 1");
            assertThat(database.lines(BALANCES)).containsExactly("100.00|");
        }
    }

    @Test
    void theUrlOnTheCommandLineWinsOverTheEnvironmentVariable() {
        try (Database named = Database.prepared();
                Database exported = Database.prepared()) {
            named.addUser("100.00");
            exported.addUser("100.00");

            stage(exported)
                    .option("liquibase.url", named.url())
                    .run("liquibase:update")
                    .assertSucceeded();

            assertThat(named.lines(BALANCES)).containsExactly("0.00|100.00");
            assertThat(exported.lines(BALANCES)).containsExactly("100.00|");
        }
    }

    @Test
    void runsTheCommandsOfTheExtensionInTheDatabaseOfTheCommandLine() {
        try (Database named = Database.prepared();
                Database exported = Database.legacy()) {
            String user = named.addUser("100.00").toString();
            LiquibaseApi.on(named).run("update").assertSucceeded();
            LiquibaseMaven maven = stage(exported).option("liquibase.url", named.url());

            assertThat(withoutStackTrace(maven.run("exec:java@credits-verify"))).contains("0 failed");
            assertThat(withoutStackTrace(maven.run("exec:java@credits-status", "-Dformat=csv")))
                    .contains("users,,success,1,");
            assertThat(withoutStackTrace(maven.run(
                            "exec:java@credits-grant",
                            "-Duser=" + user,
                            "-Damount=5",
                            "-Dreason=a reason",
                            "-Dkey=k1")))
                    .contains("Balance after: 105.00 credits");
            CommandResult withoutKey =
                    maven.run("exec:java@credits-grant", "-Duser=" + user, "-Damount=5", "-Dreason=a reason");
            assertThat(withoutKey.succeeded()).isFalse();
            assertThat(named.lines("SELECT description, source_id FROM credit_transactions WHERE amount = 5"))
                    .containsExactly("a reason|k1");

            assertThat(stage(exported).run("exec:java@credits-verify").succeeded())
                    .isFalse();
        }
    }

    @Test
    void refusesSeveralEnvironments() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            Snapshot before = database.everything();

            LiquibaseMaven.on(database)
                    .option("contexts", "stage,prod")
                    .run("liquibase:update")
                    .assertRefused("-Dcontexts names stage,prod, it must name one of demo, local, dev, stage, prod");

            assertThat(database.everything()).isEqualTo(before);
        }
    }

    @Test
    void aCheckoutThatIsNotCompiledLeavesTheDatabaseUntouched(@TempDir Path checkout) {
        Checkout.copy(checkout, "pom.xml", ".mvn", "changelogs", "contexts", "src");
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            Snapshot before = database.everything().without("databasechangelog");

            // What reads the password's variable is not compiled either.
            CommandResult result = stage(database)
                    .option("liquibase.password", database.password())
                    .root(checkout)
                    .run("liquibase:update");

            result.assertRefused("Unknown precondition 'creditsEnvironment'");
            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void theDemoNeedsNoDatabaseAndKeepsItsOwn(@TempDir Path checkout) {
        Checkout.copy(checkout, "pom.xml", ".mvn", "changelogs", "contexts", "src");

        CommandResult dryRun =
                demo(checkout).run("test-compile", "liquibase:updateSQL").assertSucceeded();
        assertThat(dryRun.messages())
                .contains("Dry run written, no balance was changed")
                .doesNotContain("Balances converted");
        assertThat(dryRun.messages()).contains("Users to migrate: 7", "Total USD: $240.50");
        assertThat(dryRun.sql()).contains("--   Users to migrate: 7");

        assertThat(withoutStackTrace(demo(checkout).run("liquibase:update")))
                .contains(
                        "Users migrated: 7",
                        "Total USD: $240.50",
                        "i***@example.org",
                        "mvn liquibase:rollback -Dliquibase.rollbackCount=1 -Dcontexts=demo");
        assertThat(withoutStackTrace(demo(checkout).run("liquibase:status"))).contains("is up to date");
        assertThat(withoutStackTrace(
                        demo(checkout).option("liquibase.rollbackCount", "1").run("liquibase:rollback")))
                .contains("Users rolled back: 7", "USD returned: $240.50");
        assertThat(withoutStackTrace(demo(checkout).run("liquibase:update")))
                .contains("Users migrated: 7", "Total USD: $240.50");
    }

    private static LiquibaseMaven stage(Database database) {
        return LiquibaseMaven.on(database).option("contexts", "stage");
    }

    private static LiquibaseMaven demo(Path checkout) {
        return LiquibaseMaven.withoutDatabase().root(checkout).option("contexts", "demo");
    }

    private static String withoutStackTrace(CommandResult result) {
        assertThat(result.assertSucceeded().messages()).doesNotContain("\tat ");
        return result.messages();
    }
}
