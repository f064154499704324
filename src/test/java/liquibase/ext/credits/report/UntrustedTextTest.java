package liquibase.ext.credits.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What is not harmless is still readable. */
class UntrustedTextTest {

    @Test
    void whatEndsALineOrSteersATerminalIsWrittenAsInJava() {
        assertThat(UntrustedText.line("a\r\nb\u001B[2J\u009B\u202Ec\u2028\u2029"))
                .isEqualTo("a\\u000D\\u000Ab\\u001B[2J\\u009B\\u202Ec\\u2028\\u2029");
    }

    @Test
    void whatIsNoCharacterIsWrittenAsANumber() {
        assertThat(UntrustedText.line("\uD800" + Character.toString(0xFFFF) + Character.toString(0x10FFFF)))
                .isEqualTo("\\uD800\\uFFFF\\U0010FFFF");
    }

    @Test
    void otherTextStaysAsItIs() {
        assertThat(UntrustedText.line("Олена 😀 $1 → ═")).isEqualTo("Олена 😀 $1 → ═");
    }
}
