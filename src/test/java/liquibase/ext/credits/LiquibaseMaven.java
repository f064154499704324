package liquibase.ext.credits;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code mvn liquibase:…} as a process of its own, its connection given by environment variables as in a pipeline. */
public final class LiquibaseMaven {

    private final Map<String, String> variables;
    private final List<String> options = new ArrayList<>();
    private Path root = Project.ROOT;
    private String typed;

    private LiquibaseMaven(Map<String, String> variables) {
        this.variables = variables;
    }

    /** Without {@code -Dcontexts}; give it as any other option. */
    public static LiquibaseMaven on(Database database) {
        return on(database, database.username(), database.password());
    }

    /** The same as somebody else. */
    public static LiquibaseMaven on(Database database, String username, String password) {
        return new LiquibaseMaven(Map.of(
                "LIQUIBASE_COMMAND_URL", database.url(),
                "LIQUIBASE_COMMAND_USERNAME", username,
                "LIQUIBASE_COMMAND_PASSWORD", password));
    }

    /** Where {@code contexts/} gives the connection. */
    public static LiquibaseMaven withoutDatabase() {
        return new LiquibaseMaven(Map.of());
    }

    /** Another working directory. */
    public LiquibaseMaven root(Path newRoot) {
        root = newRoot;
        return this;
    }

    /** On a terminal, where somebody types this. */
    public LiquibaseMaven typing(String newTyped) {
        typed = newTyped;
        return this;
    }

    /** {@code -Dname=value}. */
    public LiquibaseMaven option(String name, String value) {
        options.add("-D" + name + "=" + value);
        return this;
    }

    /** Runs goals, for example {@code run("liquibase:rollback", "-Dliquibase.rollbackCount=1")}. */
    public CommandResult run(String... goals) {
        try {
            Path sql = Files.createTempFile("migrate", ".sql");
            Subprocess.Finished finished = typed == null
                    ? Subprocess.run(root, command(sql, goals), variables)
                    : Subprocess.typing(typed, root, command(sql, goals), variables);
            boolean succeeded = finished.exitCode() == 0;
            String script = Files.readString(sql);
            Files.delete(sql);
            return new CommandResult(succeeded, script, finished.output(), succeeded ? "" : error(finished.output()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private List<String> command(Path sql, String... goals) {
        return Stream.of(
                        Stream.of(
                                Path.of(System.getProperty("maven.home"), "bin", "mvn")
                                        .toString(),
                                "--batch-mode",
                                "--no-transfer-progress",
                                "-Dstyle.color=never",
                                "-Dmaven.repo.local=" + System.getProperty("settings.localRepository"),
                                "-Dliquibase.version=" + System.getProperty("liquibase.under.test"),
                                "-Dliquibase.migrationSqlOutputFile=" + sql),
                        options.stream(),
                        Stream.of(goals))
                .flatMap(part -> part)
                .toList();
    }

    /** Maven's advice on how to see more says nothing about the cause. */
    private static String error(String output) {
        return output.lines()
                .filter(line -> line.startsWith("[ERROR] "))
                .takeWhile(line -> !line.startsWith("[ERROR] -> "))
                .map(line -> line.substring("[ERROR] ".length()))
                .collect(Collectors.joining("\n"));
    }
}
