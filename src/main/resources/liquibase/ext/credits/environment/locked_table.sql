-- Asked after a wait was given up: whoever holds the lock comes before those who wait for it like us, and our tables before others.
SELECT
    'table ' || c.oid::regclass || ' stayed locked for longer than 5s, by '
        || coalesce('process ' || l.pid, 'a prepared transaction')
        || '; the conversion has to read it; nothing was changed; run again when that transaction has ended'
FROM pg_locks AS l
JOIN pg_class AS c ON c.oid = l.relation AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
JOIN pg_database AS d ON d.oid = l.database
WHERE
    d.datname = current_database()
    AND l.mode = 'AccessExclusiveLock'
    AND l.pid IS DISTINCT FROM pg_backend_pid()
ORDER BY
    l.granted DESC,
    c.relname IN ('users', 'user_billing', 'user_credits', 'credit_transactions', 'billing_migration_log') DESC,
    c.relname
LIMIT 1
