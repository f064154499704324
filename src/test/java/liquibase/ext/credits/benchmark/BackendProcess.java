package liquibase.ext.credits.benchmark;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;

/** The server's process of one connection. Its CPU time is steadier than wall time on a machine that others use too. */
record BackendProcess(long pid, boolean isLocal) {
    /** Linux counts in hundredths of a second on every common architecture. */
    private static final double TICKS_A_SECOND = 100;

    private static final int USER_TICKS = 11;
    private static final int SYSTEM_TICKS = 12;

    /** Nothing where the server runs elsewhere or the system has no {@code /proc}. */
    OptionalDouble cpuSeconds() {
        Path file = Path.of("/proc", String.valueOf(pid), "stat");
        if (!isLocal || !Files.isReadable(file)) {
            return OptionalDouble.empty();
        }
        try {
            String stat = Files.readString(file, StandardCharsets.ISO_8859_1);
            // The process's name, in parentheses, may hold blanks.
            String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
            return OptionalDouble.of(
                    (Long.parseLong(fields[USER_TICKS]) + Long.parseLong(fields[SYSTEM_TICKS])) / TICKS_A_SECOND);
        } catch (IOException gone) {
            return OptionalDouble.empty();
        }
    }
}
