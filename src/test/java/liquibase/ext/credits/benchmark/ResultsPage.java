package liquibase.ext.credits.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** The tables of {@code RESULTS.md}, between two marks; what people wrote around them stays. */
final class ResultsPage {
    private ResultsPage() {}

    /** Replaces what stands between the marks of this name; marks that are missing go to the end of the page. */
    static void write(Path file, String name, String tables) throws IOException {
        String beginMark = "<!-- " + name + ": begin -->\n";
        String endMark = "<!-- " + name + ": end -->\n";
        String page = Files.exists(file) ? Files.readString(file) : "# Results\n";
        if (!page.contains(beginMark)) {
            page += "\n" + beginMark + endMark;
        }
        int begin = page.indexOf(beginMark) + beginMark.length();
        int end = page.indexOf(endMark);
        if (end < begin) {
            throw new IOException(file + " lacks " + endMark.strip() + " after " + beginMark.strip());
        }
        Files.writeString(file, page.substring(0, begin) + tables + page.substring(end));
    }

    static String tables(List<Result> results) {
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
