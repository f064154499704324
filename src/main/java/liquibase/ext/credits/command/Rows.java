package liquibase.ext.credits.command;

import java.util.List;

/**
 * A query's answer as text.
 *
 * @param names of the columns
 * @param values row by row; empty where the database has null
 */
record Rows(List<String> names, List<List<String>> values) {}
