package liquibase.ext.credits.report;

import java.math.BigDecimal;
import java.util.List;

/**
 * All users with the same outcome: totals over all of them, and the first few by id.
 *
 * @param users how many
 * @param usd USD that move
 * @param uah UAH that move
 * @param credits credits for them
 * @param remainder exact minus rounded credits; negative where rounding gave more
 * @param usdStaying USD of these users that do not move; negative balances count negative
 * @param uahStaying UAH of these users that do not move
 * @param firstUsers at most {@link Outcomes#SHOWN_USERS}
 */
public record Outcome(
        long users,
        BigDecimal usd,
        BigDecimal uah,
        BigDecimal credits,
        BigDecimal remainder,
        BigDecimal usdStaying,
        BigDecimal uahStaying,
        List<UserLine> firstUsers) {

    /** No user at all. */
    static final Outcome NONE = new Outcome(
            0,
            BigDecimal.ZERO.setScale(2),
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            List.of());
}
