package liquibase.ext.credits.benchmark;

import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Several clients of an application at work, each with a connection of its own. */
final class Clients implements AutoCloseable {
    static final int COUNT = 8;

    private final ExecutorService threads = Executors.newFixedThreadPool(COUNT, Clients::thread);
    private final List<Client> clients = new ArrayList<>();
    private final List<Future<List<Call>>> calls = new ArrayList<>();

    /** They begin at once. */
    Clients(String url, String username, String password, int users) throws SQLException {
        for (int number = 0; number < COUNT; number++) {
            Client client = new Client(DriverManager.getConnection(url, username, password), users, number);
            clients.add(client);
            calls.add(threads.submit(client));
        }
    }

    /** Every call that was due before, when all are answered. */
    List<Call> callsUntil(long endNanos) throws Exception {
        clients.forEach(client -> client.endAt(endNanos));
        List<Call> all = new ArrayList<>();
        for (Future<List<Call>> client : calls) {
            all.addAll(client.get());
        }
        return all;
    }

    /** Ends with the process: a client must not outlive who asked for it. */
    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, Client.APPLICATION_NAME);
        thread.setDaemon(true);
        return thread;
    }

    @Override
    public void close() {
        long now = System.nanoTime();
        clients.forEach(client -> client.endAt(now));
        threads.shutdown();
    }
}
