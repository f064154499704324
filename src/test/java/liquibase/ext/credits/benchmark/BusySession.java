package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import liquibase.ext.credits.Database;

/**
 * No rival, but a yardstick for {@link Gentleness}: a session that computes for five seconds, locks nothing and writes nothing. What
 * clients feel beside it they would feel beside any busy session on the same cores.
 */
final class BusySession implements Rival {
    static final String ID = "busy-session";
    private static final String SQL = """
            DO $do$
            BEGIN
                WHILE clock_timestamp() < now() + interval '5 seconds' LOOP
                    NULL;
                END LOOP;
            END
            $do$
            """;

    @Override
    public String id() {
        return ID;
    }

    @Override
    public String title() {
        return "A session that only computes";
    }

    @Override
    public int mostRounds(int users) {
        return 0;
    }

    @Override
    public void prepare(Database database) {
        // The clock is all it reads.
    }

    @Override
    public void run(Backends backends) throws SQLException {
        Connection connection = backends.first();
        try (Statement statement = connection.createStatement()) {
            statement.execute(SQL);
        }
        connection.commit();
    }

    @Override
    public Books expected(Books before) {
        return before;
    }
}
