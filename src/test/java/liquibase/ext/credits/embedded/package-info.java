/** PostgreSQL without an installation: {@code jdbc:embedded-postgresql:} starts one, for the demo and for tests. */
package liquibase.ext.credits.embedded;
