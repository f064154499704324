package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The pages of plan, report and undo in a real browser, where the machine has one. */
class BrowserTest {

    private static final List<String> BROWSERS =
            List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");
    private static final Pattern RESULT = Pattern.compile("<li>(.*?)</li>");

    /** Looks at each page as wide as a phone and as a screen: what it loads, and whether it must be scrolled sideways. */
    private static final String LOOKER = """
            <!DOCTYPE html><meta charset="utf-8"><ul id="results"></ul>
            <script>
            const pages = [PAGES];
            for (const page of pages) {
                for (const width of [360, 1280]) {
                    const frame = document.createElement('iframe');
                    frame.width = width;
                    frame.height = 800;
                    frame.onload = () => {
                        const inside = frame.contentWindow;
                        const root = inside.document.documentElement;
                        const item = document.createElement('li');
                        item.textContent = page + ' at ' + width
                            + ': scripts ' + inside.document.scripts.length
                            + ', loads ' + inside.performance.getEntriesByType('resource').length
                            + ', sideways ' + Math.max(0, root.scrollWidth - root.clientWidth)
                            + ', title ' + inside.document.title;
                        document.getElementById('results').append(item);
                    };
                    frame.src = page;
                    document.body.append(frame);
                }
            }
            </script>
            """;

    @TempDir
    Path folder;

    @Test
    void thePagesFitAPhoneAndAScreenAndLoadNothing() throws IOException {
        String browser = browser();
        try (Database database = Database.prepared()) {
            for (int user = 0; user < 40; user++) {
                database.addUser(user * 37 + ".25", user % 3 == 0 ? "-12345678.90" : "12345678.90");
            }
            database.execute(
                    "UPDATE users SET email = left(replace(id::text, '-', ''), 1) || repeat(id::text, 5) || '@'"
                            + " || repeat('example', 8) || '.org'");
            liquibase(database).run("updateSQL").assertSucceeded();
            liquibase(database).run("update").assertSucceeded();
            liquibase(database).run("rollbackCountSQL", "count", 1).assertSucceeded();
            liquibase(database).run("rollbackCount", "count", 1).assertSucceeded();
        }

        Subprocess.Finished seen = look(browser, "plan.html", "report.html", "undo-plan.html", "undo.html");

        assertThat(results(seen))
                .hasSize(8)
                .allSatisfy(result -> assertThat(result)
                        .contains(": scripts 0, loads 0, sideways 0, title ")
                        .contains(" · stage"));
        assertThat(seen.errors()).doesNotContain("CONSOLE");
    }

    /** Otherwise the test above might look at nothing. */
    @Test
    void thisLookWouldShowALoadAnOverflowAndABrokenRule() throws IOException {
        String browser = browser();
        Files.writeString(folder.resolve("bad.html"), """
                <!DOCTYPE html><html><head><title>bad</title>
                <meta http-equiv="Content-Security-Policy" content="script-src 'none'"></head>
                <body><script>1</script><img src="https://elsewhere.invalid/a.png"><div style="width: 3000px">wide</div></body></html>
                """);

        Subprocess.Finished seen = look(browser, "bad.html");

        assertThat(results(seen))
                .hasSize(2)
                .allSatisfy(
                        result -> assertThat(result).contains("scripts 1, ").doesNotContain("loads 0", "sideways 0"));
        assertThat(seen.errors()).contains("CONSOLE");
    }

    private LiquibaseApi liquibase(Database database) {
        return LiquibaseApi.on(database)
                .parameter("credits.reportDir", folder.toString())
                .parameter("credits.emails", "full");
    }

    private Subprocess.Finished look(String browser, String... pages) throws IOException {
        String names =
                String.join(", ", Stream.of(pages).map(page -> "'" + page + "'").toList());
        Files.writeString(folder.resolve("look.html"), LOOKER.replace("PAGES", names));
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.start();
        try {
            return run(browser, "http://127.0.0.1:" + server.getAddress().getPort() + "/look.html");
        } finally {
            server.stop(0);
        }
    }

    private void answer(HttpExchange request) throws IOException {
        Path page = folder.resolve(
                Path.of(request.getRequestURI().getPath()).getFileName().toString());
        byte[] body = Files.exists(page) ? Files.readAllBytes(page) : new byte[0];
        request.getResponseHeaders().set("Content-Type", "text/html; charset=utf-8");
        request.sendResponseHeaders(body.length == 0 ? 404 : 200, body.length == 0 ? -1 : body.length);
        request.getResponseBody().write(body);
        request.close();
    }

    private static List<String> results(Subprocess.Finished seen) {
        List<String> results = new ArrayList<>();
        Matcher matcher = RESULT.matcher(seen.output());
        while (matcher.find()) {
            results.add(matcher.group(1));
        }
        assertThat(results).as(seen::toString).isNotEmpty();
        return results;
    }

    /** Skips where there is none, or where it cannot even show an empty page. */
    private String browser() {
        Optional<String> found = Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .flatMap(path -> BROWSERS.stream().map(name -> Path.of(path, name)))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst();
        assumeTrue(found.isPresent(), "none of " + BROWSERS + " is on the PATH");
        Subprocess.Finished empty = run(found.get(), "about:blank");
        assumeTrue(
                empty.exitCode() == 0 && empty.output().contains("<html"),
                found.get() + " does not show an empty page: " + empty.errors());
        return found.get();
    }

    private Subprocess.Finished run(String browser, String url) {
        return Subprocess.run(
                folder,
                List.of(
                        browser,
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--user-data-dir=" + folder.resolve("profile"),
                        "--enable-logging=stderr",
                        "--virtual-time-budget=20000",
                        "--dump-dom",
                        url),
                Map.of("HOME", folder.toString()));
    }
}
