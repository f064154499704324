--liquibase formatted sql

--changeset liquibase-credits:billing_migration_interference_created splitStatements:false rollbackSplitStatements:false
--comment: A trigger of the application may change what is written, or write to the same rows. Where there is one, every batch of a conversion or an undo is read back before it ends; where there is none but a trigger that keeps a time, nothing is read twice.
SELECT billing_migration_register('function', 'billing_migration_interference');
CREATE FUNCTION billing_migration_interference() RETURNS text
-- Every batch asks: in PL/pgSQL the plan is made once a session.
LANGUAGE plpgsql
STABLE
SET enable_seqscan = 'on'
SET enable_nestloop = 'on'
AS $function$
BEGIN
    RETURN (
        WITH RECURSIVE
        written (table_oid, is_source) AS (
            SELECT
                t.table_oid,
                t.table_oid = 'user_billing'::regclass
            FROM unnest(ARRAY[
                'user_billing', 'user_credits', 'credit_transactions', 'billing_migration_log'
            ]::regclass[]) AS t (table_oid)

            UNION
            SELECT
                i.inhrelid,
                w.is_source
            FROM written AS w
            JOIN pg_inherits AS i ON i.inhparent = w.table_oid
        )
        SELECT string_agg(format('trigger %s on %s', t.tgname, t.tgrelid::regclass), ', ' ORDER BY t.tgname, t.tgrelid)
        FROM written AS w
        JOIN pg_trigger AS t ON t.tgrelid = w.table_oid
        JOIN pg_proc AS f ON f.oid = t.tgfoid
        WHERE
            NOT t.tgisinternal
            AND t.tgenabled <> 'D'
            AND t.tgname <> 'billing_migration_late_write'
            -- tgtype of CREATE TRIGGER: 1 row, 2 before, 4 insert, 8 delete, 16 update.
            AND t.tgtype & 28 <> 0
            -- A trigger that does nothing but keep a time, as the application's own one of user_billing does.
            AND NOT (
                w.is_source
                AND t.tgtype & 3 = 3
                AND f.prosrc ~* (
                    '^\s*BEGIN(\s+NEW\.("\w+"|\w+)\s*:?=\s*'
                    '(now\(\)|current_timestamp|localtimestamp|clock_timestamp\(\)|statement_timestamp\(\))\s*;)+'
                    '\s*RETURN\s+NEW\s*;\s*END\s*;?\s*$')
            )
    );
END
$function$;

COMMENT ON FUNCTION billing_migration_interference() IS
    'Triggers of the application that could change what a conversion or an undo writes, so that it must be read back; null: none.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_interference');

--changeset liquibase-credits:billing_migration_unwritten_created splitStatements:false rollbackSplitStatements:false
--comment: Reads a batch back, after all triggers. Settings keep it to index look-ups of its own users, at any size of the tables.
SELECT billing_migration_register('function', 'billing_migration_unwritten');
CREATE FUNCTION billing_migration_unwritten(
    p_run_id uuid,
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
        LEFT JOIN credit_transactions AS t ON t.id = e.entry_id AND t.user_id = e.user_id
        LEFT JOIN billing_migration_log AS l ON l.user_id = e.user_id AND l.run_id = p_run_id
        LEFT JOIN billing_migration_reversed AS v ON e.amount < 0 AND v.user_id = e.user_id AND v.run_id = p_run_id
        WHERE
            (b.balance_usd, b.balance_uah) IS DISTINCT FROM (e.balance_usd, e.balance_uah)
            -- An undo removes a wallet that the conversion made and that is empty again.
            OR (
                (c.balance, c.total_earned) IS DISTINCT FROM (e.balance, e.earned)
                AND NOT (c.user_id IS NULL AND e.amount < 0 AND e.balance = 0 AND e.earned = 0)
            )
            OR (t.amount, t.balance_before, t.balance_after) IS DISTINCT FROM (e.amount, e.balance - e.amount, e.balance)
            OR CASE
                WHEN e.amount < 0
                    THEN v.holds IS NOT TRUE
                        OR (l.reversal_entry_id, -l.reversed_credits) IS DISTINCT FROM (e.entry_id, e.amount)
                ELSE (
                    l.ledger_entry_id, l.new_credits, l.old_balance_usd - l.converted_usd, l.old_balance_uah - l.converted_uah
                ) IS DISTINCT FROM (e.entry_id, e.amount, e.balance_usd, e.balance_uah)
            END
    );
