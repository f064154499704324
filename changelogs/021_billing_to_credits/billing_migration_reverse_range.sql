--liquibase formatted sql

--changeset liquibase-credits:billing_migration_reverse_range_created splitStatements:false rollbackSplitStatements:false
--comment: The next batch of an undo in key ranges, exactly once: where it starts is read under the range's lock and moved in the transaction that moves the money back. FOR KEY SHARE lets workers share the run and keeps the end of the undo from overtaking a batch.
SELECT billing_migration_register('function', 'billing_migration_reverse_range');
CREATE FUNCTION billing_migration_reverse_range(
    p_run_id uuid,
    p_range_number integer,
    p_limit_users integer,
    p_on_spent text
)
RETURNS TABLE (
    users bigint,
    is_done boolean
)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_range billing_migration_range;
    v_batch record;
BEGIN
    PERFORM 1 FROM billing_migration_run AS r WHERE r.id = p_run_id AND r.status = 'undoing' FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'run % is not being undone; see its status in billing_migration_run', p_run_id;
    END IF;
    SELECT g.*
    INTO v_range
    FROM billing_migration_range AS g
    WHERE g.run_id = p_run_id AND g.range_number = p_range_number
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'run % has no range %; its undo has ended, or was not cut yet', p_run_id, p_range_number;
    END IF;

    -- Money that comes back is no late write, also while another run's guard stands.
    PERFORM set_config('billing_migration.undo', 'on', true);
    SELECT b.last_user_id, b.undone_users
    INTO v_batch
    FROM billing_migration_reverse_users(
        p_run_id, coalesce(v_range.last_user_id, v_range.after_user_id), v_range.upto_user_id, p_limit_users,
        p_on_spent) AS b;
    PERFORM set_config('billing_migration.undo', 'off', true);

    users := coalesce(v_batch.undone_users, 0);
    is_done := v_batch.last_user_id IS NULL OR v_batch.last_user_id IS NOT DISTINCT FROM v_range.upto_user_id;
    UPDATE billing_migration_range AS g
    SET
        last_user_id = coalesce(v_batch.last_user_id, g.last_user_id),
        status = CASE WHEN is_done THEN 'done' ELSE 'open' END,
        done_users = g.done_users + users
    WHERE g.run_id = p_run_id AND g.range_number = p_range_number;
    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_reverse_range(uuid, integer, integer, text) IS
    'Undoes the next p_limit_users users of one range of a run that is being undone, after the last one that it has reached; is_done: no user was left.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_reverse_range');
