package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A password that comes from the environment is in no output, with debug logging on, of commands that succeed and that fail. */
class PasswordTest {

    @Test
    void theCommandLineNeverPrintsIt() {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            List<CommandResult> results = new ArrayList<>();

            results.add(cli(role).run("--log-level=DEBUG", "updateSQL").assertSucceeded());
            results.add(cli(role).run("--log-level=DEBUG", "update").assertSucceeded());
            results.add(cli(role).run("--log-level=DEBUG", "rollbackCount", "1").assertSucceeded());
            results.add(cli(role).parameter("credits.perUsd", "abc").run("--log-level=DEBUG", "update"));
            results.add(cli(role).url(Server.current().url("credits_missing")).run("--log-level=DEBUG", "update"));

            assertThat(results.get(1).messages()).contains("SELECT ");
            assertThat(results.subList(3, 5))
                    .extracting(CommandResult::succeeded)
                    .containsOnly(false);
            assertThat(results)
                    .allSatisfy(result -> assertThat(result.toString()).doesNotContain(role.password()));
        }
    }

    @Test
    void mavenNeverPrintsItThoughItNeedsIt() {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database);
                PasswordRequired required = PasswordRequired.of(role)) {
            database.addUser("100.00");
            List<CommandResult> results = new ArrayList<>();

            results.add(maven(required.role()).run("-X", "liquibase:update").assertSucceeded());
            results.add(
                    maven(required.role()).run("-X", "exec:java@credits-verify").assertSucceeded());
            results.add(maven(role).option("credits.perUsd", "abc").run("-X", "liquibase:update"));
            results.add(maven(role)
                    .option("liquibase.url", Server.current().url("credits_missing"))
                    .run("-X", "liquibase:status"));
            results.add(LiquibaseMaven.on(database, role.name(), "wrong")
                    .option("contexts", "stage")
                    .run("liquibase:status"));

            assertThat(results.get(0).messages()).contains("[DEBUG]   (f) changeLogFile = ");
            assertThat(results.get(1).messages()).contains("0 failed");
            assertThat(results.get(3).toString()).contains("credits_missing");
            assertThat(results.get(4).toString()).contains("password authentication failed for user");
            assertThat(results.subList(3, 5))
                    .extracting(CommandResult::succeeded)
                    .containsOnly(false);
            assertThat(results)
                    .allSatisfy(result -> assertThat(result.toString()).doesNotContain(role.password()));
        }
    }

    private static LiquibaseCli cli(MigratingRole role) {
        return LiquibaseCli.on(role.database()).as(role.name(), role.password());
    }

    private static LiquibaseMaven maven(MigratingRole role) {
        return LiquibaseMaven.on(role.database(), role.name(), role.password())
                .option("contexts", "stage")
                .option("liquibase.logging", "debug");
    }
}
