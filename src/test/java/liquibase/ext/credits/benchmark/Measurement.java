package liquibase.ext.credits.benchmark;

import java.util.Locale;
import java.util.OptionalDouble;

/** One timed run. */
record Measurement(String rivalId, int users, double seconds, OptionalDouble serverCpuSeconds, long walBytes) {
    static final String HEADER = "rival,users,seconds,server_cpu_seconds,wal_bytes";

    static Measurement ofLine(String line) {
        String[] fields = line.split(",", -1);
        return new Measurement(
                fields[0],
                Integer.parseInt(fields[1]),
                Double.parseDouble(fields[2]),
                fields[3].isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(Double.parseDouble(fields[3])),
                Long.parseLong(fields[4]));
    }

    String line() {
        String cpu =
                serverCpuSeconds.isPresent() ? String.format(Locale.ROOT, "%.2f", serverCpuSeconds.getAsDouble()) : "";
        return String.format(Locale.ROOT, "%s,%d,%.3f,%s,%d", rivalId, users, seconds, cpu, walBytes);
    }

    @Override
    public String toString() {
        return line();
    }
}
