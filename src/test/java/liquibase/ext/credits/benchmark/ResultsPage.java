package liquibase.ext.credits.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** The tables of {@code RESULTS.md}, between two marks; what people wrote around them stays. */
final class ResultsPage {
    private static final String BEGIN = "<!-- tables: begin -->\n";
    private static final String END = "<!-- tables: end -->\n";

    private ResultsPage() {}

    static void write(Path file, List<Result> results) throws IOException {
        String page = Files.exists(file) ? Files.readString(file) : "# Results\n\n" + BEGIN + END;
        int begin = page.indexOf(BEGIN);
        int end = page.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IOException(file + " lacks the marks between which tables go; remove it to begin anew");
        }
        Files.writeString(file, page.substring(0, begin + BEGIN.length()) + tables(results) + page.substring(end));
    }

    private static String tables(List<Result> results) {
        StringBuilder tables = new StringBuilder();
        int users = 0;
        for (Result result : results) {
            if (result.users() != users) {
                users = result.users();
                tables.append(String.format(Locale.ROOT, "%n### %,d users%n%n", users))
                        .append("| way | rounds | median s | min–max s | × the one statement | µs per user |")
                        .append(
                                " server CPU s | × in CPU | WAL bytes per user |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n");
            }
            tables.append(row(result));
        }
        return tables.append('\n').toString();
    }

    private static String row(Result result) {
        return String.format(
                Locale.ROOT,
                "| %s | %d | %.2f | %.2f–%.2f | %s | %.1f | %s | %s | %,.0f |%n",
                result.rival().title(),
                result.rounds().size(),
                result.seconds(),
                result.fastestSeconds(),
                result.slowestSeconds(),
                orDash(result.ratio()),
                result.microsAUser(),
                orDash(result.serverCpuSeconds()),
                orDash(result.cpuRatio()),
                result.walBytesAUser());
    }

    private static String orDash(OptionalDouble number) {
        return number.isPresent() ? String.format(Locale.ROOT, "%.2f", number.getAsDouble()) : "–";
    }
}
