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
 * @param hashes of all users' ids and balances
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
        Hashes hashes,
        List<UserLine> firstUsers) {

    /**
     * Sums of each user's MD5, as two numbers of 64 bits: the same in whatever order users are read, and neither side keeps them.
     *
     * @param high sum of the first halves
     * @param low sum of the second halves
     */
    public record Hashes(BigDecimal high, BigDecimal low) {
        static final Hashes NONE = new Hashes(BigDecimal.ZERO, BigDecimal.ZERO);
    }

    /** No user at all. */
    static final Outcome NONE = new Outcome(
            0,
            BigDecimal.ZERO.setScale(2),
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            BigDecimal.ZERO,
            Hashes.NONE,
            List.of());
}
