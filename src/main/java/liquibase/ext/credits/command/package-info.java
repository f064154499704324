/**
 * Commands for the Liquibase command line: {@code credits-status}, {@code credits-verify} and {@code credits-grant}.
 * Each is a door of its own, because Liquibase finds them by class. Views and functions of migration 021 do the work;
 * these classes print.
 */
@NullMarked
package liquibase.ext.credits.command;

import org.jspecify.annotations.NullMarked;
