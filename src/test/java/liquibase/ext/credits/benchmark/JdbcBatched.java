package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** The same change with JDBC batches of 1,000 users, one transaction. */
final class JdbcBatched implements Rival {
    private static final int BATCH_USERS = 1_000;

    @Override
    public String id() {
        return "jdbc-batch";
    }

    @Override
    public String title() {
        return "Java with JDBC batches of 1,000 users";
    }

    @Override
    public int mostRounds(int users) {
        return users > 100_000 ? 0 : Integer.MAX_VALUE;
    }

    @Override
    public void run(Backends backends) throws SQLException {
        Connection connection = backends.first();
        try (JdbcStatements statements = new JdbcStatements(connection);
                ResultSet rows = statements.balances()) {
            for (int users = 1; rows.next(); users++) {
                for (PreparedStatement statement : statements.bound(UserBalance.of(rows))) {
                    statement.addBatch();
                }
                if (users % BATCH_USERS == 0) {
                    send(statements);
                }
            }
            send(statements);
        }
        connection.commit();
    }

    private static void send(JdbcStatements statements) throws SQLException {
        for (PreparedStatement statement : statements.all()) {
            statement.executeBatch();
        }
    }
}
