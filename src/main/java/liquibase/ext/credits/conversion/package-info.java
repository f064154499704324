/**
 * What runs: settings, the run and its batches, the undo. {@link liquibase.ext.credits.conversion.Conversion} and
 * {@link liquibase.ext.credits.conversion.Reversal} are its doors; nothing here knows Liquibase.
 *
 * <p>Java validates, paces and reports. It never computes money: that is done by the SQL functions of the changelog.
 */
@NullMarked
package liquibase.ext.credits.conversion;

import org.jspecify.annotations.NullMarked;
