-- What an earlier migration 021, applied by hand on top of ledger.sql, left behind: a log, a function that converts nobody,
-- a view that repeats users, and the traces of having been tried. Predefined roles stand for a reporting role and its owner.
INSERT INTO users (id, email) VALUES
    ('cafe0201-0000-4000-8000-000000000001', 'waiting@example.org'),
    ('cafe0202-0000-4000-8000-000000000002', 'patched@example.org'),
    ('cafe0203-0000-4000-8000-000000000003', 'hryvnia@example.org');
INSERT INTO user_billing (user_id, balance_usd, balance_uah) VALUES
    ('cafe0201-0000-4000-8000-000000000001', 40.00, 0.00),
    ('cafe0202-0000-4000-8000-000000000002', 0.00, 0.00),
    ('cafe0203-0000-4000-8000-000000000003', 60.00, 850.00);
SELECT add_credits('cafe0201-0000-4000-8000-000000000001', 5, 'purchase', 'stripe', NULL, 'Five credits', 'pi_1');
SELECT add_credits('cafe0202-0000-4000-8000-000000000002', 20, 'migration', 'billing_usd_to_credits', NULL, 'By hand', NULL);
SELECT deduct_credits('cafe0201-0000-4000-8000-000000000001', 2, 'search', 'cost_1', 'Two credits');

CREATE TABLE billing_migration_log (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    old_balance_usd numeric(10,2) NOT NULL,
    old_balance_uah numeric(10,2) NOT NULL,
    new_credits numeric(10,2) NOT NULL,
    conversion_rate numeric(10,2) NOT NULL,
    status varchar(50) NOT NULL,
    reason text,
    migrated_at timestamptz DEFAULT now() NOT NULL,
    migrated_by varchar(100) DEFAULT 'migration_021',
    CONSTRAINT billing_migration_log_pkey PRIMARY KEY (id),
    CONSTRAINT billing_migration_log_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX billing_migration_log_user_id_idx ON billing_migration_log (user_id);
CREATE INDEX billing_migration_log_status_idx ON billing_migration_log (status);
COMMENT ON TABLE billing_migration_log IS 'Earlier log';

CREATE FUNCTION migrate_user_billing_to_credits(
    p_conversion_rate numeric DEFAULT 1.0,
    p_dry_run boolean DEFAULT false
) RETURNS TABLE (user_id uuid, usd_before numeric, credits_after numeric, result varchar)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_account record;
BEGIN
    FOR v_account IN
        SELECT b.user_id AS id, b.balance_usd AS usd, b.balance_uah AS uah
        FROM user_billing AS b
        WHERE b.balance_usd > 0
    LOOP
        result := CASE WHEN p_dry_run THEN 'skipped' ELSE 'success' END;
        usd_before := v_account.usd;
        credits_after := v_account.usd * p_conversion_rate;
        BEGIN
            IF NOT p_dry_run THEN
                UPDATE user_billing SET balance_usd = 0 WHERE user_id = v_account.id;
            END IF;
            INSERT INTO billing_migration_log (
                user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status)
            VALUES (v_account.id, v_account.usd, v_account.uah, credits_after, p_conversion_rate, result);
        EXCEPTION
            WHEN OTHERS THEN
                result := 'error';
                INSERT INTO billing_migration_log (
                    user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status, reason)
                VALUES (v_account.id, v_account.usd, v_account.uah, 0, p_conversion_rate, result, SQLERRM);
        END;
        RETURN NEXT;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION migrate_user_billing_to_credits(numeric, boolean) IS 'Earlier function';

CREATE VIEW billing_migration_status WITH (security_barrier = true) AS
SELECT
    u.email,
    u.id AS user_id,
    b.balance_usd,
    l.status,
    l.conversion_rate,
    l.migrated_at
FROM users AS u
JOIN user_billing AS b ON b.user_id = u.id
LEFT JOIN billing_migration_log AS l ON l.user_id = u.id;
COMMENT ON VIEW billing_migration_status IS 'Earlier view';

GRANT SELECT ON credit_transactions, billing_migration_log TO pg_read_all_stats;
GRANT SELECT ON users, user_billing, billing_migration_log TO pg_monitor;
REVOKE EXECUTE ON FUNCTION migrate_user_billing_to_credits(numeric, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION migrate_user_billing_to_credits(numeric, boolean) TO pg_read_all_stats;
ALTER FUNCTION migrate_user_billing_to_credits(numeric, boolean) OWNER TO pg_monitor;
ALTER VIEW billing_migration_status OWNER TO pg_monitor;
GRANT SELECT ON billing_migration_status TO pg_read_all_stats WITH GRANT OPTION;
GRANT SELECT ON billing_migration_status TO PUBLIC;

-- One dry run and one run: a skipped and an error row for everyone with USD. Then somebody converted one user by hand.
SELECT migrate_user_billing_to_credits(0.005, true);
SELECT migrate_user_billing_to_credits(0.005, false);
INSERT INTO billing_migration_log (user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status)
VALUES ('cafe0202-0000-4000-8000-000000000002', 20.00, 0.00, 20.00, 1.00, 'success');
