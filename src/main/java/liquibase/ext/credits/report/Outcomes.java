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
import java.util.NavigableSet;
import java.util.TreeSet;
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
                    sum(h.high) AS total_high,
                    sum(h.low) AS total_low,
                    sum(s.usd_stays) FILTER (WHERE s.usd_stays <> 'NaN'::numeric) AS total_usd_stays,
                    sum(s.uah_stays) FILTER (WHERE s.uah_stays <> 'NaN'::numeric) AS total_uah_stays
                FROM source AS s
                CROSS JOIN LATERAL (
            %s
                ) AS h
                GROUP BY s.outcome
            )
            SELECT
                f.user_id, f.email, f.usd, f.uah, f.credits, t.outcome, f.reason,
                t.users, t.total_usd, t.total_uah, t.total_credits, t.total_remainder,
                t.total_usd_stays, t.total_uah_stays, t.total_high, t.total_low
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
    private static final String HASHES = """
                    SELECT
                        ('x' || left(m.hash, 16))::bit(64)::bigint AS high,
                        ('x' || right(m.hash, 16))::bit(64)::bigint AS low
                    FROM (
                        SELECT md5(concat_ws(
                            '|', s.user_id, trim_scale(s.usd + s.usd_stays), trim_scale(s.uah + s.uah_stays))) AS hash
                        OFFSET 0  -- Keeps the planner from hashing twice.
                    ) AS m
            """;
    private static final String NO_HASHES = "SELECT NULL::bigint AS high, NULL::bigint AS low";

    private final Map<String, Outcome> byName;
    private final boolean isFingerprinted;

    private Outcomes(Map<String, Outcome> byName, boolean isFingerprinted) {
        this.byName = byName;
        this.isFingerprinted = isFingerprinted;
    }

    /**
     * Reads all outcomes of a source that computes much, a prediction; its rows are computed once and kept.
     *
     * @param connection any connection to the database; only reads
     * @param isFingerprinted whether {@link #fingerprint} will be asked for, which takes longer than all the rest
     * @param source a query with the columns user_id, email, usd, uah, credits, remainder, usd_stays, uah_stays,
     *     outcome, reason, one row per user
     * @param values for the source's {@code ?} placeholders
     * @return the outcomes
     * @throws SQLException as the database reports it
     */
    public static Outcomes read(
            Connection connection, boolean isFingerprinted, String source, @Nullable Object... values)
            throws SQLException {
        return query(connection, isFingerprinted, "MATERIALIZED", source, values);
    }

    /**
     * Reads all outcomes of a source that only looks up, the log: reading it again for the first users is ten times cheaper than
     * keeping every row, and the totals need no join for e-mail addresses.
     *
     * @param connection any connection to the database; only reads
     * @param isFingerprinted as for {@link #read}
     * @param source as for {@link #read}
     * @param values for the source's {@code ?} placeholders
     * @return the outcomes
     * @throws SQLException as the database reports it
     */
    public static Outcomes readLog(
            Connection connection, boolean isFingerprinted, String source, @Nullable Object... values)
            throws SQLException {
        return query(connection, isFingerprinted, "NOT MATERIALIZED", source, values);
    }

    private static Outcomes query(
            Connection connection,
            boolean isFingerprinted,
            String materialized,
            String source,
            @Nullable Object... values)
            throws SQLException {
        String sql = TOTALS_AND_FIRST_USERS.formatted(
                materialized, source, isFingerprinted ? HASHES : NO_HASHES, SHOWN_USERS);
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
        return new Outcomes(byName, isFingerprinted);
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

    /**
     * The outcomes that there are.
     *
     * @return names with at least one user, in alphabetical order
     */
    public NavigableSet<String> names() {
        return new TreeSet<>(byName.keySet());
    }

    /**
     * A hash over every user's id and balances in {@code user_billing}, whatever became of them, and over the settings. Balances
     * before a conversion and the log of the conversion that took exactly these have the same one.
     *
     * @param settings what decides who gets how much
     * @return {@code sha256:} and 64 hexadecimal digits
     * @throws IllegalStateException if these outcomes were read without it
     */
    public String fingerprint(Map<String, String> settings) {
        if (!isFingerprinted) {
            throw new IllegalStateException("these outcomes were read without a fingerprint");
        }
        BigDecimal high = BigDecimal.ZERO;
        BigDecimal low = BigDecimal.ZERO;
        long users = 0;
        for (Outcome outcome : byName.values()) {
            high = high.add(outcome.hashes().high());
            low = low.add(outcome.hashes().low());
            users += outcome.users();
        }
        return Sha256.of(users + "\n" + high.toBigInteger() + "\n" + low.toBigInteger() + "\n" + settings);
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
                new Outcome.Hashes(number(row, "total_high"), number(row, "total_low")),
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
