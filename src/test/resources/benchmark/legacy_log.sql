-- The log as the earlier migration made it: what a hand-written conversion writes to.
DROP TABLE billing_migration_log CASCADE;
CREATE TABLE billing_migration_log (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    old_balance_usd numeric(10,2) NOT NULL,
    old_balance_uah numeric(10,2) NOT NULL,
    new_credits numeric(10,2) NOT NULL,
    conversion_rate numeric(10,2) NOT NULL,
    status varchar(50) NOT NULL,
    reason text,
    migrated_at timestamptz NOT NULL DEFAULT now(),
    migrated_by varchar(100) DEFAULT 'migration_021',
    CONSTRAINT billing_migration_log_pkey PRIMARY KEY (id),
    CONSTRAINT billing_migration_log_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (id)
);
