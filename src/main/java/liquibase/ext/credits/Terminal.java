package liquibase.ext.credits;

import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.Consumer;
import liquibase.ext.credits.conversion.ProgressOutput;
import liquibase.ext.credits.environment.OperatorConsole;

/** Shows how far a run is: a bar that redraws itself before somebody who watches, plain lines in a pipeline's log. */
final class Terminal {
    private static final Duration BETWEEN_BARS = Duration.ofMillis(200);
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(1);
    private static final Duration BETWEEN_LINES_OF_PIPELINES = Duration.ofSeconds(10);

    private final PrintWriter writer;
    private final Consumer<String> messages;
    private int shownCharacters;

    Terminal(PrintWriter writer, Consumer<String> messages) {
        this.writer = writer;
        this.messages = messages;
    }

    /** Pipelines set CI; their logs keep every line. */
    static ProgressOutput output(Consumer<String> messages) {
        boolean isPipeline = System.getenv("CI") != null;
        Console console = OperatorConsole.find();
        if (isPipeline || console == null) {
            return ProgressOutput.lines(messages, isPipeline ? BETWEEN_LINES_OF_PIPELINES : BETWEEN_LINES);
        }
        Terminal terminal = new Terminal(console.writer(), messages);
        return new ProgressOutput(terminal::say, terminal::redraw, true, BETWEEN_BARS);
    }

    /** One line among others: the bar makes room. */
    void say(String line) {
        clear();
        messages.accept(line);
    }

    void redraw(String bar) {
        clear();
        writer.print(bar);
        writer.flush();
        shownCharacters = bar.length();
    }

    private void clear() {
        if (shownCharacters > 0) {
            writer.print("\r" + " ".repeat(shownCharacters) + "\r");
            writer.flush();
            shownCharacters = 0;
        }
    }
}
