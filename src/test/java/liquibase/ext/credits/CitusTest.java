package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.Test;

/**
 * Tables that Citus distributes are refused in one line, before anything is created. {@code -Dtest.citus.url=jdbc:…} names the
 * database of a coordinator, with the extension; the test works in a schema of its own, as postgres unless the URL says otherwise.
 */
class CitusTest {
    private static final String REFUSAL =
            "table user_billing is distributed by Citus, which refuses the row locks over several"
                    + " shards that the conversion takes; run it on plain PostgreSQL, or after"
                    + " SELECT undistribute_table('user_billing')";

    @Test
    void aDistributedTableIsRefusedBeforeAnythingIsCreated() throws Exception {
        String url = System.getProperty("test.citus.url");
        assumeTrue(url != null, "skipped: -Dtest.citus.url=jdbc:postgresql://… names no Citus coordinator");
        try (Database credentials = Database.empty();
                Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute("DROP SCHEMA IF EXISTS credits_test CASCADE; CREATE SCHEMA credits_test");
            try {
                statement.execute("SET search_path TO credits_test; " + distributedTables());

                LiquibaseCli.on(credentials)
                        .url(url + (url.contains("?") ? "&" : "?") + "currentSchema=credits_test")
                        .run("update")
                        .assertRefused(REFUSAL);

                assertThat(text(statement, "SELECT balance_usd FROM user_billing"))
                        .isEqualTo("100.00");
                assertThat(text(statement, "SELECT to_regclass('billing_migration_run')"))
                        .isNull();
            } finally {
                statement.execute("DROP SCHEMA credits_test CASCADE");
            }
        }
    }

    /** What Citus' catalog would say, on a server without Citus. */
    @Test
    void itsCatalogIsReadWhereItExists() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute("""
                    CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char");
                    INSERT INTO pg_dist_partition VALUES ('users', 'n'), ('user_billing', 'h');
                    """);

            LiquibaseApi.on(database).run("update").assertRefused(REFUSAL);
            assertThat(database.text("SELECT to_regclass('billing_migration_run')"))
                    .isNull();
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("100");

            database.execute("DELETE FROM pg_dist_partition WHERE partmethod = 'h'");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isZero();
        }
    }

    private static String distributedTables() {
        return """
                CREATE TABLE users (id uuid PRIMARY KEY, email text NOT NULL, name text, created_at timestamp DEFAULT now());
                CREATE TABLE user_billing (
                    user_id uuid PRIMARY KEY, balance_usd numeric(10,2) NOT NULL, balance_uah numeric(10,2) NOT NULL DEFAULT 0);
                CREATE TABLE user_credits (
                    id uuid NOT NULL DEFAULT gen_random_uuid(), user_id uuid PRIMARY KEY, balance numeric(10,2) NOT NULL DEFAULT 0,
                    total_earned numeric(10,2) NOT NULL DEFAULT 0, total_spent numeric(10,2) NOT NULL DEFAULT 0,
                    created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now());
                SELECT create_reference_table('users');
                SELECT create_distributed_table('user_billing', 'user_id');
                SELECT create_distributed_table('user_credits', 'user_id');
                INSERT INTO users (id, email) VALUES ('00000000-0000-0000-0000-000000000001', 'one@example.org');
                INSERT INTO user_billing (user_id, balance_usd) VALUES ('00000000-0000-0000-0000-000000000001', 100);
                """;
    }

    private static String text(Statement statement, String sql) throws SQLException {
        try (ResultSet row = statement.executeQuery(sql)) {
            return row.next() ? row.getString(1) : null;
        }
    }
}
