package liquibase.ext.credits.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/** All rounds of one rival on one number of users. */
record Result(Rival rival, int users, List<Measurement> rounds, List<Measurement> statementRounds) {
    private static final double MICROS_A_SECOND = 1e6;

    /** By number of users, then in the order of {@link Rivals#ALL}. */
    static List<Result> of(List<Measurement> all) {
        List<Result> results = new ArrayList<>();
        for (int users :
                all.stream().mapToInt(Measurement::users).sorted().distinct().toArray()) {
            List<Measurement> statement = rounds(all, SetStatement.ID, users);
            for (Rival rival : Rivals.ALL) {
                List<Measurement> rounds = rounds(all, rival.id(), users);
                if (!rounds.isEmpty()) {
                    results.add(new Result(rival, users, rounds, statement));
                }
            }
        }
        return results;
    }

    double seconds() {
        return median(rounds, Measurement::seconds);
    }

    double fastestSeconds() {
        return rounds.stream().mapToDouble(Measurement::seconds).min().orElseThrow();
    }

    double slowestSeconds() {
        return rounds.stream().mapToDouble(Measurement::seconds).max().orElseThrow();
    }

    double microsAUser() {
        return seconds() / users * MICROS_A_SECOND;
    }

    /** This rival's time over that of the one set-based statement. */
    OptionalDouble ratio() {
        return statementRounds.isEmpty()
                ? OptionalDouble.empty()
                : OptionalDouble.of(seconds() / median(statementRounds, Measurement::seconds));
    }

    OptionalDouble serverCpuSeconds() {
        return cpuSeconds(rounds);
    }

    /** The same of the server's CPU time, which other work on the machine disturbs less. */
    OptionalDouble cpuRatio() {
        OptionalDouble own = cpuSeconds(rounds);
        OptionalDouble statement = cpuSeconds(statementRounds);
        return own.isPresent() && statement.isPresent()
                ? OptionalDouble.of(own.getAsDouble() / statement.getAsDouble())
                : OptionalDouble.empty();
    }

    double walBytesAUser() {
        return median(rounds, Measurement::walBytes) / users;
    }

    private static List<Measurement> rounds(List<Measurement> all, String rivalId, int users) {
        return all.stream()
                .filter(round -> round.rivalId().equals(rivalId) && round.users() == users)
                .toList();
    }

    private static OptionalDouble cpuSeconds(List<Measurement> rounds) {
        return !rounds.isEmpty()
                        && rounds.stream()
                                .allMatch(round -> round.serverCpuSeconds().isPresent())
                ? OptionalDouble.of(
                        median(rounds, round -> round.serverCpuSeconds().getAsDouble()))
                : OptionalDouble.empty();
    }

    private static double median(List<Measurement> rounds, ToDoubleFunction<Measurement> value) {
        double[] sorted = rounds.stream().mapToDouble(value).sorted().toArray();
        int middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
