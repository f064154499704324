--liquibase formatted sql

--changeset liquibase-credits:billing_migration_late_write_created splitStatements:false rollbackSplitStatements:false
--comment: An old application instance may still add money after the conversion. This trigger refuses it, or converts it at the run's rate in the same transaction. It is attached by a run that asks for it and taken off by the undo; until then it costs nothing.
SELECT billing_migration_register('function', 'billing_migration_late_write');
CREATE FUNCTION billing_migration_late_write() RETURNS trigger
LANGUAGE plpgsql
AS $function$
DECLARE
    v_armed_by billing_migration_run;
    v_run_id uuid := gen_random_uuid();
    v_entry_id uuid := gen_random_uuid();
    v_usd numeric;
    v_uah numeric;
    v_exact_credits numeric;
    v_credits numeric;
    v_balance numeric;
BEGIN
    IF current_setting('billing_migration.undo', true) = 'on' THEN
        RETURN NEW;
    END IF;
    SELECT r.* INTO STRICT v_armed_by FROM billing_migration_run AS r WHERE r.id = TG_ARGV[1]::uuid;
    IF v_armed_by.cohort IS NOT NULL
        AND NOT EXISTS (
            SELECT 1
            FROM billing_migration_cohort_user AS m
            WHERE m.run_id = v_armed_by.id AND m.user_id = NEW.user_id
        )
    THEN
        RETURN NEW;
    END IF;
    v_usd := greatest(NEW.balance_usd, 0);
    v_uah := CASE WHEN v_armed_by.credits_per_uah IS NULL THEN 0 ELSE greatest(NEW.balance_uah, 0) END;
    IF v_usd + v_uah = 0
        OR (TG_OP = 'UPDATE' AND NEW.balance_usd <= OLD.balance_usd AND (NEW.balance_uah <= OLD.balance_uah OR v_uah = 0))
    THEN
        RETURN NEW;
    END IF;
    IF TG_ARGV[0] = 'reject' THEN
        RAISE EXCEPTION
            'user_billing of user % is closed: balances became credits in run %; add credits with add_credits() instead',
            NEW.user_id, v_armed_by.id;
    END IF;

    v_exact_credits := v_usd * v_armed_by.credits_per_usd + v_uah * coalesce(v_armed_by.credits_per_uah, 0);
    v_credits := billing_credits(v_exact_credits, v_armed_by.rounding, v_armed_by.credits_scale);
    IF v_credits = 0 THEN
        RETURN NEW;
    END IF;

    INSERT INTO user_credits AS c (user_id, balance, total_earned)
    VALUES (NEW.user_id, v_credits, v_credits)
    ON CONFLICT (user_id) DO UPDATE SET
        balance = c.balance + excluded.balance,
        total_earned = c.total_earned + excluded.total_earned,
        updated_at = now()
    RETURNING c.balance INTO v_balance;

    INSERT INTO credit_transactions (
        id, user_id, transaction_type, amount, balance_before, balance_after, source, source_id, description)
    VALUES (
        v_entry_id, NEW.user_id, 'migration', v_credits, v_balance - v_credits, v_balance,
        'billing_usd_to_credits', v_run_id::text,
        'Migrated from user_billing: $' || v_usd || ' USD'
            || CASE WHEN v_uah > 0 THEN ' + ' || v_uah || ' UAH' ELSE '' END
            || ' → ' || trim_scale(v_credits) || ' credits (rate: ' || v_armed_by.credits_per_usd || 'x'
            || coalesce(', UAH ' || v_armed_by.credits_per_uah || 'x', '') || ')');

    -- A run of its own: a user stands once in a run, and its totals never change after its proof.
    INSERT INTO billing_migration_run (
        id, changeset, armed_by_run_id, environment, credits_per_usd, credits_per_uah, rounding, credits_scale, on_error,
        commit_mode, late_writes, status,
        planned_users, planned_usd, planned_uah, planned_credits, planned_remainder,
        done_users, done_usd, done_uah, done_credits, done_remainder, finished_at)
    VALUES (
        v_run_id, 'late_write', v_armed_by.id, v_armed_by.environment, v_armed_by.credits_per_usd, v_armed_by.credits_per_uah,
        v_armed_by.rounding, v_armed_by.credits_scale, 'stop', 'once', 'convert', 'completed',
        1, v_usd, v_uah, v_credits, v_exact_credits - v_credits,
        1, v_usd, v_uah, v_credits, v_exact_credits - v_credits, clock_timestamp());

    INSERT INTO billing_migration_log (
        run_id, user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status, reason,
        migrated_by, converted_usd, converted_uah, remainder, ledger_entry_id, credits_row_created)
    VALUES (
        v_run_id, NEW.user_id, NEW.balance_usd, NEW.balance_uah, v_credits, v_armed_by.credits_per_usd, 'success',
        'arrived after run ' || v_armed_by.id, 'late_write', v_usd, v_uah, v_exact_credits - v_credits,
        v_entry_id, false);

    NEW.balance_usd := NEW.balance_usd - v_usd;
    NEW.balance_uah := NEW.balance_uah - v_uah;
    RETURN NEW;
END
$function$;

COMMENT ON FUNCTION billing_migration_late_write() IS
    'Row trigger of user_billing after a conversion with credits.lateWrites=reject or convert; arguments: the mode and the run whose rates count.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_late_write');

--changeset liquibase-credits:billing_migration_arm_created splitStatements:false rollbackSplitStatements:false
--comment: Attaches the guard against late writes, or takes it off. The lock on user_billing lasts until the end of the transaction, so this is its last step.
SELECT billing_migration_register('function', 'billing_migration_arm');
CREATE FUNCTION billing_migration_arm(p_late_writes text, p_run_id uuid) RETURNS void
LANGUAGE plpgsql
AS $function$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM pg_trigger AS t
        WHERE t.tgrelid = 'user_billing'::regclass AND t.tgname = 'billing_migration_late_write'
    ) THEN
        DROP TRIGGER billing_migration_late_write ON user_billing;
    END IF;
    IF p_late_writes IN ('reject', 'convert') THEN
        EXECUTE format(
            'CREATE TRIGGER billing_migration_late_write
                BEFORE INSERT OR UPDATE OF balance_usd, balance_uah ON user_billing
                FOR EACH ROW EXECUTE FUNCTION billing_migration_late_write(%L, %L)',
            p_late_writes, p_run_id);
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_arm(text, uuid) IS
    'What happens to money that is added to user_billing after a run: allow (nothing), reject or convert.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_arm');
