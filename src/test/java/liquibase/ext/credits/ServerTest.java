package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.testcontainers.DockerClientFactory;

/** That {@code -Dtest.postgres} gets what it asks for, or a clear refusal. */
class ServerTest {

    private static final Pattern MAJOR = Pattern.compile("(?:.*:)?(\\d+).*");

    private final ServerChoice choice = ServerChoice.current();

    @Test
    void anImageRunsInAContainerAndNothingElseDoes() {
        assumeFalse(choice.isUrl(), "skipped: where a given server runs is its owner's choice");
        try (Database database = Database.empty()) {
            // A container's command is the first process of its own.
            assertThat(database.text("SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) = '1'"))
                    .isEqualTo(choice.isImage() ? "t" : "f");
        }
    }

    @Test
    void theServerHasTheMajorThatWasAskedFor() {
        Matcher major = MAJOR.matcher(choice.name());
        assumeTrue(!choice.isUrl() && major.matches(), "skipped: no major was asked for");
        try (Database database = Database.empty()) {
            assertThat(database.text("SELECT current_setting('server_version_num')::int / 10000"))
                    .isEqualTo(major.group(1));
        }
    }

    @Test
    void anImageIsRefusedWhereNoEngineAnswers() {
        assumeFalse(DockerClientFactory.instance().isDockerAvailable(), "skipped: a Docker engine answers");

        assertThatThrownBy(() -> new ServerChoice("postgres:17-alpine").refuseImageWithoutEngine())
                .hasMessage("test.postgres is postgres:17-alpine, an image, but no Docker engine answers;"
                        + " start one, or run the tests without -Dtest.postgres");
    }
}
