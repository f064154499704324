package liquibase.ext.credits.plan;

import com.opencsv.CSVWriterBuilder;
import com.opencsv.ICSVWriter;
import java.io.IOException;
import java.io.Writer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.report.UntrustedText;
import org.jspecify.annotations.Nullable;

/**
 * Every user with a balance, one line each (RFC 4180, UTF-8), in the order of ids. Rows come through a cursor and leave at once, so that
 * a million users need no more memory than a thousand.
 */
final class PlanCsv {
    private static final int ROWS_AT_A_TIME = 1_000;
    private static final String FORMULA_STARTS = "=+-@";
    private static final String QUERY = """
            SELECT
                c.user_id, c.email, c.usd + c.usd_stays AS usd, c.uah + c.uah_stays AS uah,
                c.credits + c.remainder AS exact_credits, c.credits, c.remainder, c.outcome, c.reason
            FROM (
            %s
            ) AS c
            ORDER BY c.user_id
            """;
    private static final String[] HEAD = {
        "user_id",
        "email",
        "balance_usd",
        "balance_uah",
        "credits_per_usd",
        "credits_per_uah",
        "exact_credits",
        "credits",
        "remainder",
        "outcome",
        "reason"
    };

    private final ConversionSettings settings;

    PlanCsv(ConversionSettings settings) {
        this.settings = settings;
    }

    /** The connection must be in a transaction: without one PostgreSQL sends all rows at once. */
    void write(Connection connection, String source, Writer out) throws SQLException, IOException {
        String uah = settings.creditsPerUah() == null
                ? "none"
                : settings.creditsPerUah().toPlainString();
        try (ICSVWriter csv = new CSVWriterBuilder(out).build();
                PreparedStatement statement = connection.prepareStatement(QUERY.formatted(source))) {
            statement.setFetchSize(ROWS_AT_A_TIME);
            csv.writeNext(HEAD, false);
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    String[] line = {
                        row.getString("user_id"),
                        text(settings.emails().show(row.getString("email"))),
                        row.getString("usd"),
                        row.getString("uah"),
                        settings.creditsPerUsd().toPlainString(),
                        uah,
                        row.getString("exact_credits"),
                        row.getString("credits"),
                        row.getString("remainder"),
                        row.getString("outcome"),
                        text(row.getString("reason"))
                    };
                    csv.writeNext(line, false);
                }
            }
        }
    }

    /** A spreadsheet runs a text that begins like a formula; an apostrophe makes it a text. */
    private static String text(@Nullable String text) {
        String line = text == null ? "" : UntrustedText.line(text);
        String start = line.stripLeading();
        return start.isEmpty() || FORMULA_STARTS.indexOf(start.charAt(0)) < 0 ? line : "'" + line;
    }
}
