package liquibase.ext.credits.conversion;

/** What the undo does for a user who has spent converted credits ({@code credits.onSpent}). */
public enum OnSpent {
    /** The whole undo stops before anything moves. */
    REFUSE,
    /** What is left is returned at the run's rate, rounded down to the cent. */
    REMAINDER,
    /** All money is returned and the balance of credits goes below zero. */
    DEBT
}
