package liquibase.ext.credits.benchmark;

/**
 * One call of the application.
 *
 * @param dueNanos when it was to begin; a call that waits delays those behind it, which counts as their time too
 * @param nanos from then to its answer
 * @param hasFailed it was answered with an error
 */
record Call(long dueNanos, long nanos, boolean hasFailed) {
    static Call ofLine(String line) {
        String[] fields = line.split(",", -1);
        return new Call(Long.parseLong(fields[0]), Long.parseLong(fields[1]), Boolean.parseBoolean(fields[2]));
    }

    @Override
    public String toString() {
        return dueNanos + "," + nanos + "," + hasFailed;
    }
}
