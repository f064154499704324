--liquibase formatted sql

--changeset liquibase-credits:billing_migration_convert_set_created splitStatements:false rollbackSplitStatements:false
--comment: The money moves here and nowhere else: claim and zero the source, credit the wallet, write ledger and log, as one statement over a set of users. Everything after the claim takes its amounts from what was really zeroed.
SELECT billing_migration_register('function', 'billing_migration_convert_set');
CREATE FUNCTION billing_migration_convert_set(
    p_run_id uuid,
    p_after_user_id uuid,
    p_upto_user_id uuid,
    p_limit_users integer
) RETURNS TABLE (
    last_user_id uuid,
    users bigint,
    usd numeric,
    uah numeric,
    credits numeric,
    remainder numeric
)
LANGUAGE plpgsql
-- The planner cannot know how many users a batch has yet to claim, and guesses one. Both settings keep it to
-- what is right at any size: read the batch's key range by index, join by hash or merge.
SET enable_seqscan = 'off'
SET enable_nestloop = 'off'
-- Each batch would compile the statement again, which costs more than it saves.
SET jit = 'off'
AS $function$
DECLARE
    v_run billing_migration_run;
    -- The start of every id of this batch, by the clock as in a UUID of version 7: entries that are written together
    -- stand together in the index of a large ledger, instead of one on each of its pages.
    v_id_start text := regexp_replace(
        lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0'), '(.{8})(.{4})', '\1-\2-7');
    v_in_cohort text;
    v_interference text := billing_migration_interference();
    v_lacks_users boolean;
    v_unwritten bigint;
    v_user_ids uuid[];
    v_balances_usd numeric[];
    v_balances_uah numeric[];
    v_balances numeric[];
    v_earned numeric[];
    v_entry_ids uuid[];
    v_amounts numeric[];
BEGIN
    SELECT r.* INTO STRICT v_run FROM billing_migration_run AS r WHERE r.id = p_run_id;
    -- Liquibase strips comments, so a word marks the place; a run for everybody never looks at cohorts. The batch's ends are
    -- repeated for the cohort, of which each batch would otherwise read all.
    v_in_cohort := CASE
        WHEN v_run.cohort IS NULL THEN 'true'
        ELSE
            'b.user_id IN ('
            'SELECT m.user_id FROM billing_migration_cohort_user AS m '
            'WHERE m.run_id = %1$s AND (%2$s IS NULL OR m.user_id > %2$s) AND (%3$s IS NULL OR m.user_id <= %3$s))'
    END;

    -- EXECUTE plans each batch with its own values; plan_cache_mode would do so too, but would have every
    -- foreign-key check planned anew as well.
    -- Whoever deletes a user locks it first and its billing row after that. The foreign keys of wallet and ledger
    -- would lock it here as well, but only after the billing row: the two would wait for each other.
    EXECUTE replace($sql$
    WITH
    batch AS MATERIALIZED (
        SELECT b.user_id
        FROM user_billing AS b
        WHERE
            (b.balance_usd > 0 OR (b.balance_uah > 0 AND $3 > 0))
            AND ($1 IS NULL OR b.user_id > $1)
            AND in_cohort
            AND ($5 IS NULL OR b.user_id <= $5)
        ORDER BY b.user_id
        LIMIT $2
    ),
    last AS MATERIALIZED (
        SELECT n.user_id
        FROM batch AS n
        ORDER BY n.user_id DESC
        LIMIT 1
    ),
    locked AS MATERIALIZED (
        SELECT u.id
        FROM users AS u
        JOIN batch AS n ON n.user_id = u.id
        WHERE
            ($1 IS NULL OR u.id > $1)
            AND u.id <= (SELECT e.user_id FROM last AS e)
        ORDER BY u.id
        FOR KEY SHARE OF u
    )
    SELECT
        (SELECT e.user_id FROM last AS e),
        (SELECT count(*) FROM batch) > k.users
    FROM (SELECT count(*) AS users FROM locked) AS k  -- What nobody reads would not be locked.
    $sql$, 'in_cohort', format(v_in_cohort, '$4', '$1', '$5'))
    INTO last_user_id, v_lacks_users
    USING p_after_user_id, p_limit_users, coalesce(v_run.credits_per_uah, 0), p_run_id, p_upto_user_id;
    -- Deleted this moment, together with the billing row, or never there, where no foreign key minds.
    IF v_lacks_users THEN
        EXECUTE replace($sql$
        SELECT EXISTS (
            SELECT 1
            FROM user_billing AS b
            WHERE
                (b.balance_usd > 0 OR (b.balance_uah > 0 AND $3 > 0))
                AND ($1 IS NULL OR b.user_id > $1)
                AND b.user_id <= $2
                AND in_cohort
                AND NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = b.user_id)
        )
        $sql$, 'in_cohort', format(v_in_cohort, '$4', '$1', '$2'))
        INTO v_lacks_users
        USING p_after_user_id, last_user_id, coalesce(v_run.credits_per_uah, 0), p_run_id;
    END IF;
    IF v_lacks_users THEN
        RAISE EXCEPTION 'no row in users' USING ERRCODE = 'foreign_key_violation';
    END IF;

    EXECUTE replace($sql$
    WITH
    candidate AS MATERIALIZED (
        SELECT
            b.user_id,
            b.balance_usd,
            b.balance_uah
        FROM user_billing AS b
        WHERE
            (b.balance_usd > 0 OR (b.balance_uah > 0 AND $5 > 0))
            AND ($2 IS NULL OR b.user_id > $2)
            AND b.user_id <= $3
            AND in_cohort
        ORDER BY b.user_id
        FOR NO KEY UPDATE
    ),
    valued AS MATERIALIZED (
        SELECT
            p.user_id,
            p.balance_usd,
            p.balance_uah,
            p.usd,
            p.uah,
            p.usd * $4 + p.uah * $5 AS exact_credits
        FROM (
            SELECT
                c.user_id,
                c.balance_usd,
                c.balance_uah,
                CASE WHEN c.balance_usd > 0 THEN c.balance_usd ELSE 0 END AS usd,
                CASE WHEN c.balance_uah > 0 AND $5 > 0 THEN c.balance_uah ELSE 0 END AS uah
            FROM candidate AS c
        ) AS p
    ),
    -- What the wallet was before; is read only where triggers may change what is written.
    wallet AS MATERIALIZED (
        SELECT
            c.user_id,
            c.balance,
            c.total_earned
        FROM user_credits AS c
        JOIN valued AS v ON v.user_id = c.user_id
        WHERE
            $10
            AND ($2 IS NULL OR c.user_id > $2)
            AND c.user_id <= $3
        ORDER BY c.user_id
        FOR NO KEY UPDATE OF c
    ),
    priced AS MATERIALIZED (
        SELECT
            v.user_id,
            v.balance_usd,
            v.balance_uah,
            v.usd,
            v.uah,
            v.exact_credits,
            billing_credits(v.exact_credits, $6, $7) AS credits,
            w.user_id AS wallet_user_id,
            w.balance,
            w.total_earned
        FROM valued AS v
        LEFT JOIN wallet AS w ON w.user_id = v.user_id
    ),
    zeroed AS (
        UPDATE user_billing AS b
        SET
            balance_usd = b.balance_usd - p.usd,
            balance_uah = b.balance_uah - p.uah
        FROM priced AS p
        WHERE
            b.user_id = p.user_id
            AND ($2 IS NULL OR b.user_id > $2)
            AND b.user_id <= $3
            AND p.credits > 0
        RETURNING
            b.user_id,
            p.balance_usd AS old_balance_usd,
            p.balance_uah AS old_balance_uah,
            p.usd,
            p.uah,
            p.exact_credits,
            p.credits,
            p.wallet_user_id,
            p.balance AS old_balance,
            p.total_earned AS old_earned,
            b.balance_usd = p.balance_usd - p.usd AND b.balance_uah = p.balance_uah - p.uah AS is_zeroed,
            ($9 || substr(gen_random_uuid()::text, 16))::uuid AS ledger_entry_id
    ),
    credited_before AS (
        UPDATE user_credits AS c
        SET
            balance = c.balance + z.credits,
            total_earned = c.total_earned + z.credits,
            updated_at = now()
        FROM zeroed AS z
        WHERE
            c.user_id = z.user_id
            AND ($2 IS NULL OR c.user_id > $2)
            AND c.user_id <= $3
        RETURNING
            c.user_id,
            c.balance
    ),
    -- Apart from the above, which is cheaper for a wallet that exists; a wallet made meanwhile is found as a conflict.
    credited_first AS (
        INSERT INTO user_credits AS c (id, user_id, balance, total_earned)
        SELECT
            z.ledger_entry_id,  -- Another table: its row may share the id, and is spared a random one.
            z.user_id,
            z.credits,
            z.credits
        FROM zeroed AS z
        WHERE NOT EXISTS (
            SELECT 1
            FROM credited_before AS e
            WHERE e.user_id = z.user_id
        )
        ON CONFLICT (user_id) DO UPDATE SET
            balance = c.balance + excluded.balance,
            total_earned = c.total_earned + excluded.total_earned,
            updated_at = now()
        RETURNING
            c.user_id,
            c.balance,
            c.id AS wallet_id
    ),
    credited AS (
        SELECT
            e.user_id,
            e.balance,
            NULL::uuid AS wallet_id
        FROM credited_before AS e
        UNION ALL
        SELECT
            f.user_id,
            f.balance,
            f.wallet_id
        FROM credited_first AS f
    ),
    booked AS (
        SELECT
            z.user_id,
            z.old_balance_usd,
            z.old_balance_uah,
            z.usd,
            z.uah,
            z.exact_credits,
            z.credits,
            z.ledger_entry_id,
            c.balance AS balance_after,
            c.wallet_id IS NOT DISTINCT FROM z.ledger_entry_id AS credits_row_created,
            z.is_zeroed AND abs(c.balance) < 'Infinity' AS is_as_meant,
            -- What the wallet has to hold. One that another transaction made meanwhile is seen when the set is tried again, in halves.
            coalesce(z.old_balance, 0) + z.credits AS due_balance,
            CASE WHEN z.wallet_user_id IS NULL THEN 0 ELSE z.old_earned END + z.credits AS due_earned
        FROM zeroed AS z
        JOIN credited AS c ON c.user_id = z.user_id
    ),
    entered AS (
        INSERT INTO credit_transactions (
            id, user_id, transaction_type, amount, balance_before, balance_after, source, source_id, description)
        SELECT
            k.ledger_entry_id,
            k.user_id,
            'migration',
            k.credits,
            k.balance_after - k.credits,
            k.balance_after,
            'billing_usd_to_credits',
            $1::text,
            'Migrated from user_billing: $' || k.usd || ' USD'
                || CASE WHEN k.uah > 0 THEN ' + ' || k.uah || ' UAH' ELSE '' END
                || ' → ' || trim_scale(k.credits) || ' credits (rate: ' || $8 || ')'
        FROM booked AS k
    ),
    logged AS (
        INSERT INTO billing_migration_log (
            id, run_id, user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status, reason,
            migrated_by, converted_usd, converted_uah, remainder, ledger_entry_id, credits_row_created)
        SELECT
            k.ledger_entry_id,  -- As above.
            $1,
            k.user_id,
            k.old_balance_usd,
            k.old_balance_uah,
            k.credits,
            $4,
            'success',
            CASE
                WHEN k.old_balance_usd <> k.usd THEN k.old_balance_usd || ' USD is negative and stays'
                WHEN k.old_balance_uah < 0 THEN k.old_balance_uah || ' UAH is negative and stays'
                WHEN k.old_balance_uah <> k.uah THEN k.old_balance_uah || ' UAH stays: no credits.perUah'
            END,
            'migration_021',
            k.usd,
            k.uah,
            k.exact_credits - k.credits,
            k.ledger_entry_id,
            k.credits_row_created
        FROM booked AS k
    ),
    done AS (
        SELECT
            count(*) AS users,
            coalesce(sum(k.usd), 0) AS usd,
            coalesce(sum(k.uah), 0) AS uah,
            coalesce(sum(k.credits), 0) AS credits,
            coalesce(sum(k.exact_credits - k.credits), 0) AS remainder,
            count(*) FILTER (WHERE k.is_as_meant) AS users_as_meant
        FROM booked AS k
    ),
    -- What has to be there when it is read back.
    written AS (
        SELECT
            array_agg(k.user_id) AS user_ids,
            array_agg(k.old_balance_usd - k.usd) AS balances_usd,
            array_agg(k.old_balance_uah - k.uah) AS balances_uah,
            array_agg(k.due_balance) AS balances,
            array_agg(k.due_earned) AS earned,
            array_agg(k.ledger_entry_id) AS entry_ids,
            array_agg(k.credits) AS amounts
        FROM booked AS k
        WHERE $10
    )
    SELECT
        d.users,
        d.usd,
        d.uah,
        d.credits,
        d.remainder,
        (SELECT count(*) FROM priced AS p WHERE p.credits > 0) - d.users_as_meant,
        w.user_ids,
        w.balances_usd,
        w.balances_uah,
        w.balances,
        w.earned,
        w.entry_ids,
        w.amounts
    FROM done AS d
    CROSS JOIN written AS w
    $sql$, 'in_cohort', format(v_in_cohort, '$1', '$2', '$3'))
    INTO users, usd, uah, credits, remainder, v_unwritten,
        v_user_ids, v_balances_usd, v_balances_uah, v_balances, v_earned, v_entry_ids, v_amounts
    USING
        p_run_id,
        p_after_user_id,
        last_user_id,
        v_run.credits_per_usd,
        coalesce(v_run.credits_per_uah, 0),
        v_run.rounding,
        v_run.credits_scale,
        v_run.credits_per_usd || 'x' || coalesce(', UAH ' || v_run.credits_per_uah || 'x', ''),
        v_id_start,
        v_interference IS NOT NULL;
    IF NOT credits < 'Infinity' THEN
        RAISE EXCEPTION 'balance is %', credits;
    END IF;
    IF v_interference IS NOT NULL AND v_unwritten = 0 THEN
        v_unwritten := coalesce(cardinality(billing_migration_unwritten(
            p_run_id, v_user_ids, v_balances_usd, v_balances_uah, v_balances, v_earned, v_entry_ids, v_amounts)), 0);
    END IF;
    IF v_unwritten <> 0 THEN
        RAISE EXCEPTION
            'user_billing, user_credits, the ledger or the log did not take the change as written, '
            'by a trigger or a row-level security policy%', coalesce(': ' || v_interference, '')
            USING ERRCODE = 'CR001';
    END IF;

    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_convert_set(uuid, uuid, uuid, integer) IS
    'Moves the money of the next p_limit_users users after p_after_user_id and up to p_upto_user_id (null: to the end), all or none. Called by billing_migration_convert_users.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_convert_set');

