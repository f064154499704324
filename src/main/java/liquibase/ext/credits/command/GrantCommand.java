package liquibase.ext.credits.command;

import java.io.PrintWriter;
import java.math.BigDecimal;
import java.sql.SQLException;
import java.util.List;
import java.util.regex.Pattern;
import liquibase.command.CommandArgumentDefinition;
import liquibase.command.CommandBuilder;
import liquibase.command.CommandScope;
import liquibase.ext.credits.report.Emails;
import liquibase.ext.credits.report.UntrustedText;

/**
 * {@code liquibase credits-grant}: credits for one user, once per key, however often a pipeline repeats it. The amount
 * must be a plain positive number; an unknown or ambiguous user, and a key that was used for another grant, are refused.
 */
public final class GrantCommand extends CreditsCommand {
    private static final String NAME = "creditsGrant";
    private static final Pattern PLAIN_NUMBER = Pattern.compile("\\d{1,15}(\\.\\d{1,15})?");
    private static final String LOCK_TIMEOUT = "SELECT set_config('lock_timeout', '10s', true)";
    private static final String GRANT = """
            SELECT g.user_id, g.email, g.balance_before, g.balance_after, g.granted_at, g.is_repeated::text
            FROM billing_migration_grant(?, ?, ?, ?) AS g
            """;
    private static final String LOCKED = "55P03";
    private static final CommandArgumentDefinition<String> USER =
            required("user", "Who gets the credits: the id or the e-mail address in table users");
    private static final CommandArgumentDefinition<String> AMOUNT =
            required("amount", "How many credits, a positive number such as 100 or 12.5");
    private static final CommandArgumentDefinition<String> REASON =
            required("reason", "Why, in words; becomes the description of the ledger entry");
    private static final CommandArgumentDefinition<String> KEY = required(
            "key",
            "Names this grant, such as a ticket number: the same key again changes nothing; becomes the source_id of"
                    + " the ledger entry");

    /** Called by Liquibase. */
    public GrantCommand() {
        super(NAME, "Grant credits to one user, once per key, so that a repeated call grants once (liquibase-credits)");
    }

    @Override
    void run(MigrationDatabase database, CommandScope arguments, PrintWriter out)
            throws SQLException, RefusedException {
        String user = given(arguments, USER);
        BigDecimal credits = credits(given(arguments, AMOUNT));
        String reason = given(arguments, REASON);
        String key = given(arguments, KEY);
        database.write();
        database.rows(LOCK_TIMEOUT);
        List<String> grant = grant(database, user, credits, reason, key);
        database.commit();

        String shown = Emails.MASKED.show(grant.get(1)) + " (" + grant.get(0) + ")";
        out.println(UntrustedText.line(
                Boolean.parseBoolean(grant.get(5))
                        ? "Nothing granted: key " + key + " granted " + credits.toPlainString() + " credits to user "
                                + shown + " before, at " + grant.get(4)
                        : "Granted " + credits.toPlainString() + " credits to user " + shown + " under key " + key));
        out.println("Balance before: " + grant.get(2) + " credits");
        out.println("Balance after: " + grant.get(3) + " credits");
    }

    private static List<String> grant(
            MigrationDatabase database, String user, BigDecimal credits, String reason, String key)
            throws SQLException, RefusedException {
        try {
            return database.rows(GRANT, user, credits, reason, key).values().get(0);
        } catch (SQLException e) {
            if (LOCKED.equals(e.getSQLState())) {
                throw new RefusedException("the user's credits, or key " + key + ", stayed locked for longer than 10s;"
                        + " nothing was granted; run the same command again");
            }
            throw e;
        }
    }

    /** Maven leaves a property that nobody set as it stands in the POM. */
    private static String given(CommandScope arguments, CommandArgumentDefinition<String> argument)
            throws RefusedException {
        String value = arguments.getArgumentValue(argument);
        String name = argument.getName();
        if (value.equals("${" + name + "}")) {
            throw new RefusedException(name + " is not set; give --" + name + "=..., or with Maven -D" + name + "=...");
        }
        return value;
    }

    private static BigDecimal credits(String amount) throws RefusedException {
        if (!PLAIN_NUMBER.matcher(amount).matches() || new BigDecimal(amount).signum() == 0) {
            throw new RefusedException(
                    "amount is '" + amount + "'; give a positive number of credits such as 100 or 12.5");
        }
        return new BigDecimal(amount);
    }

    private static CommandArgumentDefinition<String> required(String name, String description) {
        return new CommandBuilder(new String[] {NAME})
                .argument(name, String.class)
                .required()
                .description(description)
                .build();
    }
}
