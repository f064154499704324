--liquibase formatted sql

--changeset liquibase-credits:billing_migration_guard_created splitStatements:false rollbackSplitStatements:false
--comment: Which run guards user_billing against late writes: one row, or none. Arming is a row and not a trigger, because a trigger takes a lock on the whole table, and whoever waits for a row that the same transaction holds has a share in that lock already.
SELECT billing_migration_register('table', 'billing_migration_guard');
CREATE TABLE billing_migration_guard (
    is_only boolean NOT NULL DEFAULT true,
    late_writes text NOT NULL,
    run_id uuid NOT NULL,
    converts_uah boolean NOT NULL,
    is_for_cohort boolean NOT NULL,
    CONSTRAINT billing_migration_guard_pkey PRIMARY KEY (is_only),
    CONSTRAINT billing_migration_guard_is_only_check CHECK (is_only),
    CONSTRAINT billing_migration_guard_late_writes_check CHECK (late_writes IN ('reject', 'convert'))
);
-- The trigger runs with the rights of whoever writes.
GRANT SELECT ON billing_migration_guard TO PUBLIC;

COMMENT ON TABLE billing_migration_guard IS
    'What happens to money that is added to user_billing after a conversion, and the run whose rates count; no row: it is allowed.';
--rollback SELECT billing_migration_unregister('table', 'billing_migration_guard');

--changeset liquibase-credits:billing_migration_late_write_created splitStatements:false rollbackSplitStatements:false
--comment: An old application instance may still add money after the conversion. This trigger refuses it, or converts it at the run's rate in the same transaction. It fires after the row is written, because a write may still come to nothing before (ON CONFLICT, another trigger). It is attached before a run that asks for it, and does nothing until that run has ended or once it is undone.
SELECT billing_migration_register('function', 'billing_migration_late_write');
CREATE FUNCTION billing_migration_late_write() RETURNS trigger
LANGUAGE plpgsql
AS $function$
DECLARE
    v_guard billing_migration_guard;
    v_armed_by billing_migration_run;
    v_run_id uuid := gen_random_uuid();
    v_entry_id uuid := gen_random_uuid();
    v_source record;
    v_usd numeric;
    v_uah numeric;
    v_exact_credits numeric;
    v_credits numeric;
    v_is_as_meant boolean;
    v_is_first boolean;
    v_balance_before numeric;
    v_balance numeric;
