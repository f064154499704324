package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.time.Duration;
import liquibase.ext.credits.Database;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.conversion.ProgressOutput;
import liquibase.ext.credits.conversion.Reversal;

/** This project's undo of a whole conversion, with its proof and report, in either commit mode, by one or several workers. */
record ProductReversal(CommitMode commit, int workers) implements Rival {
    private static final Duration NEVER = Duration.ofDays(1);

    @Override
    public String id() {
        return "undo" + (commit == CommitMode.ONCE ? "" : "-batch") + (workers == 1 ? "" : "-" + workers);
    }

    @Override
    public String title() {
        return "**liquibase-credits**: undo, prove and report"
                + (commit == CommitMode.ONCE ? "" : ", each batch committed")
                + (workers == 1 ? "" : ", " + workers + " workers");
    }

    @Override
    public void prepare(Database database) throws Exception {
        try (Backends backends = new Backends(database, false)) {
            new ProductConversion(CommitMode.ONCE, 1).run(backends);
        }
    }

    @Override
    public void run(Backends backends) throws Exception {
        Connection connection = backends.first();
        new Reversal(
                        connection,
                        backends::sibling,
                        Product.reversal(commit, workers),
                        null,
                        ProgressOutput.lines(line -> {}, NEVER))
                .run();
        connection.commit();
    }

    @Override
    public Books expected(Books before) {
        return before.undone();
    }
}
