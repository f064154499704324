package liquibase.ext.credits.benchmark;

import liquibase.ext.credits.Database;

/** One way to convert all USD balances of {@link Population} at one credit per USD, or to undo or preview that. */
interface Rival {
    /** For {@code -Dbenchmark.rivals} and the measurements' file. */
    String id();

    /** For people. */
    String title();

    /** More rounds than this on so many users would take longer than they are worth. */
    default int mostRounds(int users) {
        return Integer.MAX_VALUE;
    }

    /** What must be there before the clock starts: for whoever writes by hand, the log as schema and guide know it. */
    default void prepare(Database database) throws Exception {
        database.execute(Resources.text("/benchmark/legacy_log.sql"));
    }

    /** What is timed; commits. The first connection does not commit by itself. */
    void run(Backends backends) throws Exception;

    /** What the tables must add up to when the clock has stopped. */
    default Books expected(Books before) {
        return before.converted();
    }
}