BEGIN
    IF current_setting('billing_migration.undo', true) = 'on'
        OR (TG_OP = 'UPDATE' AND NEW.balance_usd <= OLD.balance_usd AND NEW.balance_uah <= OLD.balance_uah)
    THEN
        RETURN NULL;
    END IF;
    SELECT g.* INTO v_guard FROM billing_migration_guard AS g;
    IF NOT FOUND
        OR (NEW.balance_usd > 0 OR (v_guard.converts_uah AND NEW.balance_uah > 0)) IS NOT TRUE
        OR (
            TG_OP = 'UPDATE'
            AND NEW.balance_usd <= OLD.balance_usd
            AND (v_guard.converts_uah AND NEW.balance_uah > 0) IS NOT TRUE
        )
    THEN
        RETURN NULL;
    END IF;
    IF v_guard.is_for_cohort
        AND NOT EXISTS (
            SELECT 1
            FROM billing_migration_cohort_user AS m
            WHERE m.run_id = v_guard.run_id AND m.user_id = NEW.user_id
        )
    THEN
        RETURN NULL;
    END IF;
    IF v_guard.late_writes = 'reject' THEN
        RAISE EXCEPTION
            'user_billing of user % is closed: balances became credits in run %; add credits with add_credits() instead',
            NEW.user_id, v_guard.run_id;
    END IF;

    -- What is there by now: another trigger may have written after this row.
    SELECT
        b.balance_usd,
        b.balance_uah,
        greatest(b.balance_usd, 0) AS usd,
        CASE WHEN v_guard.converts_uah THEN greatest(b.balance_uah, 0) ELSE 0 END AS uah
    INTO v_source
    FROM user_billing AS b
    WHERE b.user_id = NEW.user_id;
    v_usd := coalesce(v_source.usd, 0);
    v_uah := coalesce(v_source.uah, 0);
    SELECT r.* INTO STRICT v_armed_by FROM billing_migration_run AS r WHERE r.id = v_guard.run_id;
    v_exact_credits := v_usd * v_armed_by.credits_per_usd + v_uah * coalesce(v_armed_by.credits_per_uah, 0);
    v_credits := billing_credits(v_exact_credits, v_armed_by.rounding, v_armed_by.credits_scale);
    IF v_credits = 0 THEN
        RETURN NULL;
    END IF;
    IF NOT v_credits < 'Infinity' THEN
        RAISE EXCEPTION
            'user_billing of user % would hold % USD and % UAH, which cannot become credits; the write is refused; write a number',
            NEW.user_id, v_source.balance_usd, v_source.balance_uah;
    END IF;

    UPDATE user_billing AS b
    SET
        balance_usd = b.balance_usd - v_usd,
        balance_uah = b.balance_uah - v_uah
    WHERE b.user_id = NEW.user_id
    RETURNING
        (b.balance_usd, b.balance_uah) IS NOT DISTINCT FROM (v_source.balance_usd - v_usd, v_source.balance_uah - v_uah)
    INTO v_is_as_meant;
    IF v_is_as_meant IS NOT TRUE THEN
        RAISE EXCEPTION
            'user_billing of user % did not give % USD and % UAH, by a trigger; the write is refused; '
            'see the triggers of user_billing',
            NEW.user_id, v_usd, v_uah;
    END IF;

    -- The wallet's own id may have no default.
    INSERT INTO user_credits (id, user_id, balance, total_earned)
    VALUES (v_entry_id, NEW.user_id, 0, 0)
    ON CONFLICT (user_id) DO NOTHING;
    v_is_first := FOUND;
    SELECT c.balance INTO v_balance_before FROM user_credits AS c WHERE c.user_id = NEW.user_id FOR NO KEY UPDATE;
    UPDATE user_credits AS c
    SET
        balance = c.balance + v_credits,
        total_earned = c.total_earned + v_credits,
        updated_at = now()
    WHERE c.user_id = NEW.user_id
    RETURNING c.balance INTO v_balance;
    IF (v_balance = v_balance_before + v_credits) IS NOT TRUE THEN
        RAISE EXCEPTION
            'user_credits of user % did not take % credits on top of %, by a trigger; the write is refused; '
            'see the triggers of user_credits',
            NEW.user_id, v_credits, v_balance_before;
    END IF;

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
        v_run_id, NEW.user_id, coalesce(v_source.balance_usd, 0), coalesce(v_source.balance_uah, 0), v_credits,
        v_armed_by.credits_per_usd, 'success',
        'arrived after run ' || v_armed_by.id, 'late_write', v_usd, v_uah, v_exact_credits - v_credits,
        v_entry_id, v_is_first);
    RETURN NULL;
END
$function$;

COMMENT ON FUNCTION billing_migration_late_write() IS
    'Row trigger of user_billing after a conversion with credits.lateWrites=reject or convert; it asks billing_migration_guard, with the rights of whoever writes.';
--rollback SELECT billing_migration_refuse_undo(); DROP TRIGGER IF EXISTS billing_migration_late_write ON user_billing; SELECT billing_migration_unregister('function', 'billing_migration_late_write');

--changeset liquibase-credits:billing_migration_late_writers_created splitStatements:false rollbackSplitStatements:false
--comment: The guard against late writes runs with the application's rights. A right that is missing would fail the application's writes after the conversion, so a run asks here before it begins.
SELECT billing_migration_register('function', 'billing_migration_late_writers');
CREATE FUNCTION billing_migration_late_writers(p_late_writes text, p_is_cohort boolean)
RETURNS TABLE (
    role_name text,
    missing_privilege text
)
LANGUAGE sql
STABLE
AS $function$
SELECT DISTINCT
    w.role_name,
    n.privilege || ' ON ' || n.object
