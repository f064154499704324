--liquibase formatted sql

--changeset liquibase-credits:billing_migration_status_created splitStatements:false rollbackSplitStatements:false
--comment: The guide's view: exactly one row per user with the latest state, however often the user was converted, skipped or rolled back.
SELECT set_config('lock_timeout', '5s', true);
CREATE VIEW billing_migration_status AS
SELECT
    u.id AS user_id,
    u.email,
    coalesce(c.balance, 0) AS credit_balance,
    CASE
        WHEN
            b.balance_usd > 0
            OR (
                b.balance_uah > 0
                -- Whom no run has met may be converted as the others were.
                AND CASE WHEN l.run_id IS NULL THEN a.converts_uah ELSE r.credits_per_uah IS NOT NULL END
            )
            -- What a run looked at and left, and not what arrived or was spent since.
            THEN coalesce(
                (
                    SELECT h.status
                    FROM billing_migration_log AS h
                    WHERE
                        h.user_id = u.id
                        AND h.run_id IS NOT NULL
                        AND h.status IN ('skipped', 'error')
                        AND (h.old_balance_usd, h.old_balance_uah) IS NOT DISTINCT FROM (b.balance_usd, b.balance_uah)
                    ORDER BY h.migrated_at DESC, h.id
                    LIMIT 1
                ),
                'pending_migration')
        WHEN l.status <> 'error' THEN l.status
        WHEN b.balance_usd < 0 OR b.balance_uah <> 0 THEN 'not_convertible'
        ELSE 'no_balance'
    END AS migration_status,
    l.migrated_at,
    coalesce(b.balance_usd, 0) AS balance_usd,
    coalesce(b.balance_uah, 0) AS balance_uah,
    l.new_credits,
    nullif(concat_ws('; ', l.reason, l.reversal_reason), '') AS reason,
    l.run_id,
    coalesce(g.late_writes, 'allow') AS late_writes
FROM users AS u
LEFT JOIN user_billing AS b ON b.user_id = u.id
LEFT JOIN user_credits AS c ON c.user_id = u.id
LEFT JOIN (
    SELECT DISTINCT ON (h.user_id)
        h.user_id,
        h.status,
        h.migrated_at,
        h.new_credits,
        h.reason,
        h.reversal_reason,
        h.run_id
    FROM billing_migration_log AS h
    WHERE h.run_id IS NOT NULL OR h.status = 'success'
    ORDER BY h.user_id, (h.status = 'skipped'), h.migrated_at DESC, h.id  -- Converted stays converted.
) AS l ON l.user_id = u.id
LEFT JOIN billing_migration_run AS r ON r.id = l.run_id
CROSS JOIN (
    SELECT count(*) > 0 AS converts_uah
    FROM billing_migration_run AS o
    WHERE o.status IN ('running', 'paused', 'completed') AND o.credits_per_uah IS NOT NULL
) AS a
LEFT JOIN billing_migration_guard AS g
    -- Somebody may have taken the trigger off by hand.
    ON EXISTS (
        SELECT 1
        FROM pg_trigger AS t
        WHERE t.tgrelid = 'user_billing'::regclass AND t.tgname = 'billing_migration_late_write'
    );

COMMENT ON VIEW billing_migration_status IS
    'One row per user. migration_status: success, pending_migration (a balance waits, also one that arrived after conversion), skipped or error (with reason), rolled_back, not_convertible, no_balance. late_writes: what happens to money that is still added to user_billing.';
--rollback SELECT billing_migration_refuse_undo(); DROP VIEW IF EXISTS billing_migration_status;
