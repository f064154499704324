package liquibase.ext.credits.benchmark;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import liquibase.ext.credits.Database;

/**
 * The connections of one run, and the server's processes behind them: the first one, and those that a rival opens beside it, as
 * Liquibase opens siblings in production.
 */
final class Backends implements AutoCloseable {
    private final Database database;
    private final boolean serverIsLocal;
    private final List<BackendProcess> open = new ArrayList<>();
    private final Connection first;
    private double endedCpuSeconds;

    Backends(Database database, boolean serverIsLocal) throws SQLException {
        this.database = database;
        this.serverIsLocal = serverIsLocal;
        this.first = connect();
        first.setAutoCommit(false);
    }

    Connection first() {
        return first;
    }

    /** One more, to be closed by whoever asks for it. */
    Connection sibling() throws SQLException {
        return connect();
    }

    /** What all of them have used, those that are closed included; nothing where it cannot be known. */
    synchronized OptionalDouble cpuSeconds() {
        double sum = endedCpuSeconds;
        for (BackendProcess process : open) {
            OptionalDouble seconds = process.cpuSeconds();
            if (seconds.isEmpty()) {
                return OptionalDouble.empty();
            }
            sum += seconds.getAsDouble();
        }
        return OptionalDouble.of(sum);
    }

    @Override
    public void close() throws SQLException {
        first.close();
    }

    private Connection connect() throws SQLException {
        Connection connection = database.connection();
        BackendProcess process = new BackendProcess(pid(connection), serverIsLocal);
        add(process);
        return (Connection) Proxy.newProxyInstance(
                Backends.class.getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        ended(process);
                    }
                    try {
                        return method.invoke(connection, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private synchronized void add(BackendProcess process) {
        open.add(process);
    }

    /** The system forgets a process when it ends, so its time is kept here. */
    private synchronized void ended(BackendProcess process) {
        if (open.remove(process)) {
            endedCpuSeconds += process.cpuSeconds().orElse(0);
        }
    }

    private static long pid(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT pg_backend_pid()")) {
            row.next();
            return row.getLong(1);
        }
    }
}
