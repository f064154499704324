package liquibase.ext.credits.report;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/**
 * One user of an outcome.
 *
 * @param userId the whole id
 * @param email as stored
 * @param usd USD that move
 * @param uah UAH that move
 * @param credits credits for them
 * @param reason what stays and why, or what went wrong
 */
public record UserLine(
        String userId,
        @Nullable String email,
        BigDecimal usd,
        BigDecimal uah,
        BigDecimal credits,
        @Nullable String reason) {

    /** The guide's line, for example {@code User: i***@example.org (abfa4cd8-...) - $100.00 → 100 credits - Migrated}. */
    String converted(Emails emails, String verdict) {
        String suffix = reason == null ? "" : "; " + reason;
        return "%s - %s → %s credits - %s%s".formatted(user(emails), money(), plain(credits), verdict, suffix);
    }

    /** The undo's line. */
    String reversed(Emails emails, String verdict) {
        String suffix = reason == null ? "" : "; " + reason;
        return "%s - %s credits → %s - %s%s".formatted(user(emails), plain(credits), money(), verdict, suffix);
    }

    /** A line for a user whose balance does not move. */
    String unmoved(Emails emails, String verdict) {
        return "%s - %s: %s".formatted(user(emails), verdict, reason);
    }

    private String user(Emails emails) {
        return "User: %s (%s-...)".formatted(emails.show(email), userId.substring(0, userId.indexOf('-')));
    }

    private String money() {
        return "$" + usd + (uah.signum() > 0 ? " + " + uah + " UAH" : "");
    }

    static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }
}
