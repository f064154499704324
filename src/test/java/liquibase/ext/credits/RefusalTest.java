package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.embedded.EmbeddedServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input: one clear line, and a database in which nothing moved, the good user beside the bad one included. */
class RefusalTest {

    private static final String RATE =
            "give a plain number above 0 and at most 1000000 with at most 18 digits, such as 10 or 0.5";
    private static final String ENVIRONMENT = "give exactly one environment of demo, local, dev, stage, prod,"
            + " for example -Dcontexts=stage with Maven or --contexts=stage";
    private static final String PARAMETERS =
            "Known: credits." + String.join(", credits.", ConversionSettings.PARAMETER_NAMES);
    private static final String TOO_MANY_CREDITS = " credits on top of 0 do not fit)";
    private static final String HOW_TO_CORRECT =
            "; no balance was changed; correct them, or set credits.onError=skip to convert the others";

    @ParameterizedTest(name = "contexts ''{0}''")
    @CsvSource(
            delimiter = '|',
            value = {
                "''         | the context is none",
                "stgae      | the context is 'stgae'",
                "stage,prod | the context is 'prod,stage'",
                "STAGE,dev  | the context is 'dev,stage'",
            })
    void refusesAnythingButOneKnownEnvironment(String contexts, String found) {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertRefusedInEveryCommand(
                    database, () -> LiquibaseApi.on(database).contexts(contexts), found + "; " + ENVIRONMENT);
        }
    }

    @Test
    void demoRefusesADatabaseThatHasUsers() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertRefusedInEveryCommand(
                    database,
                    () -> LiquibaseApi.on(database).contexts("demo"),
                    "context demo, but database " + name(database)
                            + " already has a users table that the demo did not make;"
                            + " use an empty database, or the environment this one belongs to");
        }
    }

    @ParameterizedTest(name = "credits.{0}={1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "perUsd      | 0             | is '0'; " + RATE,
                "perUsd      | -1            | is '-1'; " + RATE,
                "perUsd      | NaN           | is 'NaN'; " + RATE,
                "perUsd      | abc           | is 'abc'; " + RATE,
                "perUsd      | ''            | is empty; " + RATE,
                "perUsd      | ${rate}       | is not set; " + RATE,
                "perUsd      | 1e12          | is '1e12'; " + RATE,
                "perUsd      | 1000000000000 | is '1000000000000'; " + RATE,
                "perUsd      | 1000000.01    | is '1000000.01'; " + RATE,
                "perUsd      | 1,5           | is '1,5'; " + RATE,
                "perUsd      | none          | is 'none'; " + RATE,
                "perUah      | 0             | is '0'; " + RATE,
                "rounding    | CEILING       | is 'CEILING'; give one of HALF_UP, HALF_EVEN, DOWN",
                "onError     | ignore        | is 'ignore'; give one of stop, skip",
                "onSpent     | forgive       | is 'forgive'; give one of refuse, remainder, debt",
                "commit      | twice         | is 'twice'; give one of once, batch",
                "workers  | 65             | is '65'; give a number of connections from 1 to 64",
                "workers  | 2             | is '2'; one transaction needs one connection: give 1, or set credits.commit=batch",
                "maxActiveSessions  | 0             | is '0'; give none, or a number of sessions from 1 to 9999999",
                "batchUsers  | 0             | is '0'; give auto, or a number of users from 1 to 9999999",
                "lockTimeout | 10            | is '10'; give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms",
                "lockTimeout | 0s            | is '0s'; give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms",
                "emails      | all           | is 'all'; give one of masked, full, none",
                "emails      | '\u001B[2J'    | is '\\u001B[2J'; give one of masked, full, none",
                "environment | '''); COMMIT' | is ''); COMMIT'; give up to 40 letters, digits, - or _, such as stage",
            })
    void refusesAnUnusableParameter(String parameter, String value, String message) {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database)
                            .parameter("credits." + parameter, value)
                            .run("update"),
                    "credits." + parameter + " " + message);
        }
    }

    @ParameterizedTest(name = "{0}=10")
    @CsvSource({
        "credits.perUSD, credits.perUsd",
        "credits.preUsd, credits.perUsd",
        "credits.round, credits.rounding",
        "credits.Rounding, credits.rounding",
        "credit.perUsd, credits.perUsd",
        "creditsPerUsd, credits.perUsd",
    })
    void refusesAParameterThatNobodyReads(String parameter, String nearest) {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertRefusedInEveryCommand(
                    database,
                    () -> LiquibaseApi.on(database).parameter(parameter, "10"),
                    parameter + " is not a parameter; did you mean " + nearest + "? " + PARAMETERS);
        }
    }

    @Test
    void refusesAMisspeltParameterInTheEnvironmentsFile(@TempDir Path root) throws IOException {
        Checkout.copy(root, "changelogs", "contexts");
        Files.writeString(
                root.resolve("contexts/stage/conversion.properties"),
                "\ncredits.preUsd=10\n",
                StandardOpenOption.APPEND);
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertRefusedInEveryCommand(
                    database,
                    () -> LiquibaseApi.on(database).root(root),
                    "credits.preUsd is not a parameter; did you mean credits.perUsd? " + PARAMETERS);
        }
    }

    @Test
    void refusesTheWrongDatabase() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");

            assertRefusedInEveryCommand(
                    database,
                    () -> LiquibaseApi.on(database).parameter("credits.database", "billing"),
                    "connected to database " + name(database) + ", but environment stage belongs to billing;"
                            + " check the url, or credits.database in contexts/stage/conversion.properties");
        }
    }

    @Test
    void refusesAnotherProductThanPostgresql() throws Exception {
        String url = "jdbc:h2:mem:refused;DB_CLOSE_DELAY=-1";
        try (Database unused = Database.legacy();
                Connection h2 = DriverManager.getConnection(url, "sa", "")) {
            LiquibaseApi.on(unused)
                    .run("update", "url", url, "username", "sa", "password", "")
                    .assertRefused("the database is H2; the conversion runs on PostgreSQL 14 or later; check the url");

            assertThat(tablesOf(h2)).isEmpty();
        }
    }

    @Test
    void refusesPostgresqlBelow14(@TempDir Path directory) throws Exception {
        Path binaries = Project.ROOT.resolve("target/refused-postgres.jar");
        assumeTrue(Files.exists(binaries), "no binaries of PostgreSQL 13 for this platform");
        try (Database unused = Database.legacy();
                EmbeddedPostgres server = start(binaries, directory);
                Connection connection = server.getPostgresDatabase().getConnection()) {
            connection.createStatement().execute("CREATE TABLE user_billing (user_id uuid, balance_usd numeric)");

            LiquibaseApi.on(unused)
                    .run("update", "url", server.getJdbcUrl("postgres", "postgres"), "username", "postgres")
                    .assertRefused(
                            "the server is PostgreSQL 13.23; the conversion needs 14 or later; upgrade it first");

            assertThat(tablesOf(connection)).containsExactly("user_billing");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "DROP TABLE user_billing"
                        + "| table user_billing is missing in database %s, schema public; check the url and defaultSchemaName",
                "DROP TABLE users CASCADE"
                        + "| table users is missing in database %s, schema public; check the url and defaultSchemaName",
                "DROP TABLE user_credits"
                        + "| table user_credits is missing in database %s, schema public; check the url and defaultSchemaName",
                "ALTER TABLE user_billing DROP COLUMN balance_usd"
                        + "| column user_billing.balance_usd is missing; the conversion needs it as numeric;"
                        + " add it, or check that this is the right database",
                "ALTER TABLE user_billing DROP COLUMN balance_uah"
                        + "| column user_billing.balance_uah is missing; the conversion needs it as numeric;"
                        + " add it, or check that this is the right database",
                "ALTER TABLE users DROP COLUMN email"
                        + "| column users.email is missing; the conversion needs it;"
                        + " add it, or check that this is the right database",
                "ALTER TABLE user_billing ALTER balance_usd DROP DEFAULT, ALTER balance_usd TYPE money"
                        + "| column user_billing.balance_usd is money; the conversion needs numeric; change its type first",
                "ALTER TABLE user_billing ALTER balance_usd TYPE double precision"
                        + "| column user_billing.balance_usd is double precision; the conversion needs numeric;"
                        + " change its type first",
                "ALTER TABLE user_credits ALTER balance TYPE integer"
                        + "| column user_credits.balance is integer; the conversion needs numeric; change its type first",
                "ALTER TABLE user_credits DROP CONSTRAINT user_credits_user_id_key"
                        + "| user_credits.user_id is not unique; a wallet is found by it; add a unique constraint",
            })
    void refusesALegacySchemaThatIsNotAsNeeded(String damage, String message) {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            database.execute(damage);

            assertRefused(database, () -> LiquibaseApi.on(database).run("update"), message.formatted(name(database)));
        }
    }

    @Test
    void refusesALedgerThatDoesNotAllowOurEntries() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            database.addUser("100.00");
            database.execute("ALTER TABLE credit_transactions ADD CONSTRAINT credit_transactions_type_check"
                    + " CHECK (transaction_type IN ('deduction', 'purchase', 'migration'))");

            assertRefusedInEveryCommand(
                    database,
                    () -> LiquibaseApi.on(database),
                    "constraint credit_transactions_type_check of credit_transactions does not allow transaction_type"
                            + " migration_rollback, which the undo writes; add it to the constraint");
        }
    }

    @Test
    void refusesASecondRunAndNamesTheFirst() throws Exception {
        try (Database database = Database.prepared();
                Connection first = database.connection()) {
            database.addUser("100.00");
            first.setAutoCommit(false);
            String run = first(first, "SELECT 'liquibase-credits run ' || billing_migration_start(1.0)");
            String process = first(first, "SELECT pg_backend_pid()");

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database).run("update"),
                    "another conversion or undo is running (" + run + ", process " + process
                            + "); no balance was changed; wait until it ends and run again");

            first.rollback();
            LiquibaseApi.on(database).run("update").assertSucceeded();
        }
    }

    @Test
    void refusesAnUndoWhileAConversionRuns() throws Exception {
        try (Database database = Database.prepared();
                Connection first = database.connection()) {
            database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            first.setAutoCommit(false);
            String run = first(first, "SELECT 'liquibase-credits run ' || billing_migration_start(1.0)");

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database).run("rollbackCount", "count", 1),
                    "another conversion or undo is running (" + run + ", process ");
        }
    }

    @ParameterizedTest(name = "{0}")
    @ValueSource(strings = {"billing_migration_lock(NULL, true)", "count(*) FROM rollback_billing_migration()"})
    void namesNoRunWhereNoneIsKnown(String work) throws Exception {
        try (Database database = Database.prepared();
                Connection first = database.connection()) {
            database.addUser("100.00");
            first.setAutoCommit(false);
            first(first, "SELECT " + work);
            String process = first(first, "SELECT pg_backend_pid()");

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database).run("update"),
                    "another conversion or undo is running (liquibase-credits, process " + process
                            + "); no balance was changed; wait until it ends and run again");
        }
    }

    @Test
    void refusesCreditsThatDoNotFit() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            UUID rich = database.addUser("10000000.00");

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database)
                            .parameter("credits.perUsd", "10")
                            .run("update"),
                    "1 user(s) cannot be converted: " + rich + " (100000000.00" + TOO_MANY_CREDITS + HOW_TO_CORRECT);
        }
    }

    /** Views of 021 read the columns, so PostgreSQL alters their type only before it or without it. */
    @Test
    void creditsThatDoNotFitAreConvertedAfterTheWalletIsWidened() {
        try (Database database = Database.legacy()) {
            database.addUser("10000000.00");
            LiquibaseApi tenfold = LiquibaseApi.on(database).parameter("credits.perUsd", "10");
            String widen =
                    "ALTER TABLE user_credits ALTER balance TYPE numeric(14,2), ALTER total_earned TYPE numeric(14,2),"
                            + " ALTER total_spent TYPE numeric(14,2)";
            tenfold.run("update").assertRefused(TOO_MANY_CREDITS + HOW_TO_CORRECT);
            assertThatThrownBy(() -> database.execute(widen)).hasMessageContaining("column used by a view");

            tenfold.run("rollbackToDate", "date", Date.from(Instant.now().minus(Duration.ofDays(1))))
                    .assertSucceeded();
            database.execute(widen);
            tenfold.run("update").assertSucceeded();

            assertThat(database.lines("SELECT balance, total_earned FROM user_credits"))
                    .containsExactly("100000000.00|100000000.00");
            assertThat(database.number("SELECT amount FROM credit_transactions"))
                    .isEqualByComparingTo("100000000");
        }
    }

    @ParameterizedTest(name = "balance {0}, earned {1}")
    @CsvSource({
        "99999999.99, 99999999.99, 99999999.99 do not fit",
        "0.00, 99999999.99, 99999999.99 earned do not fit",
    })
    void refusesCreditsThatDoNotFitOnTopOfEarlierOnes(String balance, String earned, String what) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            UUID rich = database.addUser("0.01");
            database.execute(
                    "INSERT INTO user_credits (user_id, balance, total_earned) VALUES (?, ?::numeric, ?::numeric)",
                    rich,
                    balance,
                    earned);

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database).run("update"),
                    "1 user(s) cannot be converted: " + rich + " (0.01 credits on top of " + what + ")"
                            + HOW_TO_CORRECT);
        }
    }

    @Test
    void namesAtMost20UsersAndCountsTheRest() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            List<String> first20 = IntStream.range(0, 25)
                    .mapToObj(user -> database.addUser("10000000.00"))
                    .map(user -> user + " (100000000.00" + TOO_MANY_CREDITS)
                    .sorted()
                    .limit(20)
                    .toList();

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database)
                            .parameter("credits.perUsd", "10")
                            .run("update"),
                    "25 user(s) cannot be converted: " + String.join(", ", first20) + ", and 5 more" + HOW_TO_CORRECT);
        }
    }

    @Test
    void refusesToUndoWhatWasSpent() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            UUID spender = database.addUser("10.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();
            database.execute(
                    "UPDATE user_credits SET balance = balance - 6, total_spent = total_spent + 6 WHERE user_id = ?",
                    spender);

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database).run("rollbackCount", "count", 1),
                    "1 user(s) cannot give back all converted credits, 6.00 are spent: " + spender
                            + "; no balance was changed; set credits.onSpent=remainder to return what is left,"
                            + " or debt to let balances go negative");
        }
    }

    @Test
    void refusesAnUnusableParameterOfTheUndo() {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            LiquibaseApi.on(database).run("update").assertSucceeded();

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database)
                            .parameter("credits.onSpent", "forgive")
                            .run("rollbackCount", "count", 1),
                    "credits.onSpent is 'forgive'; give one of refuse, remainder, debt");
        }
    }

    @ParameterizedTest(name = "{0} changesets")
    @ValueSource(ints = {1, 3, 25})
    void refusesToUndoWhatConvertedUsersNeed(int changesets) {
        try (Database database = Database.prepared()) {
            database.addUser("100.00");
            database.addUser("10.00");
            database.execute("SELECT * FROM migrate_user_billing_to_credits(1.0, false)");

            assertRefused(
                    database,
                    () -> LiquibaseApi.on(database).run("rollbackCount", "count", changesets),
                    "2 converted user(s) would lose their way back; no balance was changed;"
                            + " return their balances first: SELECT * FROM rollback_billing_migration()");
        }
    }

    private static void assertRefusedInEveryCommand(
            Database database, Supplier<LiquibaseApi> liquibase, String message) {
        assertRefused(database, () -> liquibase.get().run("updateSql"), message);
        assertRefused(database, () -> liquibase.get().run("update"), message);
    }

    private static void assertRefused(Database database, Supplier<CommandResult> command, String message) {
        Snapshot before = database.everything().without("databasechangelog");

        CommandResult result = command.get();

        result.assertRefused(message);
        assertThat(database.everything().without("databasechangelog")).isEqualTo(before);
    }

    private static String name(Database database) {
        return database.text("SELECT current_database()");
    }

    private static String first(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    private static List<String> tablesOf(Connection connection) throws SQLException {
        List<String> tables = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT lower(table_name) FROM information_schema.tables"
                        + " WHERE lower(table_schema) = 'public' ORDER BY 1")) {
            while (rows.next()) {
                tables.add(rows.getString(1));
            }
        }
        tables.removeIf(name -> name.startsWith("databasechangelog"));
        return tables;
    }

    private static EmbeddedPostgres start(Path binaries, Path directory) throws IOException {
        EmbeddedServer.refuseRootWithoutUserNamespaces();
        return EmbeddedServer.builder()
                .setPgBinaryResolver((system, architecture) -> archive(binaries))
                .setOverrideWorkingDirectory(directory.toFile())
                .start();
    }

    private static InputStream archive(Path binaries) throws IOException {
        try (ZipFile jar = new ZipFile(binaries.toFile())) {
            ZipEntry archive = jar.stream()
                    .filter(entry -> entry.getName().endsWith(".txz"))
                    .findFirst()
                    .orElseThrow();
            return new ByteArrayInputStream(jar.getInputStream(archive).readAllBytes());
        }
    }
}
