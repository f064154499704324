package liquibase.ext.credits.embedded;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.time.Duration;

/** What every embedded server here has in common: quiet, patient with slow machines, and clear where it cannot run. */
public final class EmbeddedServer {

    private static final String MAVEN_LOG_LEVEL = "org.slf4j.simpleLogger.log.io.zonky.test";
    private static final Duration START_LIMIT = Duration.ofSeconds(60);

    private EmbeddedServer() {}

    /** A server to configure further and start. */
    public static EmbeddedPostgres.Builder builder() {
        // Inside Maven, the library logs every step through Maven's own logger, which reads this when it is first used.
        System.setProperty(MAVEN_LOG_LEVEL, "off");
        return EmbeddedPostgres.builder().setPGStartupWait(START_LIMIT);
    }

    /** PostgreSQL never runs as root; on Linux the library gives it another user inside a user namespace. */
    public static void refuseRootWithoutUserNamespaces() throws IOException {
        if (System.getProperty("user.name").equals("root") && !allowsUserNamespaces()) {
            throw new IOException(
                    "PostgreSQL refuses to run as root, and user namespaces are not allowed here; run the build as another user");
        }
    }

    private static boolean allowsUserNamespaces() throws IOException {
        Process process = new ProcessBuilder("unshare", "-U", "true")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try {
            return process.waitFor() == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
