package liquibase.ext.credits.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The demo's files as tables of a query. */
class SampleUsersTest {

    @Test
    void aQueryReadsTheFilesInsteadOfTheTables() throws IOException {
        SampleUsers users = new SampleUsers(Map.of(
                "users", "id,name,email\nu1,Ivan,o'neill@example.org\nu2,Olena,olena@example.org\n",
                "user_billing", "user_id,balance_usd,balance_uah\nu1,1.00,0.00\n",
                "user_credits", "user_id,balance,total_earned\nu2,5.00,\n"));

        assertThat(users.asTablesFor("SELECT 1")).isEqualTo("""
                        WITH users (id, email) AS (VALUES (CAST('u1' AS uuid), CAST('o''neill@example.org' AS text)),\
                         (CAST('u2' AS uuid), CAST('olena@example.org' AS text))),
                        user_billing (user_id, balance_usd, balance_uah) AS (VALUES (CAST('u1' AS uuid),\
                         CAST('1.00' AS numeric(10,2)), CAST('0.00' AS numeric(10,2)))),
                        user_credits (user_id, balance, total_earned) AS (VALUES (CAST('u2' AS uuid),\
                         CAST('5.00' AS numeric(10,2)), CAST('' AS numeric(10,2))))
                        SELECT * FROM (
                        SELECT 1
                        ) AS sample""");
    }
}
