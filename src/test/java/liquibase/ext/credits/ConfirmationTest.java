package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Production asks for the name of its database, and nothing but that name is a yes. */
class ConfirmationTest {

    private static final String BALANCES = """
            SELECT b.balance_usd, c.balance
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            """;
    private static final List<String> BEFORE = List.of("100.00|");
    private static final List<String> AFTER = List.of("0.00|100.00");

    @Test
    void withoutATerminalTheAnswerIsNo() {
        try (Database database = prepared()) {
            CommandResult result = cli(database).run("update");

            result.assertRefused("environment prod asks for a confirmation, and there is no terminal to ask on; "
                    + "no balance was changed; if this is the right database, type its name when asked, or pass "
                    + "-Dcredits.confirm=" + name(database));
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);
            assertThat(database.lines("SELECT id FROM billing_migration_run")).isEmpty();
        }
    }

    @Test
    void theNameOfTheDatabaseConfirmsTheConversionAndTheUndoApart() {
        try (Database database = prepared()) {
            confirmed(database).run("update").assertSucceeded();
            assertThat(database.lines(BALANCES)).isEqualTo(AFTER);

            prod(database).run("rollbackCount", "count", 1).assertRefused("there is no terminal to ask on");
            assertThat(database.lines(BALANCES)).isEqualTo(AFTER);

            confirmed(database).run("rollbackCount", "count", 1).assertSucceeded();
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bill", "yes", "none", "BILLING", ""})
    void anotherAnswerOnTheCommandLineIsNo(String answer) {
        try (Database database = prepared()) {
            CommandResult result =
                    prod(database).parameter("credits.confirm", answer).run("update");

            result.assertRefused("credits.confirm is '" + answer + "', but the database is " + name(database));
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);
        }
    }

    @Test
    void anAnswerSteersNoTerminal() {
        try (Database database = prepared()) {
            prod(database)
                    .parameter("credits.confirm", "\u001B[2J")
                    .run("update")
                    .assertRefused("credits.confirm is '\\u001B[2J', but the database is ");
        }
    }

    @Test
    void aWrongNameIsRefusedWhereNobodyHasToAnswerToo() {
        try (Database database = prepared()) {
            LiquibaseApi.on(database)
                    .parameter("credits.confirm", "billing")
                    .run("update")
                    .assertRefused("is 'billing'");
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);

            LiquibaseApi.on(database).run("update").assertSucceeded();
            assertThat(database.lines(BALANCES)).isEqualTo(AFTER);
        }
    }

    @Test
    void dryRunsNeverAsk() {
        try (Database database = prepared()) {
            prod(database).run("status").assertSucceeded();
            prod(database).run("validate").assertSucceeded();
            prod(database).run("updateSql").assertSucceeded();
            prod(database).run("futureRollbackSql").assertSucceeded();
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);

            confirmed(database).run("update").assertSucceeded();
            prod(database).run("rollbackCountSql", "count", 1).assertSucceeded();
            prod(database).run("update").assertSucceeded();
            assertThat(database.lines(BALANCES)).isEqualTo(AFTER);
        }
    }

    @Test
    void asksOnATerminalInTheGuidesWords() {
        assumeTrue(Subprocess.hasTerminal(), "script of util-linux makes the terminal; it is not on this machine");
        try (Database database = prepared()) {
            CommandResult update = cli(database).typing(name(database) + "\n").run("update");

            assertThat(update.assertSucceeded().sql())
                    .contains(
                            "WARNING: This will modify the database!",
                            "- Convert all USD balances to credits: 1 USD = 1.0 credits, rounded HALF_UP",
                            "- Zero out user_billing.balance_usd",
                            "- Create transaction records",
                            "Are you sure you want to continue? Type the name of the database of prod, "
                                    + name(database));
            assertThat(database.lines(BALANCES)).isEqualTo(AFTER);

            CommandResult undo = cli(database).typing(name(database) + "\n").run("rollbackCount", "1");
            assertThat(undo.assertSucceeded().sql()).contains("- Return all converted balances to user_billing");
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"yes\n", "\n", ""})
    void anotherAnswerOnATerminalIsNo(String answer) {
        assumeTrue(Subprocess.hasTerminal(), "script of util-linux makes the terminal; it is not on this machine");
        try (Database database = prepared()) {
            CommandResult result = cli(database).typing(answer).run("update");

            assertThat(result.succeeded()).as(result.toString()).isFalse();
            assertThat(result.sql()).contains("no balance was changed; if this is the right database, type its name");
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);
        }
    }

    @Test
    void mavenAsksOnATerminalAsWell() {
        assumeTrue(Subprocess.hasTerminal(), "script of util-linux makes the terminal; it is not on this machine");
        try (Database database = prepared()) {
            CommandResult no = maven(database).typing("no\n").run("liquibase:update");
            assertThat(no.succeeded()).as(no.toString()).isFalse();
            assertThat(no.messages()).contains("the answer was 'no', not " + name(database));
            assertThat(database.lines(BALANCES)).isEqualTo(BEFORE);

            maven(database)
                    .typing(name(database) + "\n")
                    .run("liquibase:update")
                    .assertSucceeded();
            assertThat(database.lines(BALANCES)).isEqualTo(AFTER);
        }
    }

    private static Database prepared() {
        Database database = Database.prepared();
        database.addUser("100.00");
        return database;
    }

    private static LiquibaseApi prod(Database database) {
        return LiquibaseApi.on(database).contexts("prod").parameter("credits.database", name(database));
    }

    private static LiquibaseApi confirmed(Database database) {
        return prod(database).parameter("credits.confirm", name(database));
    }

    private static LiquibaseCli cli(Database database) {
        return LiquibaseCli.on(database).environment("prod").parameter("credits.database", name(database));
    }

    private static LiquibaseMaven maven(Database database) {
        return LiquibaseMaven.on(database).option("contexts", "prod").option("credits.database", name(database));
    }

    private static String name(Database database) {
        return database.text("SELECT current_database()");
    }
}
