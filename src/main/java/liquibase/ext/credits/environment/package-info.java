/**
 * The guard at the top of master.xml. {@link liquibase.ext.credits.environment.EnvironmentPrecondition} is its door: it
 * refuses a missing, unknown or second environment, a misspelt parameter, the wrong database, and legacy tables that
 * are not as the conversion needs them, before anything is created.
 */
@NullMarked
package liquibase.ext.credits.environment;

import org.jspecify.annotations.NullMarked;
