package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import liquibase.ext.credits.Database;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.conversion.Reversal;

/** This project's undo of a whole conversion, with its proof and report. */
final class ProductReversal implements Rival {
    @Override
    public String id() {
        return "undo";
    }

    @Override
    public String title() {
        return "**liquibase-credits**: undo, prove and report";
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
        new Reversal(connection, Product.reversal(), null).run();
        connection.commit();
    }

    @Override
    public Books expected(Books before) {
        return before.undone();
    }
}
