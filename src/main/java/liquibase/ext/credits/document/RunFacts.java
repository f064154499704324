package liquibase.ext.credits.document;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A run, its proof, and a hash of its log.
 *
 * @param id the run's
 * @param status as in {@code billing_migration_run}
 * @param startedAt in UTC
 * @param finishedAt in UTC; null while it is not finished
 * @param rolledBackAt in UTC; null while it is not undone
 * @param databaseUser who ran it
 * @param deploymentId Liquibase's id of the update
 * @param creditsPerUsd the run's rate
 * @param creditsPerUah the run's rate; null left UAH where it was
 * @param rounding the run's
 * @param planFingerprint of the plan that bound it; null without one
 * @param planned totals when it started
 * @param done totals of what was converted
 * @param logChecksum over every log row of the run: user, balances, credits, remainder, status
 * @param invariants the proof, I1 to I6
 */
public record RunFacts(
        String id,
        String status,
        String startedAt,
        @Nullable String finishedAt,
        @Nullable String rolledBackAt,
        String databaseUser,
        @Nullable String deploymentId,
        String creditsPerUsd,
        @Nullable String creditsPerUah,
        String rounding,
        @Nullable String planFingerprint,
        Totals planned,
        Totals done,
        String logChecksum,
        List<Invariant> invariants) {
    /** Right after a conversion the planner knows nothing of the ledger yet; see billing_migration_verify. */
    private static final String PLANNER =
            "SELECT set_config('enable_nestloop', 'off', true), set_config('jit', 'off', true)";

    private static final String QUERY = """
            SELECT
                r.id, r.status, r.database_user, r.deployment_id, r.credits_per_usd, r.credits_per_uah, r.rounding,
                r.plan_fingerprint,
                to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
                to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS finished_at,
                to_char(r.rolled_back_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS rolled_back_at,
                r.planned_users, r.planned_usd, r.planned_uah, r.planned_credits,
                trim_scale(r.planned_remainder) AS planned_remainder,
                r.done_users, r.done_usd, r.done_uah, r.done_credits, trim_scale(r.done_remainder) AS done_remainder,
                p.i1_source_times_rate, p.i1_credits_plus_remainder, p.i1_holds,
                p.i2_run_totals, p.i2_log_totals, p.i2_ledger_credits, p.i2_holds,
                p.i3_wrong_entries, p.i3_holds,
                p.i4_log_rows, p.i4_users, p.i4_holds,
                p.i5_unzeroed_users, p.i5_late_users, p.i5_holds,
                p.i6_reversed_users, p.i6_wrong_reversals, p.i6_holds,
                encode(sha256(convert_to(
                    concat_ws('|', coalesce(c.users, 0), coalesce(c.high, 0), coalesce(c.low, 0)), 'UTF8')), 'hex')
                    AS log_checksum
            FROM billing_migration_run AS r
            JOIN billing_migration_reconciliation AS p ON p.run_id = r.id
            LEFT JOIN (
                SELECT
                    l.run_id,
                    count(*) AS users,
                    sum(('x' || left(m.hash, 16))::bit(64)::bigint) AS high,
                    sum(('x' || right(m.hash, 16))::bit(64)::bigint) AS low
                FROM billing_migration_log AS l
                CROSS JOIN LATERAL (
                    SELECT md5(concat_ws(
                        '|', l.user_id, trim_scale(l.old_balance_usd), trim_scale(l.old_balance_uah),
                        trim_scale(l.new_credits), trim_scale(l.remainder), l.status)) AS hash
                    OFFSET 0
                ) AS m
                GROUP BY l.run_id
            ) AS c ON c.run_id = r.id
            WHERE r.id %s
            ORDER BY (r.armed_by_run_id IS NOT NULL), r.started_at, r.id
            LIMIT 20
            """;
    /** One run is looked for by its id, so that the log of the others is not read. */
    private static final String ONE = "= ?";

    private static final String SEVERAL = "= ANY (?)";

    /**
     * Reads runs with their proofs, at most 20: late writes are runs too, and stand last.
     *
     * @param connection with an open transaction, whose planner settings this changes
     * @param ids of the runs
     * @return late writes last, otherwise in the order they were started
     * @throws SQLException as the database reports it
     */
    public static List<RunFacts> read(Connection connection, List<UUID> ids) throws SQLException {
        List<RunFacts> runs = new ArrayList<>();
        boolean isOne = ids.size() == 1;
        try (PreparedStatement planner = connection.prepareStatement(PLANNER);
                PreparedStatement statement = connection.prepareStatement(QUERY.formatted(isOne ? ONE : SEVERAL))) {
            planner.execute();
            statement.setObject(1, isOne ? ids.get(0) : connection.createArrayOf("uuid", ids.toArray()));
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    runs.add(run(row));
                }
            }
        }
        return runs;
    }

    boolean isProved() {
        return invariants.stream().allMatch(Invariant::holds);
    }

    private static RunFacts run(ResultSet row) throws SQLException {
        return new RunFacts(
                row.getString("id"),
                row.getString("status"),
                row.getString("started_at"),
                row.getString("finished_at"),
                row.getString("rolled_back_at"),
                row.getString("database_user"),
                row.getString("deployment_id"),
                row.getString("credits_per_usd"),
                row.getString("credits_per_uah"),
                row.getString("rounding"),
                row.getString("plan_fingerprint"),
                totals(row, "planned"),
                totals(row, "done"),
                "sha256:" + row.getString("log_checksum"),
                invariants(row));
    }

    private static Totals totals(ResultSet row, String prefix) throws SQLException {
        return new Totals(
                row.getLong(prefix + "_users"),
                row.getString(prefix + "_usd"),
                row.getString(prefix + "_uah"),
                row.getString(prefix + "_credits"),
                row.getString(prefix + "_remainder"));
    }

    private static List<Invariant> invariants(ResultSet row) throws SQLException {
        return List.of(
                new Invariant(
                        "I1",
                        "source × rate = credits + remainder",
                        row.getString("i1_source_times_rate"),
                        row.getString("i1_credits_plus_remainder"),
                        row.getBoolean("i1_holds")),
                new Invariant(
                        "I2",
                        "run = log = ledger",
                        row.getString("i2_run_totals"),
                        row.getString("i2_log_totals") + "; ledger " + row.getString("i2_ledger_credits") + " credits",
                        row.getBoolean("i2_holds")),
                new Invariant(
                        "I3",
                        "ledger entries that do not add up",
                        row.getString("i3_wrong_entries"),
                        "0",
                        row.getBoolean("i3_holds")),
                new Invariant(
                        "I4",
                        "log rows = users",
                        row.getString("i4_log_rows"),
                        row.getString("i4_users"),
                        row.getBoolean("i4_holds")),
                new Invariant(
                        "I5",
                        "converted users who kept their balance; money that arrived later: "
                                + row.getString("i5_late_users") + " users",
                        row.getString("i5_unzeroed_users"),
                        "0",
                        row.getBoolean("i5_holds")),
                new Invariant(
                        "I6",
                        "wrong ones among " + row.getString("i6_reversed_users") + " reversals",
                        row.getString("i6_wrong_reversals"),
                        "0",
                        row.getBoolean("i6_holds")));
    }
}
