package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;

/** {@link SetStatement} over 5,000 users at a time in key order, each batch committed. */
final class BatchedStatement implements Rival {
    private static final String SQL = Resources.text("/benchmark/set_statement.sql")
            .replace("/*after*/ true", "b.user_id > ?")
            .replace("/*limit*/", "LIMIT 5000");
    private static final UUID BEFORE_ALL = new UUID(0, 0);

    @Override
    public String id() {
        return "batches";
    }

    @Override
    public String title() {
        return "The same statement in batches of 5,000, each committed";
    }

    @Override
    public void run(Backends backends) throws SQLException {
        Connection connection = backends.first();
        try (PreparedStatement statement = connection.prepareStatement(SQL)) {
            UUID last = BEFORE_ALL;
            while (last != null) {
                statement.setObject(1, last);
                try (ResultSet row = statement.executeQuery()) {
                    last = row.next() ? row.getObject(1, UUID.class) : null;
                }
                connection.commit();
            }
        }
    }
}
