package liquibase.ext.credits.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/** All disturbances in one folder. A number of users is measured anew as a whole. */
final class Disturbances {
    private final Path folder;
    private final List<Disturbance> all;

    private Disturbances(Path folder, List<Disturbance> all) {
        this.folder = folder;
        this.all = all;
    }

    static Disturbances in(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path file = folder.resolve("gentleness.csv");
        List<Disturbance> all = new ArrayList<>();
        if (Files.exists(file)) {
            Files.readAllLines(file).stream().skip(1).map(Disturbance::ofLine).forEach(all::add);
        }
        return new Disturbances(folder, all);
    }

    void replace(int users, List<Disturbance> measured) {
        all.removeIf(disturbance -> disturbance.users() == users);
        all.addAll(measured);
    }

    void write() throws IOException {
        Files.write(
                folder.resolve("gentleness.csv"),
                Stream.concat(Stream.of(Disturbance.HEADER), all.stream().map(Disturbance::toString))
                        .toList());
        ResultsPage.write(folder.resolve("RESULTS.md"), "gentleness", tables());
    }

    private String tables() {
        StringBuilder tables = new StringBuilder();
        for (int users :
                all.stream().mapToInt(Disturbance::users).sorted().distinct().toArray()) {
            tables.append(String.format(Locale.ROOT, "%n### %,d users, and an application at work%n%n", users))
                    .append("| beside the application | rounds | median s | calls | failed | median ms | p99 ms |"
                            + " × p99 without | slowest ms | longest lock wait ms |\n"
                            + "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
            List<Disturbance> without = rounds(users, Disturbance.NOTHING);
            tables.append(row("nothing", without, without));
            for (Rival rival : Rivals.ALL) {
                List<Disturbance> rounds = rounds(users, rival.id());
                if (!rounds.isEmpty()) {
                    tables.append(row(rival.title(), rounds, without));
                }
            }
        }
        return tables.append('\n').toString();
    }

    private List<Disturbance> rounds(int users, String rivalId) {
        return all.stream()
                .filter(round -> round.users() == users && round.rivalId().equals(rivalId))
                .toList();
    }

    private static String row(String title, List<Disturbance> rounds, List<Disturbance> without) {
        double p99Millis = median(rounds, Disturbance::p99Millis);
        return String.format(
                Locale.ROOT,
                "| %s | %d | %.1f | %,d | %d | %.1f | %.1f | %.1f | %,.0f | %,.0f |%n",
                title,
                rounds.size(),
                median(rounds, Disturbance::seconds),
                rounds.stream().mapToInt(Disturbance::calls).sum(),
                rounds.stream().mapToInt(Disturbance::failedCalls).sum(),
                median(rounds, Disturbance::medianMillis),
                p99Millis,
                p99Millis / median(without, Disturbance::p99Millis),
                most(rounds, Disturbance::longestMillis),
                most(rounds, Disturbance::longestLockWaitMillis));
    }

    private static double median(List<Disturbance> rounds, ToDoubleFunction<Disturbance> value) {
        double[] sorted = rounds.stream().mapToDouble(value).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static double most(List<Disturbance> rounds, ToDoubleFunction<Disturbance> value) {
        return rounds.stream().mapToDouble(value).max().orElse(0);
    }
}
