package liquibase.ext.credits.command;

import com.opencsv.CSVWriter;
import java.io.IOException;
import java.io.PrintWriter;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import liquibase.command.CommandArgumentDefinition;
import liquibase.command.CommandBuilder;
import liquibase.command.CommandScope;
import liquibase.exception.LiquibaseException;
import liquibase.util.TableOutput;

/** {@code liquibase credits-status}: the runs, and how many users are in which state; changes nothing. */
public final class StatusCommand extends CreditsCommand {
    private static final String NAME = "creditsStatus";
    /** Late writes are runs too, and may be many: one line for those of a rate, without an id that an undo might be given. */
    private static final String RUNS = """
            SELECT
                s.run_id, s.status, s.environment, s.cohort, s.credits_per_usd, s.credits_per_uah,
                s.planned_users, s.users, s.usd, s.uah, s.credits, s.undo_users, s.undone_users, s.skipped, s.errors,
                date_trunc('second', s.first_started_at) AS started_at, date_trunc('second', s.finished_at) AS finished_at
            FROM (
                SELECT
                    r.id AS run_id, r.status, r.environment, r.cohort, r.credits_per_usd, r.credits_per_uah,
                    r.planned_users, p.done_users AS users, p.done_usd AS usd, p.done_uah AS uah,
                    p.done_credits AS credits, p.undo_users, p.undone_users,
                    r.skipped_users AS skipped, r.error_users AS errors,
                    r.started_at AS first_started_at, r.finished_at
                FROM billing_migration_run AS r
                JOIN billing_migration_progress AS p ON p.run_id = r.id
                WHERE r.armed_by_run_id IS NULL
                UNION ALL
                SELECT
                    NULL, 'late writes ' || r.status, r.environment, r.cohort, r.credits_per_usd, r.credits_per_uah,
                    sum(r.planned_users), sum(p.done_users), sum(p.done_usd), sum(p.done_uah),
                    sum(p.done_credits), sum(p.undo_users), sum(p.undone_users),
                    sum(r.skipped_users), sum(r.error_users),
                    min(r.started_at), max(r.finished_at)
                FROM billing_migration_run AS r
                JOIN billing_migration_progress AS p ON p.run_id = r.id
                WHERE r.armed_by_run_id IS NOT NULL
                GROUP BY r.status, r.environment, r.cohort, r.credits_per_usd, r.credits_per_uah
            ) AS s
            ORDER BY s.first_started_at, s.run_id, s.status
            """;

    private static final String USERS = """
            SELECT
                s.migration_status AS state, count(*) AS users, sum(s.balance_usd) AS usd, sum(s.balance_uah) AS uah,
                sum(s.credit_balance) AS credits
            FROM billing_migration_status AS s
            GROUP BY s.migration_status
            ORDER BY s.migration_status
            """;
    /** One rectangle, because a CSV file holds one table. */
    private static final String BOTH = """
            SELECT
                'run' AS kind, r.run_id, r.status AS state, r.users, r.usd, r.uah, r.credits, r.undo_users, r.undone_users,
                r.started_at, r.finished_at
            FROM (%s) AS r
            UNION ALL
            SELECT 'users', NULL, u.state, u.users, u.usd, u.uah, u.credits, NULL, NULL, NULL, NULL
            FROM (%s) AS u
            """.formatted(RUNS, USERS);
    /** Written by PostgreSQL, whose numbers keep every digit. */
    private static final String JSON = """
            SELECT json_build_object(
                'runs', (SELECT coalesce(json_agg(r), '[]') FROM (%s) AS r),
                'users', (SELECT coalesce(json_agg(u), '[]') FROM (%s) AS u))
            """.formatted(RUNS, USERS);

    private static final CommandArgumentDefinition<String> FORMAT = new CommandBuilder(new String[] {NAME})
            .argument("format", String.class)
            .description("How the result is written to standard output: table, json or csv")
            .defaultValue("table")
            .build();

    /** Called by Liquibase. */
    public StatusCommand() {
        super(
                NAME,
                "Show the runs that converted balances into credits, and how many users are in which state"
                        + " (liquibase-credits)");
    }

    @Override
    void run(MigrationDatabase database, CommandScope arguments, PrintWriter out)
            throws SQLException, RefusedException, LiquibaseException, IOException {
        database.readOneMoment();
        String format = arguments.getArgumentValue(FORMAT);
        switch (format) {
            case "table" -> {
                table("Runs", database.rows(RUNS), out);
                table("Users", database.rows(USERS), out);
            }
            case "json" -> out.println(database.rows(JSON).values().get(0).get(0));
            case "csv" -> csv(database.rows(BOTH), out);
            default -> throw new RefusedException("format is '" + format + "'; give table, json or csv");
        }
    }

    private static void table(String title, Rows rows, PrintWriter out) throws LiquibaseException {
        if (rows.values().isEmpty()) {
            out.println(title + ": none");
            return;
        }
        List<List<String>> lines = new ArrayList<>();
        lines.add(rows.names());
        lines.addAll(rows.values());
        out.println(title);
        TableOutput.formatUnwrappedOutput(lines, true, out);
    }

    private static void csv(Rows rows, PrintWriter out) throws IOException {
        CSVWriter csv = new CSVWriter(out);
        csv.writeNext(rows.names().toArray(String[]::new), false);
        rows.values().forEach(row -> csv.writeNext(row.toArray(String[]::new), false));
        csv.flush();
    }
}
