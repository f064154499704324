--liquibase formatted sql

--changeset liquibase-credits:billing_migration_functions_protected
--comment: Every function of 021 finds its tables where the changelog found them, whatever the caller's search_path says, and is executed by its owner and by roles that were granted it. Beneath this changeset they are as PostgreSQL makes them. Its undo comes first in every script that goes beneath the conversion, and if it is refused where nobody stops at errors, as in psql, it makes the session read-only.
SELECT billing_migration_protect(true);
--rollback SELECT billing_migration_refuse_undo();
--rollback SELECT set_config('default_transaction_read_only', 'on', false) WHERE EXISTS (SELECT 1 FROM billing_migration_log AS l WHERE l.run_id IS NOT NULL AND l.status = 'success') OR EXISTS (SELECT 1 FROM billing_migration_object AS o CROSS JOIN credit_transactions AS t WHERE o.object_kind = 'table' AND o.object_name = 'credit_transactions' AND NOT o.existed_before AND t.transaction_type NOT IN ('migration', 'migration_rollback'));
--rollback SELECT billing_migration_protect(false);
