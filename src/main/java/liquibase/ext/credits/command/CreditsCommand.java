package liquibase.ext.credits.command;

import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import liquibase.command.AbstractCommandStep;
import liquibase.command.CommandDefinition;
import liquibase.command.CommandResultsBuilder;
import liquibase.command.CommandScope;
import liquibase.database.Database;
import liquibase.exception.LiquibaseException;
import liquibase.ext.credits.report.DatabaseError;

/** What the commands have in common: a name, the connection's arguments, and one line with exit code 1 for every failure. */
abstract class CreditsCommand extends AbstractCommandStep {
    private static final int FAILED = 1;

    private final String name;
    private final String description;

    CreditsCommand(String name, String description) {
        this.name = name;
        this.description = description;
    }

    /** Prints the result; what goes wrong with the request itself is a {@link RefusedException}. */
    abstract void run(MigrationDatabase database, CommandScope arguments, PrintWriter out)
            throws SQLException, RefusedException, LiquibaseException, IOException;

    @Override
    public final String[][] defineCommandNames() {
        return new String[][] {{name}};
    }

    @Override
    public final List<Class<?>> requiredDependencies() {
        return List.of(Database.class);
    }

    @Override
    public final void adjustCommandDefinition(CommandDefinition definition) {
        definition.setShortDescription(description);
        definition.setLongDescription(description);
    }

    @Override
    public final void run(CommandResultsBuilder results) throws Exception {
        CommandScope arguments = results.getCommandScope();
        PrintWriter out =
                new PrintWriter(new OutputStreamWriter(results.getOutputStream(), StandardCharsets.UTF_8), false);
        try {
            run(MigrationDatabase.of((Database) arguments.getDependency(Database.class)), arguments, out);
        } catch (RefusedException e) {
            throw results.commandFailed(e.getMessage(), FAILED, true);
        } catch (SQLException e) {
            throw results.commandFailed(DatabaseError.line(e), FAILED, true);
        } finally {
            out.flush();
        }
    }
}
