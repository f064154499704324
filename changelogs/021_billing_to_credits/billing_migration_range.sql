--liquibase formatted sql

--changeset liquibase-credits:billing_migration_range_created splitStatements:false rollbackSplitStatements:false
--comment: In commit mode batch the key space is cut into ranges: every worker takes the next unfinished one, and the totals of a batch are kept in its range, so that workers never wait for each other at the run's row. The ranges go when the conversion or the undo ends.
SELECT billing_migration_register('table', 'billing_migration_range');
CREATE TABLE billing_migration_range (
    run_id uuid NOT NULL,
    range_number integer NOT NULL,
    after_user_id uuid,
    upto_user_id uuid,
    last_user_id uuid,
    status text NOT NULL DEFAULT 'open',
    planned_users bigint NOT NULL,
    done_users bigint NOT NULL DEFAULT 0,
    done_usd numeric NOT NULL DEFAULT 0,
    done_uah numeric NOT NULL DEFAULT 0,
    done_credits numeric NOT NULL DEFAULT 0,
    done_remainder numeric NOT NULL DEFAULT 0,
    CONSTRAINT billing_migration_range_pkey PRIMARY KEY (run_id, range_number),
    CONSTRAINT billing_migration_range_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES billing_migration_run (id) ON DELETE CASCADE,
    CONSTRAINT billing_migration_range_status_check CHECK (status IN ('open', 'done'))
);

COMMENT ON TABLE billing_migration_range IS
    'The key ranges of an unfinished conversion or undo in commit mode batch, with what is done of each; *_usd and *_uah are money, *_credits credits, of a conversion.';
COMMENT ON COLUMN billing_migration_range.after_user_id IS 'The range starts after this user; null: with the first.';
COMMENT ON COLUMN billing_migration_range.upto_user_id IS 'The range ends with this user; null: with the last.';
COMMENT ON COLUMN billing_migration_range.last_user_id IS 'The last user that a committed batch has reached.';
--rollback SELECT billing_migration_unregister('table', 'billing_migration_range');

--changeset liquibase-credits:billing_migration_progress_created splitStatements:false rollbackSplitStatements:false
--comment: How far every run is, from any session, exact at every moment: an unfinished run in ranges has done what its ranges have done, and so has its undo.
SELECT billing_migration_register('view', 'billing_migration_progress');
CREATE VIEW billing_migration_progress AS
SELECT
    r.id AS run_id,
    r.status,
    r.control,
    r.throttled,
    r.planned_users,
    p.done_users,
    least(100, w.done_users * 100 / nullif(w.planned_users, 0)) AS done_percent,  -- Null is no part of least: 0 of 0 is 100.
    p.done_usd,
    p.done_uah,
    p.done_credits,
    p.done_remainder,
    p.ranges,
    p.done_ranges,
    r.workers,
    r.users_per_second,
    CASE
        WHEN r.status IN ('running', 'paused', 'undoing')
            THEN greatest(0, w.planned_users - w.done_users) / nullif(r.users_per_second, 0)
    END AS left_seconds,
    r.batch_users,
    r.batch_millis,
    r.progress_at,
    p.undo_users,
    p.undone_users
FROM billing_migration_run AS r
CROSS JOIN LATERAL (
    SELECT
        count(*) AS ranges,
        count(*) FILTER (WHERE g.status = 'done') AS done_ranges,
        coalesce(sum(g.done_users) FILTER (WHERE r.status <> 'undoing')::bigint, r.done_users) AS done_users,
        coalesce(sum(g.done_usd) FILTER (WHERE r.status <> 'undoing'), r.done_usd) AS done_usd,
        coalesce(sum(g.done_uah) FILTER (WHERE r.status <> 'undoing'), r.done_uah) AS done_uah,
        coalesce(sum(g.done_credits) FILTER (WHERE r.status <> 'undoing'), r.done_credits) AS done_credits,
        coalesce(sum(g.done_remainder) FILTER (WHERE r.status <> 'undoing'), r.done_remainder) AS done_remainder,
        -- Not cut yet: all that was converted is to be undone.
        CASE WHEN r.status = 'undoing' THEN coalesce(sum(g.planned_users)::bigint, r.done_users) END AS undo_users,
        CASE WHEN r.status = 'undoing' THEN coalesce(sum(g.done_users)::bigint, 0) END AS undone_users
    FROM billing_migration_range AS g
    WHERE g.run_id = r.id
) AS p
CROSS JOIN LATERAL (
    SELECT
        coalesce(p.undo_users, r.planned_users) AS planned_users,
        coalesce(p.undone_users, p.done_users) AS done_users
) AS w;

