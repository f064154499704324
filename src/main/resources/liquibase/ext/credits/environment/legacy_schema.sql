WITH
needed_column (table_name, column_name, type_name, is_legacy) AS (
    VALUES
        ('users', 'id', 'uuid', true),
        ('users', 'email', NULL, true),
        ('user_billing', 'user_id', 'uuid', true),
        ('user_billing', 'balance_usd', 'numeric', true),
        ('user_billing', 'balance_uah', 'numeric', true),
        ('user_credits', 'id', 'uuid', true),
        ('user_credits', 'user_id', 'uuid', true),
        ('user_credits', 'balance', 'numeric', true),
        ('user_credits', 'total_earned', 'numeric', true),
        ('user_credits', 'total_spent', 'numeric', true),
        ('user_credits', 'updated_at', NULL, true),
        ('credit_transactions', 'id', 'uuid', false),
        ('credit_transactions', 'user_id', 'uuid', false),
        ('credit_transactions', 'transaction_type', NULL, false),
        ('credit_transactions', 'amount', 'numeric', false),
        ('credit_transactions', 'balance_before', 'numeric', false),
        ('credit_transactions', 'balance_after', 'numeric', false),
        ('credit_transactions', 'source', NULL, false),
        ('credit_transactions', 'source_id', NULL, false),
        ('credit_transactions', 'description', NULL, false),
        ('billing_migration_log', 'user_id', 'uuid', false),
        ('billing_migration_log', 'old_balance_usd', 'numeric', false),
        ('billing_migration_log', 'old_balance_uah', 'numeric', false),
        ('billing_migration_log', 'new_credits', 'numeric', false),
        ('billing_migration_log', 'conversion_rate', 'numeric', false),
        ('billing_migration_log', 'status', NULL, false),
        ('billing_migration_log', 'reason', NULL, false),
        ('billing_migration_log', 'migrated_at', NULL, false),
        ('billing_migration_log', 'migrated_by', NULL, false)
),
-- Ours are created in the current schema, so the balances must be there too; users may stand elsewhere on the search path.
needed_table (table_name, table_oid) AS (
    SELECT
        n.table_name,
        to_regclass(CASE n.table_name WHEN 'users' THEN '' ELSE quote_ident(current_schema()) || '.' END || n.table_name)
    FROM needed_column AS n
    GROUP BY n.table_name
),
needed_privilege (table_name, privilege) AS (
    VALUES
        ('users', 'SELECT'),
        ('user_billing', 'SELECT'),
        ('user_billing', 'UPDATE'),
        ('user_credits', 'SELECT'),
        ('user_credits', 'INSERT'),
        ('user_credits', 'UPDATE'),
        ('user_credits', 'DELETE'),
        ('credit_transactions', 'SELECT'),
        ('credit_transactions', 'INSERT')
),
problem (severity, line) AS (
    SELECT
        1,
        'table ' || n.table_name || ' is missing in database ' || current_database() || ', schema '
            || coalesce(current_schema(), 'none') || '; check the url and defaultSchemaName'
    FROM needed_column AS n
    JOIN needed_table AS t ON t.table_name = n.table_name
    WHERE n.is_legacy AND t.table_oid IS NULL

    UNION ALL
    SELECT
        2,
        'column ' || n.table_name || '.' || n.column_name || ' is missing; the conversion needs it'
            || coalesce(' as ' || n.type_name, '') || '; add it, or check that this is the right database'
    FROM needed_column AS n
    JOIN needed_table AS t ON t.table_name = n.table_name
    WHERE
        t.table_oid IS NOT NULL
        AND NOT EXISTS (
            SELECT 1
            FROM pg_attribute AS a
            WHERE
                a.attrelid = t.table_oid
                AND a.attname = n.column_name
                AND NOT a.attisdropped
        )

    UNION ALL
    SELECT
        3,
        'column ' || n.table_name || '.' || n.column_name || ' is ' || format_type(a.atttypid, a.atttypmod)
            || '; the conversion needs ' || n.type_name || '; change its type first'
    FROM needed_column AS n
    JOIN needed_table AS t ON t.table_name = n.table_name
    JOIN pg_attribute AS a
        ON a.attrelid = t.table_oid AND a.attname = n.column_name AND NOT a.attisdropped
    WHERE a.atttypid <> to_regtype(n.type_name)

    UNION ALL
    SELECT
        4,
        'user_credits.user_id is not unique; a wallet is found by it; add a unique constraint'
    WHERE
        to_regclass('user_credits') IS NOT NULL
        AND NOT EXISTS (
            SELECT 1
            FROM pg_index AS i
            JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attname = 'user_id'
            WHERE
                i.indrelid = to_regclass('user_credits')
                AND i.indisunique
                AND i.indpred IS NULL
                AND i.indkey::text = a.attnum::text
        )

    UNION ALL
    SELECT
        5,
        'role ' || current_user || ' may not ' || n.privilege || ' ' || n.table_name || '; GRANT '
            || n.privilege || ' ON ' || n.table_name || ' TO ' || quote_ident(current_user)
    FROM needed_privilege AS n
    JOIN needed_table AS t ON t.table_name = n.table_name
    WHERE
        t.table_oid IS NOT NULL
        AND NOT has_table_privilege(t.table_oid, n.privilege)

    UNION ALL
    SELECT
        6,
        'role ' || current_user || ' may not REFERENCES users, which the ledger needs; GRANT REFERENCES ON users TO '
            || quote_ident(current_user)
    WHERE
        to_regclass(quote_ident(current_schema()) || '.credit_transactions') IS NULL
        AND to_regclass('users') IS NOT NULL
        AND NOT has_table_privilege(to_regclass('users'), 'REFERENCES')

    UNION ALL
    SELECT
        6,
        'role ' || current_user || ' may not lock rows of users, which keeps a deletion and the conversion from waiting for '
            || 'each other; GRANT UPDATE (created_at) ON users TO ' || quote_ident(current_user) || ', it is never written'
    WHERE
        to_regclass('users') IS NOT NULL
        AND NOT has_any_column_privilege(to_regclass('users'), 'UPDATE')

    UNION ALL
    SELECT
        7,
        'role ' || current_user || ' may not CREATE in schema ' || current_schema() || '; GRANT CREATE ON SCHEMA '
            || quote_ident(current_schema()) || ' TO ' || quote_ident(current_user)
    WHERE NOT has_schema_privilege(current_schema(), 'CREATE')

    UNION ALL
    SELECT
        8,
        'role ' || current_user || ' does not own ' || c.relname || ' of an earlier attempt, which 021 takes over; ALTER '
            || CASE c.relkind WHEN 'v' THEN 'VIEW ' ELSE 'TABLE ' END || c.relname || ' OWNER TO '
            || quote_ident(current_user)
    FROM pg_class AS c
    WHERE
        c.oid IN (
            to_regclass(quote_ident(current_schema()) || '.billing_migration_log'),
            to_regclass(quote_ident(current_schema()) || '.billing_migration_status'))
        AND NOT pg_has_role(c.relowner, 'USAGE')

    UNION ALL
    SELECT
        8,
        'role ' || current_user || ' does not own ' || f.oid::regprocedure
            || ' of an earlier attempt, which 021 takes over; ALTER FUNCTION ' || f.oid::regprocedure
            || ' OWNER TO ' || quote_ident(current_user)
    FROM pg_proc AS f
    WHERE
        f.proname = 'migrate_user_billing_to_credits'
        AND f.pronamespace = quote_ident(current_schema())::regnamespace
        AND NOT pg_has_role(f.proowner, 'USAGE')

    UNION ALL
    SELECT
        9,
        'constraint ' || c.conname || ' of credit_transactions does not allow transaction_type '
            || t.transaction_type || ', which ' || t.needed_by || ' writes; add it to the constraint'
    FROM pg_constraint AS c
    JOIN pg_attribute AS a
        ON a.attrelid = c.conrelid AND a.attname = 'transaction_type' AND a.attnum = ANY (c.conkey)
    CROSS JOIN (
        VALUES ('migration', 'the conversion'), ('migration_rollback', 'the undo')
    ) AS t (transaction_type, needed_by)
    WHERE
        c.conrelid = to_regclass(quote_ident(current_schema()) || '.credit_transactions')
        AND c.contype = 'c'
        AND pg_get_constraintdef(c.oid) NOT LIKE '%''' || t.transaction_type || '''%'
)
SELECT p.line
FROM problem AS p
ORDER BY p.severity, p.line
LIMIT 1
