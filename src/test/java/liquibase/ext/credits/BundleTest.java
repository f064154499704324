package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code mvn package} builds, as those use it who have neither this checkout nor Maven. */
class BundleTest {

    private static final String BALANCES = """
            SELECT b.balance_usd, c.balance
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            ORDER BY c.balance
            """;
    /** What the Liquibase distribution has in internal/lib, as far as our commands need it; no database driver. */
    private static final Pattern DISTRIBUTION =
            Pattern.compile("(liquibase-core|picocli|commons-\\w+|opencsv|snakeyaml|jaxb-api)-[\\d.]+\\.jar");

    @TempDir
    static Path folder;

    private static Path bundle;
    private static Path jar;

    @BeforeAll
    static void build() throws IOException {
        Path checkout = folder.resolve("checkout");
        Checkout.copy(
                checkout,
                "pom.xml",
                ".mvn",
                "changelogs",
                "contexts",
                "src",
                "README.md",
                "LICENSE",
                "RELEASE_NOTES.md");
        LiquibaseMaven.withoutDatabase()
                .root(checkout)
                .run(
                        "package",
                        "-Dmaven.test.skip",
                        "-Dspotless.check.skip",
                        "-Dmaven.javadoc.skip",
                        "-Dmaven.source.skip",
                        "-Dcyclonedx.skip")
                .assertSucceeded();
        unzip(only(checkout.resolve("target"), "-bundle.zip"), folder);
        bundle = only(folder, "");
        jar = only(checkout.resolve("target"), "[\\d.]+.jar");
        try (Stream<Path> jars = Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(Path::of)
                .filter(entry ->
                        DISTRIBUTION.matcher(entry.getFileName().toString()).matches())) {
            Path libraries = Files.createDirectories(folder.resolve("distribution/internal/lib"));
            for (Path library : jars.toList()) {
                String name = library.getFileName().toString();
                Files.copy(library, libraries.resolve(name.startsWith("liquibase-core") ? "liquibase-core.jar" : name));
            }
        }
    }

    @Test
    void theUnzippedBundleNeedsTheLiquibaseCommandAndNothingElse() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertThat(liquibase(database, "updateSQL")).contains("--   Users to migrate: 1");
            liquibase(database, "update");
            assertThat(database.lines(BALANCES)).containsExactly("0.00|100.00");
            assertThat(liquibase(database, "credits-verify")).contains("0 failed");
            liquibase(database, "rollbackCount", "1");
            assertThat(database.lines(BALANCES)).containsExactly("100.00|");
        }
    }

    @Test
    void theJarAloneConvertsAtTheStartOfAnApplication() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            application(database);
            assertThat(database.lines(BALANCES)).containsExactly("0.00|200.00");

            assertThat(application(database)).contains("changesets waiting: 0");
            assertThat(liquibase(database, "status")).contains("is up to date");
        }
    }

    @Test
    void whatTheBundleConvertedIsUpToDateForTheApplication() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            liquibase(database, "update");

            assertThat(application(database)).contains("changesets waiting: 0");
            assertThat(database.lines(BALANCES)).containsExactly("0.00|100.00");
        }
    }

    private static String liquibase(Database database, String... commandAndArguments) {
        List<String> command = new ArrayList<>(List.of(
                java(),
                "-cp",
                folder.resolve("distribution/internal/lib/liquibase-core.jar").toString(),
                "liquibase.integration.commandline.LiquibaseLauncher",
                "--defaults-file=contexts/stage/liquibase.properties"));
        command.addAll(List.of(commandAndArguments));
        return succeeded(Subprocess.run(
                bundle,
                command,
                Map.of(
                        "LIQUIBASE_HOME", folder.resolve("distribution").toString(),
                        "LIQUIBASE_COMMAND_URL", database.url(),
                        "LIQUIBASE_COMMAND_USERNAME", database.username(),
                        "LIQUIBASE_COMMAND_PASSWORD", database.password())));
    }

    private static String application(Database database) {
        String classPath = Stream.of(
                        folder.resolve("distribution/internal/lib") + File.separator + "*",
                        jar.toString(),
                        only(bundle.resolve("liquibase_libs"), "postgresql-[\\d.]+.jar")
                                .toString())
                .collect(Collectors.joining(File.pathSeparator));
        return succeeded(Subprocess.run(
                folder,
                List.of(
                        java(),
                        "-cp",
                        classPath,
                        Project.ROOT
                                .resolve("src/test/resources/bundle/Application.java")
                                .toString(),
                        database.url(),
                        database.username(),
                        database.password()),
                Map.of()));
    }

    private static String succeeded(Subprocess.Finished finished) {
        assertThat(finished.exitCode()).as(finished.toString()).isZero();
        return finished.output();
    }

    private static String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }

    /** The one file or folder whose name is that of a build and ends so. */
    private static Path only(Path parent, String ending) {
        try (Stream<Path> children = Files.list(parent)) {
            List<Path> found = children.filter(
                            child -> child.getFileName().toString().matches("(liquibase-credits-[\\d.]+)?" + ending))
                    .toList();
            assertThat(found).hasSize(1);
            return found.get(0);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void unzip(Path zip, Path target) throws IOException {
        try (InputStream file = Files.newInputStream(zip);
                ZipInputStream entries = new ZipInputStream(file)) {
            for (ZipEntry entry = entries.getNextEntry(); entry != null; entry = entries.getNextEntry()) {
                Path path = target.resolve(entry.getName());
                if (entry.isDirectory()) {
                    Files.createDirectories(path);
                } else {
                    Files.createDirectories(path.getParent());
                    Files.copy(entries, path);
                }
            }
        }
    }
}
