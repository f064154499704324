package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

/** One line of a terminal that is drawn again and again, and makes room for others. */
class TerminalTest {
    private final StringWriter shown = new StringWriter();
    private final Terminal terminal = new Terminal(new PrintWriter(shown), line -> shown.append(line + "\n"));

    @Test
    void aShorterBarLeavesNothingOfTheOneBefore() {
        terminal.redraw("[#####] 50%");
        terminal.redraw("[##] 99%");

        assertThat(shown).hasToString("[#####] 50%\r           \r[##] 99%");
    }

    @Test
    void aLineTakesThePlaceOfTheBarAndTheBarComesBackBelow() {
        terminal.redraw("50%");
        terminal.say("Paused");
        terminal.redraw("50%, paused");
        terminal.redraw("");

        assertThat(shown).hasToString("50%\r   \rPaused\n50%, paused\r           \r");
    }
}
