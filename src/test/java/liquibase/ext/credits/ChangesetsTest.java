package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Every changeset goes forward, back and forward again, one at a time. */
class ChangesetsTest {

    private static final String NOTE_UNLIMITED_WAITS = """
            CREATE TABLE unlimited_wait (statement text);
            CREATE FUNCTION note_unlimited_wait() RETURNS event_trigger
            LANGUAGE plpgsql
            AS $$
            BEGIN
                IF tg_tag ~ '(TABLE|INDEX|VIEW|TRIGGER)$'
                    AND current_setting('lock_timeout') = '0'
                    AND current_query() NOT LIKE '%databasechangelog%'
                THEN
                    INSERT INTO unlimited_wait VALUES (split_part(current_query(), E'\\n', 1));
                END IF;
            END
            $$;
            CREATE EVENT TRIGGER note_unlimited_wait ON ddl_command_start EXECUTE FUNCTION note_unlimited_wait();
            """;

    @Test
    void everyChangesetGoesForwardBackAndForwardAgain() {
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            assertEachGoesBack(database, "stage");
        }
    }

    @Test
    void everyChangesetGoesForwardBackAndForwardAgainOverALiveLedger() {
        try (Database database = Database.from(Template.LEGACY_WITH_LEDGER)) {
            database.addUser("100.00");
            database.execute("SELECT add_credits(id, 5, 'bonus', 'test', NULL, NULL, NULL) FROM users");
            assertEachGoesBack(database, "stage");
        }
    }

    @Test
    void everyChangesetOfTheDemoGoesForwardBackAndForwardAgain() {
        try (Database database = Database.empty()) {
            assertEachGoesBack(database, "demo");
        }
    }

    @Test
    void identitiesDoNotDependOnTheLiquibaseLine() {
        try (Database database = Database.prepared()) {
            List<String> files = database.lines("SELECT DISTINCT filename FROM databasechangelog");

            assertThat(files).allSatisfy(file -> assertThat(file).matches("liquibase-credits/021/\\w+\\.sql"));
            assertThat(files).hasSizeGreaterThan(10);
        }
    }

    /** Whoever waits for a table keeps everybody out who comes after. */
    @Test
    void noChangesetAndNoUndoWaitsForATableWithoutLimit() {
        try (Database database = Database.legacy()) {
            database.execute(NOTE_UNLIMITED_WAITS);
            LiquibaseApi.on(database)
                    .parameter("credits.lateWrites", "reject")
                    .run("update")
                    .assertSucceeded();
            LiquibaseApi.on(database)
                    .run("rollbackCount", "count", ran(database))
                    .assertSucceeded();

            assertThat(database.lines("SELECT statement FROM unlimited_wait"))
                    .as("the first table is new and refers to no other")
                    .containsExactly("CREATE TABLE billing_migration_object (");
        }
    }

    private static void assertEachGoesBack(Database database, String context) {
        LiquibaseApi.on(database).contexts(context).run("status").assertSucceeded();
        Deque<Snapshot> steps = new ArrayDeque<>();
        int done = -1;
        while (done < ran(database)) {
            done = ran(database);
            steps.push(definitions(database));
            LiquibaseApi.on(database)
                    .contexts(context)
                    .run("updateCount", "count", 1)
                    .assertSucceeded();
        }
        Snapshot all = steps.pop();
        assertThat(done).isGreaterThan(25);

        while (!steps.isEmpty()) {
            LiquibaseApi.on(database)
                    .contexts(context)
                    .run("rollbackCount", "count", 1)
                    .assertSucceeded();
            assertThat(definitions(database)).isEqualTo(steps.pop());
        }
        LiquibaseApi.on(database).contexts(context).run("update").assertSucceeded();

        assertThat(definitions(database)).isEqualTo(all);
    }

    private static int ran(Database database) {
        return database.text("SELECT to_regclass('databasechangelog')") == null
                ? 0
                : database.number("SELECT count(*) FROM databasechangelog").intValueExact();
    }

    /** Without rows that carry times and random ids, or that the undo must keep. */
    private static Snapshot definitions(Database database) {
        return database.everything().without("databasechangelog").without("rows of");
    }
}
