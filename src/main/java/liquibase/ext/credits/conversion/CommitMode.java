package liquibase.ext.credits.conversion;

/** How a conversion is committed ({@code credits.commit}). */
public enum CommitMode {
    /** One transaction, all or nothing, proved before its commit. */
    ONCE,
    /** Each batch commits; an interrupted run resumes; proved at the end. */
    BATCH
}
