package liquibase.ext.credits.document;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Charts, whose numbers can be recalculated. */
class HtmlChartsTest {

    @Test
    void theLongestBarFillsItsPlaceAndTheOthersAreInProportion() {
        String chart = HtmlCharts.histogram(
                "By size",
                "USD",
                "Users",
                List.of(new Bucket("0", "1", 0), new Bucket("1", "1000", 4000), new Bucket("1000", null, 1000)));

        assertThat(chart)
                .contains(
                        "<figcaption>By size</figcaption>", "<tr><th>USD</th><th></th><th class=\"n\">Users</th></tr>")
                .containsSubsequence(
                        "below 1<",
                        "width=\"0\"",
                        ">0</td>",
                        ">1 – 1\u202f000<",
                        "width=\"1000\"",
                        ">4\u202f000</td>",
                        ">1\u202f000 or more<",
                        "width=\"250\"",
                        ">1\u202f000</td>");
    }

    @Test
    void bucketsWithoutAnybodyHaveNoWidth() {
        assertThat(HtmlCharts.histogram("By size", "USD", "Users", List.of(new Bucket("0", "1", 0))))
                .contains("width=\"0\"");
    }

    @Test
    void nothingToShowIsNoChart() {
        assertThat(HtmlCharts.histogram("By size", "USD", "Users", List.of())).isEmpty();
        assertThat(HtmlCharts.throughput(new BatchTimes())).isEmpty();
    }

    @Test
    void theAreaUnderTheLineIsTheUsers() {
        BatchTimes batches = new BatchTimes();
        batches.add(Duration.ofMillis(1_000), Duration.ofMillis(1_000), 1_000);
        batches.add(Duration.ofMillis(3_000), Duration.ofMillis(4_000), 10_000);

        assertThat(HtmlCharts.throughput(batches))
                .contains("viewBox=\"0 0 600 120\"")
                .contains("<path d=\"M0 120L0.0 80.0L150.0 80.0L150.0 0.0L600.0 0.0L600 120Z\"/>")
                .contains("<span>0.0 s</span><span>highest 3\u202f000 users/s</span><span>4.0 s</span>");
    }

    @Test
    void aBatchWithoutTimeTakesOneMillisecond() {
        BatchTimes batches = new BatchTimes();
        batches.add(Duration.ZERO, Duration.ZERO, 2);

        assertThat(HtmlCharts.throughput(batches))
                .contains("<path d=\"M0 120L0.0 0.0L0.0 0.0L600 120Z\"/>")
                .contains("highest 2\u202f000 users/s</span><span>0.0 s</span>");
    }
}
