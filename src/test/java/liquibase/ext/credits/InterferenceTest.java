package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Triggers and constraints of the application that change or refuse what a conversion or an undo writes. */
class InterferenceTest {
    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "BEFORE INSERT OR UPDATE ON user_credits | NEW.balance := least(NEW.balance, 20)",
                "BEFORE INSERT OR UPDATE ON user_credits | NEW.balance := NEW.balance - 1",
                "BEFORE INSERT ON user_credits | NEW.id := gen_random_uuid(); NEW.balance := NEW.balance + 5",
                "BEFORE INSERT OR UPDATE ON user_credits | NEW.total_earned := least(NEW.total_earned, 20)",
                "BEFORE INSERT ON user_credits | NEW.balance := NEW.balance + 5",
                "BEFORE UPDATE ON user_billing | NEW.balance_usd := NEW.balance_usd - 1",
                "BEFORE UPDATE ON user_billing | NEW.balance_uah := NEW.balance_uah + 1",
                "BEFORE INSERT ON credit_transactions | NEW.balance_after := 0",
                "BEFORE INSERT ON credit_transactions | NEW.user_id := (SELECT u.id FROM users u WHERE u.id <> NEW.user_id LIMIT 1)",
                "AFTER INSERT ON credit_transactions |"
                        + " UPDATE user_credits SET balance = balance + NEW.amount WHERE user_id = NEW.user_id",
                "AFTER UPDATE ON user_billing |"
                        + " UPDATE user_credits SET total_earned = total_earned + 1 WHERE user_id = NEW.user_id",
                "deferred ON user_credits |"
                        + " UPDATE user_credits SET balance = 1 WHERE user_id = NEW.user_id AND balance > 1",
                "BEFORE INSERT ON billing_migration_log | NEW.new_credits := NEW.new_credits + 1",
                "BEFORE INSERT ON billing_migration_log | NEW.converted_usd := 1",
                "AFTER INSERT ON billing_migration_log |"
                        + " UPDATE user_credits SET balance = balance + NEW.new_credits WHERE user_id = NEW.user_id",
            })
    void aConversionThatIsNotTakenAsWrittenIsTakenBack(String event, String action) {
        for (String commit : new String[] {"once", "batch"}) {
            try (Database database = populated()) {
                trigger(database, event, action);
                List<String> before = money(database);

                LiquibaseApi.on(database)
                        .parameter("credits.commit", commit)
                        .run("update")
                        .assertRefused(
                                " did not take the change as written, by a trigger or a row-level security policy");

                assertThat(money(database)).isEqualTo(before);
            }
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "BEFORE UPDATE ON user_billing | NEW.balance_usd := least(NEW.balance_usd, OLD.balance_usd)",
                "BEFORE UPDATE ON user_credits | NEW.balance := greatest(NEW.balance, OLD.balance)",
                "BEFORE UPDATE ON user_credits | NEW.total_earned := greatest(NEW.total_earned, OLD.total_earned)",
                "BEFORE INSERT ON credit_transactions | NEW.amount := abs(NEW.amount)",
                "AFTER INSERT ON credit_transactions |"
                        + " UPDATE user_credits SET balance = balance + NEW.amount WHERE user_id = NEW.user_id",
                "deferred ON user_billing |"
                        + " UPDATE user_billing SET balance_usd = 1 WHERE user_id = NEW.user_id AND balance_usd > 1",
                "BEFORE UPDATE ON billing_migration_log | NEW.reversed_credits := 0",
                "BEFORE UPDATE ON billing_migration_log | NEW.reversed_usd := 0",
            })
    void anUndoThatIsNotTakenAsWrittenIsTakenBack(String event, String action) {
        for (String commit : new String[] {"once", "batch"}) {
            try (Database database = populated()) {
                LiquibaseApi.on(database).run("update").assertSucceeded();
                trigger(database, event, action);
                List<String> before = money(database);

                LiquibaseApi.on(database)
                        .parameter("credits.commit", commit)
                        .run("rollbackCount", "count", 1)
                        .assertRefused("user_billing, user_credits, the ledger or the log of ")
                        .assertRefused(" did not take the change: ");

                assertThat(money(database)).isEqualTo(before);

                database.execute("DROP FUNCTION interfere() CASCADE");
                LiquibaseApi.on(database)
                        .parameter("credits.commit", commit)
                        .run("rollbackCount", "count", 1)
                        .assertSucceeded();
                assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                        .isEqualByComparingTo("150.00");
            }
        }
    }

    @Test
    void harmlessTriggersDoNotHinder() {
        try (Database database = populated()) {
            trigger(database, "BEFORE INSERT OR UPDATE ON user_credits", "NEW.updated_at := clock_timestamp()");
            database.execute("CREATE TABLE audit (user_id uuid, balance numeric)");
            database.execute("""
                    CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$
                    BEGIN
                        INSERT INTO audit VALUES (NEW.user_id, NEW.balance);
                        RETURN NULL;
                    END
                    $$;
                    CREATE TRIGGER audited AFTER INSERT OR UPDATE ON user_credits
                        FOR EACH ROW EXECUTE FUNCTION audited();
                    """);

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.number("SELECT sum(balance) FROM user_credits")).isEqualByComparingTo("157.00");
            assertThat(database.number("SELECT count(*) FROM audit")).isEqualByComparingTo("2");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("7.00|7.00");
        }
    }

    @Test
    void aTriggerThatOnlyKeepsUpdatedAtIsNotReadBack() {
        try (Database database = populated()) {
            assertThat(
                            database.lines(
                                    "SELECT tgname FROM pg_trigger WHERE tgrelid = 'user_billing'::regclass AND NOT tgisinternal"))
                    .contains("user_billing_updated_at");
            assertThat(database.lines("SELECT billing_migration_interference() IS NULL"))
                    .containsExactly("t");

            trigger(database, "BEFORE UPDATE ON user_billing", "NEW.updated_at := least(now(), clock_timestamp())");
            assertThat(database.lines("SELECT billing_migration_interference()"))
                    .containsExactly("trigger interfere on user_billing");

            database.execute("ALTER TABLE user_billing DISABLE TRIGGER interfere");
            assertThat(database.lines("SELECT billing_migration_interference() IS NULL"))
                    .containsExactly("t");
        }
    }

    /** What takes a conversion but not its undo is found before anybody is converted. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE credit_transactions ADD CONSTRAINT positive CHECK (amount >= 0)",
                "ALTER TABLE credit_transactions ADD CHECK (description NOT LIKE 'Returned%')",
                "CREATE TABLE kinds (kind varchar(50) PRIMARY KEY); INSERT INTO kinds VALUES ('migration');"
                        + " ALTER TABLE credit_transactions ADD FOREIGN KEY (transaction_type) REFERENCES kinds",
                "CREATE TABLE kinds (kind varchar(50) PRIMARY KEY); INSERT INTO kinds VALUES ('migration');"
                        + " ALTER TABLE credit_transactions ADD FOREIGN KEY (transaction_type) REFERENCES kinds"
                        + " DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE credit_transactions ADD CHECK (source <> 'billing_credits_to_usd')",
                "ALTER TABLE billing_migration_log ADD CHECK (status IN ('success', 'skipped', 'error'))",
                "ALTER TABLE user_billing ADD CHECK (balance_usd <= 30) NOT VALID",
            })
    void aDatabaseThatWouldNotTakeTheUndoIsRefused(String change) {
        try (Database database = populated()) {
            database.execute(change);
            Snapshot before = database.everything();

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused("what is converted could not be undone: user ")
                    .assertRefused("; no balance was changed; let the tables take what an undo writes, and run again");

            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));
        }
    }

    /** Entries of one moment are a rehearsal's only; users who cannot be converted do not stand for those who can. */
    @Test
    void aRehearsalRefusesNothingThatTheUndoWouldNotMeet() {
        try (Database database = populated()) {
            database.execute("ALTER TABLE credit_transactions ADD UNIQUE (user_id, created_at)");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();
        }
        try (Database database = populated()) {
            database.execute("ALTER TABLE credit_transactions ADD CHECK (amount > 0)");
            UUID refused = UUID.fromString("00000000-0000-4000-8000-000000000000");
            database.execute("INSERT INTO users (id, email) VALUES (?, 'first@example.org')", refused);
            database.execute("INSERT INTO user_billing (user_id, balance_usd) VALUES (?, 1)", refused);
            database.execute("ALTER TABLE user_billing ADD CHECK (balance_usd <> 0 OR user_id <> '" + refused + "')");

            LiquibaseApi.on(database)
                    .parameter("credits.onError", "skip")
                    .run("update")
                    .assertRefused("what is converted could not be undone: user ");
        }
    }

    /** What the application attached to a wallet that the conversion made. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "wallet_id uuid REFERENCES user_credits (id)",
                "wallet_id uuid REFERENCES user_credits (id) DEFERRABLE INITIALLY DEFERRED",
                "wallet_id uuid REFERENCES user_credits (id) ON DELETE CASCADE",
                "wallet_id uuid REFERENCES user_credits (id) ON DELETE SET NULL",
            })
    void aWalletThatSomethingRefersToStaysEmpty(String column) {
        for (String commit : new String[] {"once", "batch"}) {
            try (Database database = populated()) {
                UUID user = database.addUser("3.00");
                LiquibaseApi.on(database).run("update").assertSucceeded();
                database.execute("CREATE TABLE cards (" + column + ")");
                database.execute("INSERT INTO cards SELECT id FROM user_credits WHERE user_id = ?", user);

                LiquibaseApi.on(database)
                        .parameter("credits.commit", commit)
                        .run("rollbackCount", "count", 1)
                        .assertSucceeded();

                assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                        .isEqualByComparingTo("153.00");
                assertThat(database.lines("SELECT balance, total_earned FROM user_credits WHERE user_id = ?", user))
                        .containsExactly("0.00|0.00");
                assertThat(database.lines(
                                "SELECT c.user_id FROM cards AS k JOIN user_credits AS c ON c.id = k.wallet_id"))
                        .containsExactly(user.toString());
            }
        }
    }

    @Test
    void aLedgerThatWouldGoWithItsWalletStays() {
        try (Database database = populated()) {
            database.execute(
                    "ALTER TABLE credit_transactions ADD FOREIGN KEY (user_id) REFERENCES user_credits (user_id)"
                            + " ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED");
            LiquibaseApi.on(database).run("update").assertSucceeded();

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.number("SELECT count(*) FROM credit_transactions"))
                    .isEqualByComparingTo("4");
            assertThat(database.lines("SELECT balance, total_earned FROM user_credits ORDER BY balance"))
                    .containsExactly("0.00|0.00", "7.00|7.00");
        }
    }

    @Test
    void aBalanceThatBecameNullTakesWhatComesBack() {
        try (Database database = populated()) {
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute(
                    "ALTER TABLE user_billing ALTER balance_usd DROP NOT NULL, ALTER balance_uah DROP NOT NULL;"
                            + " UPDATE user_billing SET balance_usd = NULL, balance_uah = NULL");

            LiquibaseApi.on(database).run("rollbackCount", "count", 1).assertSucceeded();

            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("150.00");
            assertThat(database.number("SELECT count(balance_uah) FROM user_billing"))
                    .isEqualByComparingTo("0");
        }
    }

    /** Looking for each of a million users would take hours. */
    @Test
    void aTriggerThatChangesEverybodyIsFoundAtOnce() {
        try (Database database = Database.prepared()) {
            database.execute("INSERT INTO users (id, email)"
                    + " SELECT gen_random_uuid(), n || '@example.org' FROM generate_series(1, 60) AS n;"
                    + " INSERT INTO user_billing (user_id, balance_usd) SELECT id, 1 FROM users");
            trigger(database, "BEFORE INSERT ON user_credits", "NEW.balance := NEW.balance + 5");

            LiquibaseApi.on(database)
                    .run("update")
                    .assertRefused(
                            "none of the first 50 users can be converted: user_billing, user_credits, the ledger or the log did"
                                    + " not take the change as written, by a trigger or a row-level security policy:"
                                    + " trigger interfere on user_credits; no balance was changed");
        }
    }

    /** A deferred foreign key is no trigger that anybody looks for. */
    @Test
    void whatIsDeferredToTheCommitIsHeardBeforeTheProof() {
        try (Database database = populated()) {
            database.execute("CREATE TABLE kinds (kind varchar(50) PRIMARY KEY);"
                    + " ALTER TABLE credit_transactions ADD CONSTRAINT known FOREIGN KEY (transaction_type) REFERENCES kinds"
                    + " DEFERRABLE INITIALLY DEFERRED");
            List<String> before = money(database);

            CommandResult converted =
                    LiquibaseApi.on(database).run("update").assertRefused("violates foreign key constraint \"known\"");
            assertThat(converted.messages()).doesNotContain("is proved");
            assertThat(money(database)).isEqualTo(before);

            database.execute("INSERT INTO kinds VALUES ('migration'), ('migration_rollback')");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("DELETE FROM kinds WHERE kind = 'migration_rollback'");
            CommandResult undone = LiquibaseApi.on(database)
                    .run("rollbackCount", "count", 1)
                    .assertRefused("violates foreign key constraint \"known\"");
            assertThat(undone.messages()).doesNotContain("is proved", "Undone");
        }
    }

    /** Where the total of what was earned has fewer digits than the balance, a part of a credit is rounded there. */
    @Test
    void aCoarseTotalDoesNotHinderAPartialUndo() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            for (String column : new String[] {
                "user_credits ALTER balance",
                "credit_transactions ALTER amount",
                "credit_transactions ALTER balance_before",
                "credit_transactions ALTER balance_after"
            }) {
                database.execute("ALTER TABLE " + column + " TYPE numeric(12,4)");
            }
            database.addUser("10.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute("UPDATE user_credits SET balance = balance - 0.5555, total_spent = 0.5555");

            LiquibaseApi.on(database)
                    .parameter("credits.onSpent", "remainder")
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();

            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("0.0000|0.56");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"once", "batch"})
    void aTriggerThatRefusesAtTheCommitIsHeardBeforeTheProof(String commit) {
        try (Database database = populated()) {
            trigger(database, "deferred ON user_credits", "RAISE EXCEPTION 'not today'");

            CommandResult result = LiquibaseApi.on(database)
                    .parameter("credits.commit", commit)
                    .run("update")
                    .assertRefused("not today");

            assertThat(result.messages()).doesNotContain("is proved");
            assertThat(database.number("SELECT sum(balance_usd) FROM user_billing"))
                    .isEqualByComparingTo("150.00");
        }
    }

    @ParameterizedTest
    @CsvSource({
        "user_billing, balance_usd, Infinity, balance is Infinity",
        "user_credits, balance, Infinity, credits on account are Infinity",
        "user_credits, balance, -Infinity, credits on account are -Infinity",
        "user_credits, balance, NaN, credits on account are NaN",
    })
    void anInfiniteBalanceIsOneUsersError(String table, String column, String value, String reason) {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            for (String widened : new String[] {
                "user_billing ALTER balance_usd",
                "user_credits ALTER balance",
                "user_credits ALTER total_earned",
                "credit_transactions ALTER amount",
                "credit_transactions ALTER balance_before",
                "credit_transactions ALTER balance_after"
            }) {
                database.execute("ALTER TABLE " + widened + " TYPE numeric");
            }
            LiquibaseApi.on(database).run("update").assertSucceeded();
            populate(database);
            UUID user = UUID.fromString(
                    database.lines("SELECT user_id FROM user_credits").get(0));
            database.execute("UPDATE " + table + " SET " + column + " = ?::numeric WHERE user_id = ?", value, user);

            assertThat(database.lines("SELECT user_id, outcome FROM billing_migration_preview(1, NULL, 'HALF_UP')"))
                    .contains(user + "|error");
            database.execute("SELECT billing_migration_convert(1, p_on_error => 'skip')");

            assertThat(database.lines("SELECT user_id, status, reason FROM billing_migration_log ORDER BY status"))
                    .hasSize(2)
                    .startsWith(user + "|error|" + reason);
            assertThat(database.lines("SELECT " + column + " FROM " + table + " WHERE user_id = '" + user + "'"))
                    .containsExactly(value);
        }
    }

    /** Hidden from the conversion they would keep their balance, and the undo would take them for deleted. */
    @ParameterizedTest
    @ValueSource(strings = {"users", "user_billing", "user_credits", "credit_transactions", "billing_migration_log"})
    void hiddenRowsAreRefusedByConversionAndUndo(String table) {
        try (Database database = Database.legacy();
                MigratingRole role = MigratingRole.in(database)) {
            populate(database);
            role.liquibase().run("update").assertSucceeded();
            database.execute("ALTER TABLE " + table + " ENABLE ROW LEVEL SECURITY; ALTER TABLE " + table
                    + " FORCE ROW LEVEL SECURITY; CREATE POLICY hidden ON " + table + " USING (random() > 2)");
            List<String> before = money(database);
            String refusal = "row-level security of " + table + " may hide rows from role " + role.name()
                    + "; no balance was changed; connect as a role with BYPASSRLS, or give it a policy FOR ALL USING (true)";

            role.liquibase().run("rollbackCount", "count", 1).assertRefused(refusal);
            assertThatThrownBy(
                            () -> database.execute("SET ROLE " + role.name() + "; SELECT billing_migration_convert(1)"))
                    .hasMessageContaining(refusal);
            assertThat(money(database)).isEqualTo(before);

            database.execute("DROP POLICY hidden ON " + table + "; CREATE POLICY shown ON " + table + " USING (true)");
            role.liquibase().run("rollbackCount", "count", 1).assertSucceeded();
        }
    }

    @Test
    void aLateWriteThatIsNotTakenAsWrittenIsRefused() {
        try (Database database = populated()) {
            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "convert")
                    .run("update")
                    .assertSucceeded();
            trigger(database, "BEFORE UPDATE ON user_credits", "NEW.balance := least(NEW.balance, 20)");
            List<String> before = money(database);

            assertThatThrownBy(() -> database.execute("UPDATE user_billing SET balance_usd = 5 WHERE user_id ="
                            + " (SELECT user_id FROM user_credits WHERE balance = 107)"))
                    .hasMessageContaining(
                            "did not take 5.00 credits on top of 107.00, by a trigger; the write is refused");

            assertThat(money(database)).isEqualTo(before);
        }
    }

    private static List<String> money(Database database) {
        return database.lines("""
                SELECT b.user_id, b.balance_usd, b.balance_uah, b.updated_at, c.balance, c.total_earned, c.updated_at AS touched_at,
                    (SELECT array_agg(t ORDER BY t.id) FROM credit_transactions AS t WHERE t.user_id = b.user_id) AS entries,
                    (SELECT array_agg(l ORDER BY l.id) FROM billing_migration_log AS l WHERE l.user_id = b.user_id) AS log
                FROM user_billing AS b
                LEFT JOIN user_credits AS c ON c.user_id = b.user_id
                ORDER BY b.user_id
                """);
    }

    private static Database populated() {
        Database database = Database.prepared();
        populate(database);
        return database;
    }

    private static void populate(Database database) {
        UUID user = database.addUser("100.00");
        database.addUser("50.00");
        database.execute("INSERT INTO user_credits (user_id, balance, total_earned) VALUES (?, 7, 7)", user);
    }

    private static void trigger(Database database, String event, String action) {
        database.execute("""
                CREATE FUNCTION interfere() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    %s;
                    RETURN NEW;
                END
                $$;
                CREATE %s FOR EACH ROW EXECUTE FUNCTION interfere();
                """.formatted(
                        action,
                        event.startsWith("deferred")
                                ? "CONSTRAINT TRIGGER interfere AFTER INSERT OR UPDATE"
                                        + event.substring("deferred".length()) + " DEFERRABLE INITIALLY DEFERRED"
                                : "TRIGGER interfere " + event));
    }
}
