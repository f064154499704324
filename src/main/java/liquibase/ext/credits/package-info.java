/**
 * liquibase-credits: converts user balances into credits once, provably, and can undo it.
 * {@link liquibase.ext.credits.ConvertBalances} is the door that the changelog calls.
 */
@NullMarked
package liquibase.ext.credits;

import org.jspecify.annotations.NullMarked;
