package liquibase.ext.credits.benchmark;

import java.sql.Connection;
import liquibase.ext.credits.Database;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.plan.Preview;

/** This project's dry run, which reads everything and writes nothing. */
final class ProductPreview implements Rival {
    @Override
    public String id() {
        return "preview";
    }

    @Override
    public String title() {
        return "**liquibase-credits**: preview";
    }

    @Override
    public void prepare(Database database) {
        // The changelog has made all there must be.
    }

    @Override
    public void run(Backends backends) throws Exception {
        Connection connection = backends.first();
        new Preview(Product.conversion(CommitMode.ONCE, 1), null).read(connection);
        connection.commit();
    }

    @Override
    public Books expected(Books before) {
        return before;
    }
}
