package liquibase.ext.credits.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** Text of a file that lies beside a class in the jar. */
public final class ShippedText {
    private ShippedText() {}

    /**
     * Reads a file from the class path.
     *
     * @param reader the class it lies beside
     * @param file its name
     * @return the whole text
     */
    public static String of(Class<?> reader, String file) {
        try (InputStream stream = Objects.requireNonNull(reader.getResourceAsStream(file), file)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
