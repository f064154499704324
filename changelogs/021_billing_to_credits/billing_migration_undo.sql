--liquibase formatted sql

--changeset liquibase-credits:billing_migration_check_undo_created splitStatements:false rollbackSplitStatements:false
--comment: Before an undo touches a row: its arguments make sense, and with p_on_spent refuse everybody can give back what he got.
SELECT billing_migration_register('function', 'billing_migration_check_undo');
CREATE FUNCTION billing_migration_check_undo(p_run_id uuid, p_on_spent text, p_changeset text) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_spent record;
BEGIN
    IF p_on_spent IS NULL OR p_on_spent NOT IN ('refuse', 'remainder', 'debt') THEN
        RAISE EXCEPTION 'onSpent is %; give refuse, remainder or debt', coalesce(p_on_spent, 'null');
    END IF;
    IF p_run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_migration_run AS r WHERE r.id = p_run_id) THEN
        RAISE EXCEPTION 'run % is unknown; take an id from billing_migration_run', p_run_id;
    END IF;
    IF p_on_spent <> 'refuse' THEN
        RETURN;
    END IF;

    -- Over all runs of a user together: two conversions may share what is left of the balance.
    SELECT
        count(*) AS users,
        sum(greatest(d.credits - greatest(c.balance, 0), 0)) AS credits,
        count(*) FILTER (WHERE b.user_id IS NULL) AS users_without_billing,
        (array_agg(d.user_id ORDER BY d.user_id))[1:20] AS first_users
    INTO v_spent
    FROM (
        SELECT
            l.user_id,
            sum(l.new_credits) AS credits
        FROM billing_migration_log AS l
        WHERE
            l.run_id IS NOT NULL
            AND (p_run_id IS NULL OR l.run_id = p_run_id)
            AND (
                p_changeset IS NULL
                OR l.run_id IN (SELECT f.run_id FROM billing_migration_runs_of(p_changeset) AS f)
            )
            AND l.status = 'success'
            AND l.reversed_at IS NULL
        GROUP BY l.user_id
    ) AS d
    LEFT JOIN user_credits AS c ON c.user_id = d.user_id
    LEFT JOIN user_billing AS b ON b.user_id = d.user_id
    WHERE
        (d.credits > greatest(c.balance, 0) OR b.user_id IS NULL)
        AND EXISTS (SELECT 1 FROM users AS u WHERE u.id = d.user_id);
    IF v_spent.users > 0 THEN
        RAISE EXCEPTION
            '% user(s) cannot give back all converted credits, % are spent%: %; %; '
            'set credits.onSpent=remainder to return what is left, or debt to let balances go negative',
            v_spent.users,
            v_spent.credits,
            CASE
                WHEN v_spent.users_without_billing > 0
                    THEN ' and ' || v_spent.users_without_billing || ' have no row in user_billing to return money to'
                ELSE ''
            END,
            array_to_string(v_spent.first_users, ', ')
                || CASE WHEN v_spent.users > 20 THEN ', and ' || v_spent.users - 20 || ' more' ELSE '' END,
            CASE
                WHEN EXISTS (
                    SELECT 1
                    FROM billing_migration_run AS r
                    WHERE r.status = 'undoing' AND (p_run_id IS NULL OR r.id = p_run_id)
                )
                    THEN 'the unfinished undo did not go on'
                ELSE 'no balance was changed'
            END;
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_check_undo(uuid, text, text) IS
    'Raises if an undo of this run (null: of all runs, or of a changeset''s) is asked for in a wrong way, or with refuse if users have spent what it would take (at most 20 named).';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_check_undo');

