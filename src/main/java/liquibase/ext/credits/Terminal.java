package liquibase.ext.credits;

import java.io.Console;
import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.function.Consumer;
import liquibase.ext.credits.conversion.ProgressOutput;
import org.jspecify.annotations.Nullable;

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
    @SuppressWarnings("SystemConsoleNull") // isTerminal asks what null no longer tells.
    static ProgressOutput output(Consumer<String> messages) {
        boolean isPipeline = System.getenv("CI") != null;
        Console console = System.console();
        if (isPipeline || console == null || !isTerminal(console)) {
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

    /** Before Java 22 there is a console only on a terminal; since then it can say so itself. */
    private static boolean isTerminal(Console console) {
        Method method = isTerminal();
        try {
            return method == null || Boolean.TRUE.equals(method.invoke(console));
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    private static @Nullable Method isTerminal() {
        try {
            return Console.class.getMethod("isTerminal");
        } catch (NoSuchMethodException e) {
            return null;
        }
    }
}
