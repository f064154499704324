--liquibase formatted sql

--changeset liquibase-credits:billing_migration_reversed_created splitStatements:false rollbackSplitStatements:false
--comment: What an undo did to every user beside what was due, so that a reversal is proved like a conversion, and a wrong one is named. Users deleted since count with what their log row says.
SELECT billing_migration_register('view', 'billing_migration_reversed');
CREATE VIEW billing_migration_reversed AS
SELECT
    l.run_id,
    l.user_id,
    (
        l.status = 'rolled_back'
        AND l.reversed_at IS NOT NULL
        AND l.reversed_credits <= l.new_credits
        AND l.reversed_usd = d.usd
        AND l.reversed_uah = d.uah
        AND CASE
            WHEN l.reversed_credits = 0 THEN l.reversal_entry_id IS NULL
            ELSE t.user_id = l.user_id
                AND t.amount = -l.reversed_credits
                AND t.balance_after - t.balance_before = t.amount
        END
    ) IS TRUE
        OR u.id IS NULL AS holds,
    format(
        'reversal: %s credits were taken for %s USD and %s UAH, due are %s USD and %s UAH, the ledger says %s',
        l.reversed_credits, l.reversed_usd, l.reversed_uah, d.usd, d.uah,
        coalesce(t.balance_before || ' + ' || t.amount || ' = ' || t.balance_after, 'nothing')) AS finding
FROM billing_migration_log AS l
LEFT JOIN credit_transactions AS t ON t.id = l.reversal_entry_id
LEFT JOIN users AS u ON u.id = l.user_id
-- The same as in billing_migration_reversal.
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN l.reversed_credits = l.new_credits THEN l.converted_usd
            ELSE div(l.converted_usd * l.reversed_credits * 100, nullif(l.new_credits + l.remainder, 0)) * 0.01
        END AS usd,
        CASE
            WHEN l.reversed_credits = l.new_credits THEN l.converted_uah
            ELSE div(l.converted_uah * l.reversed_credits * 100, nullif(l.new_credits + l.remainder, 0)) * 0.01
        END AS uah
) AS d
WHERE
    l.run_id IS NOT NULL
    AND l.status IN ('success', 'rolled_back')
    AND (l.status = 'rolled_back' OR l.reversed_at IS NOT NULL);

COMMENT ON VIEW billing_migration_reversed IS
    'One row per user and run that was undone: whether the log, the reversing ledger entry and what was due agree, and what each of them says.';
--rollback SELECT billing_migration_unregister('view', 'billing_migration_reversed');

--changeset liquibase-credits:billing_migration_proof_created splitStatements:false rollbackSplitStatements:false
--comment: The proof. One row per run, each invariant with its two sides. Users deleted since count with what their log row says.
SELECT billing_migration_register('view', 'billing_migration_proof');
CREATE VIEW billing_migration_proof AS
SELECT
    r.id AS run_id,
    r.status,
    v.source_value AS i1_source_times_rate,
    v.log_credits + v.log_remainder AS i1_credits_plus_remainder,
    v.source_value = v.log_credits + v.log_remainder AS i1_holds,
    format('%s users, %s USD, %s UAH, %s credits, %s remainder',
        d.done_users, d.done_usd, d.done_uah, d.done_credits, trim_scale(d.done_remainder)) AS i2_run_totals,
    format('%s users, %s USD, %s UAH, %s credits, %s remainder',
        v.log_users, v.log_usd, v.log_uah, v.log_credits, trim_scale(v.log_remainder)) AS i2_log_totals,
    v.ledger_credits AS i2_ledger_credits,
    (d.done_users, d.done_usd, d.done_uah, d.done_credits, d.done_remainder, v.ledger_credits)
        = (v.log_users, v.log_usd, v.log_uah, v.log_credits, v.log_remainder, v.log_credits) AS i2_holds,
    v.wrong_entries AS i3_wrong_entries,
    v.wrong_entries = 0 AS i3_holds,
    v.log_users AS i4_log_rows,
    v.distinct_users AS i4_users,
    v.log_users = v.distinct_users AS i4_holds,
    v.unzeroed_users AS i5_unzeroed_users,
    v.late_users AS i5_late_users,
    v.late_usd AS i5_late_usd,
    v.late_uah AS i5_late_uah,
    v.unzeroed_users = 0 AS i5_holds,
    v.reversed_users AS i6_reversed_users,
    v.wrong_reversals AS i6_wrong_reversals,
    v.wrong_reversals = 0 AS i6_holds