COMMENT ON VIEW billing_migration_progress IS
    'One row per run: users, USD, UAH and credits converted, percent of the plan, users per second, seconds left, size and duration of the last batch, and why it pauses, if it does. While it is undone in batches (undoing), percent, ranges, speed and seconds are those of the undo, which has undone_users of undo_users.';
--rollback SELECT billing_migration_unregister('view', 'billing_migration_progress');

--changeset liquibase-credits:billing_migration_work_mem_created splitStatements:false rollbackSplitStatements:false
--comment: Prediction, cut and proof join and sort every user once; with 64 MB 100,000 of them stay in memory. Parallel workers share it with the session. More is left as it is.
SELECT billing_migration_register('function', 'billing_migration_work_mem');
CREATE FUNCTION billing_migration_work_mem(p_with_workers boolean DEFAULT false) RETURNS text
LANGUAGE plpgsql
AS $function$
DECLARE
    v_before text := current_setting('work_mem');
    v_workers integer := CASE WHEN p_with_workers THEN current_setting('max_parallel_workers_per_gather')::integer ELSE 0 END;
    v_needed_kb bigint := 64 * 1024 / (1 + v_workers);
BEGIN
    IF pg_size_bytes(v_before) < v_needed_kb * 1024 THEN
        PERFORM set_config('work_mem', v_needed_kb || 'kB', true);
    END IF;
    RETURN v_before;
END
$function$;

COMMENT ON FUNCTION billing_migration_work_mem(boolean) IS
    'Raises work_mem to 64MB, or with p_with_workers to the part of it that each parallel worker and the session get, until the transaction ends, and returns what it was, to be set back.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_work_mem');

--changeset liquibase-credits:billing_migration_cut_created splitStatements:false rollbackSplitStatements:false
--comment: Cuts the users that a run has to convert, or its undo to undo, into ranges of equal size. Many more than workers, so that no worker is left alone with the rest; at most 1000, so that their sum stays cheap. A run that was begun without ranges keeps what it has done as range 0.
SELECT billing_migration_register('function', 'billing_migration_cut');
CREATE FUNCTION billing_migration_cut(p_run_id uuid, p_range_users bigint) RETURNS integer
LANGUAGE plpgsql
-- To sort all keys takes as long anywhere; to walk the index visits a large table's pages in random order.
SET enable_indexscan = 'off'
AS $function$
DECLARE
    v_run billing_migration_run;
    v_is_undo boolean;
    v_after_user_id uuid;
    v_ranges integer;
    v_work_mem text;
