package liquibase.ext.credits;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** A real PgBouncer before the server of the tests, which must trust local connections, until it is closed. */
final class PgBouncer implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofMinutes(1);

    private final Process process;
    private final int port;

    private PgBouncer(Process process, int port) {
        this.process = process;
        this.port = port;
    }

    /** The program, if this machine has it on its {@code PATH}. */
    static Optional<Path> program() {
        return Pattern.compile(Pattern.quote(File.pathSeparator))
                .splitAsStream(System.getenv().getOrDefault("PATH", "") + File.pathSeparator + "/usr/sbin")
                .map(folder -> Path.of(folder, "pgbouncer"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** In pool mode {@code session} or {@code transaction}, with so many server processes for each database. */
    static PgBouncer start(Database database, String poolMode, int processes, Path folder)
            throws IOException, SQLException {
        URI server = URI.create(database.url().substring("jdbc:".length()));
        int port = freePort();
        Path settings = Files.writeString(folder.resolve("pgbouncer.ini"), """
                [databases]
                * = host=%s port=%d user=%s
                [pgbouncer]
                listen_addr = 127.0.0.1
                listen_port = %d
                unix_socket_dir =
                auth_type = any
                pool_mode = %s
                default_pool_size = %d
                ignore_startup_parameters = extra_float_digits
                """.formatted(
                        server.getHost(), server.getPort(), database.username(), port, poolMode, processes));
        List<String> command = new ArrayList<>(List.of(program().orElseThrow().toString(), "--quiet"));
        if (System.getProperty("user.name").equals("root")) {
            // It refuses to run as root; its folder must then be readable for somebody else.
            command.addAll(List.of("--user", "nobody"));
        }
        command.add(settings.toString());
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("pgbouncer.log").toFile())
                .start();
        PgBouncer bouncer = new PgBouncer(process, port);
        bouncer.await(database, folder);
        return bouncer;
    }

    /** This database through the pooler; PgBouncer below 1.21 knows no prepared statements in transaction mode. */
    String url(Database database) {
        String path = URI.create(database.url().substring("jdbc:".length())).getPath();
        return "jdbc:postgresql://127.0.0.1:" + port + path + "?prepareThreshold=0";
    }

    @Override
    public void close() {
        process.destroy();
        process.onExit().join();
    }

    private void await(Database database, Path folder) throws IOException, SQLException {
        Instant end = Instant.now().plus(LIMIT);
        while (true) {
            try {
                DriverManager.getConnection(url(database), database.username(), database.password())
                        .close();
                return;
            } catch (SQLException e) {
                if (!process.isAlive() || Instant.now().isAfter(end)) {
                    close();
                    throw new SQLException(Files.readString(folder.resolve("pgbouncer.log")), e);
                }
                Thread.onSpinWait();
            }
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