FROM (
    SELECT CASE a.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(a.grantee) END AS role_name
    FROM pg_class AS c
    LEFT JOIN pg_attribute AS b ON b.attrelid = c.oid AND b.attname IN ('balance_usd', 'balance_uah')
    CROSS JOIN LATERAL aclexplode(c.relacl || b.attacl) AS a
    WHERE
        c.oid = 'user_billing'::regclass
        AND a.privilege_type IN ('INSERT', 'UPDATE')

    UNION
    SELECT pg_get_userbyid(c.relowner)
    FROM pg_class AS c
    WHERE c.oid = 'user_billing'::regclass
) AS w
CROSS JOIN (
    VALUES
        ('convert', 'SELECT', 'billing_migration_run'),
        ('convert', 'INSERT', 'billing_migration_run'),
        ('convert', 'INSERT', 'billing_migration_log'),
        ('convert', 'SELECT', 'user_billing'),
        ('convert', 'UPDATE', 'user_billing'),
        ('convert', 'SELECT', 'user_credits'),
        ('convert', 'INSERT', 'user_credits'),
        ('convert', 'UPDATE', 'user_credits'),
        ('convert', 'INSERT', 'credit_transactions'),
        ('convert', 'EXECUTE', 'FUNCTION billing_credits'),
        ('cohort', 'SELECT', 'billing_migration_cohort_user')
) AS n (needed_for, privilege, object)
WHERE
    (n.needed_for = p_late_writes OR (n.needed_for = 'cohort' AND p_is_cohort AND p_late_writes <> 'allow'))
    AND NOT CASE n.privilege
        WHEN 'EXECUTE'
            THEN has_function_privilege(w.role_name, 'billing_credits(numeric, text, integer)', n.privilege)
        -- The application's rights may be on columns.
        ELSE has_table_privilege(w.role_name, n.object, n.privilege)
            OR (
                n.object = 'user_billing'
                AND has_column_privilege(w.role_name, n.object, 'balance_usd', n.privilege)
                AND has_column_privilege(w.role_name, n.object, 'balance_uah', n.privilege)
                AND has_column_privilege(w.role_name, n.object, 'user_id', 'SELECT')
            )
    END
$function$;

COMMENT ON FUNCTION billing_migration_late_writers(text, boolean) IS
    'Roles that may write balances into user_billing, with each privilege that the guard of p_late_writes needs of them and they lack.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_late_writers');

--changeset liquibase-credits:billing_migration_attach_created splitStatements:false rollbackSplitStatements:false
--comment: Puts the trigger on user_billing, in a transaction that ends before a run begins. It refuses whatever would make the application's writes fail afterwards.
SELECT billing_migration_register('function', 'billing_migration_attach');
CREATE FUNCTION billing_migration_attach(p_late_writes text, p_is_cohort boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_writer record;
BEGIN
    IF NOT EXISTS (
        SELECT 1
        FROM pg_class AS c
        WHERE c.oid = 'user_billing'::regclass AND pg_has_role(c.relowner, 'USAGE')
    ) THEN
        RAISE EXCEPTION
            'role % does not own user_billing, which a trigger for late writes needs; run as its owner, or set credits.lateWrites=allow',
            current_user;
    END IF;
    SELECT w.role_name, string_agg(w.missing_privilege, ', ' ORDER BY w.missing_privilege) AS missing_privileges
    INTO v_writer
    FROM billing_migration_late_writers(p_late_writes, p_is_cohort) AS w
    GROUP BY w.role_name
    ORDER BY w.role_name
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION
            'role % may write to user_billing and lacks % for credits.lateWrites=%; no balance was changed; '
            'grant that to it, or set credits.lateWrites=allow',
            v_writer.role_name, v_writer.missing_privileges, p_late_writes;
    END IF;
    IF NOT EXISTS (
        SELECT 1
        FROM pg_trigger AS t
        WHERE t.tgrelid = 'user_billing'::regclass AND t.tgname = 'billing_migration_late_write'
    ) THEN
        CREATE TRIGGER billing_migration_late_write
            AFTER INSERT OR UPDATE OF balance_usd, balance_uah ON user_billing
            FOR EACH ROW EXECUTE FUNCTION billing_migration_late_write();
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_attach(text, boolean) IS
    'Prepares user_billing for a run with late writes reject or convert (of a cohort or of everybody); commit it before the run begins.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_attach');

--changeset liquibase-credits:billing_migration_arm_created splitStatements:false rollbackSplitStatements:false
--comment: Makes a run the guard against late writes, or nobody; seen by others when this transaction commits.
SELECT billing_migration_register('function', 'billing_migration_arm');
CREATE FUNCTION billing_migration_arm(p_run_id uuid) RETURNS void
LANGUAGE sql
AS $function$
DELETE FROM billing_migration_guard AS g
WHERE g.run_id IS DISTINCT FROM p_run_id;

INSERT INTO billing_migration_guard (late_writes, run_id, converts_uah, is_for_cohort)
SELECT
    r.late_writes,
    r.id,
    r.credits_per_uah IS NOT NULL,
    r.cohort IS NOT NULL
FROM billing_migration_run AS r
WHERE r.id = p_run_id
ON CONFLICT (is_only) DO NOTHING;
$function$;

COMMENT ON FUNCTION billing_migration_arm(uuid) IS
    'From now on money that is added to user_billing is treated as this run says (reject or convert, at its rates); null: it is allowed.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_arm');
