WITH
-- What an INSERT of the conversion always fills; its log also keeps users who were skipped, with fewer columns.
filled_column (table_name, column_name) AS (
    VALUES
        ('user_credits', 'id'),
        ('user_credits', 'user_id'),
        ('user_credits', 'balance'),
        ('user_credits', 'total_earned'),
        ('credit_transactions', 'id'),
        ('credit_transactions', 'user_id'),
        ('credit_transactions', 'transaction_type'),
        ('credit_transactions', 'amount'),
        ('credit_transactions', 'balance_before'),
        ('credit_transactions', 'balance_after'),
        ('credit_transactions', 'source'),
        ('credit_transactions', 'source_id'),
        ('credit_transactions', 'description'),
        ('billing_migration_log', 'run_id'),
        ('billing_migration_log', 'user_id'),
        ('billing_migration_log', 'old_balance_usd'),
        ('billing_migration_log', 'old_balance_uah'),
        ('billing_migration_log', 'new_credits'),
        ('billing_migration_log', 'conversion_rate'),
        ('billing_migration_log', 'status'),
        ('billing_migration_log', 'migrated_by')
),
filled_table (table_name, table_oid) AS (
    SELECT
        f.table_name,
        to_regclass(quote_ident(current_schema()) || '.' || f.table_name)
    FROM filled_column AS f
    GROUP BY f.table_name
),
-- The events as pg_rewrite has them: 2 is UPDATE, 3 is INSERT. What is deleted is deleted by statements of their own.
write_event (table_name, event) AS (
    VALUES
        ('user_billing', '2'),
        ('user_credits', '2'),
        ('user_credits', '3'),
        ('credit_transactions', '3'),
        ('billing_migration_log', '2'),
        ('billing_migration_log', '3')
),
problem (severity, line) AS (
    SELECT
        1,
        'column ' || t.table_name || '.' || a.attname || ' is NOT NULL, and the conversion leaves it empty; '
            || CASE WHEN n.is_given_null THEN '' ELSE 'give it a default, or ' END
            || 'ALTER TABLE ' || t.table_name || ' ALTER COLUMN ' || quote_ident(a.attname) || ' DROP NOT NULL'
    FROM filled_table AS t
    JOIN pg_attribute AS a ON a.attrelid = t.table_oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_type AS y ON y.oid = a.atttypid
    -- The log says why a balance stays, and of most users nothing: no default would help.
    CROSS JOIN LATERAL (
        SELECT t.table_name = 'billing_migration_log' AND a.attname = 'reason' AS is_given_null
    ) AS n
    WHERE
        a.attnotnull
        AND (n.is_given_null OR (NOT a.atthasdef AND a.attidentity = '' AND y.typdefault IS NULL))
        AND NOT EXISTS (
            SELECT 1
            FROM filled_column AS f
            WHERE f.table_name = t.table_name AND f.column_name = a.attname
        )
        -- A trigger before each inserted row may fill it.
        AND NOT EXISTS (
            SELECT 1
            FROM pg_trigger AS g
            WHERE g.tgrelid = t.table_oid AND g.tgtype & 7 = 7 AND g.tgenabled IN ('O', 'A')
        )

    UNION ALL
    SELECT
        2,
        'rule ' || r.rulename || ' on ' || e.table_name || ' would rewrite what the conversion or its undo writes, which'
            || ' PostgreSQL refuses within WITH; make it a trigger, or ALTER TABLE ' || e.table_name || ' DISABLE RULE '
            || quote_ident(r.rulename)
    FROM write_event AS e
    JOIN pg_class AS c
        ON c.oid = to_regclass(quote_ident(current_schema()) || '.' || e.table_name) AND c.relkind IN ('r', 'p')
    JOIN pg_rewrite AS r ON r.ev_class = c.oid AND r.ev_type::text = e.event
    WHERE r.ev_enabled IN ('O', 'A')
)
SELECT p.line
FROM problem AS p
ORDER BY p.severity, p.line
LIMIT 1
