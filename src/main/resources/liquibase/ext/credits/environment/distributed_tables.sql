-- Citus keeps its tables in pg_dist_partition. It refuses row locks over several shards, triggers and now() on conflict, all of
-- which the conversion needs: refused here, before anything is created, and not by half of the changesets.
SELECT
    'table ' || p.logicalrelid || ' is distributed by Citus, which refuses the row locks over several shards that the'
        || ' conversion takes; run it on plain PostgreSQL, or after SELECT undistribute_table('
        || quote_literal(p.logicalrelid::text) || ')'
FROM pg_dist_partition AS p
WHERE
    p.partmethod IN ('h', 'r', 'a')
    AND p.logicalrelid IN (
        to_regclass('users'),
        to_regclass('user_billing'),
        to_regclass('user_credits'),
        to_regclass('credit_transactions'),
        to_regclass('billing_migration_log'))
ORDER BY p.logicalrelid::text
LIMIT 1
