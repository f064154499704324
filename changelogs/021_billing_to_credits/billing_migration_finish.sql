--liquibase formatted sql

--changeset liquibase-credits:billing_migration_verify_created splitStatements:false rollbackSplitStatements:false
--comment: Turns the proof into a failure: an invariant that does not hold stops the command with both sides printed.
SELECT billing_migration_register('function', 'billing_migration_verify');
CREATE FUNCTION billing_migration_verify(VARIADIC p_run_ids uuid[]) RETURNS void
LANGUAGE plpgsql
-- Right after a conversion nothing is known of the ledger yet, and nested loops look cheap.
SET enable_nestloop = 'off'
SET jit = 'off'
-- As in billing_migration_totals.
SET enable_parallel_hash = 'off'
AS $function$
DECLARE
    v_proof billing_migration_proof;
    v_failed_proofs billing_migration_proof[];
    v_proved_runs bigint;
    v_failed text;
    v_work_mem text;
BEGIN
    IF coalesce(cardinality(p_run_ids), 0) = 0 OR array_position(p_run_ids, NULL) IS NOT NULL THEN
        RAISE EXCEPTION 'no run is given; take ids from billing_migration_run';
    END IF;
    v_work_mem := billing_migration_work_mem(p_with_workers => true);
    -- One run is looked for by its id, so that the others' log rows are not read; several share one reading. Dynamic SQL, because
    -- parallel workers take part in no loop over rows.
    EXECUTE
        'SELECT count(*), array_agg(p) FILTER (WHERE ('
        'p.i1_holds AND p.i2_holds AND p.i3_holds AND p.i4_holds AND p.i5_holds AND p.i6_holds) IS NOT TRUE)'
        ' FROM billing_migration_proof AS p WHERE '
        || CASE WHEN cardinality(p_run_ids) = 1 THEN 'p.run_id = $1[1]' ELSE 'p.run_id = ANY ($1)' END
    INTO v_proved_runs, v_failed_proofs
    USING p_run_ids;
    IF v_failed_proofs IS NOT NULL THEN
        v_proof := v_failed_proofs[1];
        v_failed := concat_ws(
            '; ',
            CASE WHEN v_proof.i1_holds IS NOT TRUE THEN format(
                'I1 source x rate is %s, credits + remainder %s',
                v_proof.i1_source_times_rate, v_proof.i1_credits_plus_remainder) END,
            CASE WHEN v_proof.i2_holds IS NOT TRUE THEN format(
                'I2 run says %s, log says %s, ledger says %s credits',
                v_proof.i2_run_totals, v_proof.i2_log_totals, v_proof.i2_ledger_credits) END,
            CASE WHEN v_proof.i3_holds IS NOT TRUE THEN format(
                'I3 %s ledger entries are missing or do not add up', v_proof.i3_wrong_entries) END,
            CASE WHEN v_proof.i4_holds IS NOT TRUE THEN format(
                'I4 %s log rows for %s users', v_proof.i4_log_rows, v_proof.i4_users) END,
            CASE WHEN v_proof.i5_holds IS NOT TRUE THEN format(
                'I5 %s converted users kept their balance', v_proof.i5_unzeroed_users) END,
            CASE WHEN v_proof.i6_holds IS NOT TRUE THEN format(
                'I6 %s of %s reversals do not return what they took',
                v_proof.i6_wrong_reversals, v_proof.i6_reversed_users) END);
        RAISE EXCEPTION 'proof of run % failed: %', v_proof.run_id, v_failed;
    END IF;
    PERFORM set_config('work_mem', v_work_mem, true);
    IF v_proved_runs <> (SELECT count(DISTINCT i.run_id) FROM unnest(p_run_ids) AS i (run_id)) THEN
        RAISE EXCEPTION 'proved % runs of %; take ids from billing_migration_run', v_proved_runs, p_run_ids;
    END IF;
END
$function$;

COMMENT ON FUNCTION billing_migration_verify(uuid[]) IS
    'Raises, with both sides printed, if an invariant of one of the runs does not hold; see billing_migration_reconciliation.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_verify');

--changeset liquibase-credits:billing_migration_analyze_created splitStatements:false rollbackSplitStatements:false
--comment: Proof, report and undo would otherwise plan for an empty log. A sample of 3,000 rows tells enough.
SELECT billing_migration_register('function', 'billing_migration_analyze');
CREATE FUNCTION billing_migration_analyze() RETURNS void
LANGUAGE plpgsql
SET default_statistics_target = '10'
AS $function$
BEGIN
    ANALYZE (SKIP_LOCKED) billing_migration_log (user_id, run_id, status, reversed_at);
END
$function$;

COMMENT ON FUNCTION billing_migration_analyze() IS 'Tells the planner what the log holds now.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_analyze');

--changeset liquibase-credits:billing_migration_finish_created splitStatements:false rollbackSplitStatements:false
--comment: Ends a run: names who was skipped and why, proves the invariants, and arms the guard against late writes. A failed proof raises, and in commit mode once takes everything back with it.
SELECT billing_migration_register('function', 'billing_migration_finish');
CREATE FUNCTION billing_migration_finish(p_run_id uuid) RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_status text;
BEGIN
    SELECT r.status INTO STRICT v_status FROM billing_migration_run AS r WHERE r.id = p_run_id FOR NO KEY UPDATE;
    IF v_status NOT IN ('running', 'paused') THEN
        RAISE EXCEPTION 'run % is %; only an unfinished conversion is finished', p_run_id, v_status;
    END IF;
    -- What the application deferred to the commit must not fail it after the proof.
    SET CONSTRAINTS ALL IMMEDIATE;
    PERFORM billing_migration_close(p_run_id);

    INSERT INTO billing_migration_log (
        run_id, user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status, reason, migrated_by)
    SELECT
        r.id,
        p.user_id,
        p.balance_usd,
        p.balance_uah,
        0,
        r.credits_per_usd,
        'skipped',
        p.reason,
        'migration_021'
    FROM billing_migration_run AS r
    CROSS JOIN LATERAL billing_migration_preview(r.credits_per_usd, r.credits_per_uah, r.rounding) AS p
    WHERE
        r.id = p_run_id
        AND p.outcome = 'skipped'
        AND (
            r.cohort IS NULL
            OR p.user_id IN (SELECT m.user_id FROM billing_migration_cohort_user AS m WHERE m.run_id = p_run_id)
        )
        AND NOT EXISTS (
            SELECT 1
            FROM billing_migration_log AS l
            WHERE l.user_id = p.user_id AND l.run_id = p_run_id
        );

    UPDATE billing_migration_run AS r
    SET
        status = 'completed',
        finished_at = clock_timestamp(),
        skipped_users = c.skipped_users,
        error_users = c.error_users
    FROM (
        SELECT
            count(*) FILTER (WHERE l.status = 'skipped') AS skipped_users,
            count(*) FILTER (WHERE l.status = 'error') AS error_users
        FROM billing_migration_log AS l
        WHERE l.run_id = p_run_id
    ) AS c
    WHERE r.id = p_run_id;

    PERFORM billing_migration_analyze();
    PERFORM billing_migration_verify(p_run_id);
    PERFORM billing_migration_arm(r.id)
    FROM billing_migration_run AS r
    WHERE r.id = p_run_id AND r.late_writes <> 'allow';
END
$function$;

COMMENT ON FUNCTION billing_migration_finish(uuid) IS
    'Logs the skipped users, completes the run and proves invariants I1 to I6; raises, with both sides printed, if one does not hold.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_finish');
