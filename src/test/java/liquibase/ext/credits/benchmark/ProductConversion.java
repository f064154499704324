package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import java.time.Duration;
import java.util.Locale;
import liquibase.ext.credits.Database;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.conversion.Conversion;
import liquibase.ext.credits.conversion.ProgressOutput;

/** This project: plan, conversion, proof of the invariants and report, in either commit mode. */
record ProductConversion(CommitMode commit) implements Rival {
    private static final Duration NEVER = Duration.ofDays(1);

    @Override
    public String id() {
        return commit == CommitMode.ONCE
                ? "convert"
                : "convert-" + commit.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public String title() {
        return commit == CommitMode.ONCE
                ? "**liquibase-credits**: check, convert, prove and report, one transaction"
                : "**liquibase-credits**: the same, each batch committed";
    }

    @Override
    public void prepare(Database database) {
        // The changelog has made all there must be.
    }

    @Override
    public void run(Connection connection) throws Exception {
        new Conversion(
                        connection,
                        () -> connection,
                        Product.conversion(commit),
                        Product.IDENTITY,
                        ProgressOutput.lines(line -> {}, NEVER))
                .run();
        connection.commit();
    }
}
