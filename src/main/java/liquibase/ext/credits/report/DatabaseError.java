package liquibase.ext.credits.report;

import java.sql.SQLException;

/** What the database said when it refused a statement, as an operator reads it. */
public final class DatabaseError {
    private static final String PREFIX = "ERROR: ";

    private DatabaseError() {}

    /**
     * The database's own words: without its severity, its context and its hints.
     *
     * @param cause what the driver threw
     * @return one harmless line
     */
    public static String line(SQLException cause) {
        String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        String line = UntrustedText.line(message.lines().findFirst().orElse(message));
        return line.startsWith(PREFIX) ? line.substring(PREFIX.length()) : line;
    }
}
