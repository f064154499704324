package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A released changeset is never edited or removed: databases have run it. Each release commits the list that this test writes to
 * {@code target/changesets.checksums}; while {@code src/test/resources/released} holds none, nothing is released.
 */
class ReleasedChangesetsTest {

    static final Path RELEASED = Project.ROOT.resolve("src/test/resources/released");

    private static final String IDENTITIES_AND_CHECKSUMS = """
            SELECT filename || '::' || id || '::' || author || ' ' || md5sum
            FROM databasechangelog
            ORDER BY orderexecuted
            """;
    private static final Pattern RELEASE = Pattern.compile("(?m)^## ([\\d.]+) \\(\\d{4}-\\d\\d-\\d\\d\\)$");

    @Test
    void noReleasedChangesetWasEditedOrRemoved() throws IOException {
        List<String> changesets = changesetsOfThisBuild();
        Files.write(Project.ROOT.resolve("target/changesets.checksums"), changesets);

        assertThat(changesets)
                .hasSizeGreaterThan(30)
                .allMatch(line -> line.matches("[\\w./-]+::\\w+::[\\w-]+ 9:\\w{32}"));
        for (Path list : filesOfReleases(".checksums")) {
            assertThat(lost(Files.readAllLines(list), changesets))
                    .as("changesets of %s, since edited or removed; put them back, and add a changeset instead", list)
                    .isEmpty();
        }
    }

    @Test
    void anEditedAndARemovedChangesetAreNamed() {
        List<String> released =
                List.of("one.sql::created::us 9:aaaa", "two.sql::created::us 9:bbbb", "two.sql::filled::us 9:cccc");

        assertThat(lost(
                        released,
                        List.of(
                                "zero.sql::created::us 9:dddd",
                                "two.sql::created::us 9:bbbb",
                                "two.sql::filled::us 9:eeee")))
                .containsExactly("one.sql::created::us 9:aaaa", "two.sql::filled::us 9:cccc");
    }

    @Test
    void everyReleaseHasItsListAndItsJar() throws IOException {
        String notes = Files.readString(Project.ROOT.resolve("RELEASE_NOTES.md"));
        List<String> versions =
                RELEASE.matcher(notes).results().map(match -> match.group(1)).toList();

        assertThat(filesOfReleases(".checksums"))
                .containsExactlyInAnyOrderElementsOf(versions.stream()
                        .map(version -> RELEASED.resolve(version + ".checksums"))
                        .toList());
        assertThat(filesOfReleases(".jar"))
                .containsExactlyInAnyOrderElementsOf(versions.stream()
                        .map(version -> RELEASED.resolve("liquibase-credits-" + version + ".jar"))
                        .toList());
    }

    /** Of every release, or of none. */
    static List<Path> filesOfReleases(String ending) throws IOException {
        if (Files.notExists(RELEASED)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(RELEASED)) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        }
    }

    /** What both changelogs leave in {@code databasechangelog}, the demo's tables and users included. */
    private static List<String> changesetsOfThisBuild() {
        try (Database database = Database.empty()) {
            LiquibaseApi.on(database).contexts("demo").run("update").assertSucceeded();
            LiquibaseApi.on(database)
                    .contexts("demo")
                    .changelog("changelogs/canary.xml")
                    .parameter("credits.cohort", "percent:5")
                    .run("update")
                    .assertSucceeded();
            return database.lines(IDENTITIES_AND_CHECKSUMS);
        }
    }

    private static List<String> lost(List<String> released, List<String> now) {
        List<String> lost = new ArrayList<>(released);
        lost.removeAll(Set.copyOf(now));
        return lost;
    }
}
