package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Conversion and undo beneath an application that goes on: no client fails, and each user owns what the clients' journals say. */
class RunningApplicationTest {

    /** Money may arrive after the conversion at any time; nothing else may be found. */
    private static final String WRONG =
            "SELECT user_id, finding FROM billing_migration_discrepancy WHERE finding NOT LIKE 'billing: % arrived after the conversion'";

    private static final int CLIENTS = 3;
    private static final int USERS_PER_CLIENT = 100;
    private static final int LIMIT_SECONDS = 120;

    @ParameterizedTest(name = "commit {0}, late writes {1}, undo with {2}")
    @CsvSource({
        "once,  allow,   remainder",
        "once,  convert, debt",
        "batch, allow,   debt",
        "batch, reject,  remainder",
        "batch, convert, remainder",
    })
    void everyUnitOfMoneyIsWhereTheClientsLeftIt(String commit, String lateWrites, String onSpent) throws Exception {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            LiquibaseApi.on(database).runAllButLast();
            List<ApplicationClient> clients = clientsOf(database, lateWrites);
            ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
            clients.forEach(threads::execute);

            awaitMoreWork(clients);
            liquibase(database, commit, lateWrites, onSpent).run("update").assertSucceeded();
            assertThat(database.lines(WRONG)).isEmpty();
            awaitMoreWork(clients);
            assertThat(database.lines("SELECT DISTINCT i1_holds AND i2_holds AND i3_holds AND i4_holds AS all_hold"
                            + " FROM billing_migration_reconciliation"))
                    .containsExactly("t");
            liquibase(database, commit, lateWrites, onSpent)
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();
            awaitMoreWork(clients);
            clients.forEach(ApplicationClient::stop);
            threads.shutdown();

            assertThat(threads.awaitTermination(LIMIT_SECONDS, TimeUnit.SECONDS))
                    .isTrue();
            assertThat(clients).extracting(ApplicationClient::failure).containsOnlyNulls();
            assertThat(worthByUser(database)).isEqualTo(journal(clients));
            assertThat(database.lines(WRONG)).isEmpty();
            assertThat(database.lines("""
                            SELECT c.user_id, c.balance, sum(t.amount)
                            FROM user_credits AS c
                            LEFT JOIN credit_transactions AS t ON t.user_id = c.user_id
                            GROUP BY c.user_id, c.balance
                            HAVING c.balance <> coalesce(sum(t.amount), 0)
                            """)).isEmpty();
        }
    }

    private static LiquibaseApi liquibase(Database database, String commit, String lateWrites, String onSpent) {
        LiquibaseApi liquibase = LiquibaseApi.on(database)
                .parameter("credits.commit", commit)
                .parameter("credits.lateWrites", lateWrites)
                .parameter("credits.onSpent", onSpent)
                .parameter("credits.batchUsers", "7");
        return commit.equals("batch") ? liquibase.parameter("credits.workers", "2") : liquibase;
    }

    private static List<ApplicationClient> clientsOf(Database database, String lateWrites) {
        List<ApplicationClient> clients = new ArrayList<>();
        for (int index = 0; index < CLIENTS; index++) {
            ApplicationClient client = new ApplicationClient(database, index, lateWrites.equals("reject"));
            for (int user = 1; user <= USERS_PER_CLIENT; user++) {
                client.owns(database.addUser(user + ".25"), new BigDecimal(user + ".25"));
            }
            clients.add(client);
        }
        return clients;
    }

    /** Until each client has done some more since, so that every step meets all of them at work. */
    private static void awaitMoreWork(List<ApplicationClient> clients) throws InterruptedException {
        List<Long> before = clients.stream().map(ApplicationClient::operations).toList();
        for (int index = 0; index < clients.size(); index++) {
            ApplicationClient client = clients.get(index);
            while (client.failure() == null && client.operations() < before.get(index) + 30) {
                Thread.sleep(5);
            }
        }
    }

    private static Map<UUID, String> journal(List<ApplicationClient> clients) {
        Map<UUID, String> journal = new HashMap<>();
        clients.forEach(client -> client.worthByUser()
                .forEach((user, worth) -> journal.put(user, worth.setScale(2).toPlainString())));
        return journal;
    }

    private static Map<UUID, String> worthByUser(Database database) {
        return database.rows("""
                        SELECT b.user_id, b.balance_usd + coalesce(c.balance, 0) AS worth
                        FROM user_billing AS b
                        LEFT JOIN user_credits AS c ON c.user_id = b.user_id
                        """).stream()
                .collect(Collectors.toMap(row -> UUID.fromString(row.get("user_id")), row -> row.get("worth")));
    }
}
