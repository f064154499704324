package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Every function of the changelog, read by plpgsql_check: names, types and branches that no test reaches. */
class PlpgsqlCheckTest {

    private static final String FINDINGS = """
            SELECT concat_ws(' ', f.signature, 'line', c.lineno, c.level || ':', c.message, c.detail)
            FROM (
                SELECT p.oid, p.oid::regprocedure::text AS signature, t.tgrelid
                FROM pg_proc AS p
                JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
                LEFT JOIN pg_depend AS d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
                LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid
                WHERE
                    p.pronamespace = 'public'::regnamespace
                    AND d.objid IS NULL
                    AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
            ) AS f
            CROSS JOIN LATERAL plpgsql_check_function_tb(
                f.oid, coalesce(f.tgrelid, 0), performance_warnings => false, extra_warnings => true) AS c
            ORDER BY 1
            """;

    @Test
    void everyFunctionIsWithoutFindings() {
        try (Database database = Database.prepared()) {
            assumeTrue(
                    database.number("SELECT count(*) FROM pg_available_extensions WHERE name = 'plpgsql_check'")
                                    .signum()
                            > 0,
                    "skipped: this PostgreSQL has no extension plpgsql_check; .ci/plpgsql-check brings one");
            database.execute("CREATE EXTENSION plpgsql_check");

            assertThat(database.number("SELECT count(*) FROM pg_proc WHERE proname LIKE 'billing_migration%'"))
                    .isGreaterThan(java.math.BigDecimal.TEN);
            assertThat(database.lines(FINDINGS)).isEqualTo(List.of());
        }
    }
}
