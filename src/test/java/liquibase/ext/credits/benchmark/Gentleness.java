package liquibase.ext.credits.benchmark;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import liquibase.ext.credits.Database;

/**
 * What an application feels while balances are converted beneath it.
 *
 * <ol>
 *   <li>Clients spend and add credits with the application's own functions, at a steady rate.
 *   <li>They are watched for a while without a conversion, and then for as long as one takes.
 *   <li>Before the figures count, balances and log must add up, whatever the clients did meanwhile.
 *   <li>All figures are kept in {@code gentleness.csv}; {@code RESULTS.md} shows their medians.
 * </ol>
 */
final class Gentleness {
    private static final Set<String> RIVALS = Set.of(
            BusySession.ID,
            SetStatement.ID,
            "batches",
            "convert",
            "convert-batch",
            "convert-batch-2",
            "undo",
            "undo-batch",
            "undo-batch-2");
    private static final int WARM_UP_USERS = 20_000;
    private static final int WARM_UP_TIMES = 5;
    private static final long WARM_UP_SECONDS = 2;
    private static final long UNDISTURBED_SECONDS = 10;

    private final BenchmarkSettings settings;
    private final List<Rival> rivals;

    private Gentleness(BenchmarkSettings settings) {
        this.settings = settings;
        this.rivals = settings.rivals().stream()
                .filter(rival -> RIVALS.contains(rival.id()))
                .toList();
    }

    /** Takes users, rounds, rivals and output folder, as the Maven profile passes them. */
    public static void main(String[] arguments) throws Exception {
        Gentleness gentleness = new Gentleness(BenchmarkSettings.of(arguments));
        BenchmarkServer.start();
        try (Application application = new Application()) {
            gentleness.run(application);
        }
    }

    private void run(Application application) throws Exception {
        for (Rival rival : rivals) {
            warmUp(rival, application);
        }
        Disturbances disturbances = Disturbances.in(settings.output());
        for (int users : settings.users()) {
            List<Disturbance> measured = new ArrayList<>();
            for (int round = 1; round <= settings.rounds(); round++) {
                for (Rival rival : shuffled()) {
                    measured.addAll(measure(rival, users, application));
                }
                disturbances.replace(users, measured);
                disturbances.write();
            }
        }
    }

    /** The code of both processes must have been compiled: the compiler shares the cores with the clients. */
    private static void warmUp(Rival rival, Application application) throws Exception {
        for (int time = 1; time <= WARM_UP_TIMES; time++) {
            try (Database database = Database.from(Population.of(WARM_UP_USERS));
                    Backends backends = new Backends(database, false)) {
                rival.prepare(database);
                application.begin(database, WARM_UP_USERS);
                TimeUnit.SECONDS.sleep(WARM_UP_SECONDS);
                rival.run(backends);
                application.callsUntil(System.nanoTime());
            }
        }
    }

    private List<Rival> shuffled() {
        List<Rival> shuffled = new ArrayList<>(rivals);
        Collections.shuffle(shuffled);
        return shuffled;
    }

    private static List<Disturbance> measure(Rival rival, int users, Application application) throws Exception {
        try (Database database = Database.from(Population.of(users))) {
            Books before = Books.of(database);
            rival.prepare(database);
            database.execute("VACUUM ANALYZE");
            database.execute("CHECKPOINT");
            List<Disturbance> measured = beside(rival, users, database, application);
            Books found = Books.of(database);
            rival.expected(before).withWalletsOf(found).mustEqual(found, rival);
            measured.forEach(System.out::println);
            return measured;
        }
    }

    private static List<Disturbance> beside(Rival rival, int users, Database database, Application application)
            throws Exception {
        try (Backends backends = new Backends(database, false);
                LockWatch watch = new LockWatch(database)) {
            application.begin(database, users);
            TimeUnit.SECONDS.sleep(WARM_UP_SECONDS);
            long undisturbed = System.nanoTime();
            TimeUnit.SECONDS.sleep(UNDISTURBED_SECONDS);
            long begun = System.nanoTime();
            rival.run(backends);
            long ended = System.nanoTime();
            List<Call> calls = application.callsUntil(ended);
            return List.of(
                    Disturbance.of(Disturbance.NOTHING, users, calls, watch, undisturbed, begun),
                    Disturbance.of(rival.id(), users, calls, watch, begun, ended));
        }
    }
}
