package liquibase.ext.credits.document;

/**
 * One line of the proof, as {@code billing_migration_reconciliation} has it.
 *
 * @param id I1 to I6
 * @param meaning in words
 * @param left what was found
 * @param right what it must equal
 * @param holds whether it does
 */
public record Invariant(String id, String meaning, String left, String right, boolean holds) {}
