--liquibase formatted sql

--changeset liquibase-credits:billing_migration_lock_created splitStatements:false rollbackSplitStatements:false
--comment: One conversion or undo at a time. The lock lives as long as its transaction, or in commit mode batch its session, so a killed process never leaves it behind; the session's application_name tells the refused one whom to wait for.
SELECT billing_migration_register('function', 'billing_migration_lock');
CREATE FUNCTION billing_migration_lock(p_run_id uuid, p_for_session boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_key bigint := hashtextextended('billing_migration in ' || current_schema(), 0);
    v_holder text;
BEGIN
    -- Before the lock, which a session would keep.
    PERFORM billing_migration_refuse_hidden_rows();
    IF NOT (CASE
        WHEN p_for_session THEN pg_try_advisory_lock(v_key)
        ELSE pg_try_advisory_xact_lock(v_key)
    END) THEN
        SELECT format('%s, process %s', a.application_name, a.pid)
        INTO v_holder
        FROM pg_locks AS l
        JOIN pg_stat_activity AS a ON a.pid = l.pid
        WHERE
            l.locktype = 'advisory'
            AND l.granted
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND (l.classid::bigint << 32) | l.objid::bigint = v_key
        LIMIT 1;
        RAISE EXCEPTION
            'another conversion or undo is running (%); no balance was changed; wait until it ends and run again',
            coalesce(v_holder, 'it has just ended');
    END IF;
    PERFORM set_config('application_name', concat_ws(' run ', 'liquibase-credits', p_run_id), NOT p_for_session);
END
$function$;

COMMENT ON FUNCTION billing_migration_lock(uuid, boolean) IS
    'Takes the lock of this schema''s conversion for the current transaction or session, or fails at once and names who holds it; p_run_id is null where several runs or none yet are at work.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_lock');

--changeset liquibase-credits:billing_migration_unlock_created splitStatements:false rollbackSplitStatements:false
--comment: Gives the session's lock back when a conversion or an undo in batches ends; a session that ends gives it back by itself.
SELECT billing_migration_register('function', 'billing_migration_unlock');
CREATE FUNCTION billing_migration_unlock() RETURNS boolean
LANGUAGE sql
AS $function$
SELECT pg_advisory_unlock(hashtextextended('billing_migration in ' || current_schema(), 0))
$function$;

COMMENT ON FUNCTION billing_migration_unlock() IS 'Gives back what billing_migration_lock(…, true) took.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_unlock');

--changeset liquibase-credits:billing_migration_refuse_unfinished_undo_created splitStatements:false rollbackSplitStatements:false
--comment: An undo in batches that was interrupted has to end before anything converts again, or money would go back and forth.
SELECT billing_migration_register('function', 'billing_migration_refuse_unfinished_undo');
CREATE FUNCTION billing_migration_refuse_unfinished_undo() RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_undo record;
BEGIN
    SELECT
        r.id,
        coalesce(CASE WHEN a.id IS NULL THEN r.changeset ELSE a.changeset END, 'user_billing_converted') AS changeset
    INTO v_undo
    FROM billing_migration_run AS r
    LEFT JOIN billing_migration_run AS a ON a.id = r.armed_by_run_id
    WHERE r.status = 'undoing'
    ORDER BY (a.id IS NOT NULL), r.started_at, r.id
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION
            'the undo of run % is unfinished; no balance was changed; finish it with the command that began it, or with '
            'SELECT * FROM rollback_billing_migration(NULL, ''refuse'', %), where remainder or debt may stand for refuse',
            v_undo.id, quote_literal(v_undo.changeset);
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_refuse_unfinished_undo() IS
    'Raises while an undo in batches is unfinished, and says how to finish it.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_refuse_unfinished_undo');

--changeset liquibase-credits:billing_migration_totals_created splitStatements:false rollbackSplitStatements:false
--comment: Adds up what billing_migration_preview says of every user of a run. As dynamic SQL, with the body of that function in it, because parallel workers can share neither a function's rows nor a query whose result goes to a variable otherwise. They share it from PostgreSQL 17 on.
SELECT billing_migration_register('function', 'billing_migration_totals');
CREATE FUNCTION billing_migration_totals(
    p_credits_per_usd numeric,
    p_credits_per_uah numeric,
    p_rounding text,
    p_percent numeric,
    p_users uuid[]
) RETURNS TABLE (
    users bigint,
    usd numeric,
    uah numeric,
    credits numeric,
    remainder numeric,
    error_users bigint,
    first_errors text[]
)
LANGUAGE plpgsql
STABLE
SET jit = 'off'
-- Workers that share a hash table need /dev/shm for it, of which a container has no more than 64 MB unless told.
SET enable_parallel_hash = 'off'
AS $function$
DECLARE
    v_rows text;
