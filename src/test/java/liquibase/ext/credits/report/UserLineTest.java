package liquibase.ext.credits.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import org.junit.jupiter.api.Test;

/** The lines about one user, and what is in them. */
class UserLineTest {

    private static final UserLine USD = user("100.00", "0.00", "100.00", null);
    private static final UserLine BOTH = user("0.00", "400.00", "0.5000", "-1.00 USD is negative and stays");

    @Test
    void aConvertedUserIsTheGuidesLine() {
        assertThat(USD.converted(Emails.MASKED, "Migrated"))
                .isEqualTo("User: i***@example.org (abfa4cd8-...) - $100.00 → 100 credits - Migrated");
        assertThat(BOTH.converted(Emails.NONE, "Would migrate"))
                .isEqualTo("User: - (abfa4cd8-...) - $0.00 + 400.00 UAH → 0.5 credits - Would migrate;"
                        + " -1.00 USD is negative and stays");
    }

    @Test
    void anUndoneUserIsTheSameTheOtherWayRound() {
        assertThat(USD.reversed(Emails.MASKED, "Returned"))
                .isEqualTo("User: i***@example.org (abfa4cd8-...) - 100 credits → $100.00 - Returned");
        assertThat(BOTH.reversed(Emails.FULL, "Returned in part"))
                .isEqualTo("User: ivan@example.org (abfa4cd8-...) - 0.5 credits → $0.00 + 400.00 UAH -"
                        + " Returned in part; -1.00 USD is negative and stays");
    }

    @Test
    void aUserWhoseBalanceStaysHasAReason() {
        assertThat(BOTH.unmoved(Emails.MASKED, "Skipped"))
                .isEqualTo("User: i***@example.org (abfa4cd8-...) - Skipped: -1.00 USD is negative and stays");
    }

    @Test
    void aNumberIsWrittenWithoutTrailingZerosOrExponent() {
        assertThat(UserLine.plain(new BigDecimal("0.000"))).isEqualTo("0");
        assertThat(UserLine.plain(new BigDecimal("1000.00"))).isEqualTo("1000");
        assertThat(UserLine.plain(new BigDecimal("-0.00000001"))).isEqualTo("-0.00000001");
    }

    private static UserLine user(String usd, String uah, String credits, String reason) {
        return new UserLine(
                "abfa4cd8-0000-4000-8000-000000000001",
                "ivan@example.org",
                new BigDecimal(usd),
                new BigDecimal(uah),
                new BigDecimal(credits),
                reason);
    }
}
