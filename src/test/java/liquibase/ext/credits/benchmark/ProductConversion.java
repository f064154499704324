package liquibase.ext.credits.benchmark;

import java.time.Duration;
import liquibase.ext.credits.Database;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.conversion.Conversion;
import liquibase.ext.credits.conversion.ProgressOutput;

/** This project: plan, conversion, proof of the invariants and report, in either commit mode, by one or several workers. */
record ProductConversion(CommitMode commit, int workers) implements Rival {
    private static final Duration NEVER = Duration.ofDays(1);

    @Override
    public String id() {
        return "convert" + (commit == CommitMode.ONCE ? "" : "-batch") + (workers == 1 ? "" : "-" + workers);
    }

    @Override
    public String title() {
        return commit == CommitMode.ONCE
                ? "**liquibase-credits**: check, convert, prove and report, one transaction"
                : "**liquibase-credits**: the same, each batch committed"
                        + (workers == 1 ? "" : ", " + workers + " workers");
    }

    @Override
    public void prepare(Database database) {
        // The changelog has made all there must be.
    }

    @Override
    public void run(Backends backends) throws Exception {
        new Conversion(
                        backends.first(),
                        backends::sibling,
                        Product.conversion(commit, workers),
                        Product.IDENTITY,
                        ProgressOutput.lines(line -> {}, NEVER))
                .run();
        backends.first().commit();
    }
}
