package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Dry run, conversion, undo, conversion again, from the application's own tables, in every way to start Liquibase.
 */
class LifeCycleTest {

    private static final Path SESSIONLOCK = Project.ROOT.resolve("target/sessionlock.jar");

    private static final String BALANCES = """
            SELECT b.balance_usd, c.balance
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            ORDER BY b.balance_usd, c.balance
            """;

    /** The four commands of one way to start Liquibase. */
    record Commands(
            Supplier<CommandResult> updateSql,
            Supplier<CommandResult> update,
            Supplier<CommandResult> status,
            Supplier<CommandResult> rollbackOne) {}

    @Test
    void throughTheJavaApi() {
        try (Database database = Database.legacy()) {
            assertLifeCycle(database, javaApi(() -> LiquibaseApi.on(database)));
        }
    }

    @Test
    void throughTheCommandLine() {
        try (Database database = Database.legacy()) {
            assertLifeCycle(database, commandLine(LiquibaseCli.on(database)));
        }
    }

    @Test
    void throughTheCommandLineWithSessionlock() {
        try (Database database = Database.legacy()) {
            assertLifeCycle(database, commandLine(LiquibaseCli.on(database).companion(SESSIONLOCK)));

            assertThatSessionlockWasUsed(database);
        }
    }

    @Test
    void throughTheMavenPlugin() {
        try (Database database = Database.legacy()) {
            assertLifeCycle(database, maven(database, Project.ROOT));
        }
    }

    @Test
    void throughTheMavenPluginWithSessionlock(@TempDir Path checkout) throws IOException {
        Checkout.copy(checkout, "pom.xml", ".mvn", "changelogs", "contexts", "target/classes");
        addSessionlock(checkout.resolve("pom.xml"));
        try (Database database = Database.legacy()) {
            assertLifeCycle(database, maven(database, checkout));

            assertThatSessionlockWasUsed(database);
        }
    }

    static Commands javaApi(Supplier<LiquibaseApi> liquibase) {
        return new Commands(
                () -> liquibase.get().run("updateSql"),
                () -> liquibase.get().run("update"),
                () -> liquibase.get().run("status"),
                () -> liquibase.get().run("rollbackCount", "count", 1));
    }

    private static Commands commandLine(LiquibaseCli liquibase) {
        return new Commands(
                () -> liquibase.run("updateSQL"),
                () -> liquibase.run("update"),
                () -> liquibase.run("status"),
                () -> liquibase.run("rollbackCount", "1"));
    }

    static void assertLifeCycle(Database database, Commands liquibase) {
        database.addUser("100.00");
        database.addUser("50.00");

        assertThat(liquibase.updateSql.get().assertSucceeded().sql()).contains("--   Users to migrate: 2");
        assertThat(database.lines(BALANCES)).containsExactly("50.00|", "100.00|");

        liquibase.update.get().assertSucceeded();
        assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00", "0.00|100.00");
        CommandResult status = liquibase.status.get().assertSucceeded();
        assertThat(status.sql() + status.messages()).contains("is up to date");

        liquibase.rollbackOne.get().assertSucceeded();
        assertThat(database.lines(BALANCES)).containsExactly("50.00|", "100.00|");

        liquibase.update.get().assertSucceeded();
        assertThat(database.lines(BALANCES)).containsExactly("0.00|50.00", "0.00|100.00");
        assertThat(database.lines("SELECT status FROM billing_migration_run ORDER BY started_at"))
                .containsExactly("rolled_back", "completed");
    }

    private static Commands maven(Database database, Path root) {
        Supplier<LiquibaseMaven> stage =
                () -> LiquibaseMaven.on(database).root(root).option("contexts", "stage");
        return new Commands(
                () -> stage.get().run("liquibase:updateSQL"),
                () -> stage.get().run("liquibase:update"),
                () -> stage.get().run("liquibase:status"),
                () -> stage.get().run("liquibase:rollback", "-Dliquibase.rollbackCount=1"));
    }

    /** As a user adds it: a dependency of the project that the plugin runs in. */
    private static void addSessionlock(Path pom) throws IOException {
        String driver = """
                        <dependency>
                            <groupId>org.postgresql</groupId>
                """;
        String sessionlock = """
                        <dependency>
                            <groupId>com.github.blagerweij</groupId>
                            <artifactId>liquibase-sessionlock</artifactId>
                            <version>${sessionlock.version}</version>
                        </dependency>
                """;
        String text = Files.readString(pom);
        assertThat(text).containsOnlyOnce(driver);
        Files.writeString(pom, text.replace(driver, sessionlock + driver));
    }

    /** It needs no lock table, and makes none. */
    private static void assertThatSessionlockWasUsed(Database database) {
        assertThat(database.text("SELECT to_regclass('databasechangeloglock')")).isNull();
    }
}
