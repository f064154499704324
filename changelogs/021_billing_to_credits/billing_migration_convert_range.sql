--liquibase formatted sql

--changeset liquibase-credits:billing_migration_convert_range_created splitStatements:false rollbackSplitStatements:false
--comment: The next batch of a key range, exactly once: where it starts is read under the range's lock and moved in the transaction that moves the money. FOR KEY SHARE lets workers share the run and keeps an undo, which locks it for itself, from overtaking a batch.
SELECT billing_migration_register('function', 'billing_migration_convert_range');
CREATE FUNCTION billing_migration_convert_range(p_run_id uuid, p_range_number integer, p_limit_users integer)
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
    PERFORM 1 FROM billing_migration_run AS r WHERE r.id = p_run_id FOR KEY SHARE;
    SELECT g.*
    INTO v_range
    FROM billing_migration_range AS g
    WHERE g.run_id = p_run_id AND g.range_number = p_range_number
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'run % has no range %; it has ended, or was not cut yet', p_run_id, p_range_number;
    END IF;

    SELECT b.last_user_id, b.users, b.usd, b.uah, b.credits, b.remainder
    INTO v_batch
    FROM billing_migration_convert_users(
        p_run_id, coalesce(v_range.last_user_id, v_range.after_user_id), v_range.upto_user_id, p_limit_users) AS b;

    users := v_batch.users;
    is_done := coalesce(v_batch.last_user_id IS NULL OR v_batch.last_user_id = v_range.upto_user_id, false);
    UPDATE billing_migration_range AS g
    SET
        last_user_id = coalesce(v_batch.last_user_id, g.last_user_id),
        status = CASE WHEN is_done THEN 'done' ELSE 'open' END,
        done_users = g.done_users + v_batch.users,
        done_usd = g.done_usd + v_batch.usd,
        done_uah = g.done_uah + v_batch.uah,
        done_credits = g.done_credits + v_batch.credits,
        done_remainder = g.done_remainder + v_batch.remainder
    WHERE g.run_id = p_run_id AND g.range_number = p_range_number;
    RETURN NEXT;
END
$function$;

COMMENT ON FUNCTION billing_migration_convert_range(uuid, integer, integer) IS
    'Converts the next p_limit_users users of one range of a running run, after the last one that it has reached; is_done: no user was left.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_convert_range');
