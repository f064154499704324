package liquibase.ext.credits.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How much of an address is shown. */
class EmailsTest {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "MASKED | ivan@example.org     | i***@example.org",
                "MASKED | i@example.org        | i***@example.org",
                "MASKED | 😀van@example.org    | 😀***@example.org",
                "MASKED | 'a@b'@example.org    | '***@example.org",
                "MASKED | @example.org         | ***",
                "MASKED | no address           | ***",
                "MASKED | \"\"                 | -",
                "MASKED |                      | -",
                "FULL   | ivan@example.org     | ivan@example.org",
                "FULL   | \"\"                 | -",
                "FULL   |                      | -",
                "NONE   | ivan@example.org     | -",
            },
            quoteCharacter = '"')
    void showsWhatTheSettingSays(Emails emails, String stored, String shown) {
        assertThat(emails.show(stored)).isEqualTo(shown);
    }
}
