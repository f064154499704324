package liquibase.ext.credits.crash;

import java.io.IOException;
import java.nio.file.Files;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import liquibase.ext.credits.crash.Round.Direction;

/** What all rounds share: the server, a database to copy for each beginning, and how each should end. */
final class Scene implements AutoCloseable {

    private static final String POPULATE = """
            INSERT INTO users (id, email)
            SELECT md5(n::text)::uuid, n || '@example.org' FROM generate_series(1, 2000) AS n;
            INSERT INTO user_billing (user_id, balance_usd, balance_uah)
            SELECT
                md5(n::text)::uuid,
                CASE n % 10 WHEN 0 THEN 0 WHEN 1 THEN -n ELSE n + 0.37 END,
                CASE n % 7 WHEN 0 THEN n * 11.03 WHEN 1 THEN -5 ELSE 0 END
            FROM generate_series(1, 2000) AS n;
            INSERT INTO user_credits (user_id, balance, total_earned, total_spent)
            SELECT md5(n::text)::uuid, n % 9, n % 9 + 4, 4 FROM generate_series(1, 2000, 3) AS n;
            """;

    /** The sequence counts on when a transaction fails, so that one number means one moment. */
    private static final String HOLDABLE = """
            CREATE SEQUENCE crash_write;
            CREATE TABLE crash_point (write_number bigint, table_name text);
            CREATE FUNCTION crash_point() RETURNS trigger LANGUAGE plpgsql AS $$
            DECLARE
                v_write bigint;
            BEGIN
                -- How often the figures for onlookers are written depends on the clock.
                IF TG_TABLE_NAME = 'billing_migration_run' AND TG_OP = 'UPDATE' THEN
                    IF OLD.progress_at IS DISTINCT FROM NEW.progress_at THEN
                        RETURN NULL;
                    END IF;
                END IF;
                v_write := nextval('crash_write');
                IF EXISTS (
                    SELECT 1 FROM crash_point AS p WHERE p.write_number = v_write OR p.table_name = TG_TABLE_NAME
                ) THEN
                    PERFORM pg_advisory_xact_lock(4711);
                END IF;
                RETURN NULL;
            END
            $$;
            DO $$
            DECLARE
                v_table text;
            BEGIN
                FOREACH v_table IN ARRAY ARRAY[
                    'user_billing', 'user_credits', 'credit_transactions', 'billing_migration_log',
                    'billing_migration_run', 'billing_migration_range', 'databasechangelog', 'databasechangeloglock']
                LOOP
                    EXECUTE format(
                        'CREATE TRIGGER crash_point AFTER INSERT OR UPDATE OR DELETE ON %I'
                        ' FOR EACH ROW EXECUTE FUNCTION crash_point()', v_table);
                END LOOP;
            END
            $$;
            """;

    private final CrashServer server;
    private final Operator operator;
    private final Map<String, End> ends = new HashMap<>();

    /**
     * How an uninterrupted command ends.
     *
     * @param state what the database then holds
     * @param writes how many rows it wrote on the way
     */
    record End(List<String> state, long writes) {}

    private Scene(CrashServer server, Operator operator) {
        this.server = server;
        this.operator = operator;
    }

    static Scene set() throws Exception {
        Scene scene = new Scene(CrashServer.start(), Operator.start());
        scene.prepare();
        for (String commit : List.of("once", "batch")) {
            scene.rehearse(commit);
        }
        return scene;
    }

    CrashServer server() {
        return server;
    }

    Operator operator() {
        return operator;
    }

    CrashDatabase beginning(String name, Direction direction, String commit) throws SQLException {
        return CrashDatabase.create(server, name, direction == Direction.CONVERT ? "prepared" : "converted_" + commit);
    }

    End end(Direction direction, String commit) {
        return ends.get(direction + commit);
    }

    static List<String> command(Direction direction, String commit, int workers) {
        List<String> command =
                new ArrayList<>(direction == Direction.CONVERT ? List.of("update") : List.of("rollbackCount", "1"));
        command.addAll(List.of(
                "-Dcredits.perUsd=1.333",
                "-Dcredits.perUah=0.025",
                "-Dcredits.commit=" + commit,
                "-Dcredits.workers=" + workers,
                "-Dcredits.batchUsers=150",
                // Longer than a write is ever held.
                "-Dcredits.lockTimeout=300s"));
        return command;
    }

    @Override
    public void close() throws IOException {
        operator.close();
        server.close();
    }

    /** The application's tables with rows, and every changeset run but the conversion. */
    private void prepare() throws SQLException, IOException {
        CrashDatabase prepared = CrashDatabase.create(server, "prepared", "template0");
        prepared.execute(
                Files.readString(LiquibaseProcess.ROOT.resolve("changelogs/demo/legacy_schema.sql")) + POPULATE);
        prepared.disconnect();
        run(prepared, List.of("updateCount", String.valueOf(changesets() - 1)));
        prepared.execute(HOLDABLE);
        prepared.disconnect();
    }

    private long changesets() throws SQLException, IOException {
        try (CrashDatabase whole = CrashDatabase.create(server, "whole", "prepared")) {
            run(whole, List.of("update"));
            return whole.number("SELECT count(*) FROM databasechangelog");
        }
    }

    private void rehearse(String commit) throws SQLException, IOException {
        CrashDatabase converted = CrashDatabase.create(server, "converted_" + commit, "prepared");
        ends.put(Direction.CONVERT + commit, rehearse(converted, Direction.CONVERT, commit));
        converted.disconnect();
        try (CrashDatabase undone = CrashDatabase.create(server, "undone", "converted_" + commit)) {
            ends.put(Direction.UNDO + commit, rehearse(undone, Direction.UNDO, commit));
        }
    }

    private End rehearse(CrashDatabase database, Direction direction, String commit) throws SQLException, IOException {
        database.execute("ALTER SEQUENCE crash_write RESTART");
        run(database, command(direction, commit, 1));
        database.assertProved();
        return new End(database.state(), database.writes());
    }

    private void run(CrashDatabase database, List<String> command) throws IOException {
        Operator.Answer answer = operator.run(database.url(), command);
        if (answer.exitCode() != 0) {
            throw new IllegalStateException(answer.output());
        }
    }
}
