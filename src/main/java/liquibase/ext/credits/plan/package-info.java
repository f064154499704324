/**
 * The dry run: what a conversion would do to every user, as a query that writes nothing and needs nothing but the
 * legacy tables. {@link liquibase.ext.credits.plan.Preview} is its door.
 */
@NullMarked
package liquibase.ext.credits.plan;

import org.jspecify.annotations.NullMarked;
