package liquibase.ext.credits.report;

import java.math.BigDecimal;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Users grouped by outcome, read by one query, so that totals and lines belong to the same moment. */
public final class Outcomes {
    /** How many users of each outcome are shown one by one. */
    public static final int SHOWN_USERS = 20;

    private static final String TOTALS_AND_FIRST_USERS = """
            WITH
            source AS %s (
            %s
            ),
            total AS (
                SELECT
                    s.outcome,
                    count(*) AS users,
                    sum(s.usd) AS total_usd,
                    sum(s.uah) AS total_uah,
                    sum(s.credits) AS total_credits,
                    sum(s.remainder) AS total_remainder,
                    sum(s.usd_stays) FILTER (WHERE s.usd_stays <> 'NaN'::numeric) AS total_usd_stays,
                    sum(s.uah_stays) FILTER (WHERE s.uah_stays <> 'NaN'::numeric) AS total_uah_stays
                FROM source AS s
                GROUP BY s.outcome
            )
            SELECT
                f.user_id, f.email, f.usd, f.uah, f.credits, t.outcome, f.reason,
                t.users, t.total_usd, t.total_uah, t.total_credits, t.total_remainder,
                t.total_usd_stays, t.total_uah_stays
            FROM total AS t
            CROSS JOIN LATERAL (
                SELECT s.user_id, s.email, s.usd, s.uah, s.credits, s.reason
                FROM source AS s
                WHERE s.outcome = t.outcome
                ORDER BY s.user_id
                LIMIT %d
            ) AS f
            ORDER BY t.outcome, f.user_id
            """;

    private final Map<String, Outcome> byName;

    private Outcomes(Map<String, Outcome> byName) {
        this.byName = byName;
    }

    /**
     * Reads all outcomes of a source that computes much, a prediction; its rows are computed once and kept.
     *
     * @param connection any connection to the database; only reads
     * @param source a query with the columns user_id, email, usd, uah, credits, remainder, usd_stays, uah_stays,
     *     outcome, reason, one row per user
     * @param values for the source's {@code ?} placeholders
     * @return the outcomes
     * @throws SQLException as the database reports it
     */
    public static Outcomes read(Connection connection, String source, @Nullable Object... values) throws SQLException {
        return query(connection, TOTALS_AND_FIRST_USERS.formatted("MATERIALIZED", source, SHOWN_USERS), values);
    }

    /**
     * Reads all outcomes of a source that only looks up, the log: reading it again for the first users is ten times cheaper than
     * keeping every row, and the totals need no join for e-mail addresses.
     *
     * @param connection any connection to the database; only reads
     * @param source as for {@link #read}
     * @param values for the source's {@code ?} placeholders
     * @return the outcomes
     * @throws SQLException as the database reports it
     */
    public static Outcomes readLog(Connection connection, String source, @Nullable Object... values)
            throws SQLException {
        return query(connection, TOTALS_AND_FIRST_USERS.formatted("NOT MATERIALIZED", source, SHOWN_USERS), values);
    }

    private static Outcomes query(Connection connection, String sql, @Nullable Object... values) throws SQLException {
        Map<String, Outcome> byName = new HashMap<>();
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    String name = rows.getString("outcome");
                    if (!byName.containsKey(name)) {
                        byName.put(name, totals(rows));
                    }
                    outcome(byName, name).firstUsers().add(line(rows));
                }
            }
        }
        return new Outcomes(byName);
    }

    /**
     * The users with one outcome.
     *
     * @param name an outcome of the source
     * @return totals zero and no users if there is none
     */
    public Outcome of(String name) {
        return outcome(byName, name);
    }

    private static Outcome outcome(Map<String, Outcome> byName, String name) {
        return byName.getOrDefault(name, Outcome.NONE);
    }

    private static Outcome totals(ResultSet row) throws SQLException {
        List<UserLine> firstUsers = new ArrayList<>();
        return new Outcome(
                row.getLong("users"),
                number(row, "total_usd"),
                number(row, "total_uah"),
                number(row, "total_credits"),
                number(row, "total_remainder"),
                number(row, "total_usd_stays"),
                number(row, "total_uah_stays"),
                firstUsers);
    }

    private static UserLine line(ResultSet row) throws SQLException {
        return new UserLine(
                row.getString("user_id"),
                row.getString("email"),
                number(row, "usd"),
                number(row, "uah"),
                number(row, "credits"),
                row.getString("reason"));
    }

    private static BigDecimal number(ResultSet row, String column) throws SQLException {
        BigDecimal number = row.getBigDecimal(column);
        return number == null ? BigDecimal.ZERO : number;
    }
}
