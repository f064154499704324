--liquibase formatted sql

--changeset liquibase-credits:billing_migration_preview_created splitStatements:false rollbackSplitStatements:false
--comment: What a conversion would do to every user with a balance, as a query over the legacy tables that writes nothing. The dry run of the Java task runs the same text before this function exists.
SELECT billing_migration_register('function', 'billing_migration_preview');
CREATE FUNCTION billing_migration_preview(
    p_credits_per_usd numeric,
    p_credits_per_uah numeric,
    p_rounding text
) RETURNS TABLE (
    user_id uuid,
    email text,
    balance_usd numeric,
    balance_uah numeric,
    converted_usd numeric,
    converted_uah numeric,
    credits numeric,
    remainder numeric,
    outcome text,
    reason text
)
LANGUAGE sql
STABLE
-- As in billing_migration_totals.
SET enable_parallel_hash = 'off'
AS $function$
WITH
wallet_type AS NOT MATERIALIZED (
    SELECT
        coalesce(min((a.atttypmod - 4) & 65535), 2) AS credits_scale,
        10::numeric ^ min(((a.atttypmod - 4) >> 16) - ((a.atttypmod - 4) & 65535)) AS credits_limit
    FROM pg_attribute AS a
    WHERE
        a.attrelid IN (
            to_regclass('user_credits'), to_regclass(quote_ident(current_schema) || '.credit_transactions'))
        AND a.attname IN ('balance', 'total_earned', 'amount', 'balance_before', 'balance_after')
        AND a.atttypmod >= 0
),
source AS (
    SELECT
        b.user_id,
        u.id AS known_user_id,
        u.email,
        b.balance_usd,
        b.balance_uah,
        CASE WHEN b.balance_usd > 0 THEN b.balance_usd ELSE 0 END AS positive_usd,
        CASE WHEN b.balance_uah > 0 AND p_credits_per_uah > 0 THEN b.balance_uah ELSE 0 END AS positive_uah,
        coalesce(c.balance, 0) AS credit_balance,
        coalesce(c.total_earned, 0) AS credits_earned
    FROM user_billing AS b
    LEFT JOIN users AS u ON u.id = b.user_id
    LEFT JOIN user_credits AS c ON c.user_id = b.user_id
    WHERE b.balance_usd <> 0 OR b.balance_uah <> 0
),
priced AS (
    SELECT
        s.user_id,
        s.known_user_id,
        s.email,
        s.balance_usd,
        s.balance_uah,
        s.positive_usd,
        s.positive_uah,
        s.credit_balance,
        s.credits_earned,
        s.positive_usd * p_credits_per_usd
            + s.positive_uah * coalesce(p_credits_per_uah, 0) AS exact_credits,
        (SELECT w.credits_scale FROM wallet_type AS w) AS credits_scale,
        (SELECT w.credits_limit FROM wallet_type AS w) AS credits_limit
    FROM source AS s
    -- Keeps the planner from repeating the arithmetic at each use below. OFFSET 0 would too, but forbids parallel workers.
    LIMIT ALL
),
rounded AS (
    SELECT
        p.user_id,
        p.known_user_id,
        p.email,
        p.balance_usd,
        p.balance_uah,
        p.positive_usd,
        p.positive_uah,
        p.credit_balance,
        p.credits_earned,
        p.exact_credits,
        p.credits_limit,
        CASE
            WHEN p_rounding = 'DOWN' THEN trunc(p.exact_credits, p.credits_scale)
            WHEN
                p_rounding = 'HALF_EVEN'
                AND p.exact_credits - trunc(p.exact_credits, p.credits_scale)
                    = round(p.exact_credits, p.credits_scale) - p.exact_credits
                AND trunc(p.exact_credits, p.credits_scale) * 0.5
                    = trunc(trunc(p.exact_credits, p.credits_scale) * 0.5, p.credits_scale)
                THEN trunc(p.exact_credits, p.credits_scale)
            ELSE round(p.exact_credits, p.credits_scale)
        END AS credits
    FROM priced AS p
    LIMIT ALL
),
judged AS (
    SELECT
        r.user_id,
        r.email,
        r.balance_usd,
        r.balance_uah,
        r.positive_usd,
        r.positive_uah,
        r.exact_credits,
        r.credits,
        CASE
            WHEN r.exact_credits > 0 AND r.known_user_id IS NULL THEN 'no row in users'
            WHEN NOT r.exact_credits < 'Infinity' THEN 'balance is ' || r.exact_credits
            WHEN r.credits > 0 AND r.credit_balance IN ('NaN', 'Infinity', '-Infinity')
                THEN 'credits on account are ' || r.credit_balance
            WHEN r.credits > 0 AND r.credits + r.credit_balance >= r.credits_limit
                THEN r.credits || ' credits on top of ' || r.credit_balance || ' do not fit'
            WHEN r.credits > 0 AND r.credits + r.credits_earned >= r.credits_limit
                THEN r.credits || ' credits on top of ' || r.credits_earned || ' earned do not fit'
        END AS error,
        CASE
            WHEN r.balance_usd < 0 OR r.balance_uah <> r.positive_uah OR r.credits = 0
                THEN concat_ws(
                    ', ',
                    CASE WHEN r.balance_usd < 0 THEN r.balance_usd || ' USD is negative and stays' END,
                    CASE WHEN r.balance_uah < 0 THEN r.balance_uah || ' UAH is negative and stays' END,
                    CASE
                        WHEN r.balance_uah > 0 AND r.positive_uah = 0
                            THEN r.balance_uah || ' UAH stays: no credits.perUah'
                    END,
                    CASE
                        WHEN r.credits = 0 AND r.exact_credits > 0
                            THEN 'worth less than the smallest credit and stays'
                    END)
        END AS stays
    FROM rounded AS r
    LIMIT ALL
)
SELECT
    j.user_id,
    j.email::text,
    j.balance_usd::numeric,
    j.balance_uah::numeric,
    CASE WHEN j.error IS NULL AND j.credits > 0 THEN j.positive_usd ELSE 0 END,
    CASE WHEN j.error IS NULL AND j.credits > 0 THEN j.positive_uah ELSE 0 END,
    CASE WHEN j.error IS NULL AND j.credits > 0 THEN j.credits ELSE 0 END,
    CASE WHEN j.error IS NULL AND j.credits > 0 THEN j.exact_credits - j.credits ELSE 0 END,
    CASE
        WHEN j.error IS NOT NULL THEN 'error'
        WHEN j.credits > 0 THEN 'convert'
        ELSE 'skipped'
    END,
    coalesce(j.error, nullif(j.stays, ''))
FROM judged AS j
$function$;

COMMENT ON FUNCTION billing_migration_preview(numeric, numeric, text) IS
    'Predicts, per user with a balance, what a conversion at these rates does: outcome is convert, skipped or error. Amounts in USD, UAH and credits; remainder = exact - credits.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_preview');
