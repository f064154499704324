package liquibase.ext.credits.benchmark;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What to measure: user counts, rounds and rivals, and where results are kept. */
record BenchmarkSettings(List<Integer> users, int rounds, List<Rival> rivals, Path output) {
    static BenchmarkSettings of(String... arguments) {
        if (arguments.length != 4) {
            throw new IllegalArgumentException("give users, rounds, rivals and output folder, for example"
                    + " 10000,100000 5 all target/benchmark");
        }
        return new BenchmarkSettings(
                Stream.of(arguments[0].split(",")).map(Integer::valueOf).toList(),
                Integer.parseInt(arguments[1]),
                Rivals.named(arguments[2]),
                Path.of(arguments[3]));
    }
}
