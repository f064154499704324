package liquibase.ext.credits.crash;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import liquibase.ext.credits.LiquibaseCli;

/** The {@code liquibase} command, running: what a test may kill. */
final class LiquibaseProcess implements AutoCloseable {

    static final Path ROOT = Path.of(System.getProperty("basedir", "")).toAbsolutePath();

    /** The companion that holds Liquibase's lock by session; the build copies it there. */
    static final Path SESSIONLOCK = ROOT.resolve("target/sessionlock.jar");

    private static final int LIMIT_SECONDS = 180;

    private final Process process;
    private final Path output;

    private LiquibaseProcess(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    static LiquibaseProcess start(String url, boolean hasSessionlock, List<String> command) throws IOException {
        Path output = Files.createTempFile("liquibase", ".log");
        List<String> words = new ArrayList<>(java(hasSessionlock));
        words.add("liquibase.integration.commandline.LiquibaseCommandLine");
        words.addAll(arguments(url, command));
        return new LiquibaseProcess(
                builder(words).redirectOutput(output.toFile()).start(), output);
    }

    /** What stands behind {@code liquibase}. */
    static List<String> arguments(String url, List<String> command) {
        List<String> arguments = new ArrayList<>(
                List.of("--defaults-file=contexts/stage/liquibase.properties", "--url=" + url, "--username=postgres"));
        arguments.addAll(command);
        return arguments;
    }

    static List<String> java(boolean hasSessionlock, String... moreEntries) {
        List<String> entries = new ArrayList<>(List.of(LiquibaseCli.classPath()));
        entries.addAll(Arrays.asList(moreEntries));
        if (hasSessionlock) {
            entries.add(SESSIONLOCK.toString());
        }
        List<String> words = new ArrayList<>();
        words.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        words.addAll(LiquibaseCli.QUICK_START);
        words.addAll(List.of("-cp", String.join(File.pathSeparator, entries)));
        return words;
    }

    static ProcessBuilder builder(List<String> words) {
        ProcessBuilder builder =
                new ProcessBuilder(words).directory(ROOT.toFile()).redirectErrorStream(true);
        builder.environment().keySet().removeIf(name -> name.startsWith("LIQUIBASE_"));
        builder.environment().put("LIQUIBASE_ANALYTICS_ENABLED", "false");
        return builder;
    }

    boolean isRunning() {
        return process.isAlive();
    }

    void kill() {
        process.destroyForcibly();
    }

    /** Waits for the end; 0 is success. */
    int exitCode() throws InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IllegalStateException("Liquibase did not end within " + LIMIT_SECONDS + " seconds");
        }
        return process.exitValue();
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        Files.deleteIfExists(output);
    }
}
