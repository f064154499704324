package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;

/** Reads users through a cursor and binds the four statements of each; how they are sent is the rival's choice. */
final class JdbcStatements implements AutoCloseable {
    private static final int FETCHED_ROWS = 1_000;

    private final PreparedStatement balances;
    private final PreparedStatement zero;
    private final PreparedStatement credit;
    private final PreparedStatement enter;
    private final PreparedStatement log;

    JdbcStatements(Connection connection) throws SQLException {
        balances = connection.prepareStatement(UserBalance.ALL);
        balances.setFetchSize(FETCHED_ROWS);
        zero = connection.prepareStatement(UserBalance.ZERO);
        credit = connection.prepareStatement(UserBalance.CREDIT);
        enter = connection.prepareStatement(UserBalance.ENTER);
        log = connection.prepareStatement(UserBalance.LOG);
    }

    ResultSet balances() throws SQLException {
        return balances.executeQuery();
    }

    List<PreparedStatement> bound(UserBalance user) throws SQLException {
        zero.setObject(1, user.userId());
        credit.setObject(1, user.userId());
        credit.setBigDecimal(2, user.usd());
        credit.setBigDecimal(3, user.usd());
        enter.setObject(1, user.userId());
        enter.setBigDecimal(2, user.usd());
        enter.setBigDecimal(3, user.credits());
        enter.setBigDecimal(4, user.credits().add(user.usd()));
        enter.setString(5, user.description());
        log.setObject(1, user.userId());
        log.setBigDecimal(2, user.usd());
        log.setBigDecimal(3, user.uah());
        log.setBigDecimal(4, user.usd());
        return all();
    }

    List<PreparedStatement> all() {
        return List.of(zero, credit, enter, log);
    }

    @Override
    public void close() throws SQLException {
        balances.close();
        for (PreparedStatement statement : all()) {
            statement.close();
        }
    }
}
