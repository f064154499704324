package liquibase.ext.credits.benchmark;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import liquibase.ext.credits.Database;

/**
 * Times every rival on every number of users, in random order, each on a database of its own.
 *
 * <ol>
 *   <li>Each run starts from a fresh copy of the same seeded database, vacuumed, analysed and checkpointed.
 *   <li>Wall time ends with the commit. The server's CPU time and its write-ahead log are measured as well.
 *   <li>Before a time counts, the balances, the ledger and the log must add up to what was seeded.
 *   <li>All times are kept in {@code measurements.csv}; {@code RESULTS.md} and {@code results.svg} are drawn from it.
 * </ol>
 */
final class Benchmark {
    private static final int WARM_UP_USERS = 1_000;

    /** Commit mode batch looks a tenth of a second back, and would make way for the session that prepared the users. */
    private static final long QUIET_MILLIS = 500;

    private final BenchmarkSettings settings;
    private final boolean serverIsLocal;

    private Benchmark(BenchmarkSettings settings, boolean serverIsLocal) {
        this.settings = settings;
        this.serverIsLocal = serverIsLocal;
    }

    /** Takes users, rounds, rivals and output folder, as the Maven profile passes them. */
    public static void main(String[] arguments) throws Exception {
        BenchmarkSettings settings = BenchmarkSettings.of(arguments);
        new Benchmark(settings, BenchmarkServer.start()).run();
    }

    private void run() throws Exception {
        Measurements measurements = Measurements.in(settings.output());
        for (Rival rival : settings.rivals()) {
            if (rival.mostRounds(WARM_UP_USERS) > 0) {
                measure(rival, WARM_UP_USERS);
            }
        }
        for (int users : settings.users()) {
            List<Measurement> measured = new ArrayList<>();
            for (int round = 1; round <= settings.rounds(); round++) {
                measured.addAll(measureRound(users, round));
                measurements.replace(users, measured);
                measurements.write();
            }
        }
    }

    private List<Measurement> measureRound(int users, int round) throws Exception {
        List<Measurement> measured = new ArrayList<>();
        for (Rival rival : shuffled()) {
            if (round <= rival.mostRounds(users)) {
                Measurement measurement = measure(rival, users);
                measured.add(measurement);
                System.out.printf("round %d of %d: %s%n", round, settings.rounds(), measurement);
            }
        }
        return measured;
    }

    private List<Rival> shuffled() {
        List<Rival> rivals = new ArrayList<>(settings.rivals());
        Collections.shuffle(rivals);
        return rivals;
    }

    private Measurement measure(Rival rival, int users) throws Exception {
        try (Database database = Database.from(Population.of(users))) {
            Books before = Books.of(database);
            rival.prepare(database);
            database.execute("VACUUM ANALYZE");
            database.execute("CHECKPOINT");
            TimeUnit.MILLISECONDS.sleep(QUIET_MILLIS);
            Measurement measurement;
            try (Backends backends = new Backends(database, serverIsLocal)) {
                measurement = Stopwatch.measure(rival, users, backends);
            }
            rival.expected(before).mustEqual(Books.of(database), rival);
            return measurement;
        }
    }
}
