import java.sql.DriverManager;
import liquibase.Contexts;
import liquibase.LabelExpression;
import liquibase.Liquibase;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.ClassLoaderResourceAccessor;

/** An application that runs Liquibase at start, with nothing but the jar: url, username and password are its arguments. */
class Application {
    public static void main(String[] arguments) throws Exception {
        try (var connection = DriverManager.getConnection(arguments[0], arguments[1], arguments[2]);
                var liquibase = new Liquibase(
                        "liquibase/ext/credits/changelog/master.xml",
                        new ClassLoaderResourceAccessor(),
                        new JdbcConnection(connection))) {
            liquibase.setChangeLogParameter("credits.perUsd", "2");
            int waiting = liquibase
                    .listUnrunChangeSets(new Contexts("stage"), new LabelExpression())
                    .size();
            System.out.println("changesets waiting: " + waiting);
            liquibase.update(new Contexts("stage"));
        }
    }
}
