package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** From every release, classes and changelog, to this build. Until there is a release, this build stands for it. */
class UpgradeTest {

    private static final String CHANGELOG = "--changelog-file=liquibase/ext/credits/changelog/master.xml";
    private static final String CHANGESETS = """
            SELECT id, author, filename, md5sum, orderexecuted, dateexecuted
            FROM databasechangelog
            ORDER BY orderexecuted
            """;
    private static final String BALANCES = """
            SELECT b.balance_usd, c.balance
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            """;

    @ParameterizedTest(name = "{0}")
    @MethodSource("releases")
    void whatAReleaseConvertedIsNotConvertedAgainAndCanBeUndone(Path release) {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            LiquibaseCli.on(database)
                    .extension(release)
                    .run(CHANGELOG, "update")
                    .assertSucceeded();
            List<String> before = database.lines(CHANGESETS);

            LiquibaseCli.on(database).run("update").assertSucceeded();

            assertThat(before).hasSizeGreaterThan(20);
            assertThat(database.lines(CHANGESETS)).startsWith(before.toArray(String[]::new));
            assertThat(database.lines(BALANCES)).containsExactly("0.00|100.00");
            LiquibaseCli.on(database).run("rollbackCount", "1").assertSucceeded();
            assertThat(database.lines(BALANCES)).containsExactly("100.00|");
        }
    }

    private static Stream<Path> releases() throws IOException {
        return Stream.concat(
                Stream.of(Project.ROOT.resolve("target/classes")),
                ReleasedChangesetsTest.filesOfReleases(".jar").stream());
    }
}
