-- What some installations have before our changelog runs: the ledger, and the functions through which the application earns and spends.
CREATE TABLE credit_transactions (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    transaction_type varchar(50) NOT NULL,
    amount numeric(10,2) NOT NULL,
    balance_before numeric(10,2) NOT NULL,
    balance_after numeric(10,2) NOT NULL,
    source varchar(255) NOT NULL,
    source_id varchar(255),
    description text,
    metadata jsonb DEFAULT '{}',
    created_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT credit_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT credit_transactions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX credit_transactions_user_id_idx ON credit_transactions (user_id);
CREATE INDEX credit_transactions_transaction_type_idx ON credit_transactions (transaction_type);
CREATE INDEX credit_transactions_source_idx ON credit_transactions (source);
CREATE INDEX credit_transactions_created_at_idx ON credit_transactions (created_at DESC);

CREATE FUNCTION add_credits(
    p_user_id uuid,
    p_amount numeric,
    p_transaction_type varchar,
    p_source varchar,
    p_source_id varchar,
    p_description text,
    p_stripe_payment_intent_id varchar
) RETURNS TABLE (success boolean, new_balance numeric, transaction_id uuid)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_before numeric;
    v_after numeric;
    v_entry_id uuid;
BEGIN
    INSERT INTO user_credits (user_id) VALUES (p_user_id) ON CONFLICT (user_id) DO NOTHING;
    SELECT c.balance INTO v_before FROM user_credits AS c WHERE c.user_id = p_user_id FOR UPDATE;
    UPDATE user_credits AS c
    SET balance = c.balance + p_amount, total_earned = c.total_earned + p_amount, updated_at = now()
    WHERE c.user_id = p_user_id
    RETURNING c.balance INTO v_after;
    INSERT INTO credit_transactions (
        user_id, transaction_type, amount, balance_before, balance_after, source, source_id, description, metadata)
    VALUES (
        p_user_id, p_transaction_type, p_amount, v_before, v_after, p_source, p_source_id, p_description,
        jsonb_build_object('stripe_payment_intent_id', p_stripe_payment_intent_id))
    RETURNING id INTO v_entry_id;
    RETURN QUERY SELECT true, v_after, v_entry_id;
END
$function$;

CREATE FUNCTION deduct_credits(
    p_user_id uuid,
    p_amount numeric,
    p_tool_name varchar,
    p_cost_tracking_id varchar,
    p_description text
) RETURNS TABLE (success boolean, new_balance numeric, transaction_id uuid)
LANGUAGE plpgsql
AS $function$
DECLARE
    v_before numeric;
    v_after numeric;
    v_entry_id uuid;
BEGIN
    SELECT c.balance INTO v_before FROM user_credits AS c WHERE c.user_id = p_user_id FOR UPDATE;
    IF v_before IS NULL OR v_before < p_amount THEN
        RETURN QUERY SELECT false, coalesce(v_before, 0), NULL::uuid;
        RETURN;
    END IF;
    UPDATE user_credits AS c
    SET balance = c.balance - p_amount, total_spent = c.total_spent + p_amount, updated_at = now()
    WHERE c.user_id = p_user_id
    RETURNING c.balance INTO v_after;
    INSERT INTO credit_transactions (
        user_id, transaction_type, amount, balance_before, balance_after, source, source_id, description)
    VALUES (
        p_user_id, 'deduction', -p_amount, v_before, v_after, p_tool_name, p_cost_tracking_id, p_description)
    RETURNING id INTO v_entry_id;
    RETURN QUERY SELECT true, v_after, v_entry_id;
END
$function$;

CREATE FUNCTION check_user_balance(p_user_id uuid, p_required integer) RETURNS boolean
LANGUAGE sql STABLE
AS $function$
    SELECT coalesce((SELECT c.balance >= p_required FROM user_credits AS c WHERE c.user_id = p_user_id), false)
$function$;

CREATE FUNCTION calculate_credits_for_tool(p_tool_name varchar, p_user_id uuid) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $function$
    SELECT 1
$function$;
