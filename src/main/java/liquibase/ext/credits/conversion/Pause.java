package liquibase.ext.credits.conversion;

import java.time.Duration;

/** A worker waits between two batches, without any lock. */
final class Pause {
    private Pause() {}

    static void of(Duration duration) throws ConversionException {
        try {
            Thread.sleep(duration.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ConversionException("interrupted between two batches");
        }
    }
}
