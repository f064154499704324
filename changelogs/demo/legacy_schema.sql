--liquibase formatted sql

-- The types are the application's, as stage and production have them.
-- squawk-ignore-file prefer-text-field, prefer-timestamp-tz

--changeset liquibase-credits:demo_users_created
--comment: The application's own table, as stage and production have it. A database that has users is not a demo.
--preconditions onFail:HALT onSqlOutput:TEST
--precondition-sql-check expectedResult:no_users SELECT CASE WHEN to_regclass('users') IS NULL THEN 'no_users' ELSE 'a table users: demo is for an empty database, give the environment that this one belongs to' END
CREATE TABLE users (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    email varchar(255) NOT NULL,
    name varchar(255),
    created_at timestamp DEFAULT now() NOT NULL,
    updated_at timestamp DEFAULT now() NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (id),
    CONSTRAINT users_email_key UNIQUE (email)
);
--rollback DROP TABLE users;

--changeset liquibase-credits:demo_updated_at_function_created splitStatements:false
--comment: The application keeps updated_at by trigger, and the conversion must live with that.
CREATE FUNCTION set_updated_at() RETURNS trigger
LANGUAGE plpgsql
AS $function$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$function$;
--rollback DROP FUNCTION set_updated_at();

--changeset liquibase-credits:demo_user_billing_created
--comment: The balances to convert: USD and UAH, independent of each other, sometimes negative.
CREATE TABLE user_billing (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    balance_usd numeric(10,2) DEFAULT 0 NOT NULL,
    balance_uah numeric(10,2) DEFAULT 0 NOT NULL,
    daily_limit_usd numeric(10,2) DEFAULT 10 NOT NULL,
    monthly_limit_usd numeric(10,2) DEFAULT 100 NOT NULL,
    total_spent_usd numeric(10,2) DEFAULT 0 NOT NULL,
    total_spent_uah numeric(10,2) DEFAULT 0 NOT NULL,
    total_requests integer DEFAULT 0 NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    billing_enabled boolean DEFAULT true NOT NULL,
    pricing_tier varchar(20) DEFAULT 'standard' NOT NULL,
    created_at timestamp DEFAULT now() NOT NULL,
    updated_at timestamp DEFAULT now() NOT NULL,
    CONSTRAINT user_billing_pkey PRIMARY KEY (id),
    CONSTRAINT user_billing_user_id_key UNIQUE (user_id),
    CONSTRAINT user_billing_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT user_billing_pricing_tier_check CHECK (pricing_tier IN ('free', 'standard', 'premium'))
);
CREATE INDEX user_billing_user_id_idx ON user_billing (user_id);
CREATE INDEX user_billing_is_active_idx ON user_billing (is_active);
CREATE INDEX user_billing_pricing_tier_idx ON user_billing (pricing_tier);
CREATE TRIGGER user_billing_updated_at BEFORE UPDATE ON user_billing
    FOR EACH ROW EXECUTE FUNCTION set_updated_at();
--rollback DROP TABLE user_billing;

--changeset liquibase-credits:demo_user_credits_created
--comment: Where the balances go. A user may have no row here yet.
CREATE TABLE user_credits (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    user_id uuid NOT NULL,
    balance numeric(10,2) DEFAULT 0 NOT NULL,
    total_earned numeric(10,2) DEFAULT 0 NOT NULL,
    total_spent numeric(10,2) DEFAULT 0 NOT NULL,
    created_at timestamptz DEFAULT now() NOT NULL,
    updated_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT user_credits_pkey PRIMARY KEY (id),
    CONSTRAINT user_credits_user_id_key UNIQUE (user_id),
    CONSTRAINT user_credits_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE
);
--rollback DROP TABLE user_credits;
