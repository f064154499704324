package liquibase.ext.credits.document;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import liquibase.ext.credits.report.Emails;
import org.jspecify.annotations.Nullable;

/**
 * What a document shows beyond totals: the largest conversions, users with a reason, and how balances are spread.
 *
 * @param largest at most {@value #LARGEST_USERS}, largest first
 * @param withReason at most {@value #USERS_WITH_REASON} users who were not, or not wholly, converted: first those of whom nothing moves
 * @param usersWithReason how many there are
 * @param usd moved USD, by size
 * @param uah moved UAH, by size; empty when none move
 */
public record Details(
        List<Row> largest, List<Row> withReason, long usersWithReason, List<Bucket> usd, List<Bucket> uah) {
    static final int LARGEST_USERS = 20;
    static final int USERS_WITH_REASON = 200;

    private static final List<String> BOUNDS = List.of("1", "5", "10", "50", "100", "500", "1000", "5000", "10000");
    private static final String QUERY = """
            WITH
            source AS MATERIALIZED (
            %1$s
            ),
            reasoned AS (
                SELECT count(*) AS users
                FROM source AS s
                WHERE s.reason IS NOT NULL
            )
            (
                SELECT
                    'largest' AS section, s.user_id, s.email, s.outcome, s.usd, s.uah, s.credits, s.usd_stays, s.uah_stays,
                    s.reason, NULL::bigint AS users, NULL::integer AS bucket
                FROM source AS s
                WHERE s.credits > 0
                ORDER BY s.credits DESC, s.user_id
                LIMIT %2$d
            )
            UNION ALL
            (
                SELECT
                    'reason', s.user_id, s.email, s.outcome, s.usd, s.uah, s.credits, s.usd_stays, s.uah_stays,
                    s.reason, r.users, NULL
                FROM source AS s
                CROSS JOIN reasoned AS r
                WHERE s.reason IS NOT NULL
                ORDER BY s.credits > 0, s.outcome, s.user_id
                LIMIT %3$d
            )
            UNION ALL
            SELECT
                'usd', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, count(*),
                width_bucket(s.usd, '{%4$s}'::numeric[]) AS bucket
            FROM source AS s
            WHERE s.usd > 0
            GROUP BY bucket
            UNION ALL
            SELECT
                'uah', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, count(*),
                width_bucket(s.uah, '{%4$s}'::numeric[]) AS bucket
            FROM source AS s
            WHERE s.uah > 0
            GROUP BY bucket
            """;

    /**
     * Reads them.
     *
     * @param connection any connection to the database; only reads
     * @param emails how addresses are shown
     * @param source as for {@link liquibase.ext.credits.report.Outcomes#read}
     * @param values for the source's {@code ?} placeholders
     * @return the details
     * @throws SQLException as the database reports it
     */
    public static Details read(Connection connection, Emails emails, String source, @Nullable Object... values)
            throws SQLException {
        List<Row> largest = new ArrayList<>();
        List<Row> withReason = new ArrayList<>();
        long usersWithReason = 0;
        long[] usd = new long[BOUNDS.size() + 1];
        long[] uah = new long[BOUNDS.size() + 1];
        String sql = QUERY.formatted(source, LARGEST_USERS, USERS_WITH_REASON, String.join(",", BOUNDS));
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    switch (rows.getString("section")) {
                        case "largest" -> largest.add(row(rows, emails));
                        case "reason" -> {
                            withReason.add(row(rows, emails));
                            usersWithReason = rows.getLong("users");
                        }
                        case "usd" -> usd[rows.getInt("bucket")] = rows.getLong("users");
                        default -> uah[rows.getInt("bucket")] = rows.getLong("users");
                    }
                }
            }
        }
        return new Details(largest, withReason, usersWithReason, buckets(usd), buckets(uah));
    }

    private static Row row(ResultSet row, Emails emails) throws SQLException {
        return new Row(
                row.getString("user_id"),
                emails.show(row.getString("email")),
                row.getString("outcome"),
                row.getString("usd"),
                row.getString("uah"),
                row.getString("credits"),
                row.getString("usd_stays"),
                row.getString("uah_stays"),
                row.getString("reason"));
    }

    private static List<Bucket> buckets(long[] counts) {
        List<Bucket> buckets = new ArrayList<>();
        if (Arrays.stream(counts).sum() > 0) {
            for (int i = 0; i < counts.length; i++) {
                String from = i == 0 ? "0" : BOUNDS.get(i - 1);
                @Nullable String below = i == BOUNDS.size() ? null : BOUNDS.get(i);
                buckets.add(new Bucket(from, below, counts[i]));
            }
        }
        return buckets;
    }
}
