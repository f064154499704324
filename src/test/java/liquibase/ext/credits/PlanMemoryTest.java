package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A plan has a line for every user, and must not hold them all; neither must the report. {@code -Dplan.users=1000000} takes more. */
class PlanMemoryTest {

    private static final int USERS = Integer.getInteger("plan.users", 100_000);

    @TempDir
    Path folder;

    @Test
    void planAndReportFitIntoSixtyFourMegabytesForSoManyUsers() throws IOException {
        try (Database database = Database.prepared()) {
            database.execute("INSERT INTO users (id, email)"
                    + " SELECT gen_random_uuid(), n || repeat('x', 200) || '@example.org' FROM generate_series(1, "
                    + USERS + ") AS n");
            database.execute("INSERT INTO user_billing (user_id, balance_usd) SELECT id, 10 FROM users");

            liquibase(database).run("updateSQL").assertSucceeded();
            liquibase(database)
                    .parameter("credits.plan", folder.resolve("plan.json").toString())
                    .run("update")
                    .assertSucceeded();

            try (Stream<String> lines = Files.lines(folder.resolve("plan.csv"))) {
                assertThat(lines.count()).isEqualTo(USERS + 1);
            }
            assertThat(folder.resolve("report.json")).content().contains("\"users\": " + USERS);
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo(USERS + "0");
        }
    }

    private LiquibaseCli liquibase(Database database) {
        return LiquibaseCli.on(database)
                .heap("64m")
                .parameter("credits.emails", "full")
                .parameter("credits.reportDir", folder.toString());
    }
}
