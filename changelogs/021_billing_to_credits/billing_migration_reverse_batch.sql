--liquibase formatted sql

--changeset liquibase-credits:billing_migration_reversal_created splitStatements:false rollbackSplitStatements:false
--comment: What an undo would do to every converted user, as a query: who gets what back, what stays and why. The undo itself reads it too, run by run; an undo of all runs shares what is left of a balance between them, newest first.
SELECT billing_migration_register('function', 'billing_migration_reversal');
DO $do$
BEGIN
    -- As text, because the JDBC driver would take the END of a CASE for the end of the function.
    EXECUTE $ddl$
CREATE FUNCTION billing_migration_reversal(
    p_run_id uuid,
    p_on_spent text,
    p_from_user_id uuid DEFAULT NULL,
    p_upto_user_id uuid DEFAULT NULL,
    p_changeset text DEFAULT NULL
)
RETURNS TABLE (
    run_id uuid,
    user_id uuid,
    ledger_entry_id uuid,
    credits numeric,
    credits_back numeric,
    usd_back numeric,
    uah_back numeric,
    outcome text,
    reason text,
    balance_usd numeric,
    balance_uah numeric,
    balance numeric,
    total_earned numeric
)
LANGUAGE sql
STABLE
-- Bound to its tables here, so that it needs no search_path of its own, with which no caller could plan it as a part of the query.
BEGIN ATOMIC
SELECT
    l.run_id,
    l.user_id,
    l.ledger_entry_id,
    l.new_credits,
    CASE g.outcome WHEN 'full' THEN l.new_credits WHEN 'partial' THEN w.left_credits ELSE 0 END,
    CASE g.outcome
        WHEN 'full' THEN l.converted_usd
        WHEN 'partial' THEN div(l.converted_usd * w.left_credits * 100, l.new_credits + l.remainder) * 0.01
        ELSE 0
    END,
    CASE g.outcome
        WHEN 'full' THEN l.converted_uah
        WHEN 'partial' THEN div(l.converted_uah * w.left_credits * 100, l.new_credits + l.remainder) * 0.01
        ELSE 0
    END,
    g.outcome,
    CASE
        WHEN u.id IS NULL THEN 'user deleted'
        WHEN b.user_id IS NULL THEN 'user_billing row deleted'
        WHEN c.user_id IS NULL THEN 'user_credits row deleted'
        WHEN g.outcome <> 'full'
            THEN l.new_credits - w.left_credits || ' of ' || l.new_credits || ' credits spent'
        WHEN w.balance < l.new_credits THEN 'balance goes to ' || w.balance - l.new_credits
    END,
    b.balance_usd,
    b.balance_uah,
    c.balance,
    c.total_earned
FROM billing_migration_log AS l
LEFT JOIN users AS u
    ON u.id = l.user_id
    AND (p_from_user_id IS NULL OR u.id >= p_from_user_id)
    AND (p_upto_user_id IS NULL OR u.id <= p_upto_user_id)
LEFT JOIN user_billing AS b
    ON b.user_id = l.user_id
    AND (p_from_user_id IS NULL OR b.user_id >= p_from_user_id)
    AND (p_upto_user_id IS NULL OR b.user_id <= p_upto_user_id)
LEFT JOIN user_credits AS c
    ON c.user_id = l.user_id
    AND (p_from_user_id IS NULL OR c.user_id >= p_from_user_id)
    AND (p_upto_user_id IS NULL OR c.user_id <= p_upto_user_id)
