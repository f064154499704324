package liquibase.ext.credits;

import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a database holds, by name: {@code rows of public.users} to a hash, {@code function public.add_credits(…)} to its text.
 * Equal snapshots mean that nothing differs; unequal ones show what does.
 */
public record Snapshot(SortedMap<String, String> parts) {

    private static final String TABLES = """
            SELECT format('%I.%I', n.nspname, c.relname) AS name
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE
                c.relkind = 'r'
                AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND n.nspname NOT LIKE 'pg\\_%'
            """;

    private static final String TABLES_AND_CATALOGS = """
            SELECT format('%I.%I', n.nspname, c.relname) AS name
            FROM pg_class AS c
            JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE
                c.relkind = 'r'
                AND NOT c.relisshared
                AND n.nspname NOT LIKE 'pg\\_t%'
            """;

    private static final String DEFINITIONS = """
            WITH ours AS (
                SELECT n.oid, n.nspname
                FROM pg_namespace AS n
                WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
            ), relation AS (
                SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, c.relkind, c.relacl, c.reloptions
                FROM pg_class AS c
                JOIN ours AS n ON n.oid = c.relnamespace
            )
            SELECT format('schema %I', nspname) AS name, '' AS definition
            FROM ours
            UNION ALL
            SELECT format('relation %s', name), concat_ws(' ', relkind, relacl, reloptions, obj_description(oid))
            FROM relation
            UNION ALL
            SELECT format('column %s.%I', r.name, a.attname), concat_ws(' ',
                a.attnum, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                pg_get_expr(d.adbin, d.adrelid), col_description(r.oid, a.attnum), a.attacl)
            FROM relation AS r
            JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
            LEFT JOIN pg_attrdef AS d ON d.adrelid = r.oid AND d.adnum = a.attnum
            WHERE r.relkind IN ('r', 'p', 'v', 'm')
            UNION ALL
            SELECT format('view %s', name), pg_get_viewdef(oid)
            FROM relation
            WHERE relkind IN ('v', 'm')
            UNION ALL
            SELECT format('index %s', name), pg_get_indexdef(oid)
            FROM relation
            WHERE relkind = 'i'
            UNION ALL
            SELECT format('sequence %s', r.name), concat_ws(' ',
                s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle, pg_sequence_last_value(r.oid))
            FROM relation AS r
            JOIN pg_sequence AS s ON s.seqrelid = r.oid
            UNION ALL
            SELECT format('constraint %s.%I', r.name, c.conname), concat_ws(' ', c.convalidated, pg_get_constraintdef(c.oid))
            FROM relation AS r
            JOIN pg_constraint AS c ON c.conrelid = r.oid
            UNION ALL
            SELECT format('trigger %s.%I', r.name, t.tgname), concat_ws(' ', t.tgenabled, pg_get_triggerdef(t.oid))
            FROM relation AS r
            JOIN pg_trigger AS t ON t.tgrelid = r.oid AND NOT t.tgisinternal
            UNION ALL
            SELECT
                format('function %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
                concat_ws(
                    ' ',
                    pg_get_functiondef(p.oid),
                    ARRAY(SELECT a FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) AS a ORDER BY a::text),
                    obj_description(p.oid))
            FROM pg_proc AS p
            JOIN ours AS n ON n.oid = p.pronamespace
            WHERE p.prokind IN ('f', 'p')
            UNION ALL
            SELECT format('type %I.%I', n.nspname, t.typname), concat_ws(' ', t.typtype, format_type(t.typbasetype, t.typtypmod))
            FROM pg_type AS t
            JOIN ours AS n ON n.oid = t.typnamespace
            WHERE t.typtype IN ('d', 'e')
            """;

    private static final String ROWS = """
            SELECT concat(count(*), ' rows, ', md5(string_agg(t::text, E'\\n' ORDER BY t::text)))
            FROM %s AS t
            """;

    private static final String ROW_VERSIONS = """
            SELECT concat(count(*), ' rows, ', md5(string_agg(concat_ws(' ', t.ctid, t.xmin, t.xmax), E'\\n' ORDER BY t.ctid)))
            FROM %s AS t
            """;

    static Snapshot of(Database database) {
        SortedMap<String, String> parts = new TreeMap<>();
        for (Map<String, String> definition : database.rows(DEFINITIONS)) {
            parts.put(definition.get("name"), definition.get("definition"));
        }
        addTables(database, TABLES, "rows of ", ROWS, parts);
        return new Snapshot(parts);
    }

    static Snapshot ofRowVersions(Database database) {
        SortedMap<String, String> parts = new TreeMap<>();
        addTables(database, TABLES_AND_CATALOGS, "row versions of ", ROW_VERSIONS, parts);
        return new Snapshot(parts);
    }

    /** Without the parts whose name contains one of the words, for example {@code databasechangelog}. */
    public Snapshot without(String... words) {
        SortedMap<String, String> rest = new TreeMap<>(parts);
        for (String word : words) {
            rest.keySet().removeIf(name -> name.contains(word));
        }
        return new Snapshot(rest);
    }

    /** What differs from an earlier snapshot: the part's name to what it was and what it is. */
    public SortedMap<String, String> since(Snapshot before) {
        SortedMap<String, String> changes = new TreeMap<>();
        Stream.of(before.parts, parts)
                .flatMap(either -> either.keySet().stream())
                .filter(name -> !Objects.equals(before.parts.get(name), parts.get(name)))
                .forEach(name -> changes.put(name, before.parts.get(name) + " -> " + parts.get(name)));
        return changes;
    }

    private static void addTables(
            Database database, String tables, String prefix, String hash, SortedMap<String, String> parts) {
        for (String table : database.lines(tables)) {
            parts.put(prefix + table, database.text(hash.formatted(table)));
        }
    }
}
