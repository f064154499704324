--liquibase formatted sql

--changeset liquibase-credits:billing_migration_convert_created splitStatements:false rollbackSplitStatements:false
--comment: A whole conversion in one statement and one transaction, for people without Java: what liquibase updateSQL writes and what the guide's function calls.
SELECT billing_migration_register('function', 'billing_migration_convert');
CREATE FUNCTION billing_migration_convert(
    p_credits_per_usd numeric,
    p_credits_per_uah numeric DEFAULT NULL,
    p_rounding text DEFAULT 'HALF_UP',
    p_on_error text DEFAULT 'stop',
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
    v_run_id uuid;
    v_last_user_id uuid;
BEGIN
    v_run_id := billing_migration_start(
        p_credits_per_usd, p_credits_per_uah, p_rounding, p_on_error, 'once', p_late_writes,
        p_environment, p_changeset, p_tool_version, p_deployment_id, p_cohort, p_cohort_users);
    LOOP
        SELECT b.last_user_id
        INTO v_last_user_id
        FROM billing_migration_convert_batch(v_run_id, v_last_user_id, 5000) AS b;
        EXIT WHEN v_last_user_id IS NULL;
    END LOOP;
    PERFORM billing_migration_finish(v_run_id);
    RETURN v_run_id;
END
$function$;

COMMENT ON FUNCTION billing_migration_convert(numeric, numeric, text, text, text, text, text, text, text, text, uuid[]) IS
    'Converts all positive balances, or those of a cohort, in one transaction, proves the result and returns the run''s id.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_convert');
