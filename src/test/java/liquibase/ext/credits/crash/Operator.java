package liquibase.ext.credits.crash;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import liquibase.integration.commandline.LiquibaseCommandLine;

/** Who cleans up after a crash: the {@code liquibase} command again, in one process for all rounds, to save its start. */
final class Operator implements AutoCloseable {

    private static final String END = "ended with exit code ";

    private final Process process;
    private final PrintWriter commands;
    private final BufferedReader answers;

    private Operator(Process process) {
        this.process = process;
        this.commands = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
        this.answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** How a command ended. */
    record Answer(int exitCode, String output) {}

    static Operator start() throws IOException {
        List<String> words = new ArrayList<>(LiquibaseProcess.java(
                false, LiquibaseProcess.ROOT.resolve("target/test-classes").toString()));
        words.add(Operator.class.getName());
        return new Operator(LiquibaseProcess.builder(words).start());
    }

    Answer run(String url, List<String> command) throws IOException {
        commands.println(String.join("\t", LiquibaseProcess.arguments(url, command)));
        StringBuilder output = new StringBuilder();
        for (String line = answers.readLine(); line != null; line = answers.readLine()) {
            if (line.startsWith(END)) {
                return new Answer(Integer.parseInt(line.substring(END.length())), output.toString());
            }
            output.append(line).append('\n');
        }
        throw new IllegalStateException("the operator's process ended: " + output);
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** A command a line, its words parted by tabs, until the input ends. */
    public static void main(String[] none) throws IOException {
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            int exitCode = new LiquibaseCommandLine().execute(line.split("\t"));
            System.err.flush();
            System.out.println("\n" + END + exitCode);
        }
    }
}
