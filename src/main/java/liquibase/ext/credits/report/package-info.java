/**
 * What the operator reads: the outcomes of a dry run, a conversion or an undo, in the guide's words.
 * {@link liquibase.ext.credits.report.Outcomes} reads them from one query, {@link liquibase.ext.credits.report.Report}
 * is their text. {@link liquibase.ext.credits.report.UntrustedText} is for every place that
 * writes what somebody else wrote.
 */
@NullMarked
package liquibase.ext.credits.report;

import org.jspecify.annotations.NullMarked;
