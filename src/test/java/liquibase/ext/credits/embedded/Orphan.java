package liquibase.ext.credits.embedded;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** The server that a killed process left running in its directory; a new one cannot start beside it. */
final class Orphan {

    private static final int STOP_LIMIT_SECONDS = 30;

    private Orphan() {}

    /** Only for the holder of the directory's lock. */
    static void stopIn(Path directory) throws IOException {
        Path pidFile = directory.resolve("postmaster.pid");
        if (Files.exists(pidFile)) {
            long pid = Long.parseLong(Files.readAllLines(pidFile).get(0).trim());
            ProcessHandle.of(pid).filter(Orphan::isPostgres).ifPresent(Orphan::stop);
        }
    }

    /** After a restart of the machine the number in a stale file may belong to any other program. */
    private static boolean isPostgres(ProcessHandle process) {
        return process.info().command().map(Path::of).stream()
                .anyMatch(command -> command.getFileName().toString().startsWith("postgres"));
    }

    private static void stop(ProcessHandle process) {
        process.destroy();
        try {
            process.onExit().get(STOP_LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("PostgreSQL process " + process.pid() + " does not stop; end it", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
