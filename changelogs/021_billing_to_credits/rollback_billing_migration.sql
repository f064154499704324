--liquibase formatted sql

--changeset liquibase-credits:rollback_billing_migration_created splitStatements:false rollbackSplitStatements:false
--comment: The undo of whole runs, newest first, in one transaction; Liquibase's rollback calls it, and so may people without Liquibase. Twice is the same as once.
SELECT billing_migration_register('function', 'rollback_billing_migration');
CREATE FUNCTION rollback_billing_migration(
    p_run_id uuid DEFAULT NULL,
    p_on_spent text DEFAULT 'refuse',
    p_changeset text DEFAULT NULL
)
RETURNS TABLE (
    run_id uuid,
    users bigint,
    returned_usd numeric,
    returned_uah numeric,
    taken_credits numeric,
    kept_users bigint,
    kept_credits numeric
)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_run record;
    v_spent record;
    v_guard record;
    v_batch record;
    v_last_user_id uuid;
    v_undone boolean;
    v_run_ids uuid[] := ARRAY[]::uuid[];
BEGIN
    IF p_on_spent IS NULL OR p_on_spent NOT IN ('refuse', 'remainder', 'debt') THEN
        RAISE EXCEPTION 'onSpent is %; give refuse, remainder or debt', coalesce(p_on_spent, 'null');
    END IF;
    IF p_run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM billing_migration_run AS r WHERE r.id = p_run_id) THEN
        RAISE EXCEPTION 'run % is unknown; take an id from billing_migration_run', p_run_id;
    END IF;
    PERFORM billing_migration_lock(coalesce(p_run_id, gen_random_uuid()));

    IF p_on_spent = 'refuse' THEN
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
                '% user(s) cannot give back all converted credits, % are spent%: %; no balance was changed; '
                'set credits.onSpent=remainder to return what is left, or debt to let balances go negative',
                v_spent.users,
                v_spent.credits,
                CASE
                    WHEN v_spent.users_without_billing > 0
                        THEN ' and ' || v_spent.users_without_billing || ' have no row in user_billing to return money to'
                    ELSE ''
                END,
                array_to_string(v_spent.first_users, ', ')
                    || CASE WHEN v_spent.users > 20 THEN ', and ' || v_spent.users - 20 || ' more' ELSE '' END;
        END IF;
    END IF;

    PERFORM set_config('billing_migration.undo', 'on', true);
    -- While this goes on, the guard goes on converting late writes of users that are not locked yet, each as a run.
    LOOP
        v_undone := false;
        FOR v_run IN
            SELECT r.id
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
            PERFORM 1 FROM billing_migration_run AS r WHERE r.id = v_run.id FOR UPDATE;
            PERFORM billing_migration_close(v_run.id);
            run_id := v_run.id;
            users := 0;
            returned_usd := 0;
            returned_uah := 0;
            taken_credits := 0;
            kept_users := 0;
            kept_credits := 0;
            v_last_user_id := NULL;
            LOOP
                SELECT b.last_user_id, b.users, b.usd, b.uah, b.credits, b.kept_users, b.kept_credits
                INTO v_batch
                FROM billing_migration_reverse_batch(v_run.id, v_last_user_id, 5000, p_on_spent) AS b;
                EXIT WHEN NOT FOUND;
                v_last_user_id := v_batch.last_user_id;
                users := users + v_batch.users;
                returned_usd := returned_usd + v_batch.usd;
                returned_uah := returned_uah + v_batch.uah;
                taken_credits := taken_credits + v_batch.credits;
                kept_users := kept_users + v_batch.kept_users;
                kept_credits := kept_credits + v_batch.kept_credits;
            END LOOP;

            UPDATE billing_migration_run AS r
            SET
                status = CASE WHEN kept_users > 0 THEN 'partly_rolled_back' ELSE 'rolled_back' END,
                rolled_back_at = clock_timestamp()
            WHERE r.id = v_run.id;
            RETURN NEXT;
            v_undone := true;
            v_run_ids := v_run_ids || v_run.id;
        END LOOP;
        EXIT WHEN NOT v_undone OR p_run_id IS NOT NULL;
    END LOOP;
    PERFORM set_config('billing_migration.undo', 'off', true);
    IF cardinality(v_run_ids) > 0 THEN
        PERFORM billing_migration_analyze();
        PERFORM billing_migration_verify(VARIADIC v_run_ids);
    END IF;

    -- The guard against late writes is that of the newest run which still stands; without one it goes.
    IF EXISTS (SELECT 1 FROM billing_migration_guard AS g) THEN
        SELECT r.id
        INTO v_guard
        FROM billing_migration_run AS r
        WHERE
            r.status = 'completed'
            AND r.late_writes <> 'allow'
            AND r.armed_by_run_id IS NULL
        ORDER BY r.started_at DESC, r.id
        LIMIT 1;
        PERFORM billing_migration_arm(v_guard.id);
    END IF;
END
$function$;

COMMENT ON FUNCTION rollback_billing_migration(uuid, text, text) IS
    'Undoes one run, or with null every run (of a changeset, if one is given), from the log: USD and UAH go back on top of what is there, credits are taken, ledger entries are added. p_on_spent: refuse, remainder or debt. No row: nothing was left to undo.';
--rollback SELECT billing_migration_unregister('function', 'rollback_billing_migration');
