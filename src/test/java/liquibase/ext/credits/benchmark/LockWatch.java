package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import liquibase.ext.credits.Database;

/** Looks every ten milliseconds how long a client has been waiting for a lock, so that shorter waits may escape it. */
final class LockWatch implements AutoCloseable {
    private static final long BETWEEN_LOOKS_MILLIS = 10;
    private static final String LONGEST_WAIT = """
            SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)) * 1000, 0)
            FROM pg_locks AS l
            JOIN pg_stat_activity AS a ON a.pid = l.pid
            WHERE NOT l.granted AND a.datname = current_database() AND a.application_name = ?
            """;

    private final Connection connection;
    private final PreparedStatement statement;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
    private final List<Look> looks = new ArrayList<>();
    private final Future<?> watch;

    private record Look(long nanos, double waitMillis) {}

    /** It begins at once. */
    LockWatch(Database database) throws SQLException {
        connection = database.connection();
        statement = connection.prepareStatement(LONGEST_WAIT);
        statement.setString(1, Client.APPLICATION_NAME);
        watch = thread.scheduleWithFixedDelay(this::look, 0, BETWEEN_LOOKS_MILLIS, TimeUnit.MILLISECONDS);
    }

    synchronized double longestWaitMillis(long fromNanos, long toNanos) {
        if (watch.isDone()) {
            throw new IllegalStateException("the lock watch ended before its time");
        }
        return looks.stream()
                .filter(look -> look.nanos() - fromNanos >= 0 && look.nanos() - toNanos < 0)
                .mapToDouble(Look::waitMillis)
                .max()
                .orElse(0);
    }

    @Override
    public synchronized void close() throws SQLException {
        thread.shutdown();
        connection.close();
    }

    private synchronized void look() {
        try (ResultSet row = statement.executeQuery()) {
            row.next();
            looks.add(new Look(System.nanoTime(), row.getDouble(1)));
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
