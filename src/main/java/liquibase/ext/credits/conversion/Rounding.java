package liquibase.ext.credits.conversion;

/** How exact credits become credits of the scale of {@code user_credits.balance}; the remainder is always logged. */
public enum Rounding {
    /** Ties away from zero, as in a shop. */
    HALF_UP,
    /** Ties to the even digit, as banks do. */
    HALF_EVEN,
    /** Cut off; never gives more than the money was worth. */
    DOWN
}
