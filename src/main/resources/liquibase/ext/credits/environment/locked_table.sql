-- Asked after a wait was given up: whoever holds the lock comes before those who wait for it like us.
WITH RECURSIVE
read_table (table_oid) AS (
    SELECT t.table_oid
    FROM unnest(ARRAY[
        to_regclass('users'), to_regclass('user_billing'), to_regclass('user_credits'), to_regclass('credit_transactions'),
        to_regclass('billing_migration_log')
    ]) AS t (table_oid)

    UNION
    SELECT i.inhrelid
    FROM read_table AS t
    JOIN pg_inherits AS i ON i.inhparent = t.table_oid
)
SELECT
    'table ' || c.oid::regclass || ' stayed locked for longer than 5s, by '
        || coalesce('process ' || l.pid, 'a prepared transaction')
        || '; the conversion has to read it; nothing was changed; run again when that transaction has ended'
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation
JOIN read_table AS t ON t.table_oid = c.oid
JOIN pg_database AS d ON d.oid = l.database
WHERE
    d.datname = current_database()
    AND l.mode = 'AccessExclusiveLock'
    AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY
    l.granted DESC,
    c.relname
LIMIT 1
