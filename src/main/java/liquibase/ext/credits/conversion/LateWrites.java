package liquibase.ext.credits.conversion;

/** What happens to money that is added to {@code user_billing} after the conversion ({@code credits.lateWrites}). */
public enum LateWrites {
    /** It stays, is listed by the proof, and a further run converts it. */
    ALLOW,
    /** The write fails with a message that names the new way. */
    REJECT,
    /** It becomes credits at the run's rate, in the writing transaction. */
    CONVERT
}
