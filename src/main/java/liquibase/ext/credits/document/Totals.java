package liquibase.ext.credits.document;

/**
 * Totals of a run; amounts are texts as the database writes them.
 *
 * @param users how many
 * @param usd USD
 * @param uah UAH
 * @param credits credits for both
 * @param remainder exact minus rounded credits
 */
public record Totals(long users, String usd, String uah, String credits, String remainder) {}