-- Only when all runs are asked for: what an undo takes from this user before it comes to this run.
LEFT JOIN (
    SELECT
        o.run_id,
        o.user_id,
        sum(n.new_credits) AS credits
    FROM billing_migration_log AS o
    JOIN billing_migration_run AS o_run ON o_run.id = o.run_id
    JOIN billing_migration_log AS n ON n.user_id = o.user_id AND n.status = 'success' AND n.reversed_at IS NULL
    JOIN billing_migration_run AS n_run ON n_run.id = n.run_id
    WHERE
        p_run_id IS NULL
        AND (
            p_changeset IS NULL
            OR n.run_id IN (SELECT f.run_id FROM billing_migration_runs_of(p_changeset) AS f)
        )
        AND (n_run.started_at > o_run.started_at OR (n_run.started_at = o_run.started_at AND n_run.id < o_run.id))
    GROUP BY o.run_id, o.user_id
) AS newer
    ON newer.run_id = l.run_id AND newer.user_id = l.user_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(c.balance, 0) - coalesce(newer.credits, 0) AS balance,
        least(l.new_credits, greatest(coalesce(c.balance, 0) - coalesce(newer.credits, 0), 0)) AS left_credits
) AS w
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN u.id IS NULL THEN 'gone'
            WHEN b.user_id IS NOT NULL AND w.left_credits = l.new_credits THEN 'full'
            WHEN p_on_spent = 'refuse' THEN 'refused'
            WHEN b.user_id IS NULL THEN 'kept'
            WHEN p_on_spent = 'debt' AND c.user_id IS NOT NULL THEN 'full'
            WHEN w.left_credits > 0 THEN 'partial'
            ELSE 'kept'
        END AS outcome
) AS g
WHERE
    (l.run_id = p_run_id OR (p_run_id IS NULL AND l.run_id IS NOT NULL))
    AND (
        p_changeset IS NULL
        OR l.run_id IN (SELECT f.run_id FROM billing_migration_runs_of(p_changeset) AS f)
    )
    AND l.status = 'success'
    AND l.reversed_at IS NULL
    AND (p_from_user_id IS NULL OR l.user_id >= p_from_user_id)
    AND (p_upto_user_id IS NULL OR l.user_id <= p_upto_user_id);
END
    $ddl$;
END
$do$;

COMMENT ON FUNCTION billing_migration_reversal(uuid, text, uuid, uuid, text) IS
    'Predicts the undo of a run, or with null of all runs (of a changeset), per user; p_on_spent refuse, remainder or debt. Outcome: full, partial (what is left, at the run''s rate, rounded down), kept (nothing to take or nowhere to return it), gone (user deleted) or refused.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_reversal');

