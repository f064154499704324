package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.postgresql.PGConnection;

/** Legacy databases in which the conversion would fail late: refused in one line, before anything is created. */
class GuardTest {

    private static final Template EARLIER_ATTEMPT = new Template("guard_earlier_attempt", database -> {
        LiquibaseApi.on(database)
                .changelog("changelogs/demo/legacy_schema.sql")
                .run("update")
                .assertSucceeded();
        database.execute("DROP TABLE databasechangelog, databasechangeloglock");
        database.execute(Template.resource("/legacy/ledger.sql"));
        database.execute(Template.resource("/legacy/earlier_attempt.sql"));
    });

    private static final String NO_IDENTITY = ", which PostgreSQL refuses without one; ALTER TABLE ";
    private static final String EMPTY = " is NOT NULL, and the conversion leaves it empty; ";
    private static final String REWRITES =
            " would rewrite what the conversion or its undo writes, which PostgreSQL refuses within WITH;"
                    + " make it a trigger, or ALTER TABLE ";
    private static final String RECREATE = "drop it first, and create it again afterwards";
    private static final String REPLACED = "which 021 replaces; " + RECREATE;

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE user_credits DROP CONSTRAINT user_credits_user_id_key,"
                        + " ADD CONSTRAINT user_credits_user_id_key UNIQUE (user_id) DEFERRABLE"
                        + "| user_credits.user_id is not unique, as user_credits_user_id_key is deferrable;"
                        + " a wallet is found by it; add a unique constraint, not deferrable",
                "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE"
                        + "| users.id is not unique; every balance and every entry of the ledger refers to it;"
                        + " add a unique constraint, not deferrable",
                "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE;"
                        + " CREATE UNIQUE INDEX users_id_named_key ON users (id) WHERE name IS NOT NULL"
                        + "| users.id is not unique, as users_id_named_key is partial;"
                        + " every balance and every entry of the ledger refers to it;"
                        + " add a unique constraint, not deferrable",
                "ALTER TABLE user_billing RENAME TO accounts;"
                        + " CREATE VIEW user_billing AS SELECT user_id, balance_usd, balance_uah FROM accounts"
                        + "| user_billing is a view; the conversion locks its rows, which needs a table;"
                        + " put the table in its place, or check that this is the right database",
                "ALTER TABLE user_credits RENAME TO wallets; CREATE MATERIALIZED VIEW user_credits AS SELECT * FROM wallets"
                        + "| user_credits is a materialized view; the conversion locks its rows, which needs a table;"
                        + " put the table in its place, or check that this is the right database",
                "ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT id, email FROM people"
                        + "| users is a view; the ledger refers to it by a foreign key, which needs a table;"
                        + " put the table in its place, or check that this is the right database",
            })
    void refusesATableThatCannotTakeTheChange(String damage, String message) {
        assertRefused(Template.LEGACY, damage, message);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE user_billing DROP COLUMN balance_uah,"
                        + " ADD COLUMN balance_uah numeric(10,2) GENERATED ALWAYS AS (total_spent_uah * -1) STORED"
                        + "| column user_billing.balance_uah is generated; the conversion writes it;"
                        + " make it a plain column first",
                "ALTER TABLE user_credits DROP COLUMN total_earned,"
                        + " ADD COLUMN total_earned numeric(10,2) GENERATED ALWAYS AS (balance + total_spent) STORED"
                        + "| column user_credits.total_earned is generated; the conversion writes it;"
                        + " make it a plain column first",
                "ALTER TABLE credit_transactions DROP COLUMN source_id,"
                        + " ADD COLUMN source_id bigint GENERATED ALWAYS AS IDENTITY"
                        + "| column credit_transactions.source_id is an identity; the conversion writes it;"
                        + " make it a plain column first",
            })
    void refusesAColumnThatPostgresqlWritesItself(String damage, String message) {
        assertRefused(Template.LEGACY_WITH_LEDGER, damage, message);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE user_credits ADD COLUMN \"Tenant\" integer DEFAULT 0 NOT NULL;"
                        + " ALTER TABLE user_credits ALTER COLUMN \"Tenant\" DROP DEFAULT"
                        + "| column user_credits.Tenant" + EMPTY
                        + "give it a default, or ALTER TABLE user_credits ALTER COLUMN \"Tenant\" DROP NOT NULL",
                "ALTER TABLE user_credits ALTER COLUMN total_spent DROP DEFAULT"
                        + "| column user_credits.total_spent" + EMPTY
                        + "give it a default, or ALTER TABLE user_credits ALTER COLUMN total_spent DROP NOT NULL",
                "ALTER TABLE credit_transactions ADD COLUMN currency text DEFAULT '' NOT NULL;"
                        + " ALTER TABLE credit_transactions ALTER COLUMN currency DROP DEFAULT"
                        + "| column credit_transactions.currency" + EMPTY
                        + "give it a default, or ALTER TABLE credit_transactions ALTER COLUMN currency DROP NOT NULL",
                "ALTER TABLE billing_migration_log ALTER COLUMN id DROP DEFAULT"
                        + "| column billing_migration_log.id" + EMPTY
                        + "give it a default, or ALTER TABLE billing_migration_log ALTER COLUMN id DROP NOT NULL",
                "UPDATE billing_migration_log SET reason = ''; ALTER TABLE billing_migration_log"
                        + " ALTER COLUMN reason SET DEFAULT '', ALTER COLUMN reason SET NOT NULL"
                        + "| column billing_migration_log.reason" + EMPTY
                        + "ALTER TABLE billing_migration_log ALTER COLUMN reason DROP NOT NULL",
            })
    void refusesAColumnThatTheConversionWouldLeaveEmpty(String damage, String message) {
        assertRefused(EARLIER_ATTEMPT, damage, message);
    }

    @Test
    void acceptsAColumnThatFillsItself() {
        try (Database database = Database.from(EARLIER_ATTEMPT)) {
            database.execute("""
                    CREATE DOMAIN region AS text DEFAULT 'eu' NOT NULL;
                    ALTER TABLE user_credits
                        ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY,
                        ADD COLUMN home region,
                        ADD COLUMN is_rich boolean GENERATED ALWAYS AS (balance > 1000) STORED;
                    ALTER TABLE credit_transactions ADD COLUMN tenant integer;
                    UPDATE credit_transactions SET tenant = 1;
                    ALTER TABLE credit_transactions ALTER COLUMN tenant SET NOT NULL;
                    CREATE FUNCTION set_tenant() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.tenant := 1; RETURN NEW; END';
                    CREATE TRIGGER credit_transactions_tenant BEFORE INSERT ON credit_transactions
                        FOR EACH ROW EXECUTE FUNCTION set_tenant();
                    """);

            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertThat(database.lines("SELECT DISTINCT tenant FROM credit_transactions"))
                    .containsExactly("1");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "CREATE RULE \"Audit\" AS ON UPDATE TO user_billing DO ALSO NOTIFY billing"
                        + "| rule Audit on user_billing" + REWRITES + "user_billing DISABLE RULE \"Audit\"",
                "CREATE RULE keep AS ON UPDATE TO user_credits DO INSTEAD NOTHING" + "| rule keep on user_credits"
                        + REWRITES + "user_credits DISABLE RULE keep",
                "CREATE RULE audit AS ON INSERT TO credit_transactions DO ALSO NOTIFY credits"
                        + "| rule audit on credit_transactions" + REWRITES + "credit_transactions DISABLE RULE audit",
            })
    void refusesARuleThatRewritesOurWrites(String damage, String message) {
        assertRefused(Template.LEGACY_WITH_LEDGER, damage, message);
    }

    @Test
    void acceptsARuleThatIsDisabledOrConcernsNoWriteOfOurs() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute("""
                    CREATE RULE audit AS ON UPDATE TO user_billing DO ALSO NOTIFY billing;
                    ALTER TABLE user_billing DISABLE RULE audit;
                    CREATE RULE keep AS ON DELETE TO user_credits DO INSTEAD NOTHING;
                    """);

            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE billing_migration_log ALTER id DROP DEFAULT, ALTER id TYPE text"
                        + "| column billing_migration_log.id is text; the conversion needs uuid; change its type first",
                "ALTER TABLE credit_transactions RENAME created_at TO entered_at"
                        + "| column credit_transactions.created_at is missing; the conversion needs it;"
                        + " add it, or check that this is the right database",
                "DROP VIEW billing_migration_status; CREATE MATERIALIZED VIEW billing_migration_status AS SELECT 1 AS one"
                        + "| billing_migration_status of an earlier attempt is a materialized view;"
                        + " 021 takes over a plain view only;"
                        + " ALTER MATERIALIZED VIEW billing_migration_status RENAME TO billing_migration_status_earlier",
                "DROP VIEW billing_migration_status; CREATE TABLE billing_migration_status (user_id uuid)"
                        + "| billing_migration_status of an earlier attempt is a table; 021 takes over a plain view only;"
                        + " ALTER TABLE billing_migration_status RENAME TO billing_migration_status_earlier",
                "ALTER TABLE billing_migration_log RENAME TO log; CREATE VIEW billing_migration_log AS SELECT * FROM log"
                        + "| billing_migration_log of an earlier attempt is a view; 021 takes over a table only;"
                        + " ALTER VIEW billing_migration_log RENAME TO billing_migration_log_earlier",
                "CREATE VIEW dashboard AS SELECT email FROM billing_migration_status"
                        + "| view dashboard depends on view billing_migration_status of an earlier attempt, "
                        + REPLACED,
                "CREATE FUNCTION dashboard() RETURNS SETOF billing_migration_status LANGUAGE sql"
                        + " AS 'SELECT * FROM billing_migration_status'"
                        + "| function dashboard() depends on view billing_migration_status of an earlier attempt, "
                        + REPLACED,
                "CREATE VIEW spent AS SELECT sum(old_balance_usd) FROM billing_migration_log"
                        + "| view spent depends on column billing_migration_log.old_balance_usd of an earlier attempt,"
                        + " which 021 widens from numeric(10,2) to numeric; " + RECREATE,
                "CREATE TRIGGER audit AFTER UPDATE OF new_credits ON billing_migration_log"
                        + " FOR EACH ROW EXECUTE FUNCTION set_updated_at()"
                        + "| trigger audit on table billing_migration_log depends on column"
                        + " billing_migration_log.new_credits of an earlier attempt,"
                        + " which 021 widens from numeric(10,2) to numeric; " + RECREATE,
                "ALTER TABLE billing_migration_log ADD COLUMN run_id integer"
                        + "| column billing_migration_log.run_id of an earlier attempt is integer; 021 needs uuid;"
                        + " rename it or change its type first",
                "ALTER TABLE billing_migration_log ADD COLUMN remainder numeric(10,2)"
                        + "| column billing_migration_log.remainder of an earlier attempt is numeric(10,2);"
                        + " 021 needs numeric; rename it or change its type first",
                "DROP FUNCTION migrate_user_billing_to_credits;"
                        + " CREATE PROCEDURE migrate_user_billing_to_credits(numeric) LANGUAGE sql AS 'SELECT 1'"
                        + "| procedure migrate_user_billing_to_credits(numeric) of an earlier attempt stands where 021"
                        + " creates a function; ALTER PROCEDURE migrate_user_billing_to_credits(numeric)"
                        + " RENAME TO migrate_user_billing_to_credits_earlier",
            })
    void refusesWhatAnEarlierAttemptLeftAnd021CannotTakeOver(String damage, String message) {
        assertRefused(EARLIER_ATTEMPT, damage, message);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "users                 | ALTER TABLE users ENABLE ROW LEVEL SECURITY",
                "user_billing          | ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY",
                "user_credits          | ALTER TABLE user_credits ENABLE ROW LEVEL SECURITY",
                "credit_transactions   | ALTER TABLE credit_transactions ENABLE ROW LEVEL SECURITY",
                "user_billing          | ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY own ON user_billing USING (user_id::text = current_user)",
                "user_billing          | ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY seen ON user_billing FOR SELECT USING (true)",
                "user_billing          | ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY monitored ON user_billing TO pg_monitor USING (true)",
                "user_billing          | ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY everybody ON user_billing USING (true);"
                        + " CREATE POLICY active ON user_billing AS RESTRICTIVE USING (is_active)",
                "user_billing          | ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY;"
                        + " CREATE POLICY everybody ON user_billing USING (true) WITH CHECK (balance_usd > 0)",
            })
    void refusesRowsThatMayBeHidden(String table, String security) {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER);
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            database.execute(security);

            assertRefused(
                    role.liquibase(),
                    database,
                    "row-level security of " + table + " may hide rows from role " + role.name()
                            + "; a hidden row would keep its balance, or pass for a deleted user;"
                            + " connect as a role with BYPASSRLS or as the owner, " + database.username()
                            + ", or give it a policy FOR ALL USING (true)");
        }
    }

    @Test
    void refusesRowsThatMayBeHiddenFromTheOwnerToo() {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            database.execute("ALTER TABLE user_credits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, OWNER TO "
                    + role.name());

            assertRefused(
                    role.liquibase(),
                    database,
                    "row-level security of user_credits may hide rows from role " + role.name()
                            + "; a hidden row would keep its balance, or pass for a deleted user;"
                            + " connect as a role with BYPASSRLS, or give it a policy FOR ALL USING (true)");
        }
    }

    @Test
    void acceptsRowLevelSecurityThatHidesNothing() {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database)) {
            database.addUser("100.00");
            database.execute("""
                    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
                    CREATE POLICY everybody ON users USING (true);
                    CREATE POLICY others ON users AS RESTRICTIVE TO pg_monitor USING (false);
                    ALTER TABLE user_billing ENABLE ROW LEVEL SECURITY;
                    CREATE POLICY migrator ON user_billing TO %1$s USING (true) WITH CHECK (true);
                    CREATE POLICY own ON user_billing USING (user_id::text = current_user);
                    """.formatted(role.name()));

            role.liquibase().run("update").assertSucceeded();
            role.liquibase().run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE user_billing REPLICA IDENTITY NOTHING; CREATE PUBLICATION \"Feed\" FOR TABLE user_billing"
                        + "| table user_billing has no replica identity, and publication Feed publishes every UPDATE of it"
                        + NO_IDENTITY + "user_billing REPLICA IDENTITY FULL",
                "ALTER TABLE user_billing DROP CONSTRAINT user_billing_pkey; CREATE PUBLICATION feed FOR ALL TABLES"
                        + "| table user_billing has no replica identity, and publication feed publishes every UPDATE of it"
                        + NO_IDENTITY + "user_billing REPLICA IDENTITY FULL",
                "ALTER TABLE user_credits DROP CONSTRAINT user_credits_pkey;"
                        + " CREATE PUBLICATION feed FOR TABLE user_credits WITH (publish = 'insert, delete')"
                        + "| table user_credits has no replica identity, and publication feed publishes every DELETE of it"
                        + NO_IDENTITY + "user_credits REPLICA IDENTITY FULL",
                "ALTER TABLE user_credits REPLICA IDENTITY USING INDEX user_credits_user_id_key;"
                        + " ALTER TABLE user_credits DROP CONSTRAINT user_credits_user_id_key,"
                        + " ADD CONSTRAINT user_credits_user_id_key UNIQUE (user_id);"
                        + " CREATE PUBLICATION feed FOR TABLE user_credits"
                        + "| table user_credits has no replica identity, and publication feed publishes every UPDATE of it"
                        + NO_IDENTITY + "user_credits REPLICA IDENTITY FULL",
            })
    void refusesAPublicationThatHindersTheChange(String damage, String message) {
        assertRefused(Template.LEGACY, damage, message);
    }

    @Test
    void refusesAPublicationThatHindersTheChangeOfAPartition() {
        assertRefused(
                Template.LEGACY,
                """
                ALTER TABLE user_billing RENAME TO "Whole";
                CREATE TABLE user_billing (LIKE "Whole" INCLUDING DEFAULTS) PARTITION BY HASH (user_id);
                CREATE SCHEMA part;
                CREATE TABLE part."0" PARTITION OF user_billing FOR VALUES WITH (MODULUS 1, REMAINDER 0);
                DROP TABLE "Whole";
                CREATE PUBLICATION feed FOR TABLE user_billing WITH (publish_via_partition_root = true);
                """,
                "table part.\"0\" has no replica identity, and publication feed publishes every UPDATE of it"
                        + NO_IDENTITY + "part.\"0\" REPLICA IDENTITY FULL");
    }

    /** The undo would return the money, and then Liquibase could not delete its record of the conversion. */
    @Test
    void refusesAPublicationThatHindersLiquibasesOwnRecords() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute("CREATE PUBLICATION feed FOR ALL TABLES");

            LiquibaseApi.on(database).run("updateSql").assertSucceeded();
            assertRefused(
                    LiquibaseApi.on(database),
                    database,
                    "table databasechangelog has no replica identity, and publication feed publishes every DELETE of it"
                            + NO_IDENTITY + "databasechangelog REPLICA IDENTITY FULL");

            database.execute("ALTER TABLE databasechangelog REPLICA IDENTITY FULL");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
        }
    }

    @Test
    void acceptsAPublicationOfInserts() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute("ALTER TABLE user_billing REPLICA IDENTITY NOTHING;"
                    + " CREATE PUBLICATION feed FOR ALL TABLES WITH (publish = 'insert')");

            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @Test
    void refusesADatabaseThatCannotStoreOurFunctions() {
        try (Database database = Database.empty()) {
            String latin = name(database) + "_latin";
            database.execute(
                    "CREATE DATABASE " + latin + " TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'");
            for (String contexts : new String[] {"stage", "demo"}) {
                LiquibaseApi.on(database)
                        .contexts(contexts)
                        .url(database.url().replace(name(database), latin))
                        .run("update")
                        .assertRefused(
                                "database " + latin + " is encoded in LATIN1; 021 needs UTF8, which has all signs"
                                        + " of its functions; copy it into a database created with ENCODING 'UTF8'");
            }
            database.execute("DROP DATABASE " + latin);
        }
    }

    @Test
    void refusesStringsThatDoNotConformToTheStandard() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute("ALTER DATABASE " + name(database) + " SET standard_conforming_strings TO off");
            String advice = "ALTER ROLE " + database.username() + " IN DATABASE " + name(database)
                    + " SET standard_conforming_strings TO on";

            assertRefused(
                    LiquibaseApi.on(database),
                    database,
                    "standard_conforming_strings is off for role " + database.username() + " in database "
                            + name(database) + "; the functions of 021 need on; " + advice);

            database.execute(advice);
            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE user_billing ALTER balance_usd DROP NOT NULL;"
                        + " UPDATE user_billing SET balance_usd = NULL, balance_uah = 1"
                        + "| 1 user(s) hold a balance in one currency and NULL in the other, for example %s;"
                        + " both are converted and logged as numbers; set the one that is NULL to 0",
                "ALTER TABLE user_billing ALTER balance_uah DROP NOT NULL; UPDATE user_billing SET balance_uah = NULL"
                        + "| 1 user(s) hold a balance in one currency and NULL in the other, for example %s;"
                        + " both are converted and logged as numbers; set the one that is NULL to 0",
                "ALTER TABLE user_billing ALTER balance_usd TYPE numeric; UPDATE user_billing SET balance_usd = 'Infinity'"
                        + "| 1 user(s) hold Infinity or -Infinity in balance_usd or balance_uah, for example %s;"
                        + " no number of credits is worth that; set the balance to what it should be",
                "ALTER TABLE user_billing ALTER balance_uah TYPE numeric; UPDATE user_billing SET balance_uah = '-Infinity'"
                        + "| 1 user(s) hold Infinity or -Infinity in balance_usd or balance_uah, for example %s;"
                        + " no number of credits is worth that; set the balance to what it should be",
                "ALTER TABLE user_credits ALTER balance DROP NOT NULL;"
                        + " INSERT INTO user_credits (user_id, balance) SELECT user_id, NULL FROM user_billing"
                        + "| 1 user(s) with a balance to convert hold NULL, Infinity or -Infinity in user_credits.balance,"
                        + " for example %s; credits are added to it; set it to what it should be, such as 0",
                "ALTER TABLE user_credits ALTER balance TYPE numeric;"
                        + " INSERT INTO user_credits (user_id, balance) SELECT user_id, 'Infinity' FROM user_billing"
                        + "| 1 user(s) with a balance to convert hold NULL, Infinity or -Infinity in user_credits.balance,"
                        + " for example %s; credits are added to it; set it to what it should be, such as 0",
            })
    void refusesABalanceThatIsNoNumber(String damage, String message) {
        try (Database database = Database.legacy()) {
            UUID user = database.addUser("100.00");
            database.execute(damage);
            database.addUser("10.00");

            assertRefused(LiquibaseApi.on(database), database, message.formatted(user));
        }
    }

    @Test
    void refusesABalanceOfNobody() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute("ALTER TABLE user_billing ALTER user_id DROP NOT NULL;"
                    + " INSERT INTO user_billing (id, balance_usd) VALUES"
                    + " ('cafe0301-0000-4000-8000-000000000001', 5), (gen_random_uuid(), 0)");

            assertRefused(
                    LiquibaseApi.on(database),
                    database,
                    "1 row(s) of user_billing hold a balance but no user_id,"
                            + " for example id cafe0301-0000-4000-8000-000000000001;"
                            + " a balance is converted for its user; set user_id, or both balances to 0");
        }
    }

    @Test
    void acceptsNoNumberWhereNothingIsConverted() {
        try (Database database = Database.legacy()) {
            UUID user = database.addUser("0.00");
            database.addUser("100.00");
            database.execute("ALTER TABLE user_billing ALTER balance_uah DROP NOT NULL;"
                    + " ALTER TABLE user_credits ALTER balance DROP NOT NULL");
            database.execute("UPDATE user_billing SET balance_uah = NULL WHERE user_id = ?", user);
            database.execute("INSERT INTO user_credits (user_id, balance) VALUES (?, NULL)", user);

            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"update", "updateSql"})
    void waitsForALockedTableNoLongerThanFiveSeconds(String command) throws SQLException {
        try (Database database = Database.legacy();
                Connection holder = database.connection()) {
            database.addUser("100.00");
            LiquibaseApi.on(database).run("status").assertSucceeded();
            Snapshot before = database.everything().without("databasechangelog");
            holder.setAutoCommit(false);
            int process = holder.unwrap(PGConnection.class).getBackendPID();
            holder.createStatement().execute("LOCK TABLE user_billing");

            LiquibaseApi.on(database)
                    .run(command)
                    .assertRefused("table user_billing stayed locked for longer than 5s, by process " + process
                            + "; the conversion has to read it; nothing was changed;"
                            + " run again when that transaction has ended");

            holder.rollback();
            assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
        }
    }

    private static void assertRefused(Template template, String damage, String message) {
        try (Database database = Database.from(template)) {
            database.addUser("100.00");
            database.execute(damage);

            assertRefused(LiquibaseApi.on(database), database, message);
        }
    }

    private static void assertRefused(LiquibaseApi liquibase, Database database, String message) {
        Snapshot before = database.everything().without("databasechangelog");

        CommandResult result = liquibase.run("update");

        assertThat(result.error().lines()).as(result::toString).anyMatch(line -> line.endsWith(message));
        assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
    }

    private static String name(Database database) {
        return database.text("SELECT current_database()");
    }
}
