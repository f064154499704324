package liquibase.ext.credits;

import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The {@code liquibase} command as a process of its own, its connection given by environment variables as in a pipeline. */
public final class LiquibaseCli {

    /** For a Java that lives for seconds: half the processor time, because less is compiled. */
    public static final List<String> QUICK_START = List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");

    private static final Pattern ERROR =
            Pattern.compile("(?s)(?:Unexpected error running Liquibase|Error parsing command line): (.*?)\\n\\n");

    private final List<String> parameters = new ArrayList<>();
    private String environment = "stage";
    private Path root = Project.ROOT;
    private String classPath = classPath();
    private String typed;
    private String url;
    private List<String> javaOptions = QUICK_START;
    private String username;
    private String password;

    private LiquibaseCli(Database database) {
        this.url = database.url();
        this.username = database.username();
        this.password = database.password();
    }

    /** For environment {@code stage}. */
    public static LiquibaseCli on(Database database) {
        return new LiquibaseCli(database);
    }

    /** Which folder of {@code contexts/} gives the defaults file. */
    public LiquibaseCli environment(String newEnvironment) {
        environment = newEnvironment;
        return this;
    }

    /** Another working directory. */
    public LiquibaseCli root(Path newRoot) {
        root = newRoot;
        return this;
    }

    /** On a terminal, where somebody types this; the messages are then part of the output. */
    public LiquibaseCli typing(String newTyped) {
        typed = newTyped;
        return this;
    }

    /** Another way to the same database, for example through a pooler. */
    public LiquibaseCli url(String newUrl) {
        url = newUrl;
        return this;
    }

    /** As somebody else. */
    public LiquibaseCli as(String newUsername, String newPassword) {
        username = newUsername;
        password = newPassword;
        return this;
    }

    /** One more jar on the class path. */
    public LiquibaseCli companion(Path jar) {
        classPath += File.pathSeparator + jar;
        return this;
    }

    /** So little memory for all of it, such as {@code 64m}. */
    public LiquibaseCli heap(String most) {
        javaOptions =
                Stream.concat(QUICK_START.stream(), Stream.of("-Xmx" + most)).toList();
        return this;
    }

    /** Another build of the extension, a jar or a folder of classes, instead of this one. */
    public LiquibaseCli extension(Path build) {
        classPath = classPath.replace(Project.ROOT.resolve("target/classes").toString(), build.toString());
        return this;
    }

    /** {@code -Dname=value}. */
    public LiquibaseCli parameter(String name, String value) {
        parameters.add("-D" + name + "=" + value);
        return this;
    }

    /** Runs a command, for example {@code run("rollbackCount", "1")}. */
    public CommandResult run(String... commandAndArguments) {
        List<String> command = command(commandAndArguments);
        Subprocess.Finished finished = typed == null
                ? Subprocess.run(root, command, variables())
                : Subprocess.typing(typed, root, command, variables());
        boolean succeeded = finished.exitCode() == 0;
        return new CommandResult(
                succeeded,
                finished.output(),
                finished.errors(),
                succeeded ? "" : error(typed == null ? finished.errors() : finished.output()));
    }

    private List<String> command(String... commandAndArguments) {
        return Stream.of(
                        Stream.of(Path.of(System.getProperty("java.home"), "bin", "java")
                                .toString()),
                        javaOptions.stream(),
                        Stream.of(
                                "-cp",
                                classPath,
                                "liquibase.integration.commandline.LiquibaseCommandLine",
                                "--defaults-file=contexts/" + environment + "/liquibase.properties"),
                        Stream.of(commandAndArguments),
                        parameters.stream())
                .flatMap(part -> part)
                .toList();
    }

    /** What a user has: the extension, Liquibase and the driver, without the tests' classes. */
    public static String classPath() {
        return Pattern.compile(Pattern.quote(File.pathSeparator))
                .splitAsStream(System.getProperty("java.class.path"))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(File.pathSeparator));
    }

    private Map<String, String> variables() {
        return Map.of(
                "LIQUIBASE_COMMAND_URL", url,
                "LIQUIBASE_COMMAND_USERNAME", username,
                "LIQUIBASE_COMMAND_PASSWORD", password);
    }

    private static String error(String errors) {
        return ERROR.matcher(errors)
                .results()
                .findFirst()
                .map((MatchResult match) -> match.group(1))
                .orElse(errors);
    }
}
