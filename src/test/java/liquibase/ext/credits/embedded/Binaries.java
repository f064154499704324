package liquibase.ext.credits.embedded;

import java.net.URL;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which PostgreSQL the class path carries. An archive does not say it inside; its jar's name does. */
final class Binaries {

    private static final List<String> ARCHIVES = List.of(
            "postgres-linux-x86_64.txz",
            "postgres-linux-arm_64.txz",
            "postgres-darwin-x86_64.txz",
            "postgres-darwin-arm_64.txz",
            "postgres-windows-x86_64.txz");

    private static final Pattern VERSION = Pattern.compile("-(?<version>(?<major>\\d+)\\.\\d+)[^/]*\\.jar!");

    private Binaries() {}

    static String major() {
        return jar().group("major");
    }

    static String version() {
        return jar().group("version");
    }

    private static Matcher jar() {
        return ARCHIVES.stream()
                .map(Binaries.class.getClassLoader()::getResource)
                .filter(Objects::nonNull)
                .map(URL::toString)
                .map(VERSION::matcher)
                .filter(Matcher::find)
                .findFirst()
                .orElseThrow(
                        () -> new IllegalStateException(
                                "no PostgreSQL binaries on the class path; run: mvn test-compile liquibase:update -Dcontexts=demo"));
    }
}
