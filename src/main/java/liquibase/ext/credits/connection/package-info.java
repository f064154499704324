/**
 * Sibling connections for parallel work: {@link liquibase.ext.credits.connection.PostgresConnection} remembers how
 * Liquibase opened it and can do so again.
 */
@NullMarked
package liquibase.ext.credits.connection;

import org.jspecify.annotations.NullMarked;
