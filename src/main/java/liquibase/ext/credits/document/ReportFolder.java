package liquibase.ext.credits.document;

import java.io.BufferedWriter;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import liquibase.ext.credits.report.Sha256;

/**
 * The folder of {@code credits.reportDir}. Folder and files are made for their owner's eyes only. A file appears under its name when
 * it is complete; an older one of that name is replaced, and the message says so.
 */
public final class ReportFolder {
    private final Path folder;
    private final List<String> written = new ArrayList<>();
    private boolean hasReplaced;

    private ReportFolder(Path folder) {
        this.folder = folder;
    }

    /** Writes the content of a file. */
    @FunctionalInterface
    public interface Content {
        /**
         * Writes all of it.
         *
         * @param out in UTF-8; closing it is harmless
         * @throws Exception as it comes
         */
        void writeTo(Writer out) throws Exception;
    }

    /**
     * Makes the folder if it is missing, and tries to write into it.
     *
     * @param folder relative to the working directory, or absolute
     * @return the folder
     * @throws IOException with one line, when nothing can be written there
     */
    public static ReportFolder open(Path folder) throws IOException {
        Path absolute = folder.toAbsolutePath().normalize();
        try {
            if (!Files.isDirectory(absolute)) {
                Files.createDirectories(absolute, permissions(absolute, "rwx------"));
            }
            Files.delete(temporary(absolute));
        } catch (IOException e) {
            throw new IOException(
                    "credits.reportDir " + folder + " cannot be written to ("
                            + e.getClass().getSimpleName() + "); give a folder of your own, or none",
                    e);
        }
        return new ReportFolder(folder);
    }

    /**
     * Writes a document as HTML and as JSON.
     *
     * @param document what to write
     * @throws IOException when it cannot be written
     */
    public void write(Document document) throws IOException {
        String name = document.kind().fileName();
        write(name + ".json", out -> out.write(JsonForm.of(document)));
        write(name + ".html", out -> out.write(HtmlForm.of(document)));
    }

    /**
     * Writes one file.
     *
     * @param name without folder
     * @param content of the file
     * @return its checksum
     * @throws IOException when it cannot be written
     */
    public String write(String name, Content content) throws IOException {
        Path absolute = folder.toAbsolutePath().normalize();
        Path target = absolute.resolve(name);
        Path temporary = temporary(absolute);
        MessageDigest digest = Sha256.digest();
        try {
            try (Writer out = new BufferedWriter(new OutputStreamWriter(
                    new DigestOutputStream(Files.newOutputStream(temporary), digest), StandardCharsets.UTF_8))) {
                content.writeTo(new FilterWriter(out) {
                    @Override
                    public void close() throws IOException {
                        flush();
                    }
                });
            }
            hasReplaced |= Files.exists(target);
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException(e.getMessage(), e);
        } finally {
            Files.deleteIfExists(temporary);
        }
        written.add(name);
        return Sha256.of(digest);
    }

    /**
     * What was written, for the operator.
     *
     * @return one line
     */
    public String message() {
        return "Written to " + folder + ": " + String.join(", ", written)
                + (hasReplaced ? " (older ones replaced)" : "");
    }

    private static Path temporary(Path folder) throws IOException {
        return Files.createTempFile(folder, ".credits", ".tmp", permissions(folder, "rw-------"));
    }

    private static FileAttribute<?>[] permissions(Path path, String permissions) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
                }
                : new FileAttribute<?>[0];
    }
}
