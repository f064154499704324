--liquibase formatted sql

--changeset liquibase-credits:billing_migration_functions_protected
--comment: Every function of 021 finds its tables where the changelog found them, whatever the caller's search_path says, and is executed by its owner and by roles that were granted it. Beneath this changeset they are as PostgreSQL makes them.
SELECT billing_migration_protect(true);
--rollback SELECT billing_migration_refuse_undo();
--rollback SELECT billing_migration_protect(false);
