package liquibase.ext.credits;

import java.nio.file.Path;

/** The checkout that the tests run in. */
final class Project {

    static final Path ROOT = Path.of(System.getProperty("basedir", "")).toAbsolutePath();

    private Project() {}
}
