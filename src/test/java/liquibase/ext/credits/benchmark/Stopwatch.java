package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.OptionalDouble;

/** Measures one run of one rival, commit included. */
final class Stopwatch {
    private static final String WAL_BYTES = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn";
    private static final double NANOS_A_SECOND = 1e9;

    private Stopwatch() {}

    static Measurement measure(Rival rival, int users, Backends backends) throws Exception {
        Connection connection = backends.first();
        long walBefore = number(connection, WAL_BYTES);
        connection.commit();
        OptionalDouble cpuBefore = backends.cpuSeconds();
        long start = System.nanoTime();
        rival.run(backends);
        double seconds = (System.nanoTime() - start) / NANOS_A_SECOND;
        OptionalDouble cpuAfter = backends.cpuSeconds();
        return new Measurement(
                rival.id(),
                users,
                seconds,
                cpuBefore.isPresent() && cpuAfter.isPresent()
                        ? OptionalDouble.of(cpuAfter.getAsDouble() - cpuBefore.getAsDouble())
                        : OptionalDouble.empty(),
                number(connection, WAL_BYTES) - walBefore);
    }

    private static long number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(sql)) {
            row.next();
            return row.getLong(1);
        }
    }
}
