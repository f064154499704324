package liquibase.ext.credits.report;

import java.sql.SQLException;
import java.util.stream.Collectors;

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

    /**
     * The same error for whoever prints causes, as Liquibase's command line does.
     *
     * @param cause what the driver threw
     * @return with the same place and state, each of its lines harmless
     */
    public static SQLException harmless(SQLException cause) {
        String lines = String.valueOf(cause.getMessage())
                .lines()
                .map(UntrustedText::line)
                .collect(Collectors.joining("\n"));
        SQLException harmless = new SQLException(lines, cause.getSQLState(), cause.getErrorCode());
        harmless.setStackTrace(cause.getStackTrace());
        return harmless;
    }
}
