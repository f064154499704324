--liquibase formatted sql

--changeset liquibase-credits:billing_migration_checklist_created splitStatements:false rollbackSplitStatements:false
--comment: The proof of every run and the guide's post-migration checklist as one list, so that nobody ticks boxes by hand. liquibase credits-verify prints these rows and fails where one of them does.
SELECT billing_migration_register('view', 'billing_migration_checklist');
CREATE VIEW billing_migration_checklist AS
WITH
finding AS (
    SELECT
        count(*) AS findings,
        count(*) FILTER (WHERE d.finding LIKE 'billing: % arrived after the conversion') AS late_findings,
        count(*) FILTER (WHERE d.finding LIKE 'credits: %') AS balance_findings,
        count(*) FILTER (WHERE d.finding LIKE 'ledger: %' OR d.finding LIKE 'reversal: %') AS entry_findings
    FROM billing_migration_discrepancy AS d
),
run AS (
    SELECT
        count(*) FILTER (WHERE r.status IN ('running', 'paused', 'undoing')) AS open_runs,
        count(*) FILTER (WHERE r.status = 'undoing') AS undoing_runs,
        count(*) FILTER (WHERE r.status = 'completed' AND r.cohort IS NULL) AS whole_runs,
        count(*) FILTER (WHERE r.status = 'completed' AND r.cohort IS NOT NULL) AS cohort_runs,
        min(r.started_at) FILTER (WHERE r.status = 'completed') AS first_started_at
    FROM billing_migration_run AS r
),
-- Used twice below, so PostgreSQL proves every run once and keeps the result.
reconciled AS (
    SELECT
        n.run_id,
        n.i1_source_times_rate,
        n.i1_credits_plus_remainder,
        n.i1_holds,
        n.i2_run_totals,
        n.i2_log_totals,
        n.i2_ledger_credits,
        n.i2_holds,
        n.i3_wrong_entries,
        n.i3_holds,
        n.i4_log_rows,
        n.i4_users,
        n.i4_holds,
        n.i5_unzeroed_users,
        n.i5_late_users,
        n.i5_late_usd,
        n.i5_late_uah,
        n.i5_holds,
        n.i6_reversed_users,
        n.i6_wrong_reversals,
        n.i6_holds
    FROM billing_migration_reconciliation AS n
),
proof AS (
    SELECT
        coalesce(sum(p.i5_unzeroed_users), 0) AS unzeroed_users,
        count(*) FILTER (WHERE s.is_late_write) AS late_runs,
        count(*) FILTER (WHERE s.is_late_write AND NOT s.holds) AS wrong_late_runs
    FROM reconciled AS p
    JOIN billing_migration_run AS r ON r.id = p.run_id
    CROSS JOIN LATERAL (
        SELECT
            r.armed_by_run_id IS NOT NULL AS is_late_write,
            (p.i1_holds AND p.i2_holds AND p.i3_holds AND p.i4_holds AND p.i5_holds AND p.i6_holds) IS TRUE AS holds
    ) AS s
),
users_by_state AS (
    SELECT
        count(*) FILTER (WHERE l.status = 'success') AS converted_users,
        count(*) FILTER (WHERE l.status = 'success' AND l.new_credits > 0 AND c.user_id IS NULL) AS users_without_credits_row,
        count(*) FILTER (WHERE l.status = 'success' AND c.balance <= 0) AS users_without_credits,
        count(*) FILTER (WHERE s.is_waiting AND l.status IS DISTINCT FROM 'success') AS waiting_users,
        coalesce(sum(s.balance_usd) FILTER (WHERE s.is_waiting AND l.status IS DISTINCT FROM 'success'), 0) AS waiting_usd,
        coalesce(sum(s.balance_uah) FILTER (WHERE s.is_waiting AND l.status IS DISTINCT FROM 'success'), 0) AS waiting_uah,
        count(*) FILTER (WHERE s.is_waiting AND l.status = 'success') AS late_users,
        coalesce(sum(s.balance_usd) FILTER (WHERE s.is_waiting AND l.status = 'success'), 0) AS late_usd,
        coalesce(sum(s.balance_uah) FILTER (WHERE s.is_waiting AND l.status = 'success'), 0) AS late_uah,
        count(*) FILTER (WHERE l.status = 'rolled_back') AS rolled_back_users,
        count(*) FILTER (WHERE s.migration_status = 'skipped') AS skipped_users,
        count(*) FILTER (WHERE s.migration_status = 'error') AS error_users
    FROM (
        SELECT
            b.user_id,
            b.run_id,
            b.balance_usd,
            b.balance_uah,
            b.migration_status,
            b.migration_status = 'pending_migration' AS is_waiting
        FROM billing_migration_status AS b
    ) AS s
    LEFT JOIN billing_migration_log AS l ON l.user_id = s.user_id AND l.run_id = s.run_id
    LEFT JOIN user_credits AS c ON c.user_id = s.user_id
),
deduction AS (
    SELECT
        count(*) AS deductions,
        count(DISTINCT t.user_id) AS users
    FROM credit_transactions AS t
    WHERE t.transaction_type = 'deduction' AND t.created_at >= (SELECT r.first_started_at FROM run AS r)
),
proved AS (
    SELECT
        r.started_at,
        i.number,
        p.run_id,
        i.item,
        CASE WHEN i.holds THEN 'passed' ELSE 'failed' END AS result,
        i.detail
    FROM reconciled AS p
    JOIN billing_migration_run AS r ON r.id = p.run_id
    CROSS JOIN LATERAL (
        VALUES
            (1, 'I1: source x rate = credits + remainder', p.i1_holds,
                trim_scale(p.i1_source_times_rate) || ' and ' || trim_scale(p.i1_credits_plus_remainder)),
            (2, 'I2: run = log = ledger', p.i2_holds,
                'run ' || p.i2_run_totals || '; log ' || p.i2_log_totals || '; ledger ' || p.i2_ledger_credits || ' credits'),
            (3, 'I3: every ledger entry adds up', p.i3_holds, p.i3_wrong_entries || ' wrong entries'),
            (4, 'I4: no user twice', p.i4_holds, p.i4_log_rows || ' log rows for ' || p.i4_users || ' users'),
            (5, 'I5: no converted balance left', p.i5_holds,
                p.i5_unzeroed_users || ' left; money that arrived later: ' || p.i5_late_usd || ' USD and '
                    || p.i5_late_uah || ' UAH of ' || p.i5_late_users || ' users'),
            (6, 'I6: reversals return what they took', p.i6_holds,
                p.i6_wrong_reversals || ' wrong of ' || p.i6_reversed_users || ' reversals')
    ) AS i (number, item, holds, detail)
    -- Late writes are runs of their own, and may be many: one line for all, and one for each that fails.
    WHERE r.armed_by_run_id IS NULL OR i.holds IS NOT TRUE
),
ticked AS (
    SELECT
        i.number,
        i.item,
        i.result,
        i.detail
    FROM finding AS f
    CROSS JOIN run AS r
    CROSS JOIN proof AS p
    CROSS JOIN users_by_state AS u
    CROSS JOIN deduction AS d
    CROSS JOIN LATERAL (
        SELECT
            CASE
                WHEN u.waiting_users = 0 THEN 'passed'
                WHEN r.whole_runs = 0 AND r.cohort_runs > 0 THEN 'open'  -- A cohort leaves the rest to a later run.
                ELSE 'failed'
            END AS waiting_result
    ) AS w
    CROSS JOIN LATERAL (
        VALUES
            (1, 'Log, ledger, credits and billing agree for every user',
                CASE WHEN f.findings = f.late_findings THEN 'passed' ELSE 'failed' END,
                f.findings || ' findings in billing_migration_discrepancy, ' || f.late_findings
                    || ' of them money that arrived later'),
            (2, 'All users migrated successfully',
                CASE WHEN r.open_runs > 0 OR u.error_users > 0 THEN 'failed' ELSE w.waiting_result END,
                u.converted_users || ' converted, ' || u.error_users || ' in error, ' || u.waiting_users || ' still hold '
                    || u.waiting_usd || ' USD and ' || u.waiting_uah || ' UAH; ' || r.open_runs || ' runs not finished'
                    || CASE
                        WHEN r.undoing_runs > 0
                            THEN ', ' || r.undoing_runs || ' of them being undone: finish that with the command that began it'
                        ELSE ''
                    END),
            (3, 'ChatGPT integration working',
                CASE WHEN u.users_without_credits_row = 0 THEN 'passed' ELSE 'failed' END,
                u.users_without_credits_row || ' converted users have no row in user_credits, ' || u.users_without_credits
                    || ' have no credits left'),
            (4, 'Old user_billing.balance_usd values are zeroed',
                CASE WHEN p.unzeroed_users > 0 THEN 'failed' ELSE w.waiting_result END,
                p.unzeroed_users || ' of the converted are not, ' || u.waiting_users || ' wait to be converted; '
                    || u.late_users || ' received ' || u.late_usd || ' USD and ' || u.late_uah || ' UAH later'),
            (5, 'New user_credits.balance values are correct',
                CASE WHEN f.balance_findings = 0 THEN 'passed' ELSE 'failed' END,
                f.balance_findings || ' balances differ from the newest ledger entry'),
            (6, 'Transaction records created in credit_transactions',
                CASE WHEN f.entry_findings = 0 THEN 'passed' ELSE 'failed' END,
                f.entry_findings || ' entries are missing or wrong'),
            (7, 'Migration log shows all successes',
                CASE WHEN u.error_users = 0 THEN 'passed' ELSE 'failed' END,
                u.converted_users || ' success, ' || u.skipped_users || ' skipped with a reason, ' || u.rolled_back_users
                    || ' rolled back, ' || u.error_users || ' error'),
            (8, 'Test MCP tool execution with real users',
                CASE WHEN d.deductions > 0 THEN 'passed' ELSE 'open' END,
                d.deductions || ' deductions of ' || d.users || ' users since the conversion'),
            (9, 'Late writes: I1 to I6 hold',
                CASE WHEN p.wrong_late_runs = 0 THEN 'passed' ELSE 'failed' END,
                p.late_runs || ' late writes were converted, ' || p.wrong_late_runs || ' of them are not proved')
    ) AS i (number, item, result, detail)
    WHERE i.number <> 9 OR p.late_runs > 0
)
SELECT
    row_number() OVER (ORDER BY c.part, c.started_at, c.run_id, c.number) AS position,
    c.run_id,
    c.item,
    c.result,
    c.detail
FROM (
    SELECT 1 AS part, q.started_at, q.run_id, q.number, q.item, q.result, q.detail
    FROM proved AS q
    UNION ALL
    SELECT 2, NULL, NULL, t.number, t.item, t.result, t.detail
    FROM ticked AS t
) AS c;

COMMENT ON VIEW billing_migration_checklist IS
    'Ordered by position: the six invariants of every run, then the guide''s checklist and late writes together (run_id null). result: passed, failed, or open where the database cannot know yet: users outside a converted cohort, nobody has spent credits so far.';
--rollback SELECT billing_migration_unregister('view', 'billing_migration_checklist');
