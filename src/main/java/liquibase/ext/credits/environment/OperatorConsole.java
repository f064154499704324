package liquibase.ext.credits.environment;

import java.io.Console;
import org.jspecify.annotations.Nullable;

/** The terminal of somebody who watches and can answer. */
public final class OperatorConsole {
    private OperatorConsole() {}

    /**
     * Finds it. Up to Java 21 there is no console without a terminal; from Java 22 on there is, and it can be asked.
     *
     * @return the console, or null without a terminal
     */
    @SuppressWarnings("SystemConsoleNull") // isTerminal asks what null no longer tells.
    public static @Nullable Console find() {
        Console console = System.console();
        return console != null && isTerminal(console) ? console : null;
    }

    private static boolean isTerminal(Console console) {
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }
}