--changeset liquibase-credits:billing_migration_reverse_batch_created splitStatements:false rollbackSplitStatements:false
--comment: The money moves back here and nowhere else: takes credits, returns the source on top of what arrived meanwhile, writes the reversing ledger entry, marks the log row. Reads the log, never a rate.
SELECT billing_migration_register('function', 'billing_migration_reverse_batch');
CREATE FUNCTION billing_migration_reverse_batch(
    p_run_id uuid,
    p_after_user_id uuid,
    p_upto_user_id uuid,
    p_limit_users integer,
    p_on_spent text
) RETURNS TABLE (
    last_user_id uuid,
    undone_users bigint,
    users bigint,
    usd numeric,
    uah numeric,
    credits numeric,
    kept_users bigint,
    kept_credits numeric
)
LANGUAGE plpgsql
-- As in billing_migration_convert_set.
SET enable_seqscan = 'off'
SET enable_nestloop = 'off'
SET jit = 'off'
AS $function$
DECLARE
    v_is_late_write boolean;
    v_first_user_id uuid;
    v_refused uuid[];
    v_unwritten uuid[];
    v_interference text := billing_migration_interference();
    v_user_ids uuid[];
    v_balances_usd numeric[];
    v_balances_uah numeric[];
    v_balances numeric[];
    v_earned numeric[];
    v_entry_ids uuid[];
    v_amounts numeric[];
    -- As in billing_migration_convert_set.
    v_id_start text := regexp_replace(
        lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0'), '(.{8})(.{4})', '\1-\2-7');
BEGIN
    SELECT r.armed_by_run_id IS NOT NULL
    INTO STRICT v_is_late_write
    FROM billing_migration_run AS r
    WHERE r.id = p_run_id;

    -- Locks in key order, users before billing before credits, like the conversion; after this nobody can spend.
    -- A late write's only user is found by the index of late writes, and both bounds keep all that follows near him.
    EXECUTE replace($sql$
    WITH
    batch AS MATERIALIZED (
        SELECT l.user_id
        FROM billing_migration_log AS l
        WHERE
            l.run_id = $1
            AND is_late_write
            AND l.status = 'success'
            AND l.reversed_at IS NULL
            AND ($2 IS NULL OR l.user_id > $2)
            AND ($4 IS NULL OR l.user_id <= $4)
        ORDER BY l.user_id
        LIMIT $3
    ),
    bounds AS MATERIALIZED (
        SELECT
            (array_agg(n.user_id ORDER BY n.user_id))[1] AS first_user_id,
            (array_agg(n.user_id ORDER BY n.user_id DESC))[1] AS last_user_id
        FROM batch AS n
    ),
    locked AS MATERIALIZED (
        SELECT u.id
        FROM users AS u
        JOIN batch AS n ON n.user_id = u.id
        WHERE
            u.id >= (SELECT e.first_user_id FROM bounds AS e)
            AND u.id <= (SELECT e.last_user_id FROM bounds AS e)
        ORDER BY u.id
        FOR KEY SHARE OF u
    )
    SELECT
        e.first_user_id,
        e.last_user_id
    FROM bounds AS e
    CROSS JOIN (SELECT count(*) FROM locked) AS k  -- What nobody reads would not be locked.
    $sql$, 'is_late_write', CASE WHEN v_is_late_write THEN 'l.migrated_by = ''late_write''' ELSE 'true' END)
    INTO v_first_user_id, last_user_id
    USING p_run_id, p_after_user_id, p_limit_users, p_upto_user_id;
    IF last_user_id IS NULL THEN
        RETURN;
    END IF;
    EXECUTE $sql$
    SELECT count(*)
    FROM (
        SELECT b.user_id
        FROM user_billing AS b
        JOIN billing_migration_log AS l ON l.user_id = b.user_id
        WHERE
            l.run_id = $1
            AND l.user_id >= $2
            AND b.user_id >= $2
            AND l.user_id <= $3
            AND b.user_id <= $3
        ORDER BY b.user_id
        FOR NO KEY UPDATE OF b
    ) AS locked
    $sql$
    USING p_run_id, v_first_user_id, last_user_id;
    EXECUTE $sql$
    SELECT count(*)
    FROM (
        SELECT c.user_id
        FROM user_credits AS c
        JOIN billing_migration_log AS l ON l.user_id = c.user_id
        WHERE
            l.run_id = $1
            AND l.user_id >= $2
            AND c.user_id >= $2
            AND l.user_id <= $3
            AND c.user_id <= $3
        ORDER BY c.user_id
        FOR NO KEY UPDATE OF c
    ) AS locked
    $sql$
    USING p_run_id, v_first_user_id, last_user_id;

    EXECUTE $sql$
    WITH
    due AS MATERIALIZED (
        SELECT
            l.user_id,
            l.ledger_entry_id,
            l.credits_back,
            l.usd_back,
            l.uah_back,
            l.outcome,
            l.reason,
            -- What is NULL by now takes what comes back, too.
            coalesce(l.balance_usd + l.usd_back, nullif(l.usd_back, 0)) AS usd_after,
            coalesce(l.balance_uah + l.uah_back, nullif(l.uah_back, 0)) AS uah_after,
            l.balance,
            l.total_earned,
            ($5 || substr(gen_random_uuid()::text, 16))::uuid AS reversal_entry_id
        FROM billing_migration_reversal($1, $3, $2, $4) AS l
    ),
    returned AS (
        UPDATE user_billing AS b
        SET
            balance_usd = coalesce(b.balance_usd + d.usd_back, nullif(d.usd_back, 0)),
            balance_uah = coalesce(b.balance_uah + d.uah_back, nullif(d.uah_back, 0))
        FROM due AS d
        WHERE
            b.user_id = d.user_id
            AND b.user_id >= $2
            AND b.user_id <= $4
            AND d.outcome IN ('full', 'partial')
        RETURNING
            b.user_id,
            (b.balance_usd, b.balance_uah) IS NOT DISTINCT FROM (d.usd_after, d.uah_after) AS is_as_meant
    ),
    taken AS (
        UPDATE user_credits AS c
        SET
            balance = c.balance - d.credits_back,
            total_earned = c.total_earned - d.credits_back,
            updated_at = now()
        FROM due AS d
        JOIN returned AS r ON r.user_id = d.user_id
        WHERE
            c.user_id = d.user_id
            AND c.user_id >= $2
            AND c.user_id <= $4
        RETURNING
            c.user_id,
            c.balance,
            c.total_earned,
            r.is_as_meant
                AND c.balance = d.balance - d.credits_back
                -- The column may be coarser than the balance of which a part is taken.
                AND c.total_earned IS NOT DISTINCT FROM
                    round(d.total_earned - d.credits_back, greatest(scale(d.total_earned), scale(c.total_earned)))
                AS is_as_meant
    ),
    entered AS (
        INSERT INTO credit_transactions (
            id, user_id, transaction_type, amount, balance_before, balance_after, source, source_id, description)
        SELECT
            d.reversal_entry_id,
            d.user_id,
            'migration_rollback',
            -d.credits_back,
            t.balance + d.credits_back,
            t.balance,
            'billing_credits_to_usd',
            d.ledger_entry_id::text,
            'Returned to user_billing: ' || trim_scale(d.credits_back) || ' credits → $' || d.usd_back || ' USD'
                || CASE WHEN d.uah_back > 0 THEN ' + ' || d.uah_back || ' UAH' ELSE '' END
        FROM due AS d
        JOIN taken AS t ON t.user_id = d.user_id
    ),
    marked AS (
        UPDATE billing_migration_log AS l
        SET
            status = 'rolled_back',
            reversed_at = now(),
            reversal_entry_id = CASE WHEN t.user_id IS NOT NULL THEN d.reversal_entry_id END,
            reversed_usd = CASE WHEN t.user_id IS NOT NULL THEN d.usd_back ELSE 0 END,
            reversed_uah = CASE WHEN t.user_id IS NOT NULL THEN d.uah_back ELSE 0 END,
            reversed_credits = CASE WHEN t.user_id IS NOT NULL THEN d.credits_back ELSE 0 END,
            reversal_reason = d.reason
        FROM due AS d
        LEFT JOIN taken AS t ON t.user_id = d.user_id
        WHERE
            l.user_id = d.user_id
            AND l.run_id = $1
            AND l.user_id >= $2
            AND l.user_id <= $4
            AND d.outcome <> 'refused'
            AND l.status = 'success'
        RETURNING
            l.reversed_usd,
            l.reversed_uah,
            l.reversed_credits,
            l.new_credits - l.reversed_credits AS kept_credits
    )
    SELECT
        s.undone_users,
        s.users,
        s.usd,
        s.uah,
        s.credits,
        s.kept_users,
        s.kept_credits,
        (SELECT array_agg(d.user_id ORDER BY d.user_id) FROM due AS d WHERE d.outcome = 'refused'),
        (
            SELECT array_agg(d.user_id ORDER BY d.user_id)
            FROM due AS d
            LEFT JOIN taken AS t ON t.user_id = d.user_id
            WHERE
                (t.user_id IS NULL AND d.outcome IN ('full', 'partial') AND (d.usd_back > 0 OR d.uah_back > 0))
                OR (t.user_id IS NOT NULL AND t.is_as_meant IS NOT TRUE)
        ),
        w.user_ids,
        w.balances_usd,
        w.balances_uah,
        w.balances,
        w.earned,
        w.entry_ids,
        w.amounts
    FROM (
        SELECT
            count(*) AS undone_users,
            count(*) FILTER (WHERE m.reversed_credits > 0) AS users,
            coalesce(sum(m.reversed_usd), 0) AS usd,
            coalesce(sum(m.reversed_uah), 0) AS uah,
            coalesce(sum(m.reversed_credits), 0) AS credits,
            count(*) FILTER (WHERE m.kept_credits > 0) AS kept_users,
            coalesce(sum(m.kept_credits), 0) AS kept_credits
        FROM marked AS m
    ) AS s
    -- Only where triggers may change what is written: for reading it back.
    CROSS JOIN (
        SELECT
            array_agg(d.user_id) AS user_ids,
            array_agg(d.usd_after) AS balances_usd,
            array_agg(d.uah_after) AS balances_uah,
            array_agg(t.balance) AS balances,
            array_agg(t.total_earned) AS earned,
            array_agg(d.reversal_entry_id) AS entry_ids,
            array_agg(-d.credits_back) AS amounts
        FROM due AS d
        JOIN taken AS t ON t.user_id = d.user_id
        WHERE $6
    ) AS w
    $sql$
    INTO
        undone_users, users, usd, uah, credits, kept_users, kept_credits, v_refused, v_unwritten,
        v_user_ids, v_balances_usd, v_balances_uah, v_balances, v_earned, v_entry_ids, v_amounts
    USING p_run_id, v_first_user_id, p_on_spent, last_user_id, v_id_start, v_interference IS NOT NULL;

    IF v_refused IS NOT NULL THEN
        RAISE EXCEPTION
            '% user(s) spent converted credits while the undo ran: %; the open transaction is taken back; '
            'set credits.onSpent=remainder to return what is left, or debt to let balances go negative',
            cardinality(v_refused),
            array_to_string(v_refused[1:20], ', ')
                || CASE WHEN cardinality(v_refused) > 20 THEN ', and ' || cardinality(v_refused) - 20 || ' more' ELSE '' END
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    -- A wallet that the conversion created, and that nobody used since, goes as it came; where something refers to one, those of its batch stay, empty.
    IF NOT billing_migration_wallets_stay() THEN
        BEGIN
            EXECUTE $sql$
                DELETE FROM user_credits AS c
                USING billing_migration_log AS l
                WHERE
                    l.run_id = $1
                    AND l.user_id >= $2
                    AND l.user_id <= $3
                    AND l.credits_row_created
                    AND l.reversed_credits = l.new_credits
                    AND c.user_id = l.user_id
                    AND c.user_id >= $2
                    AND c.user_id <= $3
                    AND c.balance = 0
                    AND c.total_earned = 0
                    AND c.total_spent = 0
            $sql$
            USING p_run_id, v_first_user_id, last_user_id;
        EXCEPTION WHEN foreign_key_violation OR restrict_violation THEN
            NULL;
        END;
    END IF;

    IF v_interference IS NOT NULL AND v_unwritten IS NULL THEN
        v_unwritten := billing_migration_unwritten(
            p_run_id, v_user_ids, v_balances_usd, v_balances_uah, v_balances, v_earned, v_entry_ids, v_amounts);
    END IF;
    IF v_unwritten IS NOT NULL THEN
        RAISE EXCEPTION
            'user_billing, user_credits, the ledger or the log of % user(s) did not take the change: %; the open transaction is taken back; '
            'see whether a trigger or a row-level security policy hinders it%',
            cardinality(v_unwritten),
            array_to_string(v_unwritten[1:20], ', ')
                || CASE WHEN cardinality(v_unwritten) > 20 THEN ', and ' || cardinality(v_unwritten) - 20 || ' more' ELSE '' END,
            coalesce(': ' || v_interference, '')
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_reverse_batch(uuid, uuid, uuid, integer, text) IS
    'Undoes the next p_limit_users users of a run after p_after_user_id and at most up to p_upto_user_id (null: the first, the last); no row when none was left. Amounts returned in USD and UAH, taken and kept in credits; undone_users also counts those who had nothing to give back.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_reverse_batch');