BEGIN
    SELECT
        'SELECT p.user_id, p.converted_usd, p.converted_uah, p.credits, p.remainder, p.outcome, p.reason FROM ('
            || replace(replace(replace(
                f.prosrc, 'p_credits_per_usd', '$1'), 'p_credits_per_uah', '$2'), 'p_rounding', '$3')
            || ') AS p (user_id, email, balance_usd, balance_uah, converted_usd, converted_uah, credits, remainder,'
            || ' outcome, reason)'
            || ' WHERE ($4 IS NULL OR billing_migration_in_percent(p.user_id, $4))'
            || ' AND ($5 IS NULL OR p.user_id IN (SELECT m.user_id FROM unnest($5) AS m (user_id)))'
    INTO STRICT v_rows
    FROM pg_proc AS f
    WHERE f.oid = 'billing_migration_preview(numeric, numeric, text)'::regprocedure;

    EXECUTE
        'SELECT'
        ' count(*) FILTER (WHERE p.outcome = ''convert''),'
        ' coalesce(sum(p.converted_usd), 0),'
        ' coalesce(sum(p.converted_uah), 0),'
        ' coalesce(sum(p.credits), 0),'
        ' coalesce(sum(p.remainder), 0),'
        ' count(*) FILTER (WHERE p.outcome = ''error'')'
        ' FROM (' || v_rows || ') AS p'
    INTO users, usd, uah, credits, remainder, error_users
    USING p_credits_per_usd, p_credits_per_uah, p_rounding, p_percent, p_users;

    IF error_users > 0 THEN
        EXECUTE
            'SELECT array_agg(e.user_id || '' ('' || e.reason || '')'' ORDER BY e.user_id)'
            ' FROM ('
            'SELECT p.user_id, p.reason FROM (' || v_rows || ') AS p'
            ' WHERE p.outcome = ''error'' ORDER BY p.user_id LIMIT 20) AS e'
        INTO first_errors
        USING p_credits_per_usd, p_credits_per_uah, p_rounding, p_percent, p_users;
    END IF;
    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_totals(numeric, numeric, text, numeric, uuid[]) IS
    'What a conversion at these rates would move in all, of everybody, of p_percent or of p_users: users and amounts that convert, users that cannot be converted, and the first 20 of these with the reason.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_totals');

--changeset liquibase-credits:billing_migration_start_created splitStatements:false rollbackSplitStatements:false
--comment: Opens a run: refuses bad settings, a second run and users that cannot be converted before any row is touched, and writes down what is planned.
SELECT billing_migration_register('function', 'billing_migration_start');
CREATE FUNCTION billing_migration_start(
    p_credits_per_usd numeric,
    p_credits_per_uah numeric DEFAULT NULL,
    p_rounding text DEFAULT 'HALF_UP',
    p_on_error text DEFAULT 'stop',
    p_commit_mode text DEFAULT 'once',
    p_late_writes text DEFAULT 'allow',
    p_environment text DEFAULT 'manual',
    p_changeset text DEFAULT NULL,
    p_tool_version text DEFAULT NULL,
    p_deployment_id text DEFAULT NULL,
    p_cohort text DEFAULT NULL,
    p_cohort_users uuid[] DEFAULT NULL
) RETURNS uuid
LANGUAGE plpgsql
AS $function$
DECLARE
    v_run_id uuid := gen_random_uuid();
    v_open record;
    v_plan record;
    v_work_mem text;
    v_percent numeric := substring(p_cohort FROM '^percent:(\d{1,3}(?:\.\d{1,2})?)$')::numeric;
