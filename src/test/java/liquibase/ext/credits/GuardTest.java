package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Legacy databases in which the conversion would fail late: refused in one line, before anything is created. */
class GuardTest {

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
}
