package liquibase.ext.credits.document;

import org.jspecify.annotations.Nullable;

/**
 * A bar of a histogram.
 *
 * @param from the least value in it
 * @param below the first value above it; null: no limit
 * @param count how many values
 */
public record Bucket(String from, @Nullable String below, long count) {}
