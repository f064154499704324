package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;

/** Opens another connection like the one a conversion or an undo was given. */
@FunctionalInterface
public interface SiblingOpener {

    /**
     * Opens a connection that the caller closes.
     *
     * @return a connection of its own, to the same database and as the same user
     * @throws SQLException in one line, if there can be none
     */
    Connection open() throws SQLException;
}
