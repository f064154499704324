package liquibase.ext.credits.conversion;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * Where a run says how far it is.
 *
 * @param messages takes what must not be lost, a line at a time
 * @param updates takes how far the run is, each text replacing the one before
 * @param isTerminal updates redraw one line of a terminal: a bar, at most 79 characters
 * @param between the shortest time between two updates
 */
public record ProgressOutput(
        Consumer<String> messages, Consumer<String> updates, boolean isTerminal, Duration between) {

    /**
     * Says everything in lines.
     *
     * @param lines takes one line
     * @param between the shortest time between two lines on how far the run is
     * @return the output
     */
    public static ProgressOutput lines(Consumer<String> lines, Duration between) {
        return new ProgressOutput(lines, lines, false, between);
    }
}
