package liquibase.ext.credits.environment;

import java.io.Console;
import java.nio.charset.Charset;
import java.util.List;
import java.util.Map;
import java.util.Set;
import liquibase.Scope;
import liquibase.ext.credits.report.UntrustedText;
import org.jspecify.annotations.Nullable;

/**
 * The operator's yes, given as the database's name: with {@code -Dcredits.confirm=billing}, or typed on a terminal
 * where the environment's file says {@code credits.confirm=required}. No answer, a wrong one or no terminal means no.
 *
 * <p>Liquibase's own prompt is of no use here: without a terminal, and always in Maven, it answers by itself.
 */
public final class Confirmation {
    private static final String PARAMETER = "credits.confirm";
    private static final String NONE = "none";
    private static final String REQUIRED = "required";
    private static final String SIGN = "\u26a0\ufe0f  ";

    private final String environment;
    private final @Nullable String setting;

    /**
     * A confirmation that nobody was asked for yet.
     *
     * @param environment the environment's name
     * @param setting none, required or the database's name; null counts as none
     */
    public Confirmation(String environment, @Nullable String setting) {
        this.environment = environment;
        this.setting = setting == null ? null : setting.strip();
    }

    /**
     * Whether the operator has to say something; if not, {@link #refusal} refuses nothing.
     *
     * @return false for {@code none} from a file
     */
    public boolean isNeeded() {
        return setting != null && (!setting.equals(NONE) || isOnCommandLine());
    }

    /**
     * Compares the name that was passed, or asks for it on the terminal.
     *
     * @param database the connected database
     * @param effects what is going to happen, one line each
     * @return why not to go on, in one line; null to go on
     */
    public @Nullable String refusal(String database, List<String> effects) {
        if (!isNeeded() || database.equals(setting)) {
            return null;
        }
        if (!REQUIRED.equals(setting)) {
            return UntrustedText.line(
                    PARAMETER + " is '" + setting + "', but the database is " + database + todo(database));
        }
        Console console = OperatorConsole.find();
        if (console == null) {
            return "environment " + environment + " asks for a confirmation, and there is no terminal to ask on"
                    + todo(database);
        }
        String answer = ask(console, database, effects);
        if (answer == null) {
            return "the question was not answered" + todo(database);
        }
        return database.equals(answer.strip())
                ? null
                : "the answer was '" + UntrustedText.line(answer.strip()) + "', not " + database + todo(database);
    }

    private static String todo(String database) {
        return "; no balance was changed; if this is the right database, type its name when asked, or pass -D"
                + PARAMETER + "=" + database;
    }

    private @Nullable String ask(Console console, String database, List<String> effects) {
        String sign = Charset.defaultCharset().newEncoder().canEncode(SIGN) ? SIGN : "";
        console.printf("%n%sWARNING: This will modify the database!%n", sign);
        effects.forEach(effect -> console.printf("   - %s%n", effect));
        return console.readLine(
                "%nAre you sure you want to continue? Type the name of the database of %s, %s: ",
                environment, database);
    }

    /** "none" as an answer is a no; only the environment's file can say that nobody has to answer. */
    private static boolean isOnCommandLine() {
        Map<?, ?> commandLine = Scope.getCurrentScope().get(Scope.JAVA_PROPERTIES, Map.class);
        return names(System.getProperties().keySet()) || (commandLine != null && names(commandLine.keySet()));
    }

    private static boolean names(Set<?> names) {
        return names.stream().anyMatch(name -> PARAMETER.equalsIgnoreCase(name.toString()));
    }
}