BEGIN
    IF p_credits_per_usd IS NULL OR NOT (p_credits_per_usd > 0 AND p_credits_per_usd <= 1000000) THEN
        RAISE EXCEPTION
            'credits per USD is %; give a number above 0 and at most 1000000', coalesce(p_credits_per_usd::text, 'null');
    END IF;
    IF NOT (p_credits_per_uah > 0 AND p_credits_per_uah <= 1000000) THEN
        RAISE EXCEPTION
            'credits per UAH is %; give a number above 0 and at most 1000000, or null to leave UAH where it is',
            p_credits_per_uah;
    END IF;
    IF p_rounding IS NULL OR p_rounding NOT IN ('HALF_UP', 'HALF_EVEN', 'DOWN') THEN
        RAISE EXCEPTION 'rounding is %; give HALF_UP, HALF_EVEN or DOWN', coalesce(p_rounding, 'null');
    END IF;

    IF p_late_writes IS NULL OR p_late_writes NOT IN ('allow', 'reject', 'convert') THEN
        RAISE EXCEPTION 'late writes is %; give allow, reject or convert', coalesce(p_late_writes, 'null');
    END IF;
    IF (p_cohort IS NULL AND p_cohort_users IS NOT NULL)
        OR (p_cohort IS NOT NULL AND (p_cohort_users IS NULL) <> (coalesce(v_percent, 0) > 0 AND v_percent <= 100))
    THEN
        RAISE EXCEPTION
            'cohort is %; give percent: with a number above 0 and at most 100, or a name and the users'' ids',
            coalesce(p_cohort, 'null');
    END IF;

    PERFORM billing_migration_lock(v_run_id);
    -- Liquibase has done so in a transaction before this one, which leaves nothing to do here.
    IF p_late_writes <> 'allow' THEN
        PERFORM billing_migration_attach(p_late_writes, p_cohort IS NOT NULL);
    END IF;

    PERFORM billing_migration_refuse_unfinished_undo();
    SELECT p.run_id AS id, p.status, p.done_users, p.planned_users, r.commit_mode, r.credits_per_usd
    INTO v_open
    FROM billing_migration_progress AS p
    JOIN billing_migration_run AS r ON r.id = p.run_id
    WHERE p.status IN ('running', 'paused')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION
            'run % is unfinished (%, % of % users done); %undo it with SELECT * FROM rollback_billing_migration(''%'')',
            v_open.id, v_open.status, v_open.done_users, v_open.planned_users,
            CASE
                WHEN v_open.commit_mode = 'batch'
                    THEN 'finish it with liquibase update and its own settings, among them credits.commit=batch and '
                        || 'credits.perUsd=' || v_open.credits_per_usd || ', or '
                ELSE ''
            END,
            v_open.id;
    END IF;

    v_work_mem := billing_migration_work_mem(p_with_workers => true);
    SELECT t.users, t.usd, t.uah, t.credits, t.remainder, t.error_users, t.first_errors
    INTO v_plan
    FROM billing_migration_totals(p_credits_per_usd, p_credits_per_uah, p_rounding, v_percent, p_cohort_users) AS t;
    PERFORM set_config('work_mem', v_work_mem, true);

    IF v_plan.error_users > 0 AND p_on_error = 'stop' THEN
        RAISE EXCEPTION
            '% user(s) cannot be converted: %; no balance was changed; '
            'correct them, or set credits.onError=skip to convert the others',
            v_plan.error_users,
            array_to_string(v_plan.first_errors, ', ')
                || CASE WHEN v_plan.error_users > 20 THEN ', and ' || v_plan.error_users - 20 || ' more' ELSE '' END;
    END IF;

    INSERT INTO billing_migration_run (
        id, changeset, environment, tool_version, deployment_id,
        credits_per_usd, credits_per_uah, rounding, credits_scale, on_error, commit_mode, late_writes, cohort,
        planned_users, planned_usd, planned_uah, planned_credits, planned_remainder)
    SELECT
        v_run_id, p_changeset, p_environment, p_tool_version, p_deployment_id,
        p_credits_per_usd, p_credits_per_uah, p_rounding, t.credits_scale, p_on_error, p_commit_mode, p_late_writes,
        p_cohort,
        v_plan.users, v_plan.usd, v_plan.uah, v_plan.credits, v_plan.remainder
    FROM (
        SELECT coalesce(min((a.atttypmod - 4) & 65535), 2) AS credits_scale
        FROM pg_attribute AS a
        WHERE
            a.attrelid IN ('user_credits'::regclass, 'credit_transactions'::regclass)
            AND a.attname IN ('balance', 'total_earned', 'amount', 'balance_before', 'balance_after')
            AND a.atttypmod >= 0
    ) AS t;

    IF p_cohort IS NOT NULL THEN
        INSERT INTO billing_migration_cohort_user (run_id, user_id)
        SELECT
            v_run_id,
            m.user_id
        FROM (
            SELECT b.user_id
            FROM user_billing AS b
            WHERE billing_migration_in_percent(b.user_id, v_percent)
            UNION
            SELECT u.user_id
            FROM unnest(p_cohort_users) AS u (user_id)
        ) AS m;
        -- The next statements would otherwise plan for an empty table.
        ANALYZE billing_migration_cohort_user;
    END IF;
    PERFORM billing_migration_rehearse(v_run_id);
    RETURN v_run_id;
END
$function$;

COMMENT ON FUNCTION billing_migration_start(numeric, numeric, text, text, text, text, text, text, text, text, text, uuid[]) IS
    'Opens a run and returns its id; fails before anything is written on bad settings, a second run, an unfinished run, users that cannot be converted (at most 20 named), or tables that would not take an undo.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_start');
