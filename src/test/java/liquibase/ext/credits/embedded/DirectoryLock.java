package liquibase.ext.credits.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import liquibase.Scope;

/** One process at a time: a second one would be cut off when the first stops its server. */
final class DirectoryLock {

    private static final int WAIT_LIMIT_SECONDS = Integer.getInteger("embedded.postgres.waitSeconds", 120);

    private final Path file;
    private final FileChannel channel;

    private DirectoryLock(Path file, FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    static DirectoryLock acquire(Path directory) throws IOException {
        Files.createDirectories(directory.getParent());
        Path file = directory.resolveSibling(directory.getFileName() + ".lock");
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        DirectoryLock lock = new DirectoryLock(file, channel);
        if (channel.tryLock() == null) {
            lock.await();
        }
        return lock;
    }

    void release() throws IOException {
        channel.close();
    }

    private void await() throws IOException {
        Scope.getCurrentScope()
                .getUI()
                .sendMessage(
                        "Waiting for another process to release " + file + " (at most " + WAIT_LIMIT_SECONDS + " s)");
        try {
            locked().get(WAIT_LIMIT_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            channel.close();
            throw new IOException("another process has held it for " + WAIT_LIMIT_SECONDS + " s; end it and try again");
        } catch (ExecutionException e) {
            throw new IOException(e.getCause().getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while waiting for " + file, e);
        }
    }

    /** The lock call itself has no time limit, so it waits in a thread that does not keep the process alive. */
    private CompletableFuture<Void> locked() {
        CompletableFuture<Void> result = new CompletableFuture<>();
        Thread waiting = new Thread(() -> lock(result), "embedded-postgresql-lock");
        waiting.setDaemon(true);
        waiting.start();
        return result;
    }

    private void lock(CompletableFuture<Void> result) {
        try {
            channel.lock();
            result.complete(null);
        } catch (IOException | RuntimeException e) {
            result.completeExceptionally(e);
        }
    }
}
