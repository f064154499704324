package liquibase.ext.credits;

import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A state to start a test from, prepared once and then copied by PostgreSQL. Tests make their own with a name and a preparation.
 *
 * @param name unique among all tests
 */
public record Template(String name, Preparation preparation) {

    /** No table at all. */
    public static final Template EMPTY = new Template("empty", database -> {});

    /** The application's tables as stage and production have them, without rows. */
    public static final Template LEGACY = new Template("legacy", Template::createLegacySchema);

    /** {@link #LEGACY} with the ledger and the functions that some installations have already. */
    public static final Template LEGACY_WITH_LEDGER = new Template("legacy_with_ledger", database -> {
        createLegacySchema(database);
        database.execute(resource("/legacy/ledger.sql"));
    });

    /** {@link #LEGACY} after every changeset but the last, the conversion. */
    public static final Template PREPARED = new Template("prepared", database -> {
        createLegacySchema(database);
        LiquibaseApi.on(database).runAllButLast();
    });

    private static final Map<String, Database> PREPARED_ONCE = new ConcurrentHashMap<>();

    /** What brings an empty database into the wanted state. */
    @FunctionalInterface
    public interface Preparation {
        /** Leaves no connection open. */
        void prepare(Database database) throws SQLException;
    }

    /** The database to copy from. */
    Database database() {
        return PREPARED_ONCE.computeIfAbsent(name, missing -> Database.prepare(preparation));
    }

    private static void createLegacySchema(Database database) {
        LiquibaseApi.on(database)
                .changelog("changelogs/demo/legacy_schema.sql")
                .run("update")
                .assertSucceeded();
        database.execute("DROP TABLE databasechangelog, databasechangeloglock");
    }

    static String resource(String path) {
        try (var stream = Template.class.getResourceAsStream(path)) {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
