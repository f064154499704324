--liquibase formatted sql

--changeset liquibase-credits:billing_migration_log_created splitStatements:false rollbackSplitStatements:false
--comment: One row per user and run, written in the transaction that moves the money. No foreign key to users, so that the evidence outlives a deleted user. A log of an earlier attempt is taken over and keeps its rows.
DO $do$
DECLARE
    v_column record;
    v_key record;
BEGIN
    IF NOT billing_migration_register('table', 'billing_migration_log') THEN
        CREATE TABLE billing_migration_log (
            id uuid NOT NULL DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL,
            old_balance_usd numeric NOT NULL,
            old_balance_uah numeric NOT NULL,
            new_credits numeric NOT NULL,
            conversion_rate numeric NOT NULL,
            status varchar(50) NOT NULL,
            reason text,
            migrated_at timestamptz NOT NULL DEFAULT now(),
            migrated_by varchar(100) DEFAULT 'migration_021',
            CONSTRAINT billing_migration_log_pkey PRIMARY KEY (id)
        );
        COMMENT ON TABLE billing_migration_log IS
            'What the conversion did to every user; the undo reads nothing else.';
    END IF;

    -- A key that deletes log rows together with their user would take the proof away; the undo puts it back.
    FOR v_key IN
        SELECT
            c.conname,
            pg_get_constraintdef(c.oid) AS definition
        FROM pg_constraint AS c
        WHERE c.conrelid = 'billing_migration_log'::regclass AND c.contype = 'f' AND c.confdeltype = 'c'
    LOOP
        INSERT INTO billing_migration_object (object_kind, object_name, existed_before, definition_before)
        VALUES ('constraint', 'billing_migration_log.' || v_key.conname, true, v_key.definition);
        EXECUTE format('ALTER TABLE billing_migration_log DROP CONSTRAINT %I', v_key.conname);
    END LOOP;

    FOR v_column IN
        SELECT c.column_name, c.column_type
        FROM (
            VALUES
                (1, 'run_id', 'uuid'),
                (2, 'converted_usd', 'numeric'),
                (3, 'converted_uah', 'numeric'),
                (4, 'remainder', 'numeric'),
                (5, 'ledger_entry_id', 'uuid'),
                (6, 'credits_row_created', 'boolean'),
                (7, 'reversed_at', 'timestamptz'),
                (8, 'reversal_entry_id', 'uuid'),
                (9, 'reversed_usd', 'numeric'),
                (10, 'reversed_uah', 'numeric'),
                (11, 'reversed_credits', 'numeric'),
                (12, 'reversal_reason', 'text')
        ) AS c (position, column_name, column_type)
        ORDER BY c.position
    LOOP
        IF NOT billing_migration_register('column', 'billing_migration_log.' || v_column.column_name) THEN
            EXECUTE format(
                'ALTER TABLE billing_migration_log ADD COLUMN %I %s', v_column.column_name, v_column.column_type);
        END IF;
    END LOOP;
    IF EXISTS (SELECT 1 FROM billing_migration_log AS l WHERE l.run_id IS NOT NULL) THEN
        RAISE EXCEPTION
            'billing_migration_log of an earlier attempt has rows with a run_id, which 021 would take for runs of its own; '
            'ALTER TABLE billing_migration_log RENAME COLUMN run_id TO earlier_run_id, and run again';
    END IF;

    CREATE UNIQUE INDEX billing_migration_log_user_id_run_id_key
        ON billing_migration_log (user_id, run_id);
    -- Each late write is a run of its own, and an undo looks for its user.
    CREATE INDEX billing_migration_log_late_write_run_id_idx
        ON billing_migration_log (run_id)
        WHERE migrated_by = 'late_write';
END
$do$;
/* liquibase rollback
DO $do$
DECLARE
    v_column record;
    v_key record;
BEGIN
    PERFORM billing_migration_refuse_undo();
    DROP INDEX IF EXISTS billing_migration_log_user_id_run_id_key;
    DROP INDEX IF EXISTS billing_migration_log_late_write_run_id_idx;
    DELETE FROM billing_migration_log AS l WHERE l.run_id IS NOT NULL;
    FOR v_column IN
        SELECT o.object_name
        FROM billing_migration_object AS o
        WHERE o.object_kind = 'column' AND o.object_name LIKE 'billing_migration_log.%'
    LOOP
        PERFORM billing_migration_unregister('column', v_column.object_name);
    END LOOP;
    FOR v_key IN
        DELETE FROM billing_migration_object AS o
        WHERE o.object_kind = 'constraint' AND o.object_name LIKE 'billing_migration_log.%'
        RETURNING
            substr(o.object_name, length('billing_migration_log.') + 1) AS conname,
            o.definition_before AS definition
    LOOP
        DELETE FROM billing_migration_log AS l
        WHERE NOT EXISTS (SELECT 1 FROM users AS u WHERE u.id = l.user_id);
        EXECUTE format('ALTER TABLE billing_migration_log ADD CONSTRAINT %I %s', v_key.conname, v_key.definition);
    END LOOP;
    PERFORM billing_migration_unregister('table', 'billing_migration_log');
END
$do$;
*/

--changeset liquibase-credits:billing_migration_status_set_aside splitStatements:false rollbackSplitStatements:false
--comment: A status view of an earlier attempt shows a user once per log row and hinders widening the log; its text is kept for the undo.
SELECT billing_migration_register('view', 'billing_migration_status');
--rollback SELECT billing_migration_unregister('view', 'billing_migration_status');

--changeset liquibase-credits:billing_migration_log_widened splitStatements:false rollbackSplitStatements:false
--comment: An earlier attempt kept rates as numeric(10,2), where 0.005 became 0.01. Without a limit on digits nothing is rounded; PostgreSQL changes the type without rewriting the table. Widening loses nothing, so the undo leaves it.
DO $do$
DECLARE
    v_column record;
BEGIN
    PERFORM set_config('lock_timeout', '5s', true);
    FOR v_column IN
        SELECT a.attname
        FROM pg_attribute AS a
        WHERE
            a.attrelid = 'billing_migration_log'::regclass
            AND a.attname IN ('old_balance_usd', 'old_balance_uah', 'new_credits', 'conversion_rate')
            AND a.atttypid = 'numeric'::regtype
            AND a.atttypmod <> -1
    LOOP
        EXECUTE format('ALTER TABLE billing_migration_log ALTER COLUMN %I TYPE numeric', v_column.attname);
    END LOOP;
END
$do$;
--rollback empty
