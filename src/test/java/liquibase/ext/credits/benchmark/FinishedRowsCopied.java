package liquibase.ext.credits.benchmark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.Map;
import liquibase.ext.credits.Database;
import org.postgresql.PGConnection;

/**
 * The physical limit: rows computed before the clock starts, copied in without a thought, and one UPDATE for each table
 * whose rows exist already. Nothing is locked, checked or proved.
 */
final class FinishedRowsCopied implements Rival {
    private static final String ZERO = "UPDATE user_billing SET balance_usd = 0 WHERE balance_usd > 0";
    private static final String CREDIT = """
            UPDATE user_credits AS c
            SET
                balance = c.balance + b.balance_usd,
                total_earned = c.total_earned + b.balance_usd,
                updated_at = now()
            FROM user_billing AS b
            WHERE b.user_id = c.user_id AND b.balance_usd > 0
            """;
    private static final String WALLETS = """
            SELECT b.user_id, b.balance_usd AS balance, b.balance_usd AS total_earned
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            WHERE b.balance_usd > 0 AND c.user_id IS NULL
            ORDER BY b.user_id
            """;
    private static final String ENTRIES = """
            SELECT
                b.user_id, 'migration', b.balance_usd, coalesce(c.balance, 0), coalesce(c.balance, 0) + b.balance_usd,
                'billing_usd_to_credits',
                'Migrated from user_billing: $' || b.balance_usd || ' USD → ' || b.balance_usd
                    || ' credits (rate: 1.0x)'
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            WHERE b.balance_usd > 0
            ORDER BY b.user_id
            """;
    private static final String LOG = """
            SELECT b.user_id, b.balance_usd, b.balance_uah, b.balance_usd, 1.0, 'success'
            FROM user_billing AS b
            WHERE b.balance_usd > 0
            ORDER BY b.user_id
            """;

    /** A table with its columns, to the file with its finished rows. */
    private final Map<String, Path> rows = new LinkedHashMap<>();

    @Override
    public String id() {
        return "copy";
    }

    @Override
    public String title() {
        return "COPY of finished rows and two UPDATEs: the physical limit of one transaction";
    }

    @Override
    public void prepare(Database database) throws SQLException, IOException {
        finish(database, "user_credits (user_id, balance, total_earned)", WALLETS);
        finish(
                database,
                "credit_transactions (user_id, transaction_type, amount, balance_before, balance_after, source,"
                        + " description)",
                ENTRIES);
        finish(
                database,
                "billing_migration_log (user_id, old_balance_usd, old_balance_uah, new_credits, conversion_rate,"
                        + " status)",
                LOG);
    }

    @Override
    public void run(Backends backends) throws SQLException, IOException {
        Connection connection = backends.first();
        try (Statement statement = connection.createStatement()) {
            statement.execute(CREDIT);
            statement.execute(ZERO);
        }
        for (Map.Entry<String, Path> table : rows.entrySet()) {
            try (InputStream file = Files.newInputStream(table.getValue())) {
                connection
                        .unwrap(PGConnection.class)
                        .getCopyAPI()
                        .copyIn("COPY " + table.getKey() + " FROM STDIN", file);
            }
        }
        connection.commit();
    }

    private void finish(Database database, String table, String query) throws SQLException, IOException {
        Path previous = rows.get(table);
        Path file = previous == null ? Files.createTempFile("benchmark", ".copy") : previous;
        file.toFile().deleteOnExit();
        try (Connection connection = database.connection();
                OutputStream stream = Files.newOutputStream(file)) {
            connection.unwrap(PGConnection.class).getCopyAPI().copyOut("COPY (" + query + ") TO STDOUT", stream);
        }
        rows.put(table, file);
    }
}
