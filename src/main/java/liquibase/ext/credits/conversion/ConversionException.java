package liquibase.ext.credits.conversion;

import java.sql.SQLException;
import liquibase.ext.credits.report.DatabaseError;

/** A conversion or an undo stopped; the message is one line for the person on duty. */
public final class ConversionException extends Exception {
    private static final long serialVersionUID = 1L;

    static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String DEADLOCK_DETECTED = "40P01";
    private static final String NUMERIC_OVERFLOW = "22003";
    private static final String UNDEFINED_FUNCTION = "42883";

    private static final String NOTHING_CHANGED = "no balance was changed";

    ConversionException(String message) {
        super(message);
    }

    ConversionException(String message, SQLException cause) {
        super(message, cause);
    }

    /** What the database found, and what to do where its own line alone would not help; nothing was committed. */
    static ConversionException of(SQLException cause) {
        String todo = switch (state(cause)) {
            case LOCK_NOT_AVAILABLE ->
                "; no balance was changed; run again when the application is quieter, or raise credits.lockTimeout";
            case DEADLOCK_DETECTED, NUMERIC_OVERFLOW -> "; no balance was changed; run again";
            default -> found(cause).contains(NOTHING_CHANGED) ? "" : "; " + NOTHING_CHANGED;
        };
        return new ConversionException(found(cause) + todo, DatabaseError.harmless(cause));
    }

    /** What the database found when everything was committed and proved already. */
    static ConversionException afterCommit(SQLException cause) {
        return new ConversionException(
                "everything is committed and proved, but its report cannot be read: " + found(cause)
                        + "; run the same command again, which moves nothing and lets Liquibase record it",
                DatabaseError.harmless(cause));
    }

    /** The message, for a longer one. */
    String line() {
        return String.valueOf(getMessage());
    }

    /** What the database found, in one line. */
    static String found(SQLException cause) {
        return switch (state(cause)) {
            case LOCK_NOT_AVAILABLE -> "a row or table stayed locked for longer than credits.lockTimeout";
            case DEADLOCK_DETECTED -> "another transaction locked the same rows in another order, a deadlock";
            case NUMERIC_OVERFLOW -> "a balance grew meanwhile and no longer fits";
            case UNDEFINED_FUNCTION ->
                "a function of migration 021 is missing; run liquibase update with changelogs/master.xml";
            default -> DatabaseError.line(cause);
        };
    }

    private static String state(SQLException cause) {
        return cause.getSQLState() == null ? "" : cause.getSQLState();
    }
}