--changeset liquibase-credits:billing_migration_reverse_users_created splitStatements:false rollbackSplitStatements:false
--comment: The door to an undo's batch. What the application refuses, by a CHECK or a trigger of its own, stops the undo, and here is found whose row it was.
SELECT billing_migration_register('function', 'billing_migration_reverse_users');
CREATE FUNCTION billing_migration_reverse_users(
    p_run_id uuid,
    p_after_user_id uuid,
    p_upto_user_id uuid,
    p_limit_users integer,
    p_on_spent text
) RETURNS TABLE (
    last_user_id uuid,
    undone_users bigint,
    users bigint,
    usd numeric,
    uah numeric,
    credits numeric,
    kept_users bigint,
    kept_credits numeric
)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_after_user_id uuid := p_after_user_id;
    v_set_users integer := p_limit_users;
    v_first_error text;
BEGIN
    LOOP
        BEGIN
            SELECT
                b.last_user_id, b.undone_users, b.users, b.usd, b.uah, b.credits, b.kept_users, b.kept_credits
            INTO
                last_user_id, undone_users, users, usd, uah, credits, kept_users, kept_credits
            FROM billing_migration_reverse_batch(
                p_run_id, v_after_user_id, p_upto_user_id, v_set_users, p_on_spent) AS b;
            IF v_first_error IS NULL THEN
                IF last_user_id IS NOT NULL THEN
                    RETURN NEXT;
                END IF;
                RETURN;
            END IF;
            IF last_user_id IS NULL THEN
                RAISE EXCEPTION '%', v_first_error USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            -- Not these; all is taken back at the end.
            v_after_user_id := last_user_id;
        EXCEPTION WHEN OTHERS THEN
            -- As in billing_migration_convert_users; a refusal of ours names its users already.
            IF left(SQLSTATE, 2) IN ('08', '25', '40', '42', '53', '54', '55', '57', '58', 'XX') THEN
                RAISE;
            END IF;
            v_first_error := coalesce(v_first_error, substring(SQLERRM FROM E'^[^\\r\\n]*'));
            IF v_set_users = 1 THEN
                SELECT l.user_id
                INTO last_user_id
                FROM billing_migration_log AS l
                WHERE
                    l.run_id = p_run_id
                    AND l.status = 'success'
                    AND l.reversed_at IS NULL
                    AND (v_after_user_id IS NULL OR l.user_id > v_after_user_id)
                ORDER BY l.user_id
                LIMIT 1;
                RAISE EXCEPTION 'user % cannot be undone: %', last_user_id, substring(SQLERRM FROM E'^[^\\r\\n]*')
                    USING ERRCODE = 'object_not_in_prerequisite_state';
            END IF;
            v_set_users := v_set_users / 2;
        END;
    END LOOP;
END
$function$;

COMMENT ON FUNCTION billing_migration_reverse_users(uuid, uuid, uuid, integer, text) IS
    'As billing_migration_reverse_batch; if the application refuses a user, nothing is undone and the error names him.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_reverse_users');
