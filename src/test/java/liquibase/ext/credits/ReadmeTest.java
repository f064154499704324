package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each command of the README works as it stands there, and prints what the README shows. */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the commands are written for a POSIX shell")
class ReadmeTest {

    private static final String CLI = "liquibase --defaults-file=contexts/stage/liquibase.properties ";

    /** Run by other means, or no command of its own. */
    private static final Set<String> RUN_ELSEWHERE = Set.of(
            "mvn verify", // Runs this test.
            "mvn package", // BundleTest unzips what it builds.
            "mvn -Pbenchmark test", // Takes an hour.
            CLI.strip()); // What … stands for.

    private static final Pattern NEEDS_A_CONVERSION = Pattern.compile("rollback|credits-");
    private static final Pattern CONVERTS = Pattern.compile("update( |$)");
    private static final Pattern UNDOES = Pattern.compile("rollback(Count)? ");

    private static final Pattern LOG_PREFIX = Pattern.compile("(?m)^\\[INFO] ?");
    private static final Pattern RUN_ID = Pattern.compile("Run [0-9a-f]{8}-\\S+");

    @TempDir
    static Path checkout;

    @TempDir
    static Path tools;

    static Shell shell;

    @BeforeAll
    static void copy() throws IOException {
        Checkout.copy(checkout, "pom.xml", ".mvn", "changelogs", "contexts", "src");
        shell = Shell.in(checkout, tools);
    }

    @Test
    void theFirstScreenShowsWhatIsPrinted() {
        List<String> blocks = Readme.blocks("");
        assertThat(blocks.get(0)).contains("-Dcontexts=demo");

        String printed = shell.run(blocks.get(0));

        assertThat(withoutRun(LOG_PREFIX.matcher(printed).replaceAll(""))).contains(withoutRun(blocks.get(1)));
    }

    /** Everything after the demo and its output. */
    static Stream<String> commands() {
        return Stream.concat(
                Readme.blocks("").stream().skip(2),
                Readme.spans("mvn ", "liquibase ", "… ").filter(command -> !RUN_ELSEWHERE.contains(command)));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void aCommandWorksAsItStands(String command) {
        try (Database database = Database.legacy()) {
            String user = database.addUser("100.00").toString();
            database.execute("UPDATE users SET email = 'igor@example.org'");
            boolean isConverted = NEEDS_A_CONVERSION.matcher(command).find();
            if (isConverted) {
                LiquibaseApi.on(database).run("update").assertSucceeded();
            }

            shell.run(
                    database,
                    command.replaceFirst("^… ", CLI)
                            .replace("user=…", "user=" + user)
                            .replace("=…", "=some"));

            isConverted = (isConverted || CONVERTS.matcher(command).find())
                    && !UNDOES.matcher(command).find();
            if (!command.contains("percent:5")) {
                assertThat(database.text("SELECT balance_usd FROM user_billing"))
                        .isEqualTo(isConverted ? "0.00" : "100.00");
            }
        }
    }

    @Test
    void everyLinkLeadsSomewhere() {
        assertThat(Readme.links().filter(link -> !link.startsWith("https://")))
                .isNotEmpty()
                .allSatisfy(link -> {
                    if (link.startsWith("#")) {
                        assertThat(Readme.anchors()).contains(link);
                    } else {
                        assertThat(Project.ROOT.resolve(link)).exists();
                    }
                });
    }

    @Test
    void theStatementsWithoutLiquibaseWork() {
        try (Database database = Database.prepared()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.addUser("100.00", "40.00");
            database.execute("UPDATE users SET email = 'igor@example.org'");
            List<String> statements = Readme.blocks("sql").stream()
                    .filter(block -> !block.startsWith("GRANT"))
                    .flatMap(String::lines)
                    .map(line -> line.substring(0, line.indexOf(';')))
                    .toList();

            assertThat(statements).hasSize(8);
            statements.forEach(database::lines);

            assertThat(database.lines("SELECT balance_usd, balance_uah FROM user_billing"))
                    .containsExactly("100.00|40.00");
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("100.00");
        }
    }

    private static String withoutRun(String text) {
        return RUN_ID.matcher(text).replaceAll("Run …");
    }
}