FROM billing_migration_run AS r
-- While a run is worked in key ranges, its totals are what the ranges have done.
JOIN billing_migration_progress AS d ON d.run_id = r.id
-- Grouped, and not run by run, because late writes are runs of their own and may be many.
LEFT JOIN (
    SELECT
        l.run_id,
        count(*) AS log_users,
        sum(l.converted_usd) AS log_usd,
        sum(l.converted_uah) AS log_uah,
        sum(l.new_credits) AS log_credits,
        sum(l.remainder) AS log_remainder,
        sum(t.amount) AS ledger_credits,
        count(*) FILTER (WHERE NOT s.is_booked) AS wrong_entries,
        array_agg(l.user_id) FILTER (WHERE NOT s.is_booked) AS wrong_users,
        array_agg(CASE WHEN t.id IS NULL THEN l.new_credits ELSE 0 END) FILTER (WHERE NOT s.is_booked)
            AS missing_credits,
        count(*) FILTER (WHERE s.is_as_converted AND b.balance_usd > 0) AS unzeroed_users,
        count(*) FILTER (WHERE s.is_as_converted AND (b.balance_usd > 0 OR b.balance_uah > 0)) AS unzeroed_users_with_uah,
        count(*) FILTER (WHERE s.is_written_later AND b.balance_usd > 0) AS late_users,
        count(*) FILTER (WHERE s.is_written_later AND (b.balance_usd > 0 OR b.balance_uah > 0)) AS late_users_with_uah,
        sum(b.balance_usd) FILTER (WHERE s.is_written_later AND b.balance_usd > 0) AS late_usd,
        sum(b.balance_uah) FILTER (WHERE s.is_written_later AND b.balance_uah > 0) AS late_uah
    FROM billing_migration_log AS l
    LEFT JOIN credit_transactions AS t ON t.id = l.ledger_entry_id
    LEFT JOIN user_billing AS b ON b.user_id = l.user_id
    -- A row that still carries the transaction of its log row was last written by the conversion itself.
    CROSS JOIN LATERAL (
        SELECT
            (
                t.balance_after - t.balance_before = t.amount
                AND t.amount = l.new_credits
                AND t.user_id = l.user_id
            ) IS TRUE AS is_booked,
            l.reversed_at IS NULL AND b.xmin = l.xmin AS is_as_converted,
            l.reversed_at IS NULL AND b.xmin <> l.xmin AS is_written_later
    ) AS s
    WHERE l.status IN ('success', 'rolled_back')
    GROUP BY l.run_id
) AS p ON p.run_id = r.id
-- Who is deleted takes entries along; looked for only where entries are wrong. Apart from the above, as is what follows, because
-- parallel workers can share it only while nothing in it is distinct and no subquery asks user by user.
CROSS JOIN LATERAL (
    SELECT
        count(*) AS entries,
        sum(w.credits) AS credits
    FROM unnest(p.wrong_users, p.missing_credits) AS w (user_id, credits)
    WHERE NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = w.user_id)
) AS g
LEFT JOIN (
    SELECT
        l.run_id,
        count(DISTINCT l.user_id) AS distinct_users
    FROM billing_migration_log AS l
    WHERE l.status IN ('success', 'rolled_back')
    GROUP BY l.run_id
) AS u ON u.run_id = r.id
-- Apart from the above: while nothing is reversed, the ledger is not read a second time.
LEFT JOIN (
    SELECT
        e.run_id,
        count(*) AS reversed_users,
        count(*) FILTER (WHERE NOT e.holds) AS wrong_reversals
    FROM billing_migration_reversed AS e
    GROUP BY e.run_id
) AS x ON x.run_id = r.id
CROSS JOIN LATERAL (
    SELECT
        coalesce(p.log_users, 0) AS log_users,
        coalesce(u.distinct_users, 0) AS distinct_users,
        coalesce(p.log_usd, 0) AS log_usd,
        coalesce(p.log_uah, 0) AS log_uah,
        coalesce(p.log_credits, 0) AS log_credits,
        coalesce(p.log_remainder, 0) AS log_remainder,
        coalesce(p.log_usd, 0) * r.credits_per_usd
            + coalesce(p.log_uah, 0) * coalesce(r.credits_per_uah, 0) AS source_value,
        coalesce(p.ledger_credits, 0) + coalesce(g.credits, 0) AS ledger_credits,
        coalesce(p.wrong_entries, 0) - g.entries AS wrong_entries,
        -- UAH is a matter of runs that convert it.
        coalesce(CASE WHEN r.credits_per_uah IS NULL THEN p.unzeroed_users ELSE p.unzeroed_users_with_uah END, 0)
            AS unzeroed_users,
        coalesce(CASE WHEN r.credits_per_uah IS NULL THEN p.late_users ELSE p.late_users_with_uah END, 0) AS late_users,
        coalesce(p.late_usd, 0) AS late_usd,
        coalesce(CASE WHEN r.credits_per_uah IS NOT NULL THEN p.late_uah END, 0) AS late_uah,
        coalesce(x.reversed_users, 0) AS reversed_users,
        coalesce(x.wrong_reversals, 0) AS wrong_reversals
) AS v;

COMMENT ON VIEW billing_migration_proof IS
    'What billing_migration_reconciliation shows, for billing_migration_verify, which lets parallel workers share it.';
--rollback SELECT billing_migration_unregister('view', 'billing_migration_proof');

