WITH
needed_column (table_name, column_name, type_name, is_legacy, is_written) AS (
    VALUES
        ('users', 'id', 'uuid', true, false),
        ('users', 'email', NULL, true, false),
        ('user_billing', 'user_id', 'uuid', true, false),
        ('user_billing', 'balance_usd', 'numeric', true, true),
        ('user_billing', 'balance_uah', 'numeric', true, true),
        ('user_credits', 'id', 'uuid', true, true),
        ('user_credits', 'user_id', 'uuid', true, true),
        ('user_credits', 'balance', 'numeric', true, true),
        ('user_credits', 'total_earned', 'numeric', true, true),
        ('user_credits', 'total_spent', 'numeric', true, false),
        ('user_credits', 'updated_at', NULL, true, true),
        ('credit_transactions', 'id', 'uuid', false, true),
        ('credit_transactions', 'user_id', 'uuid', false, true),
        ('credit_transactions', 'transaction_type', NULL, false, true),
        ('credit_transactions', 'amount', 'numeric', false, true),
        ('credit_transactions', 'balance_before', 'numeric', false, true),
        ('credit_transactions', 'balance_after', 'numeric', false, true),
        ('credit_transactions', 'source', NULL, false, true),
        ('credit_transactions', 'source_id', NULL, false, true),
        ('credit_transactions', 'description', NULL, false, true),
        ('credit_transactions', 'created_at', NULL, false, false),
        ('billing_migration_log', 'id', 'uuid', false, true),
        ('billing_migration_log', 'user_id', 'uuid', false, true),
        ('billing_migration_log', 'old_balance_usd', 'numeric', false, true),
        ('billing_migration_log', 'old_balance_uah', 'numeric', false, true),
        ('billing_migration_log', 'new_credits', 'numeric', false, true),
        ('billing_migration_log', 'conversion_rate', 'numeric', false, true),
        ('billing_migration_log', 'status', NULL, false, true),
        ('billing_migration_log', 'reason', NULL, false, true),
        ('billing_migration_log', 'migrated_at', NULL, false, false),
        ('billing_migration_log', 'migrated_by', NULL, false, true)
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
needed_key (table_name, column_name, purpose) AS (
    VALUES
        ('user_credits', 'user_id', 'a wallet is found by it'),
        ('users', 'id', 'every balance and every entry of the ledger refers to it')
),
-- ON CONFLICT and foreign keys take an index only if it holds for all rows, and at once.
unique_index (table_oid, column_name, index_name, flaw) AS (
    SELECT
        i.indrelid,
        a.attname,
        i.indexrelid::regclass::text,
        CASE
            WHEN NOT i.indisvalid THEN 'invalid'
            WHEN NOT i.indimmediate THEN 'deferrable'
            WHEN i.indpred IS NOT NULL THEN 'partial'
        END
    FROM pg_index AS i
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
    WHERE i.indisunique AND i.indnkeyatts = 1
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
        1,
        t.table_name || ' is a ' || k.kind || '; ' || k.purpose
            || '; put the table in its place, or check that this is the right database'
    FROM needed_table AS t
    JOIN pg_class AS c ON c.oid = t.table_oid
    CROSS JOIN LATERAL (
        SELECT
            CASE c.relkind
                WHEN 'v' THEN 'view'
                WHEN 'm' THEN 'materialized view'
                WHEN 'f' THEN 'foreign table'
                ELSE 'relation of kind ' || c.relkind::text
            END AS kind,
            CASE
                WHEN t.table_name IN ('user_billing', 'user_credits')
                    THEN 'the conversion locks its rows, which needs a table'
                WHEN
                    t.table_name = 'users'
                    AND to_regclass(quote_ident(current_schema()) || '.credit_transactions') IS NULL
                    THEN 'the ledger refers to it by a foreign key, which needs a table'
            END AS purpose
    ) AS k
    WHERE c.relkind NOT IN ('r', 'p') AND k.purpose IS NOT NULL

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
        3,
        'column ' || n.table_name || '.' || n.column_name || ' is '
            || CASE a.attidentity WHEN '' THEN 'generated' ELSE 'an identity' END
            || '; the conversion writes it; make it a plain column first'
    FROM needed_column AS n
    JOIN needed_table AS t ON t.table_name = n.table_name
    JOIN pg_attribute AS a
        ON a.attrelid = t.table_oid AND a.attname = n.column_name AND NOT a.attisdropped
    WHERE
        n.is_written
        AND (a.attgenerated <> '' OR a.attidentity <> '')

    UNION ALL
    SELECT
        4,
        n.table_name || '.' || n.column_name || ' is not unique'
            || coalesce(
                (
                    SELECT ', as ' || min(i.index_name || ' is ' || i.flaw)
                    FROM unique_index AS i
                    WHERE i.table_oid = t.table_oid AND i.column_name = n.column_name
                ),
                '')
            || '; ' || n.purpose || '; add a unique constraint, not deferrable'
    FROM needed_key AS n
    JOIN needed_table AS t ON t.table_name = n.table_name
    JOIN pg_class AS c ON c.oid = t.table_oid AND c.relkind IN ('r', 'p')
    WHERE NOT EXISTS (
        SELECT 1
        FROM unique_index AS i
        WHERE
            i.table_oid = t.table_oid
            AND i.column_name = n.column_name
            AND i.flaw IS NULL
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
