-- The application's tables as large installations keep them: hash-partitioned by user, so that every unique key carries user_id.
ALTER TABLE user_billing RENAME TO whole_user_billing;
CREATE TABLE user_billing (
    LIKE whole_user_billing INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    CONSTRAINT user_billing_by_user_pkey PRIMARY KEY (id, user_id),
    CONSTRAINT user_billing_by_user_user_id_key UNIQUE (user_id),
    CONSTRAINT user_billing_by_user_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) PARTITION BY HASH (user_id);
CREATE INDEX user_billing_by_user_is_active_idx ON user_billing (is_active);
CREATE TRIGGER user_billing_updated_at BEFORE UPDATE ON user_billing
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
DROP TABLE whole_user_billing;

ALTER TABLE user_credits RENAME TO whole_user_credits;
CREATE TABLE user_credits (
    LIKE whole_user_credits INCLUDING DEFAULTS,
    CONSTRAINT user_credits_by_user_pkey PRIMARY KEY (id, user_id),
    CONSTRAINT user_credits_by_user_user_id_key UNIQUE (user_id),
    CONSTRAINT user_credits_by_user_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) PARTITION BY HASH (user_id);
DROP TABLE whole_user_credits;

ALTER TABLE credit_transactions RENAME TO whole_credit_transactions;
CREATE TABLE credit_transactions (
    LIKE whole_credit_transactions INCLUDING DEFAULTS,
    CONSTRAINT credit_transactions_by_user_pkey PRIMARY KEY (id, user_id),
    CONSTRAINT credit_transactions_by_user_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
) PARTITION BY HASH (user_id);
CREATE INDEX credit_transactions_by_user_user_id_idx ON credit_transactions (user_id);
DROP TABLE whole_credit_transactions;

DO $do$
DECLARE
    v_table text;
BEGIN
    FOREACH v_table IN ARRAY ARRAY['user_billing', 'user_credits', 'credit_transactions'] LOOP
        FOR v_part IN 0..3 LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS 4, REMAINDER %s)',
                v_table || '_' || v_part, v_table, v_part);
        END LOOP;
    END LOOP;
END
$do$;
