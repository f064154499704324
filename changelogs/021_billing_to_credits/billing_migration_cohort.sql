--liquibase formatted sql

--changeset liquibase-credits:billing_migration_cohort_user_created splitStatements:false rollbackSplitStatements:false
--comment: Who a run is for, when it is not for everybody: fixed when the run starts, so that a resumed run and its proof mean the same users. A run for everybody has no row here and never looks.
SELECT billing_migration_register('table', 'billing_migration_cohort_user');
CREATE TABLE billing_migration_cohort_user (
    run_id uuid NOT NULL,
    user_id uuid NOT NULL,
    CONSTRAINT billing_migration_cohort_user_pkey PRIMARY KEY (run_id, user_id),
    CONSTRAINT billing_migration_cohort_user_run_id_fkey
        FOREIGN KEY (run_id) REFERENCES billing_migration_run (id) ON DELETE CASCADE
);

COMMENT ON TABLE billing_migration_cohort_user IS
    'The users of a run with a cohort (credits.cohort); a run without one is for everybody and has no row here.';
--rollback SELECT billing_migration_unregister('table', 'billing_migration_cohort_user');

--changeset liquibase-credits:billing_migration_in_percent_created splitStatements:false rollbackSplitStatements:false
--comment: A share of the users that is the same on every server, version and day: the id's MD5 decides, as one of 10000 parts. A larger share contains every smaller one.
SELECT billing_migration_register('function', 'billing_migration_in_percent');
CREATE FUNCTION billing_migration_in_percent(p_user_id uuid, p_percent numeric) RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
RETURN ('x' || left(md5(p_user_id::text), 8))::bit(32)::bigint % 10000 < p_percent * 100;

COMMENT ON FUNCTION billing_migration_in_percent(uuid, numeric) IS
    'Whether a user belongs to the cohort percent:p_percent, above 0 and at most 100, two decimals.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_in_percent');

--changeset liquibase-credits:billing_migration_runs_of_created splitStatements:false rollbackSplitStatements:false
--comment: What the undo of a changeset covers: the changeset's own runs, and the late writes that their guard converted. A run that somebody started by hand belongs to the conversion of everybody.
SELECT billing_migration_register('function', 'billing_migration_runs_of');
CREATE FUNCTION billing_migration_runs_of(p_changeset text) RETURNS TABLE (run_id uuid)
LANGUAGE sql
STABLE
AS $function$
SELECT r.id
FROM billing_migration_run AS r
LEFT JOIN billing_migration_run AS a ON a.id = r.armed_by_run_id
WHERE
    p_changeset IS NULL
    OR p_changeset = coalesce(CASE WHEN a.id IS NULL THEN r.changeset ELSE a.changeset END, 'user_billing_converted')
$function$;

COMMENT ON FUNCTION billing_migration_runs_of(text) IS
    'The runs that belong to a Liquibase changeset, or with null all runs.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_runs_of');
