--liquibase formatted sql

--changeset liquibase-credits:billing_migration_is_interfered_created splitStatements:false rollbackSplitStatements:false
--comment: A trigger of the application may change what is written, or write to the same rows. Where there is one, every batch of a conversion or an undo is read back before it ends; where there is none, nothing is read twice.
SELECT billing_migration_register('function', 'billing_migration_is_interfered');
CREATE FUNCTION billing_migration_is_interfered() RETURNS boolean
LANGUAGE sql
STABLE
AS $function$
WITH RECURSIVE
written (table_oid, is_source) AS (
    SELECT
        t.table_oid,
        t.table_oid = 'user_billing'::regclass
    FROM unnest(ARRAY['user_billing', 'user_credits', 'credit_transactions']::regclass[]) AS t (table_oid)

    UNION
    SELECT
        i.inhrelid,
        w.is_source
    FROM written AS w
    JOIN pg_inherits AS i ON i.inhparent = w.table_oid
)
SELECT EXISTS (
    SELECT 1
    FROM written AS w
    JOIN pg_trigger AS t ON t.tgrelid = w.table_oid
    JOIN pg_proc AS f ON f.oid = t.tgfoid
    JOIN pg_language AS l ON l.oid = f.prolang
    WHERE
        NOT t.tgisinternal
        AND t.tgenabled <> 'D'
        AND t.tgname <> 'billing_migration_late_write'
        -- tgtype of CREATE TRIGGER: 1 row, 2 before, 4 insert, 8 delete, 16 update. A row trigger before the write whose text has no
        -- statement, such as one that keeps updated_at, can change its own row only, and what became of that the write returns.
        AND t.tgtype & 28 <> 0
        AND NOT (
            w.is_source
            AND t.tgtype & 3 = 3
            AND l.lanname = 'plpgsql'
            AND f.prosrc !~* '\m(call|copy|delete|execute|insert|merge|perform|select|truncate|update)\M'
        )
)
$function$;

COMMENT ON FUNCTION billing_migration_is_interfered() IS
    'Whether triggers of the application could change what a conversion or an undo writes, so that it must be read back.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_is_interfered');

--changeset liquibase-credits:billing_migration_unwritten_created splitStatements:false rollbackSplitStatements:false
--comment: Reads a batch back, after all triggers. Settings keep it to index look-ups of its own users, at any size of the tables.
SELECT billing_migration_register('function', 'billing_migration_unwritten');
CREATE FUNCTION billing_migration_unwritten(
    p_user_ids uuid[],
    p_balances_usd numeric[],
    p_balances_uah numeric[],
    p_balances numeric[],
    p_earned numeric[],
    p_entry_ids uuid[],
    p_amounts numeric[]
) RETURNS uuid[]
LANGUAGE plpgsql
SET enable_seqscan = 'off'
SET enable_hashjoin = 'off'
SET enable_mergejoin = 'off'
SET jit = 'off'
AS $function$
BEGIN
    -- What the application deferred to the commit happens now, and can still be taken back.
    SET CONSTRAINTS ALL IMMEDIATE;
    RETURN (
        SELECT array_agg(e.user_id ORDER BY e.user_id)
        FROM unnest(
            p_user_ids, p_balances_usd, p_balances_uah, p_balances, p_earned, p_entry_ids, p_amounts
        ) AS e (user_id, balance_usd, balance_uah, balance, earned, entry_id, amount)
        LEFT JOIN user_billing AS b ON b.user_id = e.user_id
        LEFT JOIN user_credits AS c ON c.user_id = e.user_id
        LEFT JOIN credit_transactions AS t ON t.id = e.entry_id
        WHERE
            (b.balance_usd, b.balance_uah, c.balance, c.total_earned)
                IS DISTINCT FROM (e.balance_usd, e.balance_uah, e.balance, e.earned)
            OR (t.user_id, t.amount, t.balance_before, t.balance_after)
                IS DISTINCT FROM (e.user_id, e.amount, e.balance - e.amount, e.balance)
    );
END
$function$;

