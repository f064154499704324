package liquibase.ext.credits.conversion;

/** What one user who cannot be converted means for the others ({@code credits.onError}). */
public enum OnError {
    /** Nobody is converted; up to 20 such users are named. */
    STOP,
    /** That user is logged as {@code error} with the cause; the others are converted. */
    SKIP
}