END
$function$;

COMMENT ON FUNCTION billing_migration_unwritten(uuid, uuid[], numeric[], numeric[], numeric[], numeric[], uuid[], numeric[]) IS
    'Which of these users of a run do not hold in user_billing (USD, UAH), user_credits (balance, earned), the ledger entry and the log what was written; null: none.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_unwritten');

--changeset liquibase-credits:billing_migration_wallets_stay_created splitStatements:false rollbackSplitStatements:false
--comment: An undo removes empty wallets that the conversion made. Where a foreign key would take rows of the application along, or speak only at the commit, none is removed; any other key forbids it for itself.
SELECT billing_migration_register('function', 'billing_migration_wallets_stay');
CREATE FUNCTION billing_migration_wallets_stay() RETURNS boolean
LANGUAGE plpgsql
STABLE
SET enable_seqscan = 'on'
SET enable_nestloop = 'on'
AS $function$
BEGIN
    RETURN EXISTS (
        SELECT 1
        FROM pg_constraint AS k
        WHERE
            k.contype = 'f'
            AND k.confrelid IN (
                SELECT 'user_credits'::regclass
                UNION
                SELECT p.relid FROM pg_partition_tree('user_credits'::regclass) AS p
            )
            AND (k.confdeltype IN ('c', 'n', 'd') OR k.condeferred)
    );
END
$function$;

COMMENT ON FUNCTION billing_migration_wallets_stay() IS
    'Whether a table refers to user_credits by a foreign key ON DELETE CASCADE, SET NULL or SET DEFAULT, or one that is initially deferred.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_wallets_stay');

--changeset liquibase-credits:billing_migration_refuse_hidden_rows_created splitStatements:false rollbackSplitStatements:false
--comment: Who is hidden by row-level security would keep a balance in silence, and an undo would take a hidden user for a deleted one. The precondition asks the same before anything is created, and whoever takes the lock of a conversion or an undo asks here.
SELECT billing_migration_register('function', 'billing_migration_refuse_hidden_rows');
CREATE FUNCTION billing_migration_refuse_hidden_rows() RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_table record;
BEGIN
    SELECT c.relname, c.relforcerowsecurity, pg_get_userbyid(c.relowner) AS owner
    INTO v_table
    FROM unnest(ARRAY[
        'users', 'user_billing', 'user_credits', 'credit_transactions', 'billing_migration_log'
    ]::regclass[]) WITH ORDINALITY AS t (table_oid, position)
    JOIN pg_class AS c ON c.oid = t.table_oid
    CROSS JOIN LATERAL (
        SELECT
            count(*) FILTER (WHERE NOT p.polpermissive) AS restrictive_policies,
            count(*) FILTER (
                WHERE
                    p.polpermissive
                    AND p.polcmd = '*'
                    AND pg_get_expr(p.polqual, p.polrelid) = 'true'
                    AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true'
            ) AS open_policies
        FROM pg_policy AS p
        WHERE
            p.polrelid = t.table_oid
            AND EXISTS (
                SELECT 1
                FROM unnest(p.polroles) AS o (role_oid)
                WHERE o.role_oid = 0 OR pg_has_role(o.role_oid, 'USAGE')  -- PUBLIC is 0.
            )
    ) AS a
    WHERE
        row_security_active(t.table_oid)
        AND (a.open_policies = 0 OR a.restrictive_policies > 0)
    ORDER BY t.position
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION
            'row-level security of % may hide rows from role %; no balance was changed; '
            'connect as a role with BYPASSRLS%, or give it a policy FOR ALL USING (true)',
            v_table.relname, current_user,
            CASE WHEN v_table.relforcerowsecurity THEN '' ELSE ' or as the owner, ' || v_table.owner END;
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_refuse_hidden_rows() IS
    'Raises if row-level security may hide rows of the converted tables, of users, of the ledger or of the log from the current role.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_refuse_hidden_rows');

