package liquibase.ext.credits.document;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Text and numbers on a page. */
class HtmlTest {

    @Test
    void aTextCannotLeaveItsPlace() {
        assertThat(Html.text("<b title=\"x\" lang='y'>&\n"))
                .isEqualTo("&lt;b title=&quot;x&quot; lang=&apos;y&apos;&gt;&amp;\\u000A");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "999, 999",
        "1000, 1_000",
        "-1234567.8901, −1_234_567.8901",
        "0.5000, 0.5000",
        "1e3, 1e3",
        "<1, &lt;1",
    })
    void aNumberHasItsThousandsApart(String number, String html) {
        assertThat(Html.number(number)).isEqualTo(html.replace('_', '\u202f'));
    }

    @Test
    void aCountIsANumber() {
        assertThat(Html.number(-12_345L)).isEqualTo("\u221212\u202f345");
    }
}
