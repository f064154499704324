package liquibase.ext.credits.conversion;

import org.jspecify.annotations.Nullable;

/** Text of SQL that is written to a file and not executed here; what is executed gets its values as parameters. */
public final class Sql {
    private Sql() {}

    /**
     * A string literal.
     *
     * @param text any text, or null
     * @return quoted, or NULL
     */
    public static String literal(@Nullable String text) {
        return text == null ? "NULL" : "'" + text.replace("'", "''") + "'";
    }
}
