--liquibase formatted sql

--changeset liquibase-credits:billing_migration_object_created splitStatements:false rollbackSplitStatements:false
--comment: An undo may only take away what 021 brought. This table remembers what stood here before, because Liquibase also rolls back changesets that found their object already present.
CREATE TABLE billing_migration_object (
    object_kind text NOT NULL,
    object_name text NOT NULL,
    existed_before boolean NOT NULL,
    definition_before text,
    registered_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT billing_migration_object_pkey PRIMARY KEY (object_kind, object_name),
    CONSTRAINT billing_migration_object_kind_check
        CHECK (object_kind IN ('table', 'column', 'constraint', 'function', 'view'))
);

COMMENT ON TABLE billing_migration_object IS
    'What migration 021 created and what it found; its undo reads this before it drops anything.';
--rollback SELECT set_config('lock_timeout', '5s', true); DROP TABLE IF EXISTS billing_migration_object;

--changeset liquibase-credits:billing_migration_refuse_undo_created splitStatements:false rollbackSplitStatements:false
--comment: While converted users exist, the log is the only way back, and a ledger that the application writes to is not ours to drop. Every undo beneath the conversion asks here first, so that it goes all the way or not at all, and from here on waits for a table no longer than 5s.
CREATE FUNCTION billing_migration_refuse_undo() RETURNS void
LANGUAGE plpgsql
AS $function$
DECLARE
    v_users bigint := 0;
    v_unfinished_run_id uuid;
    v_entries bigint := 0;
BEGIN
    PERFORM set_config('lock_timeout', '5s', true);
    IF EXISTS (
        SELECT 1
        FROM pg_attribute AS a
        WHERE
            a.attrelid = to_regclass(format('%I.billing_migration_log', current_schema()))
            AND a.attname = 'run_id'
            AND NOT a.attisdropped
    ) THEN
        EXECUTE '
            SELECT count(DISTINCT l.user_id)
            FROM billing_migration_log AS l
            WHERE l.status = ''success'' AND l.run_id IS NOT NULL'
        INTO v_users;
    END IF;
    IF v_users > 0 THEN
        EXECUTE '
            SELECT r.id
            FROM billing_migration_run AS r
            WHERE r.status IN (''running'', ''paused'')
            LIMIT 1'
        INTO v_unfinished_run_id;
        RAISE EXCEPTION
            '% converted user(s) would lose their way back; no balance was changed; '
            'return their balances first: SELECT * FROM rollback_billing_migration()%',
            v_users,
            coalesce('; run ' || v_unfinished_run_id || ' is unfinished', '');
    END IF;

    IF EXISTS (
        SELECT 1
        FROM billing_migration_object AS o
        WHERE o.object_kind = 'table' AND o.object_name = 'credit_transactions' AND NOT o.existed_before
    ) THEN
        EXECUTE '
            SELECT count(*)
            FROM credit_transactions AS t
            WHERE t.transaction_type NOT IN (''migration'', ''migration_rollback'')'
        INTO v_entries;
    END IF;
    IF v_entries > 0 THEN
        RAISE EXCEPTION
            'credit_transactions holds % entries of the application, which an undo must not drop; '
            'copy them elsewhere and delete them here, or leave migration 021 in place', v_entries;
    END IF;
END
$function$;
--rollback DROP FUNCTION IF EXISTS billing_migration_refuse_undo();

--changeset liquibase-credits:billing_migration_register_created splitStatements:false rollbackSplitStatements:false
--comment: One door to the memory of what stood here before: functions step aside under another name, views are kept as text, tables stay where they are.
CREATE FUNCTION billing_migration_register(p_kind text, p_name text) RETURNS boolean
LANGUAGE plpgsql
AS $function$
DECLARE
    v_existed boolean;
    v_definition text;
    v_function record;
    v_qualified text := format('%I.%I', current_schema(), p_name);
