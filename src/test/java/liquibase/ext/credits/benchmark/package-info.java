/**
 * How fast the product is, beside what people would write by hand: run by {@code mvn -Pbenchmark test}. {@link
 * liquibase.ext.credits.benchmark.Benchmark} is its door, {@link liquibase.ext.credits.benchmark.Rivals} the list.
 */
package liquibase.ext.credits.benchmark;