--changeset liquibase-credits:billing_migration_open_undo_created splitStatements:false rollbackSplitStatements:false
--comment: From here on a run is being undone: nothing converts under it any more, and the guard against late writes is that of the newest run which still stands; without one it goes. An undo in batches commits this first, so that money which arrives meanwhile stays money.
SELECT billing_migration_register('function', 'billing_migration_open_undo');
CREATE FUNCTION billing_migration_open_undo(p_run_id uuid, p_changeset text)
RETURNS TABLE (run_id uuid)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_run record;
BEGIN
    FOR v_run IN
        SELECT r.id, r.status
        FROM billing_migration_run AS r
        WHERE
            (p_run_id IS NULL OR r.id = p_run_id)
            AND (
                p_changeset IS NULL
                OR r.id IN (SELECT f.run_id FROM billing_migration_runs_of(p_changeset) AS f)
            )
            AND r.status NOT IN ('rolled_back', 'partly_rolled_back')
        ORDER BY r.started_at DESC, r.id
    LOOP
        -- Before any user is locked: a batch that outlived its killed process holds the run, and may wait for users.
        PERFORM 1 FROM billing_migration_run AS r WHERE r.id = v_run.id FOR UPDATE;
        IF v_run.status <> 'undoing' THEN
            PERFORM billing_migration_close(v_run.id);
            UPDATE billing_migration_run AS r
            SET
                status = 'undoing',
                control = 'run',
                workers = NULL,
                users_per_second = NULL,
                batch_users = NULL,
                batch_millis = NULL,
                progress_at = NULL
            WHERE r.id = v_run.id;
        END IF;
        run_id := v_run.id;
        RETURN NEXT;
    END LOOP;

    IF EXISTS (SELECT 1 FROM billing_migration_guard AS g) THEN
        PERFORM billing_migration_arm((
            SELECT r.id
            FROM billing_migration_run AS r
            WHERE
                r.status = 'completed'
                AND r.late_writes <> 'allow'
                AND r.armed_by_run_id IS NULL
            ORDER BY r.started_at DESC, r.id
            LIMIT 1
        ));
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_open_undo(uuid, text) IS
    'Marks a run (null: all runs, or a changeset''s) as being undone and returns what is to be undone, newest first.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_open_undo');

--changeset liquibase-credits:billing_migration_close_undo_created splitStatements:false rollbackSplitStatements:false
--comment: Ends an undo: nobody of its runs is left out, the invariants hold, and what people kept is said by the status. Read from the log, because an interrupted undo may have begun in another session.
SELECT billing_migration_register('function', 'billing_migration_close_undo');
CREATE FUNCTION billing_migration_close_undo(VARIADIC p_run_ids uuid[]) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_left record;
BEGIN
    IF cardinality(p_run_ids) = 0 THEN
        RETURN;
    END IF;
    -- As in billing_migration_finish.
    SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM 1 FROM billing_migration_run AS r WHERE r.id = ANY (p_run_ids) ORDER BY r.id FOR UPDATE;
    DELETE FROM billing_migration_range AS g WHERE g.run_id = ANY (p_run_ids);

    UPDATE billing_migration_run AS r
    SET
        status = CASE WHEN coalesce(l.kept_users, 0) > 0 THEN 'partly_rolled_back' ELSE 'rolled_back' END,
        rolled_back_at = clock_timestamp(),
        throttled = NULL
    FROM unnest(p_run_ids) AS c (run_id)
    LEFT JOIN (
        SELECT
            e.run_id,
            count(*) FILTER (WHERE e.status = 'success') AS left_users,
            count(*) FILTER (WHERE e.reversed_credits < e.new_credits) AS kept_users
        FROM billing_migration_log AS e
        WHERE e.run_id = ANY (p_run_ids) AND e.status IN ('success', 'rolled_back')
        GROUP BY e.run_id
    ) AS l ON l.run_id = c.run_id
    WHERE r.id = c.run_id AND r.status = 'undoing' AND coalesce(l.left_users, 0) = 0;

    SELECT r.id, r.status
    INTO v_left
    FROM billing_migration_run AS r
    WHERE r.id = ANY (p_run_ids) AND r.status NOT IN ('rolled_back', 'partly_rolled_back')
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION
            'run % is % and not undone to its end; finish it with SELECT * FROM rollback_billing_migration(''%'')',
            v_left.id, v_left.status, v_left.id;
    END IF;
    PERFORM billing_migration_analyze();
    PERFORM billing_migration_verify(VARIADIC p_run_ids);
END
$function$;

COMMENT ON FUNCTION billing_migration_close_undo(uuid[]) IS
    'Marks runs that are being undone as rolled back, or partly where credits were kept, and proves invariants I1 to I6; raises if somebody was left out or an invariant does not hold.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_close_undo');
