package liquibase.ext.credits.command;

import java.io.PrintWriter;
import java.sql.SQLException;
import java.util.List;
import liquibase.command.CommandScope;

/**
 * {@code liquibase credits-verify}: the invariants of every run, of late writes together, and the guide's post-migration checklist,
 * one line per check, and the first users that differ. Changes nothing; fails when one check fails.
 */
public final class VerifyCommand extends CreditsCommand {
    private static final String CHECKS = """
            SELECT c.result, c.run_id, c.item, c.detail
            FROM billing_migration_checklist AS c
            ORDER BY c.position
            """;
    private static final String FINDINGS = """
            SELECT count(*) OVER () AS findings, d.run_id, d.user_id, d.finding
            FROM billing_migration_discrepancy AS d
            ORDER BY d.run_id, d.user_id, d.finding
            LIMIT 20
            """;

    /** Called by Liquibase. */
    public VerifyCommand() {
        super(
                "creditsVerify",
                "Check every run's invariants and the post-migration checklist, one line each; exit code 1 when one fails"
                        + " (liquibase-credits)");
    }

    @Override
    void run(MigrationDatabase database, CommandScope arguments, PrintWriter out)
            throws SQLException, RefusedException {
        database.readOneMoment();
        List<List<String>> checks = database.rows(CHECKS).values();
        String run = "";
        for (List<String> check : checks) {
            if (!check.get(1).equals(run)) {
                run = check.get(1);
                out.println(run.isEmpty() ? "Post-migration checklist" : "Run " + run);
            }
            out.printf("%-6s  %s: %s%n", check.get(0), check.get(2), check.get(3));
        }
        printFindings(database.rows(FINDINGS).values(), out);
        long failed = count(checks, "failed");
        out.println(checks.size() + " checks: " + count(checks, "passed") + " passed, " + count(checks, "open")
                + " open, " + failed + " failed");
        if (failed > 0) {
            throw new RefusedException(
                    failed + " of " + checks.size() + " checks failed; the lines above say what was found, and "
                            + "billing_migration_discrepancy which users differ");
        }
    }

    private static void printFindings(List<List<String>> findings, PrintWriter out) {
        if (findings.isEmpty()) {
            return;
        }
        out.println(
                findings.get(0).get(0) + " findings in billing_migration_discrepancy, " + findings.size() + " shown");
        for (List<String> finding : findings) {
            String user = finding.get(2).isEmpty() ? "" : ", user " + finding.get(2);
            out.println("run " + finding.get(1) + user + ": " + finding.get(3));
        }
    }

    private static long count(List<List<String>> checks, String result) {
        return checks.stream().filter(check -> check.get(0).equals(result)).count();
    }
}
