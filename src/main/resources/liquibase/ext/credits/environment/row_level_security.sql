WITH
read_table (position, table_oid) AS (
    VALUES
        (1, to_regclass('users')),
        (2, to_regclass(quote_ident(current_schema()) || '.user_billing')),
        (3, to_regclass(quote_ident(current_schema()) || '.user_credits')),
        (4, to_regclass(quote_ident(current_schema()) || '.credit_transactions')),
        (5, to_regclass(quote_ident(current_schema()) || '.billing_migration_log'))
),
policy (table_oid, is_permissive, hides_nothing) AS (
    SELECT
        p.polrelid,
        p.polpermissive,
        p.polcmd = '*'
            AND pg_get_expr(p.polqual, p.polrelid) = 'true'
            AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true'
    FROM pg_policy AS p
    JOIN read_table AS t ON t.table_oid = p.polrelid
    WHERE
        EXISTS (
            SELECT 1
            FROM unnest(p.polroles) AS r (role_oid)
            WHERE r.role_oid = 0 OR pg_has_role(r.role_oid, 'USAGE')  -- PUBLIC is 0.
        )
)
SELECT
    'row-level security of ' || c.relname || ' may hide rows from role ' || current_user || '; a hidden row would keep its'
        || ' balance, or pass for a deleted user; connect as a role with BYPASSRLS'
        || CASE WHEN c.relforcerowsecurity THEN '' ELSE ' or as the owner, ' || pg_get_userbyid(c.relowner) END
        || ', or give it a policy FOR ALL USING (true)'
FROM read_table AS t
JOIN pg_class AS c ON c.oid = t.table_oid
WHERE
    row_security_active(c.oid)
    -- Permissive policies add rows to each other, restrictive ones take away. Conversion and undo ask the same.
    AND NOT coalesce(
        (
            SELECT bool_and(p.is_permissive) AND bool_or(p.hides_nothing)
            FROM policy AS p
            WHERE p.table_oid = c.oid
        ),
        false)
ORDER BY t.position
LIMIT 1
