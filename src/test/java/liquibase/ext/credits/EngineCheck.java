package liquibase.ext.credits;

import org.junit.platform.launcher.LauncherSession;
import org.junit.platform.launcher.LauncherSessionListener;

/** Ends the test run before its first test, where otherwise each one would fail for the same reason. */
public final class EngineCheck implements LauncherSessionListener {

    @Override
    public void launcherSessionOpened(LauncherSession session) {
        ServerChoice.current().refuseImageWithoutEngine();
    }
}
