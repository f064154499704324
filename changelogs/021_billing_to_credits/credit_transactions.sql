--liquibase formatted sql

--changeset liquibase-credits:credit_transactions_created splitStatements:false rollbackSplitStatements:false
--comment: The ledger. Where the application already keeps one, that one is used as it stands; amounts take the type of user_credits.balance so that no entry is ever rounded.
DO $do$
DECLARE
    v_credits_type text;
BEGIN
    IF billing_migration_register('table', 'credit_transactions') THEN
        RETURN;
    END IF;
    SELECT format_type(a.atttypid, a.atttypmod)
    INTO STRICT v_credits_type
    FROM pg_attribute AS a
    WHERE a.attrelid = 'user_credits'::regclass AND a.attname = 'balance';

    EXECUTE format(
        $ddl$
        CREATE TABLE credit_transactions (
            id uuid NOT NULL DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL,
            transaction_type varchar(50) NOT NULL,
            amount %1$s NOT NULL,
            balance_before %1$s NOT NULL,
            balance_after %1$s NOT NULL,
            source varchar(255) NOT NULL,
            source_id varchar(255),
            description text,
            metadata jsonb DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT credit_transactions_pkey PRIMARY KEY (id),
            CONSTRAINT credit_transactions_user_id_fkey
                FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
        );
        CREATE INDEX credit_transactions_user_id_created_at_idx
            ON credit_transactions (user_id, created_at DESC);
        CREATE INDEX credit_transactions_created_at_idx ON credit_transactions (created_at DESC);
        COMMENT ON TABLE credit_transactions IS
            'Ledger of credits: one entry per change of a balance; entries are never updated or deleted.';
        $ddl$,
        v_credits_type);
EXCEPTION WHEN lock_not_available THEN
    RAISE EXCEPTION
        'users stayed locked for longer than 5s, and the ledger''s foreign key needs it for a moment; '
        'nothing was changed; run again when the long transaction on users has ended'
        USING ERRCODE = 'lock_not_available';
END
$do$;
--rollback SELECT billing_migration_unregister('table', 'credit_transactions');
