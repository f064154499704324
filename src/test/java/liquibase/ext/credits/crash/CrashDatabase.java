package liquibase.ext.credits.crash;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/** One round's database: how it stands, and the write at which everything holds still. */
final class CrashDatabase implements AutoCloseable {

    /** Held by the test; the write to stop at waits for it. */
    private static final String HOLD = "SELECT pg_advisory_lock(4711)";

    private static final String LET_GO = "SELECT pg_advisory_unlock_all()";
    private static final String HELD = """
            SELECT count(*)
            FROM pg_locks AS l
            WHERE
                l.locktype = 'advisory'
                AND l.objid = 4711
                AND NOT l.granted
                AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            """;
    private static final String OTHERS = """
            FROM pg_stat_activity AS a
            WHERE a.datname = current_database() AND a.backend_type = 'client backend' AND a.pid <> pg_backend_pid()
            """;
    private static final String LOCKED = "SELECT count(*) FROM databasechangeloglock WHERE locked";
    private static final String RECORDED = "SELECT count(*) FROM databasechangelog WHERE id = 'user_billing_converted'";

    private static final String BROKEN_INVARIANTS = """
            SELECT r.run_id || ' ' || e.key
            FROM billing_migration_reconciliation AS r
            CROSS JOIN LATERAL jsonb_each(to_jsonb(r)) AS e
            WHERE e.key LIKE '%holds' AND e.value IS DISTINCT FROM 'true'::jsonb
            """;
    private static final String DISCREPANCIES =
            "SELECT concat_ws(' ', d.run_id, d.user_id, d.finding) FROM billing_migration_discrepancy AS d";
    /** Without a run's id and time: what an uninterrupted run leaves, another one leaves too. */
    private static final String STATE = """
            SELECT concat_ws(' ', 'run', r.status, r.control, r.planned_users, r.done_users, r.done_usd, r.done_uah,
                r.done_credits, r.done_remainder, r.skipped_users, r.error_users)
            FROM billing_migration_run AS r
            UNION ALL
            SELECT concat_ws(' ', 'log', l.user_id, l.status, l.old_balance_usd, l.old_balance_uah, l.new_credits,
                l.remainder, l.reversed_usd, l.reversed_uah, l.reversed_credits, l.reason)
            FROM billing_migration_log AS l
            UNION ALL
            SELECT concat_ws(' ', 'billing', b.user_id, b.balance_usd, b.balance_uah)
            FROM user_billing AS b
            UNION ALL
            SELECT concat_ws(' ', 'credits', c.user_id, c.balance, c.total_earned, c.total_spent)
            FROM user_credits AS c
            UNION ALL
            SELECT concat_ws(' ', 'ledger', t.user_id, t.transaction_type, t.amount, t.balance_before, t.balance_after)
            FROM credit_transactions AS t
            UNION ALL
            SELECT concat_ws(' ', 'changeset', h.id, h.exectype)
            FROM databasechangelog AS h
            ORDER BY 1
            """;

    private final CrashServer server;
    private final String name;
    private Connection connection;

    private CrashDatabase(CrashServer server, String name) {
        this.server = server;
        this.name = name;
    }

    static CrashDatabase create(CrashServer server, String name, String template) throws SQLException {
        try (Connection maintenance = connect(server, "postgres");
                Statement statement = maintenance.createStatement()) {
            statement.execute("CREATE DATABASE " + name + " TEMPLATE " + template);
        }
        return new CrashDatabase(server, name);
    }

    String url() {
        return server.url(name);
    }

    void execute(String sql) throws SQLException {
        try (Statement statement = connected().createStatement()) {
            statement.execute(sql);
        }
    }

    long number(String sql) throws SQLException {
        return Long.parseLong(lines(sql).get(0));
    }

    /** Makes the next run wait before the given write is done, counted over all tables from 1. */
    void holdAtWrite(long number) throws SQLException {
        execute("ALTER SEQUENCE crash_write RESTART; INSERT INTO crash_point (write_number) VALUES (" + number + ")");
        lines(HOLD);
    }

    /** Makes the next run wait where Liquibase writes or removes its own record, when our commit is done. */
    void holdAtRecord() throws SQLException {
        execute("INSERT INTO crash_point (table_name) VALUES ('databasechangelog')");
        lines(HOLD);
    }

    boolean isHeld() throws SQLException {
        return number(HELD) > 0;
    }

    void letGo() throws SQLException {
        lines(LET_GO);
        execute("DELETE FROM crash_point");
    }

    void cutOtherConnections() throws SQLException {
        lines("SELECT pg_terminate_backend(a.pid) " + OTHERS);
    }

    boolean isAlone() throws SQLException {
        return number("SELECT count(*) " + OTHERS) == 0;
    }

    boolean isLocked() throws SQLException {
        return number(LOCKED) > 0;
    }

    boolean isRecorded() throws SQLException {
        return number(RECORDED) > 0;
    }

    long writes() throws SQLException {
        return number("SELECT last_value FROM crash_write");
    }

    List<String> state() throws SQLException {
        return lines(STATE);
    }

    void assertProved() throws SQLException {
        assertThat(lines(BROKEN_INVARIANTS)).isEmpty();
        assertThat(lines(DISCREPANCIES)).isEmpty();
    }

    List<String> lines(String sql) throws SQLException {
        try (Statement statement = connected().createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> lines = new ArrayList<>();
            while (rows.next()) {
                lines.add(rows.getString(1));
            }
            return lines;
        }
    }

    /** The template's own connection, so that others may copy it. */
    void disconnect() throws SQLException {
        if (connection != null) {
            connection.close();
            connection = null;
        }
    }

    @Override
    public void close() throws SQLException {
        disconnect();
        try (Connection maintenance = connect(server, "postgres");
                Statement statement = maintenance.createStatement()) {
            statement.execute("DROP DATABASE " + name + " WITH (FORCE)");
        }
    }

    private Connection connected() throws SQLException {
        if (connection == null) {
            connection = connect(server, name);
        }
        return connection;
    }

    private static Connection connect(CrashServer server, String database) throws SQLException {
        return DriverManager.getConnection(server.url(database));
    }
}
