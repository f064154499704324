package liquibase.ext.credits.conversion;

import java.time.Duration;
import liquibase.ext.credits.document.BatchTimes;

/** Says how far a run is: at most one update in a while, and one line whenever the run waits. Shared by all workers. */
final class Progress {
    private static final Duration BETWEEN_NOTES = Duration.ofSeconds(1);

    private final ProgressOutput output;
    private final BatchTimes batchTimes = new BatchTimes();
    private long firstStartNanos;
    private long startNanos;
    private long lastUpdateNanos;
    private long lastNoteNanos;
    private long firstUsers;
    private long usersInBatches;
    private Standing standing;

    /** Of users who are, in one word, converted or undone. */
    Progress(ProgressOutput output, String done) {
        this.output = output;
        this.standing = new Standing(done, 0, 0, 0, 0, Duration.ZERO, 1, null);
        started(0, 0, 1);
    }

    /** The clock of a run starts now, with what an interrupted call has done already; lines and notes keep their rhythm from run to run. */
    synchronized void started(long doneUsers, long plannedUsers, int workers) {
        startNanos = System.nanoTime();
        if (usersInBatches == 0) {
            firstStartNanos = startNanos;
            lastUpdateNanos = startNanos;
            lastNoteNanos = startNanos - BETWEEN_NOTES.toNanos();
        }
        firstUsers = doneUsers;
        standing = new Standing(standing.done(), doneUsers, plannedUsers, 0, 0, Duration.ZERO, workers, null);
    }

    /** One more batch is committed, or in commit mode once written. */
    synchronized void batchDone(long users, int batchUsers, Duration batch) {
        long now = System.nanoTime();
        long doneUsers = standing.doneUsers() + users;
        standing = new Standing(
                standing.done(),
                doneUsers,
                standing.plannedUsers(),
                (doneUsers - firstUsers) * 1_000_000_000L / Math.max(1, now - startNanos),
                batchUsers,
                batch,
                standing.workers(),
                standing.waitsFor());
        if (users > 0) {
            usersInBatches += users;
            batchTimes.add(batch, Duration.ofNanos(now - firstStartNanos), usersInBatches);
        }
        updateIfDue();
    }

    /** No batch begins: said once when the run begins to wait, and shown for as long as it does. */
    synchronized void waits(String reason) {
        boolean isNew = standing.waitsFor() == null;
        standing = standing.waitingFor(reason);
        if (isNew) {
            says("Paused: " + reason);
            if (output.isTerminal()) {
                update();
            }
        } else {
            updateIfDue();
        }
    }

    synchronized void goesOn() {
        standing = standing.waitingFor(null);
        says("Going on");
    }

    synchronized Standing standing() {
        return standing;
    }

    /** Of this call; an interrupted one is not in it. */
    BatchTimes batchTimes() {
        return batchTimes;
    }

    /** Whether it is time to write down in the database how far the run is; true for one of those who ask. */
    synchronized boolean isNoteDue() {
        long now = System.nanoTime();
        boolean isDue = now - lastNoteNanos >= BETWEEN_NOTES.toNanos();
        if (isDue) {
            lastNoteNanos = now;
        }
        return isDue;
    }

    /** The run ends, or waits: on a terminal the last bar makes room for what follows. */
    synchronized void ends() {
        if (output.isTerminal()) {
            output.updates().accept("");
        }
    }

    synchronized void says(String line) {
        output.messages().accept(line);
    }

    private void updateIfDue() {
        if (System.nanoTime() - lastUpdateNanos >= output.between().toNanos()) {
            update();
        }
    }

    private void update() {
        lastUpdateNanos = System.nanoTime();
        output.updates().accept(output.isTerminal() ? standing.bar() : standing.line());
    }
}