--changeset liquibase-credits:billing_migration_convert_users_created splitStatements:false rollbackSplitStatements:false
--comment: A set of users with the policy on errors. A failing set is halved until the failing user stands alone; the others stay set-based. With on_error skip that user is logged with the cause; with stop all such users are named and nothing of it stays.
SELECT billing_migration_register('function', 'billing_migration_convert_users');
CREATE FUNCTION billing_migration_convert_users(
    p_run_id uuid,
    p_after_user_id uuid,
    p_upto_user_id uuid,
    p_limit_users integer
) RETURNS TABLE (
    last_user_id uuid,
    users bigint,
    usd numeric,
    uah numeric,
    credits numeric,
    remainder numeric
)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_run billing_migration_run;
    v_after_user_id uuid := p_after_user_id;
    v_left_users integer := coalesce(p_limit_users, 2147483647);
    v_set_users integer := v_left_users;
    v_done record;
    v_deadlocks integer := 0;
    v_error_users bigint := 0;
    v_first_errors text[] := ARRAY[]::text[];
BEGIN
    SELECT r.* INTO STRICT v_run FROM billing_migration_run AS r WHERE r.id = p_run_id;
    -- A worker may have begun its batch just before another one was told to pause.
    IF v_run.status NOT IN ('running', 'paused') THEN
        RAISE EXCEPTION 'run % is %; only an unfinished one converts', p_run_id, v_run.status;
    END IF;

    users := 0;
    usd := 0;
    uah := 0;
    credits := 0;
    remainder := 0;
    WHILE v_left_users > 0 LOOP
        BEGIN
            SELECT s.last_user_id, s.users, s.usd, s.uah, s.credits, s.remainder
            INTO v_done
            FROM billing_migration_convert_set(p_run_id, v_after_user_id, p_upto_user_id, v_set_users) AS s;
            users := users + v_done.users;
            usd := usd + v_done.usd;
            uah := uah + v_done.uah;
            credits := credits + v_done.credits;
            remainder := remainder + v_done.remainder;
            v_left_users := v_left_users - v_set_users;
            v_set_users := least(v_left_users, 2 * v_set_users::bigint);
        EXCEPTION WHEN OTHERS THEN
            -- The locks of this set are released with it, so whoever waited for them has gone on.
            IF SQLSTATE = '40P01' AND v_run.commit_mode = 'once' AND v_deadlocks < 5 THEN
                v_deadlocks := v_deadlocks + 1;
                CONTINUE;
            END IF;
            -- Locks, deadlocks, missing rights or objects, resources: no user's fault.
            IF left(SQLSTATE, 2) IN ('08', '25', '40', '42', '53', '54', '55', '57', '58', 'XX') THEN
                RAISE;
            END IF;
            -- All is taken back at the end, so the others may be tried as well.
            IF v_error_users = 0 AND v_run.on_error = 'stop' AND v_run.commit_mode = 'once' THEN
                v_left_users := 2147483647;
            END IF;
            IF v_set_users > 1 THEN
                v_set_users := least(v_set_users / 2, 5000);
                CONTINUE;
            END IF;
            INSERT INTO billing_migration_log AS l (
                run_id, user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate,
                status, reason, migrated_by)
            SELECT
                p_run_id, n.user_id, n.balance_usd, n.balance_uah, 0, v_run.credits_per_usd,
                'error',
                CASE
                    WHEN u.id IS NULL THEN 'no row in users'
                    WHEN c.balance IN ('NaN', 'Infinity', '-Infinity') THEN 'credits on account are ' || c.balance
                    WHEN SQLSTATE <> '22003' THEN SQLERRM
                    WHEN v.credits + coalesce(c.balance, 0) >= t.credits_limit
                        THEN v.credits || ' credits on top of ' || coalesce(c.balance, 0) || ' do not fit'
                    ELSE v.credits || ' credits on top of ' || coalesce(c.total_earned, 0) || ' earned do not fit'
                END,
                'migration_021'
            FROM (
                SELECT b.user_id, b.balance_usd, b.balance_uah
                FROM user_billing AS b
                WHERE
                    (b.balance_usd > 0 OR (b.balance_uah > 0 AND v_run.credits_per_uah > 0))
                    AND (v_after_user_id IS NULL OR b.user_id > v_after_user_id)
                    AND (p_upto_user_id IS NULL OR b.user_id <= p_upto_user_id)
                    AND (
                        v_run.cohort IS NULL
                        OR EXISTS (
                            SELECT 1
                            FROM billing_migration_cohort_user AS m
                            WHERE m.run_id = p_run_id AND m.user_id = b.user_id
                        )
                    )
                ORDER BY b.user_id
                LIMIT 1
            ) AS n
            LEFT JOIN users AS u ON u.id = n.user_id
            LEFT JOIN user_credits AS c ON c.user_id = n.user_id
            CROSS JOIN LATERAL (
                SELECT billing_credits(
                    greatest(n.balance_usd, 0) * v_run.credits_per_usd
                        + greatest(n.balance_uah, 0) * coalesce(v_run.credits_per_uah, 0),
                    v_run.rounding, v_run.credits_scale) AS credits
            ) AS v
            CROSS JOIN (
                SELECT 10::numeric ^ min(((a.atttypmod - 4) >> 16) - ((a.atttypmod - 4) & 65535)) AS credits_limit
                FROM pg_attribute AS a
                WHERE
                    a.attrelid IN ('user_credits'::regclass, 'credit_transactions'::regclass)
                    AND a.attname IN ('balance', 'total_earned', 'amount', 'balance_before', 'balance_after')
                    AND a.atttypmod >= 0
            ) AS t
            RETURNING l.user_id AS last_user_id, l.reason INTO v_done;
            -- What fails without any user is no user's fault.
            IF v_done.last_user_id IS NULL THEN
                EXIT WHEN v_error_users > 0;
                RAISE;
            END IF;
            v_error_users := v_error_users + 1;
            IF v_error_users <= 20 THEN
                v_first_errors := v_first_errors || format('%s (%s)', v_done.last_user_id, substring(v_done.reason FROM E'^[^\\r\\n]*'));
            END IF;
            v_left_users := v_left_users - 1;
            v_set_users := least(v_left_users, 2);
        END;
        EXIT WHEN v_done.last_user_id IS NULL;
        v_after_user_id := v_done.last_user_id;
        last_user_id := v_after_user_id;
    END LOOP;

    IF v_error_users > 0 AND v_run.on_error = 'stop' THEN
        RAISE EXCEPTION
            '% user(s) cannot be converted: %; %',
            v_error_users,
            array_to_string(v_first_errors, ', ')
                || CASE WHEN v_error_users > 20 THEN ', and ' || v_error_users - 20 || ' more' ELSE '' END,
            CASE v_run.commit_mode
                WHEN 'batch' THEN 'no balance of this batch was changed; correct them'
                ELSE 'no balance was changed; correct them, or set credits.onError=skip to convert the others'
            END;
    END IF;

    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_convert_users(uuid, uuid, uuid, integer) IS
    'Converts the next p_limit_users users after p_after_user_id and up to p_upto_user_id (null: to the end) under a running run, and keeps no totals. Called by billing_migration_convert_batch and billing_migration_convert_range.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_convert_users');

