--liquibase formatted sql

--changeset liquibase-credits:add_credits_created splitStatements:false rollbackSplitStatements:false
--comment: The guide grants credits by hand with this function. Where the application brings its own, that one stays.
DO $do$
BEGIN
    IF EXISTS (
        SELECT 1
        FROM pg_proc AS p
        WHERE p.proname = 'add_credits' AND p.pronamespace = quote_ident(current_schema())::regnamespace
    ) THEN
        RETURN;
    END IF;
    PERFORM billing_migration_register('function', 'add_credits');
    EXECUTE $ddl$
        CREATE FUNCTION add_credits(
            p_user_id uuid,
            p_amount numeric,
            p_transaction_type varchar,
            p_source varchar,
            p_source_id varchar DEFAULT NULL,
            p_description text DEFAULT NULL,
            p_stripe_payment_intent_id varchar DEFAULT NULL
        ) RETURNS TABLE (success boolean, new_balance numeric, transaction_id uuid)
        LANGUAGE plpgsql
        AS $function$
        DECLARE
            v_balance numeric;
            v_amount numeric;
            v_entry_id uuid := gen_random_uuid();
        BEGIN
            IF p_amount IS NULL OR NOT p_amount > 0 OR p_amount = 'NaN' THEN
                RAISE EXCEPTION 'amount is %; give a positive number of credits', p_amount;
            END IF;
            INSERT INTO user_credits AS c (id, user_id, balance, total_earned)
            VALUES (v_entry_id, p_user_id, p_amount, p_amount)
            ON CONFLICT (user_id) DO UPDATE SET
                balance = c.balance + excluded.balance,
                total_earned = c.total_earned + excluded.total_earned,
                updated_at = now()
            RETURNING c.balance INTO v_balance;

            INSERT INTO credit_transactions AS t (
                id, user_id, transaction_type, amount, balance_before, balance_after,
                source, source_id, description, metadata)
            VALUES (
                v_entry_id, p_user_id, p_transaction_type, p_amount, v_balance - p_amount, v_balance,
                p_source, p_source_id, p_description,
                CASE
                    WHEN p_stripe_payment_intent_id IS NULL THEN '{}'::jsonb
                    ELSE jsonb_build_object('stripe_payment_intent_id', p_stripe_payment_intent_id)
                END)
            RETURNING t.amount INTO v_amount;
            IF v_amount <> p_amount THEN
                RAISE EXCEPTION 'amount % is finer than the ledger keeps; round it to %', p_amount, v_amount;
            END IF;
            RETURN QUERY SELECT true, v_balance, v_entry_id;
        END
        $function$
    $ddl$;
END
$do$;
--rollback SELECT billing_migration_unregister('function', 'add_credits');
