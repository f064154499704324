--liquibase formatted sql

--changeset liquibase-credits:billing_migration_functions_protected splitStatements:false rollbackSplitStatements:false
--comment: Every function of 021 finds its tables where the changelog found them, whatever the caller's search_path says, and is executed by its owner and by roles that were granted it. Functions with a body that PostgreSQL has parsed are bound already. Beneath this changeset they are as PostgreSQL makes them.
DO $do$
DECLARE
    v_function record;
    v_search_path text;
BEGIN
    -- All schemas of this session, because the application's own triggers run inside ours and may need them.
    SELECT string_agg(quote_ident(s.name), ', ' ORDER BY s.position) || ', pg_temp'
    INTO STRICT v_search_path
    FROM unnest(current_schemas(false)) WITH ORDINALITY AS s (name, position);

    FOR v_function IN
        SELECT
            p.oid::regprocedure AS signature,
            p.prosqlbody IS NOT NULL AS is_bound
        FROM pg_proc AS p
        WHERE
            p.pronamespace = quote_ident(current_schema())::regnamespace
            AND (
                p.proname IN (
                    'billing_migration_refuse_undo', 'billing_migration_register', 'billing_migration_unregister')
                OR p.proname IN (
                    SELECT o.object_name
                    FROM billing_migration_object AS o
                    WHERE o.object_kind = 'function'
                )
            )
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function.signature);
        IF NOT v_function.is_bound THEN
            EXECUTE format('ALTER FUNCTION %s SET search_path = %s', v_function.signature, v_search_path);
        END IF;
    END LOOP;
END
$do$;
/* liquibase rollback
DO $do$
DECLARE
    v_function record;
BEGIN
    PERFORM billing_migration_refuse_undo();
    FOR v_function IN
        SELECT p.oid::regprocedure AS signature
        FROM pg_proc AS p
        WHERE
            p.pronamespace = quote_ident(current_schema())::regnamespace
            AND (
                p.proname IN (
                    'billing_migration_refuse_undo', 'billing_migration_register', 'billing_migration_unregister')
                OR p.proname IN (
                    SELECT o.object_name
                    FROM billing_migration_object AS o
                    WHERE o.object_kind = 'function'
                )
            )
    LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', v_function.signature);
        EXECUTE format('ALTER FUNCTION %s RESET search_path', v_function.signature);
    END LOOP;
END
$do$;
*/
