package liquibase.ext.credits;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One session of the application that goes on working: spends, tops up, registers and deletes users, and keeps a journal of what each
 * user owns. Its users are its own, so that any failure it meets was caused by us.
 */
final class ApplicationClient implements Runnable {

    private static final String NOT_NULL_VIOLATION = "23502";

    private final Database database;
    private final Random random;
    private final Map<UUID, BigDecimal> worthByUser = new HashMap<>();
    private final List<UUID> users = new ArrayList<>();
    private final AtomicLong operations = new AtomicLong();
    private final boolean mayBeRejected;
    private volatile boolean stops;
    private Exception failure;

    /** With seeded choices; a top-up in USD may be refused when the run says so. */
    ApplicationClient(Database database, long seed, boolean mayBeRejected) {
        this.database = database;
        this.random = new Random(seed);
        this.mayBeRejected = mayBeRejected;
    }

    /** Takes over users that exist, each owning so many USD. */
    void owns(UUID user, BigDecimal usd) {
        worthByUser.put(user, usd);
        users.add(user);
    }

    /** What each living user owns, in USD and credits together, one credit for one USD. */
    Map<UUID, BigDecimal> worthByUser() {
        return worthByUser;
    }

    long operations() {
        return operations.get();
    }

    void stop() {
        stops = true;
    }

    Exception failure() {
        return failure;
    }

    @Override
    public void run() {
        try (Connection connection = database.connection()) {
            while (!stops) {
                work(connection);
                operations.incrementAndGet();
            }
        } catch (SQLException | RuntimeException e) {
            failure = e;
        }
    }

    private void work(Connection connection) throws SQLException {
        int choice = random.nextInt(20);
        if (choice == 0) {
            register(connection);
        } else if (choice == 1 && users.size() > 10) {
            delete(connection);
        } else if (choice < 10) {
            spend(connection);
        } else if (choice < 15) {
            addCredits(connection);
        } else {
            addUsd(connection);
        }
    }

    private void register(Connection connection) throws SQLException {
        UUID user = new UUID(random.nextLong(), random.nextLong());
        BigDecimal usd = amount();
        connection.setAutoCommit(false);
        execute(connection, "INSERT INTO users (id, email) VALUES (?, ?)", user, user + "@example.org");
        try {
            execute(connection, "INSERT INTO user_billing (user_id, balance_usd) VALUES (?, ?)", user, usd);
            connection.commit();
            owns(user, usd);
        } catch (SQLException e) {
            connection.rollback();
            throwUnlessRejected(e);
        } finally {
            connection.setAutoCommit(true);
        }
    }

    private void delete(Connection connection) throws SQLException {
        UUID user = users.remove(random.nextInt(users.size()));
        execute(connection, "DELETE FROM users WHERE id = ?", user);
        worthByUser.remove(user);
    }

    private void spend(Connection connection) throws SQLException {
        UUID user = anybody();
        BigDecimal credits = amount();
        if (succeeds(connection, "SELECT success FROM deduct_credits(?, ?, 'tool', 'cost', 'work')", user, credits)) {
            worthByUser.merge(user, credits.negate(), BigDecimal::add);
        }
    }

    /** The application's function ends with an error when the wallet that it waits for is gone: nothing is booked, it tries again. */
    private void addCredits(Connection connection) throws SQLException {
        UUID user = anybody();
        BigDecimal credits = amount();
        try {
            succeeds(
                    connection,
                    "SELECT success FROM add_credits(?, ?, 'purchase', 'shop', 'order', 'top-up', 'pi')",
                    user,
                    credits);
            worthByUser.merge(user, credits, BigDecimal::add);
        } catch (SQLException e) {
            if (!NOT_NULL_VIOLATION.equals(e.getSQLState())) {
                throw e;
            }
        }
    }

    private void addUsd(Connection connection) throws SQLException {
        UUID user = anybody();
        BigDecimal usd = amount();
        try {
            execute(connection, "UPDATE user_billing SET balance_usd = balance_usd + ? WHERE user_id = ?", usd, user);
            worthByUser.merge(user, usd, BigDecimal::add);
        } catch (SQLException e) {
            throwUnlessRejected(e);
        }
    }

    private void throwUnlessRejected(SQLException e) throws SQLException {
        if (!mayBeRejected || !e.getMessage().contains("add credits with add_credits() instead")) {
            throw e;
        }
    }

    private UUID anybody() {
        return users.get(random.nextInt(users.size()));
    }

    private BigDecimal amount() {
        return BigDecimal.valueOf(1L + random.nextInt(2_000), 2);
    }

    private static void execute(Connection connection, String sql, Object... arguments) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int index = 0; index < arguments.length; index++) {
                statement.setObject(index + 1, arguments[index]);
            }
            statement.execute();
        }
    }

    private static boolean succeeds(Connection connection, String sql, UUID user, BigDecimal credits)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setObject(1, user);
            statement.setBigDecimal(2, credits);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getBoolean(1);
            }
        }
    }
}
