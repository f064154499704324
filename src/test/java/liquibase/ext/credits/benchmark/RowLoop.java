package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import liquibase.ext.credits.Database;

/**
 * The guide's kind of function: a loop over users that asks the log for each, with an exception handler around every
 * user. Each handler is a subtransaction, and each row read looks through all subtransactions so far: quadratic.
 */
final class RowLoop implements Rival {
    private static final String LIMIT = "SET statement_timeout = '5min'";

    @Override
    public String id() {
        return "row-loop";
    }

    @Override
    public String title() {
        return "Row loop in PL/pgSQL with a handler around each user, the guide's kind";
    }

    @Override
    public int mostRounds(int users) {
        return users > 10_000 ? 0 : 1;
    }

    @Override
    public void prepare(Database database) {
        database.execute(Resources.text("/benchmark/row_loop.sql"));
    }

    @Override
    public void run(Backends backends) throws SQLException {
        Connection connection = backends.first();
        try (Statement limit = connection.createStatement();
                PreparedStatement loop = connection.prepareStatement("SELECT convert_row_by_row(1.0)")) {
            limit.execute(LIMIT);
            loop.execute();
        }
        connection.commit();
    }
}
