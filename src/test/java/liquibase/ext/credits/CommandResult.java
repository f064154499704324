package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How a Liquibase command ended.
 *
 * @param succeeded whether it reported success: no exception, exit code 0
 * @param sql what a command that writes SQL wrote
 * @param messages what a user reads besides: the console's lines
 * @param error why it failed, outermost cause first; empty after success
 */
public record CommandResult(boolean succeeded, String sql, String messages, String error) {

    /** Shows everything when it did not. */
    public CommandResult assertSucceeded() {
        assertThat(succeeded).as(this::toString).isTrue();
        return this;
    }

    /** Fails as well when the command succeeded. */
    public CommandResult assertRefused(String expectedWords) {
        assertThat(succeeded).as(this::toString).isFalse();
        assertThat(error).contains(expectedWords);
        return this;
    }
}
