package liquibase.ext.credits;

/** What a batch does where triggers may change what it writes. */
final class ReadBack {
    private ReadBack() {}

    /** The batches learn of no trigger any more, so that only the proof is left to find what one does. */
    static void takeAway(Database database) {
        database.execute("CREATE OR REPLACE FUNCTION billing_migration_interference() RETURNS text"
                + " LANGUAGE sql AS 'SELECT NULL::text'");
    }
}
