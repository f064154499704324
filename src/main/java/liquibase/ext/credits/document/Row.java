package liquibase.ext.credits.document;

import org.jspecify.annotations.Nullable;

/**
 * One user in a document; amounts are texts as the database writes them, because no form computes with them.
 *
 * @param userId the whole id
 * @param email as {@code credits.emails} shows it
 * @param outcome as in the log or the prediction
 * @param usd USD that move
 * @param uah UAH that move
 * @param credits credits for them
 * @param usdStays USD that do not move
 * @param uahStays UAH that do not move
 * @param reason what stays and why, or what went wrong
 */
public record Row(
        String userId,
        String email,
        String outcome,
        String usd,
        String uah,
        String credits,
        String usdStays,
        String uahStays,
        @Nullable String reason) {}
