package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/** One statement that moves everything: what all others are compared with. */
final class SetStatement implements Rival {
    static final String ID = "statement";
    private static final String SQL = Resources.text("/benchmark/set_statement.sql");

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String title() {
        return "One hand-written set-based statement";
    }

    @Override
    public void run(Backends backends) throws SQLException {
        Connection connection = backends.first();
        try (PreparedStatement statement = connection.prepareStatement(SQL)) {
            statement.execute();
        }
        connection.commit();
    }
}