BEGIN
    PERFORM set_config('lock_timeout', '5s', true);
    IF p_kind = 'function' THEN
        v_existed := false;
        FOR v_function IN
            SELECT p.oid::regprocedure AS signature
            FROM pg_proc AS p
            WHERE p.proname = p_name AND p.pronamespace = quote_ident(current_schema())::regnamespace
        LOOP
            v_existed := true;
            EXECUTE format(
                'ALTER FUNCTION %s RENAME TO %I', v_function.signature, p_name || '_before_021');
        END LOOP;
    ELSIF p_kind = 'column' THEN
        v_existed := EXISTS (
            SELECT 1
            FROM pg_attribute AS a
            WHERE
                a.attrelid = format('%I.%I', current_schema(), split_part(p_name, '.', 1))::regclass
                AND a.attname = split_part(p_name, '.', 2)
                AND NOT a.attisdropped
        );
    ELSE
        v_existed := to_regclass(v_qualified) IS NOT NULL;
        IF v_existed AND p_kind = 'view' THEN
            SELECT
                format(
                    'CREATE VIEW %1$s %2$s AS %3$s ALTER VIEW %1$s OWNER TO %4$I; COMMENT ON VIEW %1$s IS %5$L;',
                    v_qualified,
                    'WITH (' || array_to_string(c.reloptions, ', ') || ')',
                    pg_get_viewdef(c.oid),
                    pg_get_userbyid(c.relowner),
                    obj_description(c.oid, 'pg_class'))
                || coalesce(string_agg(
                    format(
                        ' GRANT %s ON %s TO %s%s;',
                        g.privilege_type,
                        v_qualified,
                        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
                        CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' END),
                    '' ORDER BY g.position) FILTER (WHERE g.privilege_type IS NOT NULL), '')
            INTO v_definition
            FROM pg_class AS c
            LEFT JOIN LATERAL aclexplode(c.relacl)
                WITH ORDINALITY AS g (grantor, grantee, privilege_type, is_grantable, position) ON true
            WHERE c.oid = v_qualified::regclass
            GROUP BY c.oid, c.reloptions, c.relowner;
            EXECUTE format('DROP VIEW %s', v_qualified);
        END IF;
    END IF;
    INSERT INTO billing_migration_object (object_kind, object_name, existed_before, definition_before)
    VALUES (p_kind, p_name, v_existed, v_definition);
    RETURN v_existed;
END
$function$;

COMMENT ON FUNCTION billing_migration_register(text, text) IS
    'Remembers whether an object of 021 existed before; true if it did. A function found here is renamed to <name>_before_021, a view is kept as text, with owner, options, comment and grants, and dropped.';
--rollback DROP FUNCTION IF EXISTS billing_migration_register(text, text);

--changeset liquibase-credits:billing_migration_unregister_created splitStatements:false rollbackSplitStatements:false
--comment: The undo of every object of 021: refuses while converted users exist, drops what 021 created, brings back what it replaced.
CREATE FUNCTION billing_migration_unregister(p_kind text, p_name text) RETURNS text
LANGUAGE plpgsql
AS $function$
DECLARE
    v_object record;
    v_function record;
    v_qualified text := format('%I.%I', current_schema(), p_name);
BEGIN
    PERFORM billing_migration_refuse_undo();

    DELETE FROM billing_migration_object AS o
    WHERE o.object_kind = p_kind AND o.object_name = p_name
    RETURNING o.existed_before, o.definition_before
    INTO v_object;
    IF NOT FOUND THEN
        RETURN p_name || ' was not created by 021; left as it is';
    END IF;

    IF p_kind = 'function' THEN
        FOR v_function IN
            SELECT p.oid::regprocedure AS signature
            FROM pg_proc AS p
            WHERE p.proname = p_name AND p.pronamespace = quote_ident(current_schema())::regnamespace
        LOOP
            EXECUTE format('DROP FUNCTION %s', v_function.signature);
        END LOOP;
        FOR v_function IN
            SELECT p.oid::regprocedure AS signature
            FROM pg_proc AS p
            WHERE
                p.proname = p_name || '_before_021'
                AND p.pronamespace = quote_ident(current_schema())::regnamespace
        LOOP
            EXECUTE format('ALTER FUNCTION %s RENAME TO %I', v_function.signature, p_name);
        END LOOP;
    ELSIF p_kind = 'view' THEN
        IF to_regclass(v_qualified) IS NOT NULL THEN
            EXECUTE format('DROP VIEW %s', v_qualified);
        END IF;
        IF v_object.existed_before THEN
            EXECUTE v_object.definition_before;
        END IF;
    ELSIF v_object.existed_before THEN
        RETURN p_name || ' stood here before 021; left as it is';
    ELSIF p_kind = 'column' THEN
        EXECUTE format(
            'ALTER TABLE %I.%I DROP COLUMN IF EXISTS %I',
            current_schema(), split_part(p_name, '.', 1), split_part(p_name, '.', 2));
    ELSE
        EXECUTE format('DROP TABLE IF EXISTS %s', v_qualified);
    END IF;
    RETURN p_name || CASE WHEN v_object.existed_before THEN ' is as it was before 021' ELSE ' dropped' END;
END
$function$;

COMMENT ON FUNCTION billing_migration_unregister(text, text) IS
    'Takes one object of 021 away and brings back what it replaced; what stood here before is never dropped.';
--rollback SELECT billing_migration_refuse_undo(); DROP FUNCTION IF EXISTS billing_migration_unregister(text, text);

--changeset liquibase-credits:billing_migration_protect_created splitStatements:false rollbackSplitStatements:false
--comment: One door to the protection of all functions of 021, on and off. Functions with a body that PostgreSQL has parsed are bound already.
CREATE FUNCTION billing_migration_protect(p_is_protected boolean) RETURNS void
LANGUAGE plpgsql
AS $function$
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
                    'billing_migration_refuse_undo', 'billing_migration_register', 'billing_migration_unregister',
                    'billing_migration_protect')
                OR p.proname IN (
                    SELECT o.object_name
                    FROM billing_migration_object AS o
                    WHERE o.object_kind = 'function'
                )
            )
    LOOP
        EXECUTE format(
            CASE WHEN p_is_protected THEN 'REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC'
                ELSE 'GRANT EXECUTE ON FUNCTION %s TO PUBLIC' END,
            v_function.signature);
        IF NOT v_function.is_bound THEN
            EXECUTE format(
                CASE WHEN p_is_protected THEN 'ALTER FUNCTION %s SET search_path = %s'
                    ELSE 'ALTER FUNCTION %s RESET search_path' END,
                v_function.signature,
                v_search_path);
        END IF;
    END LOOP;
END
$function$;

COMMENT ON FUNCTION billing_migration_protect(boolean) IS
    'Pins the search_path of every function of 021 to the schemas of this session and revokes EXECUTE from PUBLIC; false takes both back.';
--rollback SELECT billing_migration_refuse_undo(); DROP FUNCTION IF EXISTS billing_migration_protect(boolean);
