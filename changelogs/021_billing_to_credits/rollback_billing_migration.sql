--liquibase formatted sql

--changeset liquibase-credits:rollback_billing_migration_created splitStatements:false rollbackSplitStatements:false
--comment: The undo of whole runs, newest first, in one transaction; Liquibase's rollback calls it in commit mode once, and so may people without Liquibase, also to finish an undo in batches. Twice is the same as once.
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
    v_batch record;
    v_last_user_id uuid;
    v_undone boolean;
    v_run_ids uuid[] := ARRAY[]::uuid[];
BEGIN
    PERFORM billing_migration_lock(p_run_id);
    PERFORM billing_migration_check_undo(p_run_id, p_on_spent, p_changeset);

    PERFORM set_config('billing_migration.undo', 'on', true);
    -- While this goes on, the guard goes on converting late writes of users that are not locked yet, each as a run.
    LOOP
        v_undone := false;
        FOR v_run IN
            SELECT o.run_id AS id
            FROM billing_migration_open_undo(p_run_id, p_changeset) AS o
            WHERE o.run_id <> ALL (v_run_ids)
        LOOP
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
                FROM billing_migration_reverse_users(v_run.id, v_last_user_id, NULL, 5000, p_on_spent) AS b;
                EXIT WHEN NOT FOUND;
                v_last_user_id := v_batch.last_user_id;
                users := users + v_batch.users;
                returned_usd := returned_usd + v_batch.usd;
                returned_uah := returned_uah + v_batch.uah;
                taken_credits := taken_credits + v_batch.credits;
                kept_users := kept_users + v_batch.kept_users;
                kept_credits := kept_credits + v_batch.kept_credits;
            END LOOP;
            RETURN NEXT;
            v_undone := true;
            v_run_ids := v_run_ids || v_run.id;
        END LOOP;
        EXIT WHEN NOT v_undone OR p_run_id IS NOT NULL;
    END LOOP;
    PERFORM set_config('billing_migration.undo', 'off', true);
    PERFORM billing_migration_close_undo(VARIADIC v_run_ids);
END
$function$;

COMMENT ON FUNCTION rollback_billing_migration(uuid, text, text) IS
    'Undoes one run, or with null every run (of a changeset, if one is given), from the log: USD and UAH go back on top of what is there, credits are taken, ledger entries are added. p_on_spent: refuse, remainder or debt. The rows say what this call did; no row: nothing was left to undo.';
--rollback SELECT billing_migration_unregister('function', 'rollback_billing_migration');
