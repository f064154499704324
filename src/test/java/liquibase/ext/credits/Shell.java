package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A POSIX shell in a checkout, where {@code mvn} and {@code liquibase} are those of this build. */
final class Shell {

    private final Path checkout;
    private final Path tools;

    private Shell(Path checkout, Path tools) {
        this.checkout = checkout;
        this.tools = tools;
    }

    /** Keeps the two programs in a folder of the caller's. */
    static Shell in(Path checkout, Path tools) throws IOException {
        Shell shell = new Shell(checkout, tools);
        shell.add("mvn", """
                #!/bin/sh
                exec '%s/bin/mvn' -Dstyle.color=never '-Dmaven.repo.local=%s' '-Dliquibase.version=%s' "$@"
                """.formatted(
                        System.getProperty("maven.home"),
                        System.getProperty("settings.localRepository"),
                        System.getProperty("liquibase.under.test")));
        shell.add("liquibase", """
                #!/bin/sh
                exec '%s/bin/java' %s -cp '%s' liquibase.integration.commandline.LiquibaseCommandLine "$@"
                """.formatted(
                System.getProperty("java.home"), String.join(" ", LiquibaseCli.QUICK_START), LiquibaseCli.classPath()));
        return shell;
    }

    /** Runs commands as they stand; the first that fails fails the test. */
    String run(String commands) {
        return run(commands, Map.of());
    }

    /** With the variables that name a database. */
    String run(Database database, String commands) {
        return run(database, commands, Map.of());
    }

    /** And with more of them. */
    String run(Database database, String commands, Map<String, String> moreVariables) {
        Map<String, String> variables = new HashMap<>(moreVariables);
        variables.put("LIQUIBASE_COMMAND_URL", database.url());
        variables.put("LIQUIBASE_COMMAND_USERNAME", database.username());
        variables.put("LIQUIBASE_COMMAND_PASSWORD", database.password());
        return run(commands, variables);
    }

    private String run(String commands, Map<String, String> moreVariables) {
        Map<String, String> variables = new HashMap<>(moreVariables);
        variables.put("PATH", tools + File.pathSeparator + System.getenv("PATH"));
        Subprocess.Finished finished = Subprocess.run(checkout, List.of("sh", "-ec", commands), variables);
        assertThat(finished.exitCode()).as("%s%n%s", commands, finished).isZero();
        return finished.output();
    }

    private void add(String name, String script) throws IOException {
        Path program = Files.writeString(tools.resolve(name), script);
        assertThat(program.toFile().setExecutable(true)).isTrue();
    }
}
