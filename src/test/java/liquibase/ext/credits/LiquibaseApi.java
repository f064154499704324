package liquibase.ext.credits;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import liquibase.Contexts;
import liquibase.LabelExpression;
import liquibase.Liquibase;
import liquibase.Scope;
import liquibase.changelog.FastCheckService;
import liquibase.command.CommandScope;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.logging.core.NoOpLogService;
import liquibase.resource.ClassLoaderResourceAccessor;
import liquibase.resource.CompositeResourceAccessor;
import liquibase.resource.DirectoryResourceAccessor;
import liquibase.resource.ResourceAccessor;
import liquibase.ui.ConsoleUIService;
import org.apache.commons.lang3.exception.ExceptionUtils;

/** Liquibase in this process, as the command line would run it: the same commands, arguments and {@code -D} parameters. */
public final class LiquibaseApi {

    private final Map<String, Object> parameters = new LinkedHashMap<>();
    private final ByteArrayOutputStream sql = new ByteArrayOutputStream();
    private final ByteArrayOutputStream messages = new ByteArrayOutputStream();
    private String contexts = "stage";
    private String changelog = "changelogs/master.xml";
    private Path root = Project.ROOT;
    private boolean hasOwnConnection;
    private String url;
    private String username;
    private String password;

    private LiquibaseApi(Database database) {
        this.url = database.url();
        this.username = database.username();
        this.password = database.password();
    }

    /** In context {@code stage}, with the project's changelog. */
    public static LiquibaseApi on(Database database) {
        return new LiquibaseApi(database);
    }

    /** Another context, several, or none ({@code ""}). */
    public LiquibaseApi contexts(String newContexts) {
        contexts = newContexts;
        return this;
    }

    /** Another changelog. */
    public LiquibaseApi changelog(String newChangelog) {
        changelog = newChangelog;
        return this;
    }

    /** Another directory to find changelogs in, searched before the class path. */
    public LiquibaseApi root(Path newRoot) {
        root = newRoot;
        return this;
    }

    /** Another way to the same database, for example through a pooler. */
    public LiquibaseApi url(String newUrl) {
        url = newUrl;
        return this;
    }

    /** As somebody else. */
    public LiquibaseApi as(String newUsername, String newPassword) {
        username = newUsername;
        password = newPassword;
        return this;
    }

    /** On a connection that Liquibase did not open, as a pool or a framework hands it over. */
    public LiquibaseApi onOwnConnection() {
        hasOwnConnection = true;
        return this;
    }

    /** A changelog parameter, as {@code -Dname=value} gives it. */
    public LiquibaseApi parameter(String name, String value) {
        parameters.put(name, value);
        return this;
    }

    /** Runs a command, for example {@code run("rollbackCount", "count", 1)}. */
    public CommandResult run(String command, Object... namesAndValues) {
        return run(() -> execute(command, namesAndValues));
    }

    /** Runs every changeset but the last. */
    public CommandResult runAllButLast() {
        return run(() -> execute("updateCount", "count", unrunChangesets() - 1)).assertSucceeded();
    }

    private CommandResult run(Scope.ScopedRunner<?> work) {
        // Liquibase's lock services are singletons that one command resets under another: one command at a time.
        synchronized (LiquibaseApi.class) {
            try {
                // 4.33.0 remembers "up to date" across a rollback in the same process; a command line starts afresh.
                Scope.getCurrentScope().getSingleton(FastCheckService.class).clearCache();
                Scope.child(scope(), work);
                return result("");
            } catch (Exception e) {
                return result(e);
            }
        }
    }

    private CommandResult result(Exception failure) {
        return result(ExceptionUtils.getThrowableList(failure).stream()
                .map(cause -> cause.getMessage() == null ? cause.toString() : cause.getMessage())
                .distinct()
                .collect(Collectors.joining("\n")));
    }

    private CommandResult result(String error) {
        return new CommandResult(
                error.isEmpty(),
                sql.toString(StandardCharsets.UTF_8),
                messages.toString(StandardCharsets.UTF_8),
                error);
    }

    private void execute(String command, Object... namesAndValues) throws Exception {
        CommandScope scope = new CommandScope(command)
                .addArgumentValue("url", url)
                .addArgumentValue("username", username)
                .addArgumentValue("password", password)
                .addArgumentValue("changelogFile", changelog)
                .addArgumentValue("contexts", contexts)
                .setOutput(sql);
        for (int index = 0; index < namesAndValues.length; index += 2) {
            scope.addArgumentValue((String) namesAndValues[index], namesAndValues[index + 1]);
        }
        if (!hasOwnConnection) {
            scope.execute();
            return;
        }
        try (Connection connection = DriverManager.getConnection(url, username, password)) {
            scope.addArgumentValue(
                    "database",
                    DatabaseFactory.getInstance().findCorrectDatabaseImplementation(new JdbcConnection(connection)));
            scope.execute();
        }
    }

    private int unrunChangesets() throws Exception {
        try (Liquibase liquibase = new Liquibase(
                changelog,
                Scope.getCurrentScope().getResourceAccessor(),
                DatabaseFactory.getInstance()
                        .openDatabase(
                                url,
                                username,
                                password,
                                null,
                                Scope.getCurrentScope().getResourceAccessor()))) {
            return liquibase
                    .listUnrunChangeSets(new Contexts(contexts), new LabelExpression())
                    .size();
        }
    }

    private Map<String, Object> scope() throws IOException {
        return Map.of(
                Scope.Attr.resourceAccessor.name(),
                resources(),
                Scope.Attr.ui.name(),
                console(),
                Scope.Attr.logService.name(),
                new NoOpLogService(),
                Scope.JAVA_PROPERTIES,
                parameters,
                "liquibase.analytics.enabled",
                false);
    }

    private ResourceAccessor resources() throws IOException {
        return new CompositeResourceAccessor(new DirectoryResourceAccessor(root), new ClassLoaderResourceAccessor());
    }

    private ConsoleUIService console() {
        PrintStream stream = new PrintStream(messages, true, StandardCharsets.UTF_8);
        ConsoleUIService console = new ConsoleUIService();
        console.setAllowPrompt(false);
        console.setOutputStream(stream);
        console.setErrorStream(stream);
        return console;
    }
}
