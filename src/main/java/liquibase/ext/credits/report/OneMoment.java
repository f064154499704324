package liquibase.ext.credits.report;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/** A transaction whose queries all see the same moment. */
public final class OneMoment {
    private static final String BEGIN =
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL enable_parallel_hash = off";

    private OneMoment() {}

    /**
     * Begins a transaction that sees one moment and can write nothing; ending it, or a rollback, leaves the session as it was. Works on a
     * replica. Parallel workers share no hash tables, as in billing_migration_totals.
     *
     * @param connection without autocommit; what is open is rolled back
     * @throws SQLException as the database reports it
     */
    public static void begin(Connection connection) throws SQLException {
        connection.rollback();
        try (PreparedStatement statement = connection.prepareStatement(BEGIN)) {
            statement.execute();
        }
    }
}
