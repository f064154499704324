WITH
-- Whether a column could hold what is looked for: no row is read for it otherwise.
possible (table_name, column_name, is_nullable, is_unlimited) AS (
    SELECT
        c.relname,
        a.attname,
        NOT a.attnotnull,
        a.atttypmod = -1
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE
        a.attrelid IN (to_regclass('user_billing'), to_regclass('user_credits'))
        AND a.attname IN ('user_id', 'balance_usd', 'balance_uah', 'balance')
),
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
nobodys AS (
    SELECT
        count(*) AS balances,
        min(to_jsonb(b) ->> 'id') AS first_id  -- The application's key, if it has one of that name.
    FROM user_billing AS b
    WHERE
        (
            SELECT p.is_nullable
            FROM possible AS p
            WHERE p.table_name = 'user_billing' AND p.column_name = 'user_id'
        )
        AND b.user_id IS NULL
        AND (b.balance_usd <> 0 OR b.balance_uah <> 0)
),
half AS (
    SELECT
        count(*) AS users,
        min(b.user_id::text) AS first_user_id
    FROM user_billing AS b
    WHERE
        (
            SELECT bool_or(p.is_nullable)
            FROM possible AS p
            WHERE p.table_name = 'user_billing' AND p.column_name IN ('balance_usd', 'balance_uah')
        )
        AND (
            (b.balance_usd IS NULL AND b.balance_uah <> 0)
            OR (b.balance_uah IS NULL AND b.balance_usd <> 0)
        )
),
infinite AS (
    SELECT
        count(*) AS users,
        min(b.user_id::text) AS first_user_id
    FROM user_billing AS b
    WHERE
        (
            SELECT bool_or(p.is_unlimited)
            FROM possible AS p
            WHERE p.table_name = 'user_billing' AND p.column_name IN ('balance_usd', 'balance_uah')
        )
        AND (
            b.balance_usd IN ('Infinity', '-Infinity')
            OR b.balance_uah IN ('Infinity', '-Infinity')
        )
),
unknown AS (
    SELECT
        count(*) AS users,
        min(c.user_id::text) AS first_user_id
    FROM user_credits AS c
    JOIN user_billing AS b ON b.user_id = c.user_id
    WHERE
        (
            SELECT p.is_nullable OR p.is_unlimited
            FROM possible AS p
            WHERE p.table_name = 'user_credits' AND p.column_name = 'balance'
        )
        AND (b.balance_usd > 0 OR b.balance_uah > 0)
        AND (c.balance IS NULL OR c.balance IN ('Infinity', '-Infinity'))
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
),
problem (severity, line) AS (
    SELECT
        1,
        n.balances || ' row(s) of user_billing hold a balance but no user_id'
            || coalesce(', for example id ' || n.first_id, '')
            || '; a balance is converted for its user; set user_id, or both balances to 0'
    FROM nobodys AS n
    WHERE n.balances > 0

    UNION ALL
    SELECT
        2,
        h.users || ' user(s) hold a balance in one currency and NULL in the other, for example ' || h.first_user_id
            || '; both are converted and logged as numbers; set the one that is NULL to 0'
    FROM half AS h
    WHERE h.users > 0

    UNION ALL
    SELECT
        3,
        i.users || ' user(s) hold Infinity or -Infinity in balance_usd or balance_uah, for example ' || i.first_user_id
            || '; no number of credits is worth that; set the balance to what it should be'
    FROM infinite AS i
    WHERE i.users > 0

    UNION ALL
    SELECT
        4,
        u.users || ' user(s) with a balance to convert hold NULL, Infinity or -Infinity in user_credits.balance, for example '
            || u.first_user_id || '; credits are added to it; set it to what it should be, such as 0'
    FROM unknown AS u
    WHERE u.users > 0

    UNION ALL
    SELECT
        5,
        f.users || ' user(s) with a balance to convert hold credits finer than credit_transactions keeps, for example '
            || f.first_user_id || '; widen amount, balance_before and balance_after to the type of user_credits.balance'
    FROM finer AS f
    WHERE f.users > 0
)
SELECT p.line
FROM problem AS p
ORDER BY p.severity
LIMIT 1