--changeset liquibase-credits:billing_migration_reconciliation_created splitStatements:false rollbackSplitStatements:false
--comment: The proof for everybody, so that anybody may check without trusting the tool. Without parallel workers, which would share hash tables in /dev/shm: a container has no more than 64 MB of it unless told, and a million users need more.
SELECT billing_migration_register('view', 'billing_migration_reconciliation');
CREATE VIEW billing_migration_reconciliation AS
SELECT
    p.run_id,
    p.status,
    p.i1_source_times_rate,
    p.i1_credits_plus_remainder,
    p.i1_holds,
    p.i2_run_totals,
    p.i2_log_totals,
    p.i2_ledger_credits,
    p.i2_holds,
    p.i3_wrong_entries,
    p.i3_holds,
    p.i4_log_rows,
    p.i4_users,
    p.i4_holds,
    p.i5_unzeroed_users,
    p.i5_late_users,
    p.i5_late_usd,
    p.i5_late_uah,
    p.i5_holds,
    p.i6_reversed_users,
    p.i6_wrong_reversals,
    p.i6_holds
FROM billing_migration_proof AS p
-- Always true, and marked parallel unsafe by PostgreSQL, so that the whole query is.
WHERE current_schema() IS NOT DISTINCT FROM current_schema();

COMMENT ON VIEW billing_migration_reconciliation IS
    'One row per run. I1: source x rate = credits + remainder. I2: run = log = ledger. I3: every ledger entry adds up. I4: no user twice. I5: no converted balance left, except money that arrived later (listed). I6: reversals return what they took.';
--rollback SELECT billing_migration_unregister('view', 'billing_migration_reconciliation');

--changeset liquibase-credits:billing_migration_discrepancy_created splitStatements:false rollbackSplitStatements:false
--comment: The proof says whether; this view says who. One row per finding, with the run and the user, for the person who has to put it right.
SELECT billing_migration_register('view', 'billing_migration_discrepancy');
CREATE VIEW billing_migration_discrepancy AS
SELECT
    l.run_id,
    l.user_id,
    f.finding
FROM billing_migration_log AS l
JOIN billing_migration_run AS r ON r.id = l.run_id
JOIN users AS u ON u.id = l.user_id
LEFT JOIN credit_transactions AS t ON t.id = l.ledger_entry_id
LEFT JOIN user_billing AS b ON b.user_id = l.user_id
LEFT JOIN user_credits AS c ON c.user_id = l.user_id
-- Entries carry the time at which their transaction began, and whoever waited for a lock began early and comes late.
-- In any order the last one is an entry that no other goes on from.
CROSS JOIN LATERAL (
    SELECT
        (array_agg(e.balance_after ORDER BY e.created_at DESC, e.id = t.id, e.id DESC))[1] AS balance_after,
        count(*) FILTER (WHERE e.balance_after = c.balance) > count(*) FILTER (WHERE e.balance_before = c.balance)
            AS ends_with_balance
    FROM credit_transactions AS e
    WHERE e.user_id = l.user_id
) AS newest
CROSS JOIN LATERAL (
    SELECT
        l.converted_usd * r.credits_per_usd + l.converted_uah * coalesce(r.credits_per_uah, 0) AS exact_credits
) AS x
CROSS JOIN LATERAL (
    VALUES
        (
            x.exact_credits <> l.new_credits + l.remainder,
            'log: worth ' || x.exact_credits || ' credits, logged ' || l.new_credits || ' + ' || l.remainder
        ),
        (t.id IS NULL, 'ledger: entry ' || l.ledger_entry_id || ' is missing'),
        (
            t.balance_after - t.balance_before <> t.amount OR t.amount <> l.new_credits OR t.user_id <> l.user_id,
            'ledger: entry ' || t.id || ' says ' || t.balance_before || ' + ' || t.amount || ' = ' || t.balance_after
                || ', the log ' || l.new_credits
        ),
        (
            l.reversed_at IS NULL
                AND c.balance IS DISTINCT FROM newest.balance_after
                AND NOT newest.ends_with_balance,
            'credits: balance is ' || coalesce(c.balance::text, 'gone') || ', the newest ledger entry says '
                || coalesce(newest.balance_after::text, 'nothing')
        ),
        (
            l.reversed_at IS NULL AND (b.balance_usd > 0 OR (b.balance_uah > 0 AND r.credits_per_uah IS NOT NULL)),
            'billing: ' || b.balance_usd || ' USD and ' || b.balance_uah || ' UAH '
                || CASE WHEN b.xmin = l.xmin THEN 'were not zeroed' ELSE 'arrived after the conversion' END
        )
) AS f (is_found, finding)
WHERE l.status IN ('success', 'rolled_back') AND f.is_found

UNION ALL
SELECT
    v.run_id,
    v.user_id,
    v.finding
FROM billing_migration_reversed AS v
WHERE NOT v.holds

UNION ALL
SELECT
    p.run_id,
    NULL,
    'run: totals are ' || p.i2_run_totals || ', the log says ' || p.i2_log_totals || ', the ledger '
        || p.i2_ledger_credits || ' credits'
FROM billing_migration_reconciliation AS p
WHERE NOT p.i2_holds;

COMMENT ON VIEW billing_migration_discrepancy IS
    'One row per finding: which user of which run differs between log, ledger, credits, billing and run totals. Empty: all agree. Money that arrived after the conversion is a finding here and no failure of the proof.';
--rollback SELECT billing_migration_unregister('view', 'billing_migration_discrepancy');
