-- Logical replication tells a row that is updated or deleted by its table's replica identity; without one PostgreSQL refuses the
-- write, Liquibase's deletion of its own record after an undo included.
WITH
write (position, table_oid, operation) AS (
    VALUES
        (1, to_regclass(quote_ident(current_schema()) || '.user_billing'), 'UPDATE'),
        (2, to_regclass(quote_ident(current_schema()) || '.user_credits'), 'UPDATE'),
        (3, to_regclass(quote_ident(current_schema()) || '.user_credits'), 'DELETE'),
        (4, to_regclass(quote_ident(current_schema()) || '.billing_migration_log'), 'UPDATE'),
        (5, to_regclass(quote_ident(current_schema()) || '.billing_migration_log'), 'DELETE'),
        (6, to_regclass(?::text), 'DELETE')
),
-- Rows are in the partitions, so theirs is the identity that counts; the publication may name either.
written_table (position, table_oid, published_oids, operation) AS (
    SELECT
        w.position,
        coalesce(p.relid, w.table_oid),
        ARRAY[w.table_oid, p.relid],
        w.operation
    FROM write AS w
    LEFT JOIN LATERAL pg_partition_tree(w.table_oid) AS p ON p.isleaf
    WHERE w.table_oid IS NOT NULL
)
SELECT
    'table ' || c.oid::regclass || ' has no replica identity, and publication ' || b.pubname || ' publishes every '
        || w.operation || ' of it, which PostgreSQL refuses without one; ALTER TABLE ' || c.oid::regclass
        || ' REPLICA IDENTITY FULL'
FROM written_table AS w
JOIN pg_class AS c ON c.oid = w.table_oid
JOIN pg_publication AS b
    ON (w.operation = 'UPDATE' AND b.pubupdate) OR (w.operation = 'DELETE' AND b.pubdelete)
JOIN pg_publication_tables AS t
    ON t.pubname = b.pubname
    AND to_regclass(quote_ident(t.schemaname) || '.' || quote_ident(t.tablename)) = ANY (w.published_oids)
WHERE
    c.relreplident <> 'f'
    AND NOT EXISTS (
        SELECT 1
        FROM pg_index AS i
        WHERE
            i.indrelid = c.oid
            AND i.indisvalid
            AND i.indimmediate
            AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END
    )
ORDER BY w.position, c.relname, b.pubname
LIMIT 1
