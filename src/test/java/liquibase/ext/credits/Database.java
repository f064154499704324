package liquibase.ext.credits;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/** A real database of one test's own, copied from a {@link Template} in milliseconds and dropped when closed. */
public final class Database implements AutoCloseable {

    private static final AtomicInteger COUNT = new AtomicInteger();
    private static final String MAINTENANCE = "postgres";

    private final String name;
    private Connection connection;

    private Database(String name) {
        this.name = name;
    }

    /** A database without any table. */
    public static Database empty() {
        return from(Template.EMPTY);
    }

    /** The application's tables, without rows. */
    public static Database legacy() {
        return from(Template.LEGACY);
    }

    /** The application's tables, and every changeset run but the conversion. */
    public static Database prepared() {
        return from(Template.PREPARED);
    }

    /** A copy of the template. */
    public static Database from(Template template) {
        return create(template.database().name);
    }

    static Database prepare(Template.Preparation preparation) {
        Database database = create("template0");
        try {
            preparation.prepare(database);
            database.disconnect();
            Runtime.getRuntime().addShutdownHook(new Thread(database::dropIfServerIsThere));
            return database;
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Database create(String template) {
        String name = "credits_test_" + ProcessHandle.current().pid() + "_" + COUNT.incrementAndGet();
        maintain("CREATE DATABASE " + name + " TEMPLATE " + template);
        return new Database(name);
    }

    /** The PostgreSQL driver's URL, which every way to run Liquibase understands. */
    public String url() {
        return Server.current().url(name);
    }

    /** Whom to connect as. */
    public String username() {
        return Server.current().username();
    }

    /** The password to {@link #username()}. */
    public String password() {
        return Server.current().password();
    }

    /** A new connection, which the caller closes. */
    public Connection connection() throws SQLException {
        return Server.current().connect(name);
    }

    /** Runs one statement, or several when there are no arguments. */
    public void execute(String sql, Object... arguments) {
        query(sql, arguments, PreparedStatement::execute);
    }

    /** The first column of the first row as a number. */
    public BigDecimal number(String sql, Object... arguments) {
        String value = text(sql, arguments);
        return value == null ? null : new BigDecimal(value);
    }

    /** The first column of the first row as PostgreSQL writes it; null for no row and for NULL. */
    public String text(String sql, Object... arguments) {
        return query(sql, arguments, statement -> {
            ResultSet result = statement.executeQuery();
            return result.next() ? result.getString(1) : null;
        });
    }

    /** Every row as text, its columns parted by a vertical bar, NULL as nothing. */
    public List<String> lines(String sql, Object... arguments) {
        return rows(sql, arguments).stream()
                .map(row -> String.join(
                        "|",
                        row.values().stream()
                                .map(value -> value == null ? "" : value)
                                .toList()))
                .toList();
    }

    /** Every row as column name to text. */
    public List<Map<String, String>> rows(String sql, Object... arguments) {
        return query(sql, arguments, statement -> {
            List<Map<String, String>> rows = new ArrayList<>();
            ResultSet result = statement.executeQuery();
            while (result.next()) {
                rows.add(row(result));
            }
            return rows;
        });
    }

    /** A user with a USD balance, without UAH and without a row in {@code user_credits}. */
    public UUID addUser(String balanceUsd) {
        return addUser(balanceUsd, "0");
    }

    /** A user with both balances, without a row in {@code user_credits}. */
    public UUID addUser(String balanceUsd, String balanceUah) {
        UUID id = UUID.randomUUID();
        execute("INSERT INTO users (id, email) VALUES (?, ?)", id, id + "@example.org");
        execute(
                "INSERT INTO user_billing (user_id, balance_usd, balance_uah) VALUES (?, ?, ?)",
                id,
                new BigDecimal(balanceUsd),
                new BigDecimal(balanceUah));
        return id;
    }

    /** Every row and every definition outside PostgreSQL's own schemas. */
    public Snapshot everything() {
        return Snapshot.of(this);
    }

    /**
     * The address and the writing transactions of every row, PostgreSQL's catalogs included: differs after any write that was
     * committed, also one that changed no value. Other databases of the server do not disturb it.
     */
    public Snapshot rowVersions() {
        return Snapshot.ofRowVersions(this);
    }

    @Override
    public void close() {
        disconnect();
        maintain("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
    }

    /** Every row as column name to value. */
    static List<Map<String, Object>> rowsOf(ResultSet result) throws SQLException {
        List<Map<String, Object>> rows = new ArrayList<>();
        ResultSetMetaData columns = result.getMetaData();
        while (result.next()) {
            Map<String, Object> row = new LinkedHashMap<>();
            for (int column = 1; column <= columns.getColumnCount(); column++) {
                row.put(columns.getColumnLabel(column), result.getObject(column));
            }
            rows.add(row);
        }
        return rows;
    }

    private static Map<String, String> row(ResultSet result) throws SQLException {
        ResultSetMetaData columns = result.getMetaData();
        Map<String, String> row = new LinkedHashMap<>();
        for (int column = 1; column <= columns.getColumnCount(); column++) {
            row.put(columns.getColumnLabel(column), result.getString(column));
        }
        return row;
    }

    private synchronized <T> T query(String sql, Object[] arguments, Query<T> query) {
        try (PreparedStatement statement = connected().prepareStatement(sql)) {
            for (int index = 0; index < arguments.length; index++) {
                statement.setObject(index + 1, arguments[index]);
            }
            return query.run(statement);
        } catch (SQLException e) {
            throw new IllegalStateException(e.getMessage(), e);
        }
    }

    private Connection connected() throws SQLException {
        if (connection == null || connection.isClosed()) {
            connection = connection();
        }
        return connection;
    }

    private synchronized void disconnect() {
        try {
            if (connection != null) {
                connection.close();
            }
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** An embedded server or a container may have gone first, and the database with it. */
    private void dropIfServerIsThere() {
        try {
            close();
        } catch (IllegalStateException gone) {
            return;
        }
    }

    private static void maintain(String sql) {
        try (Connection maintenance = Server.current().connect(MAINTENANCE);
                var statement = maintenance.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql + ": " + e.getMessage(), e);
        }
    }

    private interface Query<T> {
        T run(PreparedStatement statement) throws SQLException;
    }
}
