package liquibase.ext.credits;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What the README tells people to type, and what it says that they will see. */
final class Readme {

    private static final String TEXT = read();
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```(\\w*)\\n(.*?)^```$");
    private static final Pattern LINK = Pattern.compile("\\[[^\\]\\n]+]\\(([^)]+)\\)");
    private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.+)$");
    private static final Pattern SPAN = Pattern.compile("`([^`\\n]+)`");

    private Readme() {}

    /** The fenced blocks of a language, or of none. */
    static List<String> blocks(String language) {
        return BLOCK.matcher(TEXT)
                .results()
                .filter(block -> block.group(1).equals(language))
                .map(block -> block.group(2))
                .toList();
    }

    /** What stands between backticks in a line of text and begins with one of these, each once. */
    static Stream<String> spans(String... beginnings) {
        return SPAN.matcher(BLOCK.matcher(TEXT).replaceAll(""))
                .results()
                .map(span -> span.group(1))
                .filter(span -> Stream.of(beginnings).anyMatch(span::startsWith))
                .distinct();
    }

    static Stream<String> links() {
        return LINK.matcher(TEXT).results().map(link -> link.group(1));
    }

    /** As GitHub makes them of the headings. */
    static List<String> anchors() {
        return HEADING.matcher(BLOCK.matcher(TEXT).replaceAll(""))
                .results()
                .map(heading -> "#"
                        + heading.group(1)
                                .toLowerCase(Locale.ROOT)
                                .replaceAll("[^\\w -]", "")
                                .replace(' ', '-'))
                .toList();
    }

    private static String read() {
        try {
            return Files.readString(Project.ROOT.resolve("README.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
