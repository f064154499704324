package liquibase.ext.credits.benchmark;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Spends credits of random users at a steady rate, and adds some every tenth time. Latency counts from when a call was due, as
 * with {@code pgbench --rate}: whoever waits for a lock keeps others waiting.
 */
final class Client implements Callable<List<Call>> {
    static final String APPLICATION_NAME = "benchmark client";
    static final int CALLS_A_SECOND = 20;

    private static final long PERIOD_NANOS = TimeUnit.SECONDS.toNanos(1) / CALLS_A_SECOND;
    private static final int CALLS_PER_ADDITION = 10;
    private static final BigDecimal CREDITS = new BigDecimal("0.01");
    private static final String SPEND =
            "SELECT * FROM deduct_credits(md5(?)::uuid, ?, 'benchmark', NULL, 'spent while balances are converted')";
    private static final String ADD = "SELECT * FROM add_credits(md5(?)::uuid, ?, 'bonus', 'benchmark', NULL,"
            + " 'added while balances are converted', NULL)";

    private final Connection connection;
    private final int users;
    private final SplittableRandom random;
    private final AtomicLong endNanos = new AtomicLong(Long.MAX_VALUE);

    Client(Connection connection, int users, int number) throws SQLException {
        this.connection = connection;
        this.users = users;
        this.random = new SplittableRandom(number);
        connection.setClientInfo("ApplicationName", APPLICATION_NAME);
    }

    /** No call that is due later is made. */
    void endAt(long nanos) {
        endNanos.set(nanos);
    }

    @Override
    public List<Call> call() throws Exception {
        List<Call> calls = new ArrayList<>();
        try (connection;
                PreparedStatement spend = connection.prepareStatement(SPEND);
                PreparedStatement add = connection.prepareStatement(ADD)) {
            long dueNanos = System.nanoTime() + random.nextLong(PERIOD_NANOS);
            while (dueNanos - endNanos.get() < 0) {
                TimeUnit.NANOSECONDS.sleep(dueNanos - System.nanoTime());
                boolean adds = random.nextInt(CALLS_PER_ADDITION) == 0;
                boolean hasFailed = !succeeds(adds ? add : spend, adds ? 1 + random.nextInt(users) : holder());
                calls.add(new Call(dueNanos, System.nanoTime() - dueNanos, hasFailed));
                dueNanos += PERIOD_NANOS;
            }
        }
        return calls;
    }

    /** Every second user of {@link Population} has a wallet from the start. */
    private int holder() {
        return 1 + 2 * random.nextInt((users + 1) / 2);
    }

    private static boolean succeeds(PreparedStatement statement, int user) {
        try {
            statement.setString(1, "user " + user);
            statement.setBigDecimal(2, CREDITS);
            statement.execute();
            return true;
        } catch (SQLException e) {
            System.err.println("client: " + e.getMessage());
            return false;
        }
    }
}