COMMENT ON FUNCTION billing_migration_unwritten(uuid[], numeric[], numeric[], numeric[], numeric[], uuid[], numeric[]) IS
    'Which of these users do not hold in user_billing (USD, UAH), user_credits (balance, earned) and the ledger entry what was written; null: none.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_unwritten');

--changeset liquibase-credits:billing_migration_refuse_hidden_rows_created splitStatements:false rollbackSplitStatements:false
--comment: Who is hidden by row-level security would keep a balance in silence, and an undo would take a hidden user for a deleted one. The precondition asks the same before anything is created; here it is asked of every conversion and undo.
SELECT billing_migration_register('function', 'billing_migration_refuse_hidden_rows');
CREATE FUNCTION billing_migration_refuse_hidden_rows() RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_table regclass;
BEGIN
    SELECT t.table_oid
    INTO v_table
    FROM unnest(ARRAY[
        'users', 'user_billing', 'user_credits', 'credit_transactions', 'billing_migration_log'
    ]::regclass[]) WITH ORDINALITY AS t (table_oid, position)
    WHERE
        row_security_active(t.table_oid)
        AND (
            NOT EXISTS (
                SELECT 1
                FROM pg_policy AS p
                WHERE
                    p.polrelid = t.table_oid
                    AND p.polpermissive
                    AND p.polcmd = '*'
                    AND pg_get_expr(p.polqual, p.polrelid) = 'true'
                    AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true'
                    AND EXISTS (
                        SELECT 1
                        FROM unnest(p.polroles) AS o (role_oid)
                        WHERE o.role_oid = 0 OR pg_has_role(o.role_oid, 'USAGE')
                    )
            )
            OR EXISTS (SELECT 1 FROM pg_policy AS p WHERE p.polrelid = t.table_oid AND NOT p.polpermissive)
        )
    ORDER BY t.position
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION
            'row-level security of table % may hide rows from role %; no balance was changed; '
            'run as its owner, or as a role with BYPASSRLS',
            v_table, current_user;
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_refuse_hidden_rows() IS
    'Raises if row-level security may hide rows of the converted tables, of users, of the ledger or of the log from the current role.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_refuse_hidden_rows');

--changeset liquibase-credits:billing_migration_rehearse_created splitStatements:false rollbackSplitStatements:false
--comment: Before a conversion begins, its first user is converted and undone in a subtransaction that is taken back. A constraint that accepts what a conversion writes, but not what its undo writes, would otherwise be found when it is too late.
SELECT billing_migration_register('function', 'billing_migration_rehearse');
CREATE FUNCTION billing_migration_rehearse(p_run_id uuid) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_user_id uuid;
    v_users bigint := 0;
BEGIN
    -- Whoever has too little for a credit is passed over.
    FOR i IN 1..20 LOOP
        SELECT s.last_user_id, s.users
        INTO v_user_id, v_users
        FROM billing_migration_convert_set(p_run_id, v_user_id, NULL, 1) AS s;
        EXIT WHEN v_user_id IS NULL OR v_users > 0;
    END LOOP;
    IF v_users > 0 THEN
        PERFORM set_config('billing_migration.undo', 'on', true);
        PERFORM billing_migration_reverse_batch(p_run_id, NULL, NULL, 1, 'remainder');
    END IF;
    RAISE EXCEPTION 'taken back' USING ERRCODE = 'CR000';
EXCEPTION WHEN OTHERS THEN
    IF SQLSTATE = 'CR000' THEN
        RETURN;
    END IF;
    IF v_users > 0 AND left(SQLSTATE, 2) <> '57' THEN
        RAISE EXCEPTION
            'what is converted could not be undone: user %: %; no balance was changed; '
            'let the tables take what an undo writes, and run again',
            v_user_id, substring(SQLERRM FROM E'^[^\\r\\n]*')
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- The conversion itself says what is wrong with a user, and waits for locks.
    IF left(SQLSTATE, 2) IN ('08', '53', '57', '58', 'XX') THEN
        RAISE;
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_rehearse(uuid) IS
    'Converts and undoes the first user of a run that has begun, and takes both back; raises if the undo fails.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_rehearse');
