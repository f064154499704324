package liquibase.ext.credits.benchmark;

import java.math.BigDecimal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.UUID;

/** What the JDBC rivals read about a user. */
record UserBalance(UUID userId, BigDecimal usd, BigDecimal uah, BigDecimal credits) {
    static final String ALL = """
            SELECT b.user_id, b.balance_usd, b.balance_uah, coalesce(c.balance, 0) AS credits
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            WHERE b.balance_usd > 0
            ORDER BY b.user_id
            FOR UPDATE OF b
            """;
    static final String ZERO = "UPDATE user_billing SET balance_usd = 0 WHERE user_id = ?";
    static final String CREDIT = """
            INSERT INTO user_credits AS c (user_id, balance, total_earned)
            VALUES (?, ?, ?)
            ON CONFLICT (user_id) DO UPDATE SET
                balance = c.balance + excluded.balance,
                total_earned = c.total_earned + excluded.total_earned,
                updated_at = now()
            """;
    static final String ENTER = """
            INSERT INTO credit_transactions (
                user_id, transaction_type, amount, balance_before, balance_after, source, description)
            VALUES (?, 'migration', ?, ?, ?, 'billing_usd_to_credits', ?)
            """;
    static final String LOG = """
            INSERT INTO billing_migration_log (
                user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate, status)
            VALUES (?, ?, ?, ?, 1.0, 'success')
            """;

    static UserBalance of(ResultSet row) throws SQLException {
        return new UserBalance(
                row.getObject(1, UUID.class), row.getBigDecimal(2), row.getBigDecimal(3), row.getBigDecimal(4));
    }

    String description() {
        return "Migrated from user_billing: $" + usd + " USD → " + usd + " credits (rate: 1.0x)";
    }
}
