package liquibase.ext.credits.benchmark;

import liquibase.ext.credits.Database;
import liquibase.ext.credits.LiquibaseApi;
import liquibase.ext.credits.Template;

/** The application's tables with n users, prepared by every changeset but the conversion. The same n gives the same rows. */
final class Population {
    private static final String USERS = """
            INSERT INTO users (id, email)
            SELECT md5('user ' || n)::uuid, 'user' || n || '@example.org'
            FROM generate_series(1, ?) AS n
            """;
    private static final String BALANCES = """
            INSERT INTO user_billing (user_id, balance_usd)
            SELECT md5('user ' || n)::uuid, (1 + abs(hashint4(n) % 50000)) / 100.0
            FROM generate_series(1, ?) AS n
            """;
    private static final String CREDITS = """
            INSERT INTO user_credits (user_id, balance, total_earned)
            SELECT md5('user ' || n)::uuid, n % 100, n % 100
            FROM generate_series(1, ?, 2) AS n
            """;

    private Population() {}

    static Template of(int users) {
        return new Template("benchmark_" + users, database -> prepare(database, users));
    }

    private static void prepare(Database database, int users) {
        LiquibaseApi.on(database)
                .changelog("changelogs/demo/legacy_schema.sql")
                .run("update")
                .assertSucceeded();
        database.execute("DROP TABLE databasechangelog, databasechangeloglock");
        database.execute(Resources.text("/legacy/ledger.sql"));
        LiquibaseApi.on(database).runAllButLast();
        database.execute(USERS, users);
        database.execute(BALANCES, users);
        database.execute(CREDITS, users);
        database.execute("VACUUM ANALYZE");
    }
}
