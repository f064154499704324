package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the other tests stand on: fresh databases, snapshots that miss nothing, and three ways to run Liquibase. */
class DatabaseTest {

    @Test
    void eachTestHasADatabaseOfItsOwn() {
        try (Database one = Database.legacy();
                Database other = Database.legacy()) {
            one.addUser("10.00");

            assertThat(one.number("SELECT sum(balance_usd) FROM user_billing")).isEqualByComparingTo("10.00");
            assertThat(other.number("SELECT count(*) FROM users")).isZero();
        }
    }

    @Test
    void legacySchemaCarriesNoTraceOfLiquibase() {
        try (Database database = Database.legacy()) {
            assertThat(database.lines(
                            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
                                    + " ORDER BY relname"))
                    .containsExactly("user_billing", "user_credits", "users");
        }
    }

    @Test
    void snapshotShowsAChangedCentAndAChangedDefinition() {
        try (Database database = Database.legacy()) {
            UUID user = database.addUser("10.00");
            Snapshot before = database.everything();

            assertThat(database.everything()).isEqualTo(before);

            database.execute("UPDATE user_billing SET balance_usd = 10.01 WHERE user_id = ?", user);
            assertThat(database.everything()).isNotEqualTo(before);
            assertThat(database.everything().without("rows of public.user_billing"))
                    .isEqualTo(before.without("rows of public.user_billing"));

            database.execute("ALTER TABLE users ALTER COLUMN name SET DEFAULT 'x'");
            assertThat(database.everything().without("rows of")).isNotEqualTo(before.without("rows of"));
        }
    }

    @Test
    void rowVersionsShowAWriteThatChangedNothing() {
        try (Database database = Database.legacy()) {
            UUID user = database.addUser("10.00");
            database.execute("ALTER TABLE user_billing DISABLE TRIGGER USER");
            Snapshot values = database.everything();
            Snapshot versions = database.rowVersions();

            assertThat(database.rowVersions()).isEqualTo(versions);

            database.execute("UPDATE user_billing SET balance_usd = balance_usd WHERE user_id = ?", user);
            assertThat(database.everything()).isEqualTo(values);
            assertThat(database.rowVersions()).isNotEqualTo(versions);
        }
    }

    @Test
    void someInstallationsHaveALedgerThatEarnsAndSpends() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            UUID user = database.addUser("0");

            database.execute("SELECT add_credits(?, 5, 'bonus', 'test', NULL, NULL, NULL)", user);
            database.execute("SELECT deduct_credits(?, 2, 'tool', NULL, NULL)", user);

            assertThat(database.lines("SELECT balance, total_earned, total_spent FROM user_credits"))
                    .containsExactly("3.00|5.00|2.00");
            assertThat(database.lines(
                            "SELECT amount, balance_before, balance_after FROM credit_transactions ORDER BY amount"))
                    .containsExactly("-2.00|5.00|3.00", "5.00|0.00|5.00");
        }
    }

    @Test
    void demoRefusesADatabaseThatHasUsers() {
        try (Database database = Database.legacy()) {
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .contexts("demo")
                    .changelog("changelogs/demo/legacy_schema.sql")
                    .run("update")
                    .assertRefused("Expected 'no_users' got 'a table users: demo is for an empty database");

            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    @Test
    void apiCommandLineAndMavenRunTheSameChangelog(@TempDir Path root) throws Exception {
        Files.createDirectories(root.resolve("contexts/stage"));
        Files.createDirectories(root.resolve("changelogs"));
        Checkout.copy(root, "pom.xml", "target/classes");
        Files.writeString(
                root.resolve("contexts/stage/liquibase.properties"),
                "contexts=stage\nurl=jdbc:postgresql://db.stage.example/billing\nchangeLogFile=changelogs/master.xml\n");
        Files.writeString(root.resolve("changelogs/master.xml"), Template.resource("/parameter_changelog.xml"));

        assertParameterArrives(database -> LiquibaseApi.on(database)
                .root(root)
                .parameter("credits.perUsd", "0.5")
                .run("update"));
        assertParameterArrives(database -> LiquibaseCli.on(database)
                .root(root)
                .parameter("credits.perUsd", "0.5")
                .run("update"));
        assertParameterArrives(database -> LiquibaseMaven.on(database)
                .root(root)
                .option("contexts", "stage")
                .option("credits.perUsd", "0.5")
                .run("liquibase:update"));
    }

    private static void assertParameterArrives(java.util.function.Function<Database, CommandResult> update) {
        try (Database database = Database.empty()) {
            update.apply(database).assertSucceeded();

            assertThat(database.text("SELECT credits_per_usd FROM parameter")).isEqualTo("0.5");
        }
    }

    @Test
    void mavenRefusesAnUnknownEnvironment() {
        try (Database database = Database.legacy()) {
            Snapshot before = database.everything();

            LiquibaseMaven.on(database)
                    .run("liquibase:update")
                    .assertRefused("-Dcontexts names nothing, it must name one of demo, local, dev, stage, prod");
            LiquibaseMaven.on(database)
                    .option("contexts", "stgae")
                    .run("liquibase:update")
                    .assertRefused("-Dcontexts names stgae, it must name one of demo, local, dev, stage, prod");

            assertThat(database.everything()).isEqualTo(before);
        }
    }
}