--changeset liquibase-credits:billing_migration_rehearse_created splitStatements:false rollbackSplitStatements:false
--comment: Before a conversion begins, one user with a wallet and one without are converted and undone in subtransactions that are taken back. A constraint that accepts what a conversion writes, but not what its undo writes, would otherwise be found when it is too late.
SELECT billing_migration_register('function', 'billing_migration_rehearse');
CREATE FUNCTION billing_migration_rehearse(p_run_id uuid) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_candidate record;
    v_users bigint;
    v_is_converted boolean;
    v_rehearsed boolean[] := ARRAY[]::boolean[];
    v_unwritten_users integer := 0;
BEGIN
    FOR v_candidate IN
        SELECT
            f.user_id,
            lag(f.user_id) OVER (ORDER BY f.user_id) AS after_user_id,
            EXISTS (SELECT 1 FROM user_credits AS c WHERE c.user_id = f.user_id) AS has_wallet
        FROM (
            SELECT b.user_id
            FROM billing_migration_run AS r
            JOIN user_billing AS b ON b.balance_usd > 0 OR (b.balance_uah > 0 AND r.credits_per_uah > 0)
            WHERE
                r.id = p_run_id
                AND (
                    r.cohort IS NULL
                    OR b.user_id IN (SELECT m.user_id FROM billing_migration_cohort_user AS m WHERE m.run_id = p_run_id)
                )
            ORDER BY b.user_id
            LIMIT 100
        ) AS f
        ORDER BY f.user_id
    LOOP
        CONTINUE WHEN v_candidate.has_wallet = ANY (v_rehearsed);
        v_users := 0;
        v_is_converted := false;
        BEGIN
            -- Whoever is busy is left in peace; the setting goes with the subtransaction.
            PERFORM set_config('lock_timeout', '100ms', true);
            SELECT s.users
            INTO v_users
            FROM billing_migration_convert_set(p_run_id, v_candidate.after_user_id, v_candidate.user_id, 1) AS s;
            IF v_users > 0 THEN
                SET CONSTRAINTS ALL IMMEDIATE;
                v_is_converted := true;
                PERFORM set_config('billing_migration.undo', 'on', true);
                PERFORM billing_migration_reverse_batch(p_run_id, NULL, NULL, 1, 'debt');
                SET CONSTRAINTS ALL IMMEDIATE;
            END IF;
            RAISE EXCEPTION 'taken back' USING ERRCODE = 'CR000';
        EXCEPTION WHEN OTHERS THEN
            IF SQLSTATE = 'CR000' AND v_is_converted THEN
                v_rehearsed := v_rehearsed || v_candidate.has_wallet;
            ELSIF left(SQLSTATE, 2) IN ('08', '53', '57', '58', 'XX') THEN
                RAISE;
            -- What the tables themselves refuse. A trigger's own words may be about the moment, which is one for both here, as are
            -- two entries of one time.
            ELSIF v_is_converted AND SQLSTATE IN ('22001', '22003', '22P02', '23502', '23503', '23514', '42501', '55000') THEN
                RAISE EXCEPTION
                    'what is converted could not be undone: user %: %; no balance was changed; '
                    'let the tables take what an undo writes, and run again',
                    v_candidate.user_id, substring(SQLERRM FROM E'^[^\\r\\n]*')
                    USING ERRCODE = 'object_not_in_prerequisite_state';
            ELSIF SQLSTATE = 'CR001' THEN
                -- The conversion names each user; of many it takes long to find them all.
                v_unwritten_users := v_unwritten_users + 1;
                IF v_unwritten_users = 50 AND cardinality(v_rehearsed) = 0 THEN
                    RAISE EXCEPTION
                        'none of the first % users can be converted: %; no balance was changed',
                        v_unwritten_users, substring(SQLERRM FROM E'^[^\\r\\n]*')
                        USING ERRCODE = 'object_not_in_prerequisite_state';
                END IF;
            END IF;
            -- What else is wrong with this user, the conversion itself will say.
        END;
    END LOOP;
END
$function$;

COMMENT ON FUNCTION billing_migration_rehearse(uuid) IS
    'Converts and undoes one user with a wallet and one without, of the first 100 of a run that has begun, and takes it back; raises if an undo fails.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_rehearse');
