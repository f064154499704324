package liquibase.ext.credits.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** All measurements in one folder. A number of users is measured anew as a whole, so that ratios come from one run. */
final class Measurements {
    private final Path folder;
    private final List<Measurement> all;

    private Measurements(Path folder, List<Measurement> all) {
        this.folder = folder;
        this.all = all;
    }

    static Measurements in(Path folder) throws IOException {
        Files.createDirectories(folder);
        Path file = folder.resolve("measurements.csv");
        List<Measurement> all = new ArrayList<>();
        if (Files.exists(file)) {
            Files.readAllLines(file).stream().skip(1).map(Measurement::ofLine).forEach(all::add);
        }
        return new Measurements(folder, all);
    }

    void replace(int users, List<Measurement> measured) {
        all.removeIf(measurement -> measurement.users() == users);
        all.addAll(measured);
    }

    void write() throws IOException {
        Files.write(
                folder.resolve("measurements.csv"),
                Stream.concat(Stream.of(Measurement.HEADER), all.stream().map(Measurement::line))
                        .toList());
        List<Result> results = Result.of(all);
        ResultsPage.write(folder.resolve("RESULTS.md"), "tables", ResultsPage.tables(results));
        Files.writeString(folder.resolve("results.svg"), Chart.of(results));
    }
}
