package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a role needs, as the README lists it: with all of it everything works, with one fewer nothing begins. */
class PrivilegesTest {

    private static final List<String> PRIVILEGES = MigratingRole.PRIVILEGES;
    private static final List<String> PRIVILEGES_ON_A_LEDGER = MigratingRole.PRIVILEGES_ON_A_LEDGER;

    @Test
    void theReadmeListsEveryTableOnce() {
        assertThat(PRIVILEGES)
                .containsExactly(
                        "SELECT ON users",
                        "REFERENCES ON users",
                        "UPDATE (created_at) ON users",
                        "SELECT ON user_billing",
                        "UPDATE ON user_billing",
                        "SELECT ON user_credits",
                        "INSERT ON user_credits",
                        "UPDATE ON user_credits",
                        "DELETE ON user_credits");
        assertThat(PRIVILEGES_ON_A_LEDGER)
                .containsExactly("SELECT ON credit_transactions", "INSERT ON credit_transactions");
    }

    @ParameterizedTest(name = "with a ledger: {0}")
    @ValueSource(booleans = {false, true})
    void theWholeLifeCycleNeedsNoMore(boolean hasLedger) {
        try (Database database = Database.from(hasLedger ? Template.LEGACY_WITH_LEDGER : Template.LEGACY);
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");

            role.liquibase().run("updateSql").assertSucceeded();
            role.liquibase().run("update").assertSucceeded();
            role.liquibase().run("status").assertSucceeded();
            role.liquibase().run("creditsStatus").assertSucceeded();
            role.liquibase().run("creditsVerify").assertSucceeded();
            role.liquibase()
                    .run(
                            "creditsGrant",
                            "user",
                            database.text("SELECT id FROM users"),
                            "amount",
                            "5",
                            "reason",
                            "because",
                            "key",
                            "ticket-7")
                    .assertSucceeded();
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("105.00");

            role.liquibase().run("rollbackCountSql", "count", 1).assertSucceeded();
            role.liquibase().run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");

            role.liquibase()
                    .parameter("credits.commit", "batch")
                    .parameter("credits.workers", "2")
                    .run("update")
                    .assertSucceeded();
            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("105.00");

            role.liquibase().run("rollbackCount", "count", 1).assertSucceeded();
            database.execute("DELETE FROM credit_transactions; DELETE FROM user_credits");
            role.liquibase()
                    .run(
                            "rollbackCount",
                            "count",
                            database.number("SELECT count(*) FROM databasechangelog")
                                    .intValue())
                    .assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
            assertThat(database.lines("SELECT proname FROM pg_proc WHERE proname LIKE '%billing%'"))
                    .isEmpty();
        }
    }

    @ParameterizedTest(name = "without {0}")
    @FieldSource("PRIVILEGES")
    void oneFewerIsRefused(String missing) {
        try (Database database = Database.legacy()) {
            assertRefusedWithout(missing, database);
        }
    }

    @ParameterizedTest(name = "without {0}")
    @FieldSource("PRIVILEGES_ON_A_LEDGER")
    void oneFewerOnTheApplicationsLedgerIsRefused(String missing) {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            assertRefusedWithout(missing, database);
        }
    }

    @Test
    void aRoleThatMayNotCreateTablesIsRefused() {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            role.liquibase()
                    .run("tag", "tag", "makes_liquibase_create_its_own_tables")
                    .assertSucceeded();
            role.revoke("CREATE ON SCHEMA public");

            assertRefused(
                    role,
                    "role " + role.name() + " may not CREATE in schema public; GRANT CREATE ON SCHEMA public TO "
                            + role.name());
        }
    }

    @Test
    void liquibaseRefusesARoleThatMayNotCreateItsOwnTablesEither() {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            role.revoke("CREATE ON SCHEMA public");

            assertRefused(role, "ERROR: permission denied for schema public");
        }
    }

    @Test
    void functionsBelongToNobodyElseAndFindTheirTablesWhateverTheCallerSearches() {
        try (Database database = Database.prepared()) {
            assertThat(database.number(
                            "SELECT count(*) FROM pg_proc WHERE proname ~ 'billing_migration|^billing_credits$'"))
                    .isGreaterThan(new java.math.BigDecimal("20"));
            assertThat(database.lines("""
                            SELECT p.proname
                            FROM pg_proc AS p
                            WHERE
                                p.pronamespace = 'public'::regnamespace
                                AND p.proname <> 'set_updated_at'
                                AND (
                                    p.prosecdef
                                    OR has_function_privilege('public', p.oid, 'EXECUTE')
                                    OR (
                                        p.prosqlbody IS NULL
                                        AND 'search_path=public, pg_temp' <> ALL (coalesce(p.proconfig, '{none}'))
                                    )
                                )
                            """)).isEmpty();
        }
    }

    @Test
    void aHostileSearchPathDoesNotMoveTheMoneyElsewhere() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.execute("""
                    CREATE SCHEMA hostile;
                    CREATE TABLE hostile.user_credits AS SELECT * FROM user_credits;
                    CREATE TABLE hostile.user_billing AS SELECT * FROM user_billing;
                    CREATE TABLE hostile.credit_transactions AS SELECT * FROM credit_transactions;
                    CREATE FUNCTION hostile.billing_credits(numeric, text, integer) RETURNS numeric
                        LANGUAGE sql AS 'SELECT 1000000';
                    SET search_path = hostile, public;
                    SELECT * FROM public.migrate_user_billing_to_credits(2.0, false);
                    SET search_path = public;
                    """);

            assertThat(database.lines("SELECT balance FROM user_credits")).containsExactly("200.00");
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("0.00");
            assertThat(database.number("SELECT count(*) FROM hostile.credit_transactions"))
                    .isZero();

            database.execute("""
                    SET search_path = hostile, public;
                    SELECT * FROM public.rollback_billing_migration();
                    SET search_path = public;
                    """);
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
        }
    }

    private static void assertRefusedWithout(String missing, Database database) {
        try (MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            role.revoke(missing);

            String found = switch (missing) {
                case "UPDATE (created_at) ON users" ->
                    "lock rows of users, which keeps a deletion and the conversion from waiting for each other";
                case "REFERENCES ON users" -> "REFERENCES users, which the ledger needs";
                default -> missing.replace(" ON", "");
            };
            assertRefused(
                    role, "role " + role.name() + " may not " + found + "; GRANT " + missing + " TO " + role.name());
        }
    }

    private static void assertRefused(MigratingRole role, String message) {
        Snapshot before = role.database().everything().without("databasechangelog");

        role.liquibase().run("update").assertRefused(message);

        assertThat(role.database().everything().without("databasechangelog")).isEqualTo(before);
    }
}
