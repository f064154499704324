package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** A plain change in Java: four statements a user, one round trip each, one transaction. */
final class JdbcUserByUser implements Rival {
    @Override
    public String id() {
        return "jdbc";
    }

    @Override
    public String title() {
        return "Java, user by user, four round trips each";
    }

    @Override
    public int mostRounds(int users) {
        return users > 100_000 ? 0 : users > 10_000 ? 1 : Integer.MAX_VALUE;
    }

    @Override
    public void run(Backends backends) throws SQLException {
        Connection connection = backends.first();
        try (JdbcStatements statements = new JdbcStatements(connection);
                ResultSet rows = statements.balances()) {
            while (rows.next()) {
                for (PreparedStatement statement : statements.bound(UserBalance.of(rows))) {
                    statement.executeUpdate();
                }
            }
        }
        connection.commit();
    }
}