BEGIN
    SELECT r.* INTO STRICT v_run FROM billing_migration_run AS r WHERE r.id = p_run_id FOR NO KEY UPDATE;
    SELECT count(*) INTO v_ranges FROM billing_migration_range AS g WHERE g.run_id = p_run_id;
    v_is_undo := v_run.status = 'undoing';
    IF v_ranges > 0 OR NOT (v_is_undo OR v_run.status IN ('running', 'paused')) THEN
        RETURN v_ranges;
    END IF;

    IF v_is_undo AND v_run.armed_by_run_id IS NOT NULL THEN
        INSERT INTO billing_migration_range (run_id, range_number, upto_user_id, planned_users)
        SELECT
            p_run_id,
            1,
            l.user_id,
            1
        FROM billing_migration_log AS l
        WHERE l.run_id = p_run_id AND l.migrated_by = 'late_write';
        GET DIAGNOSTICS v_ranges = ROW_COUNT;
        RETURN v_ranges;
    END IF;
    IF v_run.last_user_id IS NOT NULL AND NOT v_is_undo THEN
        v_after_user_id := v_run.last_user_id;
        INSERT INTO billing_migration_range (
            run_id, range_number, upto_user_id, last_user_id, status, planned_users,
            done_users, done_usd, done_uah, done_credits, done_remainder)
        VALUES (
            p_run_id, 0, v_run.last_user_id, v_run.last_user_id, 'done', v_run.done_users,
            v_run.done_users, v_run.done_usd, v_run.done_uah, v_run.done_credits, v_run.done_remainder);
    END IF;

    v_work_mem := billing_migration_work_mem();
    INSERT INTO billing_migration_range (run_id, range_number, after_user_id, upto_user_id, planned_users)
    SELECT
        p_run_id,
        (n.position - 1) / n.range_users + 1,
        coalesce(lag(n.user_id) OVER (ORDER BY n.position), v_after_user_id),
        CASE WHEN n.position < n.users THEN n.user_id END,
        (n.position - 1) % n.range_users + 1
    FROM (
        SELECT
            k.user_id,
            k.position,
            k.users,
            greatest(p_range_users, 1, k.users / 1000 + 1) AS range_users
        FROM (
            SELECT
                d.user_id,
                row_number() OVER (ORDER BY d.user_id) AS position,
                count(*) OVER () AS users
            FROM (
                SELECT b.user_id
                FROM user_billing AS b
                WHERE
                    NOT v_is_undo
                    AND (b.balance_usd > 0 OR (b.balance_uah > 0 AND v_run.credits_per_uah > 0))
                    AND (v_after_user_id IS NULL OR b.user_id > v_after_user_id)
                    AND (
                        v_run.cohort IS NULL
                        OR b.user_id IN (
                            SELECT m.user_id
                            FROM billing_migration_cohort_user AS m
                            WHERE m.run_id = p_run_id
                        )
                    )
                UNION ALL
                SELECT l.user_id
                FROM billing_migration_log AS l
                WHERE
                    v_is_undo
                    AND l.run_id = p_run_id
                    AND l.status = 'success'
                    AND l.reversed_at IS NULL
            ) AS d
        ) AS k
    ) AS n
    WHERE n.position % n.range_users = 0 OR n.position = n.users;
    GET DIAGNOSTICS v_ranges = ROW_COUNT;
    PERFORM set_config('work_mem', v_work_mem, true);
    IF v_ranges = 0 THEN
        INSERT INTO billing_migration_range (run_id, range_number, after_user_id, planned_users)
        VALUES (p_run_id, 1, v_after_user_id, 0);
        v_ranges := 1;
    END IF;
    RETURN v_ranges;
END
$function$;

COMMENT ON FUNCTION billing_migration_cut(uuid, bigint) IS
    'Cuts an unfinished run, or one that is being undone, into key ranges of about p_range_users users, unless it is cut already; returns their number. Together they cover every key.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_cut');

--changeset liquibase-credits:billing_migration_close_created splitStatements:false rollbackSplitStatements:false
--comment: The totals of the ranges become the totals of the run when it ends, by a proof or because an undo begins.
SELECT billing_migration_register('function', 'billing_migration_close');
CREATE FUNCTION billing_migration_close(p_run_id uuid) RETURNS void
LANGUAGE sql
AS $function$
UPDATE billing_migration_run AS r
SET
    done_users = p.done_users,
    done_usd = p.done_usd,
    done_uah = p.done_uah,
    done_credits = p.done_credits,
    done_remainder = p.done_remainder,
    throttled = NULL
FROM billing_migration_progress AS p
WHERE r.id = p_run_id AND p.run_id = p_run_id AND p.ranges > 0;

DELETE FROM billing_migration_range AS g
WHERE g.run_id = p_run_id;
$function$;

COMMENT ON FUNCTION billing_migration_close(uuid) IS
    'Adds the ranges of a run up in the run and removes them.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_close');
