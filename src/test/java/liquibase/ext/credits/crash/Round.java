package liquibase.ext.credits.crash;

import java.util.Locale;
import java.util.Random;

/**
 * What happens in one round. Any twelve rounds in a row cover every direction, accident and kind of moment.
 *
 * @param number from 0
 * @param seed makes the same round again
 * @param direction what Liquibase is asked to do
 * @param accident what happens to it
 * @param commit {@code credits.commit} of the conversion, also of the one that is undone
 * @param isInGap whether it happens between our commit and Liquibase's own record
 * @param part where else: at this part of all writes, from 0 to 1
 * @param flightMicros how long the work goes on before the accident; 0: it is held at the write
 */
record Round(
        int number,
        long seed,
        Direction direction,
        Accident accident,
        String commit,
        boolean isInGap,
        double part,
        int flightMicros) {

    private static final int LONGEST_FLIGHT_MICROS = 40_000;

    /** Half of the rounds in mode batch have two connections at work. */
    int workers() {
        return commit.equals("batch") && number / 2 % 2 == 0 ? 2 : 1;
    }

    /** Who goes on need not be as many as those who were interrupted. */
    int workersAfterwards() {
        return commit.equals("batch") ? 3 - workers() : 1;
    }

    enum Direction {
        CONVERT,
        UNDO
    }

    enum Accident {
        JVM_KILLED,
        SERVER_KILLED,
        CONNECTION_CUT
    }

    static Round of(int number, long seed) {
        Random random = new Random(seed * 31 + number);
        boolean isInGap = number / 6 % 2 == 1;
        return new Round(
                number,
                seed,
                Direction.values()[number % 2],
                Accident.values()[number / 2 % 3],
                (number / 2 + number / 6 + number / 12) % 2 == 0 ? "once" : "batch",
                isInGap,
                random.nextDouble(),
                isInGap || random.nextBoolean() ? 0 : random.nextInt(LONGEST_FLIGHT_MICROS));
    }

    @Override
    public String toString() {
        String moment = isInGap
                ? "between commit and record"
                : String.format(Locale.ROOT, "at %.4f of all writes, %d µs later", part, flightMicros);
        return number + " of -Dcrash.seed=" + seed + ": " + direction + " in mode " + commit + " with " + workers()
                + " worker(s), " + accident + " " + moment;
    }
}
