/**
 * Files of a plan, a conversion or an undo: one {@link liquibase.ext.credits.document.Document}, written as HTML for people
 * and as JSON for programs into a {@link liquibase.ext.credits.document.ReportFolder}.
 */
@NullMarked
package liquibase.ext.credits.document;

import org.jspecify.annotations.NullMarked;
