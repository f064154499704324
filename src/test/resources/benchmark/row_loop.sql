-- The guide's kind of function, without the defects of the earlier attempt that have nothing to do with speed.
CREATE FUNCTION convert_row_by_row(p_conversion_rate numeric) RETURNS bigint
LANGUAGE plpgsql
AS $function$
DECLARE
    v_user record;
    v_credits numeric;
    v_balance numeric;
    v_users bigint := 0;
BEGIN
    FOR v_user IN
        SELECT u.id, b.balance_usd, b.balance_uah
        FROM users AS u
        JOIN user_billing AS b ON b.user_id = u.id
        WHERE b.balance_usd > 0
        ORDER BY u.created_at
    LOOP
        BEGIN
            IF EXISTS (
                SELECT 1
                FROM billing_migration_log AS l
                WHERE l.user_id = v_user.id AND l.status = 'success'
            ) THEN
                CONTINUE;
            END IF;
            v_credits := round(v_user.balance_usd * p_conversion_rate, 2);
            INSERT INTO user_credits (user_id) VALUES (v_user.id) ON CONFLICT (user_id) DO NOTHING;
            SELECT c.balance INTO v_balance FROM user_credits AS c WHERE c.user_id = v_user.id FOR UPDATE;
            UPDATE user_credits AS c
            SET balance = c.balance + v_credits, total_earned = c.total_earned + v_credits, updated_at = now()
            WHERE c.user_id = v_user.id;
            INSERT INTO credit_transactions (
                user_id, transaction_type, amount, balance_before, balance_after, source, description)
            VALUES (
                v_user.id, 'migration', v_credits, v_balance, v_balance + v_credits, 'billing_usd_to_credits',
                'Migrated from user_billing: $' || v_user.balance_usd || ' USD');
            UPDATE user_billing AS b SET balance_usd = 0 WHERE b.user_id = v_user.id;
            INSERT INTO billing_migration_log (
                user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status)
            VALUES (
                v_user.id, v_user.balance_usd, v_user.balance_uah, v_credits, p_conversion_rate, 'success');
            v_users := v_users + 1;
        EXCEPTION WHEN OTHERS THEN
            INSERT INTO billing_migration_log (
                user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status, reason)
            VALUES (
                v_user.id, v_user.balance_usd, v_user.balance_uah, 0, p_conversion_rate, 'error', SQLERRM);
        END;
    END LOOP;
    RETURN v_users;
END
$function$;
