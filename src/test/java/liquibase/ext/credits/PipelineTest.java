package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.Yaml;

/** The pipelines of {@code contexts/pipelines}: their commands run as they stand there, their structure is checked. */
class PipelineTest {

    private static final Path PIPELINES = Project.ROOT.resolve("contexts/pipelines");
    private static final Pattern SECRET_IN_A_COMMAND = Pattern.compile("(?i)\\$\\{\\{|password|secret");
    private static final Set<String> WORKFLOW_KEYS = Set.of("name", "on", "permissions", "env", "jobs");
    private static final Set<String> JOB_KEYS = Set.of(
            "uses",
            "with",
            "secrets",
            "needs",
            "if",
            "runs-on",
            "timeout-minutes",
            "environment",
            "concurrency",
            "env",
            "steps");
    private static final Set<String> STEP_KEYS = Set.of("name", "if", "uses", "with", "run");

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "the commands are written for a POSIX shell")
    void everyCommandWorksAsItStands(@TempDir Path checkout, @TempDir Path tools) throws IOException {
        Checkout.copy(checkout, "pom.xml", ".mvn", "changelogs", "contexts", "src");
        Shell shell = Shell.in(checkout, tools);
        List<String> commands = List.copyOf(commandsOfGitHub());
        try (Database database = Database.legacy()) {
            database.addUser("100.00");
            Snapshot before = database.everything();

            assertThat(commands).hasSize(7);
            run(shell, database, commands.get(0));
            run(shell, database, commands.get(1));
            run(shell, database, commands.get(2));
            assertThat(checkout.resolve("target/plan.sql")).content().contains("Users to migrate: 1");
            assertThat(checkout.resolve("target/credits/plan.html")).exists();
            assertThat(database.everything().without("databasechangelog"))
                    .isEqualTo(before.without("databasechangelog"));

            run(shell, database, commands.get(3));
            assertThat(database.lines("SELECT c.balance, r.plan_fingerprint IS NULL FROM user_credits AS c,"
                            + " billing_migration_run AS r"))
                    .containsExactly("100.00|f");
            assertThat(checkout.resolve("target/credits/report.html")).exists();
            assertThat(run(shell, database, commands.get(4))).contains("0 failed");
            run(shell, database, commands.get(5));
            assertThat(checkout.resolve("target/status.json")).content().contains("completed");

            run(shell, database, commands.get(6));
            assertThat(database.lines("SELECT balance_usd FROM user_billing")).containsExactly("100.00");
            assertThat(checkout.resolve("target/credits/undo.html")).exists();
        }
    }

    @Test
    void gitLabAndTheScriptUseTheCommandsThatWereRun() throws IOException {
        Set<String> commands = commandsOfGitHub();

        assertThat(commandsOfGitLab()).isEqualTo(commands);
        assertThat(Files.readAllLines(PIPELINES.resolve("deploy.sh")).stream()
                        .map(String::strip)
                        .filter(line -> line.startsWith("mvn ")))
                .hasSize(6)
                .isSubsetOf(commands);
    }

    /** What is run is run above; here, that the script calls it, in this order. */
    @ParameterizedTest
    @CsvSource({
        "plan, liquibase:validate liquibase:updateSQL",
        "apply, liquibase:update exec:java@credits-verify",
        "undo, liquibase:rollback",
    })
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "the script is written for a POSIX shell")
    void theScriptRunsTheCommandsOfItsAction(String action, String goals, @TempDir Path tools) throws IOException {
        Subprocess.Finished script = deploy(tools, action);

        assertThat(script.exitCode()).as(script::toString).isZero();
        assertThat(script.output().lines().skip(1))
                .allMatch(line -> line.contains(" -Dcontexts=stage"))
                .map(line -> line.replaceAll(".*?((liquibase|exec):\\S+).*", "$1"))
                .containsExactly(goals.split(" "));
        assertThat(script.output().contains("-Dcredits.confirm=billing")).isEqualTo(!action.equals("plan"));
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "the script is written for a POSIX shell")
    void theScriptRefusesAnotherAction(@TempDir Path tools) throws IOException {
        Subprocess.Finished script = deploy(tools, "rollback");

        assertThat(script.exitCode()).isEqualTo(2);
        assertThat(script.output()).doesNotContain("liquibase:");
        assertThat(script.errors()).contains("rollback is not an action; give plan, apply or undo");
    }

    /** With a Maven that says what it was told. */
    private static Subprocess.Finished deploy(Path tools, String action) throws IOException {
        Path mvn = Files.writeString(tools.resolve("mvn"), "#!/bin/sh\necho \"mvn $*\"\n");
        assertThat(mvn.toFile().setExecutable(true)).isTrue();
        return Subprocess.run(
                Project.ROOT,
                List.of("sh", "contexts/pipelines/deploy.sh", "stage", action),
                Map.of("PATH", tools + File.pathSeparator + System.getenv("PATH"), "DATABASE", "billing"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "contexts/pipelines/github/credits.yml",
                "contexts/pipelines/github/credits-environment.yml",
                "contexts/pipelines/github/credits-undo.yml",
                ".github/workflows/ci.yml"
            })
    void aWorkflowOfGitHubIsWellFormed(String file) throws IOException {
        Map<String, Object> workflow = yaml(Project.ROOT.resolve(file));
        Map<String, Object> jobs = map(workflow.get("jobs"));

        assertThat(workflow.keySet()).isSubsetOf(WORKFLOW_KEYS).contains("name", "on", "permissions", "jobs");
        assertThat(jobs).isNotEmpty();
        for (Object value : jobs.values()) {
            Map<String, Object> job = map(value);
            assertThat(job.keySet()).isSubsetOf(JOB_KEYS);
            assertThat(strings(job.get("needs"))).isSubsetOf(jobs.keySet());
            if (job.containsKey("uses")) {
                String called = job.get("uses").toString();
                assertThat(PIPELINES.resolve("github").resolve(Path.of(called).getFileName()))
                        .exists();
                assertThat(map(job.get("with")).keySet()).isEqualTo(inputs(called));
                continue;
            }
            assertThat(job).containsKeys("runs-on", "timeout-minutes", "steps");
            for (Object step : list(job.get("steps"))) {
                assertThat(map(step).keySet()).isSubsetOf(STEP_KEYS);
                assertThat(map(step).containsKey("run")).isNotEqualTo(map(step).containsKey("uses"));
                assertThat(map(step).getOrDefault("uses", "a/b@v1").toString()).matches("[\\w-]+/[\\w-]+@v\\d+");
            }
        }
    }

    @Test
    void whatMovesMoneyWaitsForTheEnvironmentAndForTheOneBefore() throws IOException {
        Map<String, Object> apply = map(
                map(yaml(PIPELINES.resolve("github/credits-environment.yml")).get("jobs"))
                        .get("apply"));
        Map<String, Object> undo =
                map(map(yaml(PIPELINES.resolve("github/credits-undo.yml")).get("jobs"))
                        .get("undo"));
        Map<String, Object> chain =
                map(yaml(PIPELINES.resolve("github/credits.yml")).get("jobs"));

        for (Map<String, Object> job : List.of(apply, undo)) {
            assertThat(job.get("environment")).isEqualTo("${{ inputs.environment }}");
            assertThat(map(job.get("concurrency"))).containsEntry("cancel-in-progress", false);
        }
        assertThat(apply.get("needs")).isEqualTo("plan");
        assertThat(map(chain.get("stage")).get("needs")).isEqualTo("dev");
        assertThat(map(chain.get("prod")).get("needs")).isEqualTo("stage");
    }

    @Test
    void thePipelineOfGitLabIsWellFormed() throws IOException {
        Map<String, Object> pipeline = yaml(PIPELINES.resolve("gitlab-ci.yml"));
        List<Object> stages = list(pipeline.get("stages"));
        Map<String, Object> jobs = new HashMap<>(pipeline);
        jobs.keySet()
                .removeIf(name ->
                        name.startsWith(".") || Set.of("stages", "default").contains(name));

        assertThat(jobs).hasSize(9);
        jobs.forEach((name, value) -> {
            Map<String, Object> job = map(value);
            String environment = map(job.get("environment")).get("name").toString();
            assertThat(stages).contains(job.get("stage"));
            assertThat(name).endsWith("-" + environment);
            assertThat(map(job.get("variables"))).containsEntry("ENVIRONMENT", environment);
            assertThat(pipeline).containsKey(job.get("extends").toString());
            assertThat(needs(job)).isSubsetOf(jobs.keySet());
            if (!name.startsWith("plan-")) {
                assertThat(pipeline.get(job.get("extends").toString()).toString())
                        .contains("when=manual");
                assertThat(job).containsEntry("resource_group", "credits-" + environment);
            }
        });
        assertThat(needs(map(jobs.get("plan-stage")))).containsExactly("apply-dev");
        assertThat(needs(map(jobs.get("plan-prod")))).containsExactly("apply-stage");
    }

    @Test
    void noCommandCarriesASecret() throws IOException {
        assertThat(Stream.concat(commandsOfGitHub().stream(), commandsOfGitLab().stream()))
                .noneMatch(SECRET_IN_A_COMMAND.asPredicate());
    }

    @Test
    void theKubernetesJobRunsOnceAndReadsItsPasswordFromASecret() throws IOException {
        Map<String, Object> spec =
                map(yaml(PIPELINES.resolve("kubernetes-job.yml")).get("spec"));
        Map<String, Object> pod = map(map(spec.get("template")).get("spec"));
        Map<String, Object> container = map(list(pod.get("containers")).get(0));
        String defaults = list(container.get("args")).get(0).toString().replace("--defaults-file=", "");

        assertThat(spec).containsEntry("backoffLimit", 0);
        assertThat(pod).containsEntry("restartPolicy", "Never");
        assertThat(Project.ROOT.resolve(defaults)).exists();
        assertThat(list(container.get("env")))
                .map(PipelineTest::map)
                .filteredOn(variable -> !variable.get("name").equals("LIQUIBASE_COMMAND_URL"))
                .hasSize(2)
                .allSatisfy(
                        variable -> assertThat(map(variable.get("valueFrom"))).containsOnlyKeys("secretKeyRef"));
    }

    @Test
    void theDockerfileCopiesWhatIsThere() throws IOException {
        List<String> lines = Files.readAllLines(PIPELINES.resolve("Dockerfile")).stream()
                .filter(line -> !line.startsWith("#"))
                .toList();

        assertThat(lines.get(0)).startsWith("FROM liquibase/liquibase:");
        assertThat(lines.stream().filter(line -> line.startsWith("COPY ")).map(line -> line.split(" ")[1]))
                .filteredOn(source -> !source.startsWith("target/"))
                .hasSize(2)
                .allSatisfy(source -> assertThat(Project.ROOT.resolve(source)).exists());
    }

    /** In the order in which a conversion lives: compile, validate, plan, apply, verify, report, undo. */
    private static Set<String> commandsOfGitHub() throws IOException {
        Set<String> commands = new LinkedHashSet<>();
        for (String file : List.of("credits-environment.yml", "credits-undo.yml")) {
            map(yaml(PIPELINES.resolve("github").resolve(file)).get("jobs"))
                    .values()
                    .forEach(job -> list(map(job).get("steps")).stream()
                            .map(step -> map(step).get("run"))
                            .filter(run -> run != null)
                            .forEach(run -> commands.add(run.toString())));
        }
        return commands;
    }

    private static Set<String> commandsOfGitLab() throws IOException {
        Set<String> commands = new LinkedHashSet<>();
        yaml(PIPELINES.resolve("gitlab-ci.yml")).forEach((name, job) -> {
            if (name.startsWith(".")) {
                commands.addAll(strings(map(job).get("script")));
                commands.addAll(strings(map(job).get("after_script")));
            }
        });
        return commands;
    }

    private static String run(Shell shell, Database database, String command) {
        return shell.run(
                database,
                command,
                Map.of("ENVIRONMENT", "stage", "DATABASE", database.text("SELECT current_database()")));
    }

    private static Set<String> inputs(String workflow) throws IOException {
        Map<String, Object> called =
                yaml(PIPELINES.resolve("github").resolve(Path.of(workflow).getFileName()));
        return map(map(map(called.get("on")).get("workflow_call")).get("inputs"))
                .keySet();
    }

    private static List<String> needs(Map<String, Object> job) {
        List<String> names = new ArrayList<>();
        for (Object need : list(job.get("needs"))) {
            names.add(need instanceof String name ? name : map(need).get("job").toString());
        }
        return names;
    }

    /** YAML 1.1 reads the key {@code on} as true. */
    private static Map<String, Object> yaml(Path file) throws IOException {
        Map<String, Object> document = new HashMap<>();
        Map<?, ?> loaded = new Yaml().load(Files.readString(file));
        loaded.forEach((key, value) -> document.put(key.equals(true) ? "on" : (String) key, value));
        return document;
    }

    private static List<String> strings(Object value) {
        return value instanceof String one
                ? List.of(one)
                : list(value).stream().map(String::valueOf).toList();
    }

    @SuppressWarnings("unchecked") // A document of YAML has these types.
    private static Map<String, Object> map(Object value) {
        return value == null ? Map.of() : (Map<String, Object>) value;
    }

    @SuppressWarnings("unchecked") // A document of YAML has these types.
    private static List<Object> list(Object value) {
        return value == null ? List.of() : (List<Object>) value;
    }
}
