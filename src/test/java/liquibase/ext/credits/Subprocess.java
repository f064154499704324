package liquibase.ext.credits;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Another program, as a user starts it: nothing of this test's Liquibase or Maven settings, or its pipeline, reaches it. */
final class Subprocess {

    private static final int LIMIT_MINUTES = 5;

    private Subprocess() {}

    static Finished run(Path directory, List<String> command, Map<String, String> environment) {
        return run(directory, command, environment, "");
    }

    /** Whether {@link #typing} works on this machine. */
    static boolean hasTerminal() {
        try {
            Process script = new ProcessBuilder("script", "--version").start();
            return new String(script.getInputStream().readAllBytes(), StandardCharsets.UTF_8).contains("util-linux");
        } catch (IOException absent) {
            return false;
        }
    }

    /** On a terminal of its own, where somebody types the lines. */
    static Finished typing(String lines, Path directory, List<String> command, Map<String, String> environment) {
        String quoted = command.stream()
                .map(word -> "'" + word.replace("'", "'\\''") + "'")
                .collect(Collectors.joining(" "));
        return run(
                directory,
                List.of("script", "--quiet", "--return", "--command", quoted, "/dev/null"),
                environment,
                lines);
    }

    private static Finished run(Path directory, List<String> command, Map<String, String> environment, String input) {
        try {
            Path output = Files.createTempFile("output", ".log");
            Path errors = Files.createTempFile("errors", ".log");
            int exitCode = await(start(directory, command, environment, input, output, errors));
            return new Finished(exitCode, read(output), read(errors));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    record Finished(int exitCode, String output, String errors) {}

    private static Process start(
            Path directory,
            List<String> command,
            Map<String, String> environment,
            String input,
            Path output,
            Path errors)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectOutput(output.toFile())
                .redirectError(errors.toFile());
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("LIQUIBASE_") || name.startsWith("MAVEN_") || name.equals("CI"));
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("MAVEN_OPTS", String.join(" ", LiquibaseCli.QUICK_START));
        builder.environment().put("LIQUIBASE_ANALYTICS_ENABLED", "false");
        builder.environment().putAll(environment);
        Process process = builder.start();
        try (OutputStream keyboard = process.getOutputStream()) {
            keyboard.write(input.getBytes(StandardCharsets.UTF_8));
        }
        return process;
    }

    private static int await(Process process) {
        try {
            if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                throw new IllegalStateException("did not end within " + LIMIT_MINUTES + " minutes: " + process.info());
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static String read(Path file) throws IOException {
        String text = Files.readString(file);
        Files.delete(file);
        return text;
    }
}