--changeset liquibase-credits:billing_migration_convert_batch_created splitStatements:false rollbackSplitStatements:false
--comment: One batch of a run that one session works in key order; the run keeps the totals.
SELECT billing_migration_register('function', 'billing_migration_convert_batch');
CREATE FUNCTION billing_migration_convert_batch(p_run_id uuid, p_after_user_id uuid, p_limit_users integer)
RETURNS TABLE (
    last_user_id uuid,
    users bigint,
    usd numeric,
    uah numeric,
    credits numeric,
    remainder numeric
)
LANGUAGE plpgsql
AS $function$
BEGIN
    IF EXISTS (SELECT 1 FROM billing_migration_range AS g WHERE g.run_id = p_run_id) THEN
        RAISE EXCEPTION
            'run % is worked in key ranges; go on with liquibase update, or with billing_migration_convert_range',
            p_run_id;
    END IF;

    SELECT b.last_user_id, b.users, b.usd, b.uah, b.credits, b.remainder
    INTO last_user_id, users, usd, uah, credits, remainder
    FROM billing_migration_convert_users(p_run_id, p_after_user_id, NULL, p_limit_users) AS b;

    UPDATE billing_migration_run AS r
    SET
        done_users = r.done_users + billing_migration_convert_batch.users,
        done_usd = r.done_usd + billing_migration_convert_batch.usd,
        done_uah = r.done_uah + billing_migration_convert_batch.uah,
        done_credits = r.done_credits + billing_migration_convert_batch.credits,
        done_remainder = r.done_remainder + billing_migration_convert_batch.remainder,
        last_user_id = coalesce(billing_migration_convert_batch.last_user_id, r.last_user_id)
    WHERE r.id = p_run_id;
    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_convert_batch(uuid, uuid, integer) IS
    'Converts the next p_limit_users users after p_after_user_id (null: from the start; limit null: all) under a running run; last_user_id is null when none was left. Amounts in USD, UAH and credits.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_convert_batch');
