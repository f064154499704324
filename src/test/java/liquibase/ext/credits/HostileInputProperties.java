package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.stream.Collectors;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;

/** Whatever users call themselves: the script of a dry run does the same work, and nothing else. */
class HostileInputProperties {

    private static final Template TAME = new Template("tame", database -> {
        Template.PREPARED.preparation().prepare(database);
        database.execute("CREATE TABLE canary (id integer)");
        for (int user = 0; user < 15; user++) {
            database.addUser("10.00");
        }
    });

    @Property(tries = 6, shrinking = ShrinkingMode.OFF)
    void theScriptsDoTheSameWorkAndNothingElse(@ForAll("emails") List<String> emails) throws SQLException {
        try (Database tame = Database.from(TAME);
                Database database = Database.from(TAME)) {
            for (String email : emails) {
                database.execute(
                        "UPDATE users SET email = ? WHERE id = (SELECT min(id::text)::uuid FROM users"
                                + " WHERE email = id || '@example.org')",
                        email);
            }
            List<String> users = database.lines("SELECT id, md5(email) FROM users ORDER BY id");

            CommandResult dryRun = full(database).run("updateSQL").assertSucceeded();
            assertOnlyCommentsDiffer(dryRun.sql(), full(tame).run("updateSQL").sql());
            execute(database, dryRun.sql());
            assertMoney(database, "0.00|10.00");

            CommandResult undo =
                    full(database).run("rollbackCountSQL", "count", 1).assertSucceeded();
            full(tame).run("update").assertSucceeded();
            assertOnlyCommentsDiffer(
                    undo.sql(), full(tame).run("rollbackCountSQL", "count", 1).sql());
            execute(database, undo.sql());
            assertMoney(database, "10.00|");
            assertThat(database.lines("SELECT id, md5(email) FROM users ORDER BY id"))
                    .isEqualTo(users);

            for (String shown : List.of(dryRun.messages(), undo.messages())) {
                assertThat(shown.replace(System.lineSeparator(), "").codePoints())
                        .noneMatch(character ->
                                Character.isISOControl(character) || Character.getType(character) == Character.FORMAT);
            }
        }
    }

    @Provide
    Arbitrary<List<String>> emails() {
        return HostileText.any().list().uniqueElements().ofSize(15);
    }

    private static LiquibaseApi full(Database database) {
        return LiquibaseApi.on(database).parameter("credits.emails", "full");
    }

    private static void assertOnlyCommentsDiffer(String script, String tame) {
        assertThat(statements(script)).isEqualTo(statements(tame));
    }

    /** Comments end at either line end, as in PostgreSQL. */
    private static String statements(String script) {
        return script.lines()
                .filter(line -> !line.startsWith("--") && !line.isBlank())
                .map(line -> line.replaceAll("\\d{10}", "<deployment>"))
                .collect(Collectors.joining("\n"));
    }

    private static void execute(Database database, String script) throws SQLException {
        try (Connection client = database.connection();
                Statement statement = client.createStatement()) {
            statement.execute(script);
        }
    }

    private static void assertMoney(Database database, String each) {
        assertThat(database.lines("SELECT DISTINCT b.balance_usd, c.balance FROM user_billing AS b"
                        + " LEFT JOIN user_credits AS c ON c.user_id = b.user_id"))
                .containsExactly(each);
        assertThat(database.text("SELECT to_regclass('canary')")).isEqualTo("canary");
    }
}
