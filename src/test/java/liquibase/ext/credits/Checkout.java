package liquibase.ext.credits;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** A second checkout of this project, to change or to run in without disturbing the first. */
final class Checkout {

    private Checkout() {}

    /** Copies files and whole folders of the project, named from its root. */
    static void copy(Path target, String... names) {
        for (String name : names) {
            try (Stream<Path> files = Files.walk(Project.ROOT.resolve(name))) {
                files.filter(Files::isRegularFile).forEach(file -> copy(file, target));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static void copy(Path file, Path target) {
        Path copy = target.resolve(Project.ROOT.relativize(file).toString());
        try {
            Files.createDirectories(copy.getParent());
            Files.copy(file, copy);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
