--liquibase formatted sql

--changeset liquibase-credits:billing_migration_run_created splitStatements:false rollbackSplitStatements:false
--comment: One row per attempt: who ran it, with which settings, what was planned, what was done. Rates keep every digit.
SELECT billing_migration_register('table', 'billing_migration_run');
CREATE TABLE billing_migration_run (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    changeset text,
    environment text NOT NULL,
    database_user text NOT NULL DEFAULT current_user,
    tool_version text,
    deployment_id text,
    credits_per_usd numeric NOT NULL,
    credits_per_uah numeric,
    rounding text NOT NULL,
    credits_scale integer NOT NULL,
    on_error text NOT NULL,
    commit_mode text NOT NULL,
    late_writes text NOT NULL DEFAULT 'allow',
    cohort text,
    armed_by_run_id uuid,
    plan_fingerprint text,
    status text NOT NULL DEFAULT 'running',
    control text NOT NULL DEFAULT 'run',
    planned_users bigint NOT NULL,
    planned_usd numeric NOT NULL,
    planned_uah numeric NOT NULL,
    planned_credits numeric NOT NULL,
    planned_remainder numeric NOT NULL,
    done_users bigint NOT NULL DEFAULT 0,
    done_usd numeric NOT NULL DEFAULT 0,
    done_uah numeric NOT NULL DEFAULT 0,
    done_credits numeric NOT NULL DEFAULT 0,
    done_remainder numeric NOT NULL DEFAULT 0,
    skipped_users bigint NOT NULL DEFAULT 0,
    error_users bigint NOT NULL DEFAULT 0,
    last_user_id uuid,
    workers integer,
    users_per_second bigint,
    batch_users integer,
    batch_millis bigint,
    throttled text,
    progress_at timestamptz,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    rolled_back_at timestamptz,
    CONSTRAINT billing_migration_run_pkey PRIMARY KEY (id),
    CONSTRAINT billing_migration_run_credits_per_usd_check
        CHECK (credits_per_usd > 0 AND credits_per_usd < 'Infinity'::numeric),
    CONSTRAINT billing_migration_run_credits_per_uah_check
        CHECK (credits_per_uah > 0 AND credits_per_uah < 'Infinity'::numeric),
    CONSTRAINT billing_migration_run_rounding_check
        CHECK (rounding IN ('HALF_UP', 'HALF_EVEN', 'DOWN')),
    CONSTRAINT billing_migration_run_on_error_check CHECK (on_error IN ('stop', 'skip')),
    CONSTRAINT billing_migration_run_commit_mode_check CHECK (commit_mode IN ('once', 'batch')),
    CONSTRAINT billing_migration_run_late_writes_check CHECK (late_writes IN ('allow', 'reject', 'convert')),
    CONSTRAINT billing_migration_run_status_check
        CHECK (status IN ('running', 'paused', 'completed', 'undoing', 'rolled_back', 'partly_rolled_back')),
    CONSTRAINT billing_migration_run_control_check CHECK (control IN ('run', 'pause', 'stop'))
);

-- An undo asks all runs of it, late writes too, whether somebody wants it to stop.
CREATE INDEX billing_migration_run_control_idx
    ON billing_migration_run (id)
    WHERE control <> 'run';

COMMENT ON TABLE billing_migration_run IS
    'One row per attempt to convert balances; *_usd and *_uah are money, *_credits credits, *_remainder credits lost (+) or gained (-) by rounding.';
COMMENT ON COLUMN billing_migration_run.credits_per_uah IS 'Null: UAH balances stay where they are.';
COMMENT ON COLUMN billing_migration_run.cohort IS 'Null: everybody. Otherwise its users stand in billing_migration_cohort_user.';
COMMENT ON COLUMN billing_migration_run.armed_by_run_id IS
    'For a late write: the run whose guard converted it, and with whose changeset it is undone.';
COMMENT ON COLUMN billing_migration_run.plan_fingerprint IS
    'Of the plan that bound the run (credits.plan); null: none did. A run that is resumed needs the same plan.';
COMMENT ON COLUMN billing_migration_run.throttled IS
    'Why the running conversion or undo pauses; null while it does not. This and the figures beside it are as of progress_at.';
COMMENT ON COLUMN billing_migration_run.control IS
    'What an operator asks of the running conversion or undo: run, pause or stop.';
--rollback SELECT billing_migration_unregister('table', 'billing_migration_run');
