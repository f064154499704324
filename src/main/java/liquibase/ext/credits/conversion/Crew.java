package liquibase.ext.credits.conversion;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/** All workers of a run. The first failure of one ends all, each at its next batch. */
final class Crew {
    private final Gate gate;
    private @Nullable Exception failure;

    Crew(Gate gate) {
        this.gate = gate;
    }

    /** Lets every worker work, the first one in this thread, and returns when all have ended. */
    void work(List<Worker> workers) throws SQLException, ConversionException {
        ExecutorService threads = Executors.newCachedThreadPool(Crew::thread);
        try {
            List<Future<?>> others = new ArrayList<>();
            for (Worker worker : workers.subList(1, workers.size())) {
                others.add(threads.submit(() -> work(worker)));
            }
            work(workers.get(0));
            for (Future<?> other : others) {
                await(other);
            }
        } finally {
            threads.shutdown();
        }
        rethrow();
    }

    private void work(Worker worker) {
        try {
            worker.work();
        } catch (SQLException | ConversionException | RuntimeException e) {
            gate.shut();
            failed(e);
        }
    }

    private synchronized void failed(Exception e) {
        if (failure == null) {
            failure = e;
        }
    }

    /** A sibling ends with its batch, whatever happens here: it must not outlive the lock of the run. */
    private void await(Future<?> other) throws ConversionException {
        boolean isInterrupted = false;
        while (true) {
            try {
                other.get();
                break;
            } catch (InterruptedException e) {
                gate.shut();
                isInterrupted = true;
            } catch (ExecutionException e) {
                throw new IllegalStateException(e.getCause());
            }
        }
        if (isInterrupted) {
            Thread.currentThread().interrupt();
            failed(new ConversionException("interrupted between two batches"));
        }
    }

    private synchronized void rethrow() throws SQLException, ConversionException {
        if (failure instanceof SQLException e) {
            throw e;
        }
        if (failure instanceof ConversionException e) {
            throw e;
        }
        if (failure instanceof RuntimeException e) {
            throw e;
        }
    }

    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "liquibase-credits-worker");
        thread.setDaemon(true);
        return thread;
    }
}
