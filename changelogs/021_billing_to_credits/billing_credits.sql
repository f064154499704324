--liquibase formatted sql

--changeset liquibase-credits:billing_credits_created splitStatements:false rollbackSplitStatements:false
--comment: The arithmetic of the conversion, in one place: exact value, rounded to the scale of user_credits.balance by the named mode. Amounts are never negative here.
SELECT billing_migration_register('function', 'billing_credits');
CREATE FUNCTION billing_credits(p_exact_credits numeric, p_rounding text, p_credits_scale integer)
RETURNS numeric
LANGUAGE sql
IMMUTABLE
RETURN
    CASE
        WHEN p_rounding = 'DOWN' THEN trunc(p_exact_credits, p_credits_scale)
        WHEN
            p_rounding = 'HALF_EVEN'
            AND p_exact_credits - trunc(p_exact_credits, p_credits_scale)
                = round(p_exact_credits, p_credits_scale) - p_exact_credits  -- A tie, or nothing to round.
            AND trunc(p_exact_credits, p_credits_scale) * 0.5
                = trunc(trunc(p_exact_credits, p_credits_scale) * 0.5, p_credits_scale)  -- Last digit even.
            THEN trunc(p_exact_credits, p_credits_scale)
        ELSE round(p_exact_credits, p_credits_scale)
    END;

COMMENT ON FUNCTION billing_credits(numeric, text, integer) IS
    'Exact credits rounded to p_credits_scale digits: HALF_UP (ties away from zero), HALF_EVEN (ties to the even digit) or DOWN (cut off).';
--rollback SELECT billing_migration_unregister('function', 'billing_credits');
