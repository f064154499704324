package liquibase.ext.credits.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import liquibase.ext.credits.Database;

/**
 * An application at work, in a process of its own, as in production: in the one that converts, its clients would stop with it for
 * every collection of garbage. One process serves all rounds, so that its code is compiled. {@link System#nanoTime()} of both
 * is the machine's monotonic clock and may be compared, on Linux.
 */
final class Application implements AutoCloseable {
    private static final List<String> QUIET_JVM =
            List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:+DisplayVMOutputToStderr", "-Xmx64m");

    private final Process process;
    private final Writer commands;
    private final BufferedReader answers;

    Application() throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(QUIET_JVM);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), ApplicationMain.class.getName()));
        process = new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
        commands = process.outputWriter(StandardCharsets.UTF_8);
        answers = process.inputReader(StandardCharsets.UTF_8);
    }

    /** Lets the clients begin, on a database with so many users. */
    void begin(Database database, int users) throws IOException {
        tell(ApplicationMain.BEGIN, database.url(), database.username(), database.password(), Integer.toString(users));
    }

    /** Every call that was due before, when all are answered; then the clients are gone. */
    List<Call> callsUntil(long endNanos) throws IOException {
        tell(ApplicationMain.END, Long.toString(endNanos));
        int count = Integer.parseInt(answer());
        List<Call> calls = new ArrayList<>(count);
        for (int number = 0; number < count; number++) {
            calls.add(Call.ofLine(answer()));
        }
        return calls;
    }

    @Override
    public void close() {
        process.destroy();
    }

    private void tell(String... words) throws IOException {
        commands.write(String.join(ApplicationMain.TAB, words) + "\n");
        commands.flush();
    }

    private String answer() throws IOException {
        String line = answers.readLine();
        if (line == null) {
            throw new IOException("the application's process ended; it says why above");
        }
        return line;
    }
}
