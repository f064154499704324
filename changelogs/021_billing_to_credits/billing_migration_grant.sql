--liquibase formatted sql

--changeset liquibase-credits:billing_migration_grant_created splitStatements:false rollbackSplitStatements:false
--comment: The guide's quick fix, safe to repeat. The key is the source_id of the ledger entry, which is committed or rolled back together with the credits; an advisory lock on the key makes a second caller wait and then see it.
SELECT billing_migration_register('function', 'billing_migration_grant');
CREATE FUNCTION billing_migration_grant(p_user text, p_amount numeric, p_reason text, p_key text)
RETURNS TABLE (
    user_id uuid,
    email text,
    balance_before numeric,
    balance_after numeric,
    transaction_id uuid,
    granted_at timestamptz,
    is_repeated boolean
)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_user text := btrim(p_user);
    v_shown text := CASE WHEN v_user LIKE '%@%' THEN left(v_user, 1) || '***' || substring(v_user FROM '@[^@]*$') ELSE v_user END;
    v_users uuid[];
    v_grant record;
    v_entry record;
BEGIN
    IF p_amount IS NULL OR NOT p_amount > 0 OR p_amount IN ('NaN', 'Infinity') THEN
        RAISE EXCEPTION 'amount is %; give a positive number of credits', coalesce(p_amount::text, 'null');
    END IF;
    IF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'reason is empty; say why, the ledger keeps it as the description';
    END IF;
    IF coalesce(btrim(p_key), '') = '' OR length(p_key) > 255 THEN
        RAISE EXCEPTION
            'key is % characters long; give 1 to 255 that a repeated call gives again, such as a ticket number',
            length(coalesce(btrim(p_key), ''));
    END IF;
    -- Under a snapshot of its own age a second caller would not see what the first has committed meanwhile.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION
            'transaction isolation is %; a grant is counted once under read committed; use that',
            current_setting('transaction_isolation');
    END IF;

    IF v_user ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
        v_users := ARRAY(SELECT u.id FROM users AS u WHERE u.id = v_user::uuid);
    ELSE
        v_users := ARRAY(SELECT u.id FROM users AS u WHERE u.email = v_user);
        IF cardinality(v_users) = 0 THEN
            v_users := ARRAY(SELECT u.id FROM users AS u WHERE lower(u.email) = lower(v_user) ORDER BY u.id LIMIT 20);
        END IF;
    END IF;
    IF cardinality(v_users) = 0 THEN
        RAISE EXCEPTION 'no user is %; give an id or e-mail address of table users', coalesce(v_shown, 'null');
    END IF;
    IF cardinality(v_users) > 1 THEN
        RAISE EXCEPTION
            '% users have the e-mail address %: %; give the id of one', cardinality(v_users), v_shown, array_to_string(v_users, ', ');
    END IF;

    PERFORM pg_advisory_xact_lock(hashtextextended('billing_migration_grant ' || p_key, 0));
    SELECT t.id, t.user_id, t.amount, t.created_at
    INTO v_entry
    FROM credit_transactions AS t
    WHERE t.source = 'manual_grant' AND t.source_id = p_key
    ORDER BY t.created_at, t.id
    LIMIT 1;
    IF v_entry.user_id <> v_users[1] OR v_entry.amount <> p_amount THEN
        RAISE EXCEPTION
            'key % granted % credits to user % before; nothing was granted now; give every grant a key of its own',
            p_key, v_entry.amount, v_entry.user_id;
    END IF;
    is_repeated := v_entry.id IS NOT NULL;

    IF NOT is_repeated THEN
        SELECT a.success, a.transaction_id
        INTO v_grant
        FROM add_credits(v_users[1], p_amount, 'bonus', 'manual_grant', p_key, p_reason, NULL) AS a;
        SELECT t.id, t.user_id, t.amount, t.balance_before, t.balance_after, t.created_at
        INTO v_entry
        FROM credit_transactions AS t
        WHERE
            t.id = v_grant.transaction_id
            AND t.user_id = v_users[1]
            AND t.amount = p_amount
            AND t.balance_after - t.balance_before = p_amount
            AND t.source = 'manual_grant'
            AND t.source_id = p_key;
        IF v_grant.success IS NOT TRUE OR v_entry.id IS NULL THEN
            RAISE EXCEPTION
                'add_credits of this database did not write % credits under key % into credit_transactions; '
                'nothing was granted; an amount has at most the digits of user_credits.balance', p_amount, p_key;
        END IF;
    END IF;

    RETURN QUERY
    SELECT
        u.id,
        u.email::text,
        CASE WHEN is_repeated THEN c.balance ELSE c.balance - p_amount END,
        c.balance,
        v_entry.id,
        v_entry.created_at::timestamptz,
        is_repeated
    FROM users AS u
    LEFT JOIN user_credits AS c ON c.user_id = u.id
    WHERE u.id = v_users[1];
END
$function$;

COMMENT ON FUNCTION billing_migration_grant(text, numeric, text, text) IS
    'Grants credits to the user with this id or e-mail address, once per key: a repeated call with the same key changes nothing and says so, the same key for another user or amount is refused.';
--rollback SELECT billing_migration_unregister('function', 'billing_migration_grant');
