WITH
earlier (log_oid, status_oid) AS (
    SELECT
        to_regclass(quote_ident(current_schema()) || '.billing_migration_log'),
        to_regclass(quote_ident(current_schema()) || '.billing_migration_status')
    -- Once 021 has begun they are its own.
    WHERE to_regclass(quote_ident(current_schema()) || '.billing_migration_object') IS NULL
),
-- What 021 adds to the log and finds there as it is.
added_column (column_name, type_name) AS (
    VALUES
        ('run_id', 'uuid'),
        ('converted_usd', 'numeric'),
        ('converted_uah', 'numeric'),
        ('remainder', 'numeric'),
        ('ledger_entry_id', 'uuid'),
        ('credits_row_created', 'boolean'),
        ('reversed_at', 'timestamp with time zone'),
        ('reversal_entry_id', 'uuid'),
        ('reversed_usd', 'numeric'),
        ('reversed_uah', 'numeric'),
        ('reversed_credits', 'numeric')
),
kind (relkind, name) AS (
    VALUES
        ('r', 'table'),
        ('p', 'partitioned table'),
        ('v', 'view'),
        ('m', 'materialized view'),
        ('f', 'foreign table')
),
problem (severity, line) AS (
    SELECT
        1,
        c.relname || ' of an earlier attempt is a ' || k.name || '; 021 takes over a '
            || CASE WHEN c.oid = e.log_oid THEN 'table' ELSE 'plain view' END || ' only; ALTER '
            || CASE c.relkind WHEN 'v' THEN 'VIEW ' WHEN 'm' THEN 'MATERIALIZED VIEW ' ELSE 'TABLE ' END
            || c.relname || ' RENAME TO ' || c.relname || '_earlier'
    FROM earlier AS e
    JOIN pg_class AS c
        ON (c.oid = e.log_oid AND c.relkind NOT IN ('r', 'p')) OR (c.oid = e.status_oid AND c.relkind <> 'v')
    JOIN kind AS k ON k.relkind = c.relkind::text

    UNION ALL
    -- The view is set aside as text, which DROP VIEW refuses while anything is built on it or on its row type.
    SELECT
        2,
        CASE r.rulename
            WHEN '_RETURN' THEN 'view ' || r.ev_class::regclass
            ELSE pg_describe_object(d.classid, d.objid, d.objsubid)
        END
            || ' depends on view billing_migration_status of an earlier attempt, which 021 replaces; drop it first, and'
            || ' create it again afterwards'
    FROM earlier AS e
    JOIN pg_class AS c ON c.oid = e.status_oid AND c.relkind = 'v'
    JOIN pg_type AS y ON y.oid = c.reltype
    JOIN pg_depend AS d
        ON d.deptype = 'n'
        AND (
            (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
            OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (y.oid, y.typarray))
        )
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE r.ev_class IS DISTINCT FROM c.oid

    UNION ALL
    -- 021 widens these to numeric, which PostgreSQL refuses while a view or the like reads them; the status view goes before.
    SELECT
        3,
        CASE r.rulename
            WHEN '_RETURN' THEN 'view ' || r.ev_class::regclass
            ELSE pg_describe_object(d.classid, d.objid, d.objsubid)
        END
            || ' depends on column billing_migration_log.' || a.attname || ' of an earlier attempt, which 021 widens from '
            || format_type(a.atttypid, a.atttypmod) || ' to numeric; drop it first, and create it again afterwards'
    FROM earlier AS e
    JOIN pg_attribute AS a
        ON a.attrelid = e.log_oid
        AND a.attname IN ('old_balance_usd', 'old_balance_uah', 'new_credits', 'conversion_rate')
        AND a.atttypmod <> -1
    JOIN pg_depend AS d
        ON d.refclassid = 'pg_class'::regclass
        AND d.refobjid = a.attrelid
        AND d.refobjsubid = a.attnum
        AND d.classid IN (
            'pg_rewrite'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass)
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    WHERE e.status_oid IS NULL OR r.ev_class IS DISTINCT FROM e.status_oid

    UNION ALL
    SELECT
        4,
        'column billing_migration_log.' || n.column_name || ' of an earlier attempt is '
            || format_type(a.atttypid, a.atttypmod) || '; 021 needs ' || n.type_name || '; rename it or change its type first'
    FROM earlier AS e
    CROSS JOIN added_column AS n
    JOIN pg_attribute AS a
        ON a.attrelid = e.log_oid AND a.attname = n.column_name AND NOT a.attisdropped
    WHERE format_type(a.atttypid, a.atttypmod) <> n.type_name

    UNION ALL
    SELECT
        5,
        'procedure ' || f.oid::regprocedure || ' of an earlier attempt stands where 021 creates a function; ALTER PROCEDURE '
            || f.oid::regprocedure || ' RENAME TO ' || f.proname || '_earlier'
    FROM earlier AS e
    CROSS JOIN pg_proc AS f
    WHERE
        f.proname IN ('migrate_user_billing_to_credits', 'rollback_billing_migration')
        AND f.pronamespace = quote_ident(current_schema())::regnamespace
        AND f.prokind = 'p'
)
SELECT p.line
FROM problem AS p
ORDER BY p.severity, p.line
LIMIT 1
