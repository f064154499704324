WITH
ledger AS (
    SELECT min((a.atttypmod - 4) & 65535) AS scale
    FROM pg_attribute AS a
    WHERE
        a.attrelid = to_regclass(quote_ident(current_schema()) || '.credit_transactions')
        AND a.attname IN ('balance_before', 'balance_after')
        AND a.atttypmod >= 0
    -- No wallet is read unless one could be finer; without a limit on digits it could.
    HAVING min((a.atttypmod - 4) & 65535) < (
        SELECT CASE WHEN w.atttypmod >= 0 THEN (w.atttypmod - 4) & 65535 ELSE 65535 END
        FROM pg_attribute AS w
        WHERE w.attrelid = to_regclass('user_credits') AND w.attname = 'balance'
    )
),
finer AS (
    SELECT
        count(*) AS users,
        min(c.user_id::text) AS first_user_id
    FROM user_credits AS c
    JOIN user_billing AS b ON b.user_id = c.user_id
    CROSS JOIN ledger AS l
    WHERE
        (b.balance_usd > 0 OR b.balance_uah > 0)
        AND c.balance <> trunc(c.balance, l.scale)
)
SELECT
    f.users || ' user(s) with a balance to convert hold credits finer than credit_transactions keeps, for example '
        || f.first_user_id || '; widen amount, balance_before and balance_after to the type of user_credits.balance'
FROM finer AS f
WHERE f.users > 0
