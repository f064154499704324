-- What a careful engineer writes by hand. The slots are the batch's key range and its size, empty for all users.
WITH
locked AS MATERIALIZED (
    SELECT b.user_id, b.balance_usd
    FROM user_billing AS b
    WHERE b.balance_usd > 0 AND /*after*/ true
    ORDER BY b.user_id
    /*limit*/
    FOR UPDATE
),
zeroed AS (
    UPDATE user_billing AS b
    SET balance_usd = 0
    FROM locked AS l
    WHERE b.user_id = l.user_id
    RETURNING b.user_id, l.balance_usd AS old_balance_usd, b.balance_uah, round(l.balance_usd * 1.0, 2) AS credits
),
credited AS (
    INSERT INTO user_credits AS c (user_id, balance, total_earned)
    SELECT z.user_id, z.credits, z.credits
    FROM zeroed AS z
    ON CONFLICT (user_id) DO UPDATE SET
        balance = c.balance + excluded.balance,
        total_earned = c.total_earned + excluded.total_earned,
        updated_at = now()
    RETURNING c.user_id, c.balance
),
entered AS (
    INSERT INTO credit_transactions (
        user_id, transaction_type, amount, balance_before, balance_after, source, description)
    SELECT
        z.user_id, 'migration', z.credits, c.balance - z.credits, c.balance, 'billing_usd_to_credits',
        'Migrated from user_billing: $' || z.old_balance_usd || ' USD → ' || z.credits || ' credits (rate: 1.0x)'
    FROM zeroed AS z
    JOIN credited AS c ON c.user_id = z.user_id
),
logged AS (
    INSERT INTO billing_migration_log (
        user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status)
    SELECT z.user_id, z.old_balance_usd, z.balance_uah, z.credits, 1.0, 'success'
    FROM zeroed AS z
)
SELECT l.user_id
FROM locked AS l
ORDER BY l.user_id DESC
LIMIT 1
