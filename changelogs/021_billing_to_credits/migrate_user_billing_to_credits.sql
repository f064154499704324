--liquibase formatted sql

--changeset liquibase-credits:migrate_user_billing_to_credits_created splitStatements:false rollbackSplitStatements:false
--comment: The guide's function, and one more argument for UAH that may be left out, so that every statement of the guide works when pasted. The dry run writes nothing, not even to the log.
SELECT billing_migration_register('function', 'migrate_user_billing_to_credits');
CREATE FUNCTION migrate_user_billing_to_credits(
    p_conversion_rate numeric DEFAULT 1.0,
    p_dry_run boolean DEFAULT false,
    p_credits_per_uah numeric DEFAULT NULL
) RETURNS TABLE (
    user_id uuid,
    email varchar,
    old_balance_usd numeric,
    new_credits numeric,
    status varchar,
    message text
)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_run_id uuid;
    v_earlier record;
    v_rounding text;
BEGIN
    SELECT r.id, r.credits_per_usd, r.credits_per_uah, r.rounding
    INTO v_earlier
    FROM billing_migration_run AS r
    WHERE r.status = 'completed' AND r.armed_by_run_id IS NULL
    ORDER BY r.started_at DESC, r.id
    LIMIT 1;
    -- Money that arrives later is rounded as the rest was.
    v_rounding := coalesce(v_earlier.rounding, 'HALF_UP');
    IF p_dry_run THEN
        RETURN QUERY
        SELECT
            p.user_id,
            p.email::varchar,
            p.balance_usd,
            p.credits,
            CASE WHEN p.outcome = 'convert' THEN 'dry_run' ELSE p.outcome END::varchar,
            CASE p.outcome
                WHEN 'convert' THEN 'Would migrate'
                    || CASE WHEN p.converted_uah > 0 THEN ' with ' || p.converted_uah || ' UAH' ELSE '' END
                    || coalesce('; ' || p.reason, '')
                WHEN 'skipped' THEN 'Would skip: ' || p.reason
                ELSE 'Would fail: ' || p.reason
            END
        FROM billing_migration_preview(p_conversion_rate, p_credits_per_uah, v_rounding) AS p
        ORDER BY p.user_id;
        RETURN;
    END IF;

    IF v_earlier.id IS NOT NULL
        AND (v_earlier.credits_per_usd, v_earlier.credits_per_uah) IS DISTINCT FROM (p_conversion_rate, p_credits_per_uah)
    THEN
        RAISE WARNING
            'run % converted at % credits per USD and % per UAH, this call converts at % and %',
            v_earlier.id, v_earlier.credits_per_usd, coalesce(v_earlier.credits_per_uah::text, 'none'),
            p_conversion_rate, coalesce(p_credits_per_uah::text, 'none');
    END IF;
    v_run_id := billing_migration_convert(p_conversion_rate, p_credits_per_uah, v_rounding);
    RETURN QUERY
    SELECT
        l.user_id,
        u.email::varchar,
        l.old_balance_usd,
        l.new_credits,
        l.status::varchar,
        CASE l.status
            WHEN 'success' THEN 'Migrated'
                || CASE WHEN l.converted_uah > 0 THEN ' with ' || l.converted_uah || ' UAH' ELSE '' END
                || coalesce('; ' || l.reason, '')
            ELSE 'Skipped: ' || l.reason
        END
    FROM billing_migration_log AS l
    LEFT JOIN users AS u ON u.id = l.user_id
    WHERE l.run_id = v_run_id
    ORDER BY l.user_id;
END
$function$;

COMMENT ON FUNCTION migrate_user_billing_to_credits(numeric, boolean, numeric) IS
    'Converts USD balances at p_conversion_rate credits per USD, or with p_dry_run only shows what would happen; UAH at p_credits_per_uah, left where it is when that is null; rounded as the last run did, HALF_UP at first. One row per user that holds a balance.';
--rollback SELECT billing_migration_unregister('function', 'migrate_user_billing_to_credits');
