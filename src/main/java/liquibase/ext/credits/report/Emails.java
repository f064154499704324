package liquibase.ext.credits.report;

import org.jspecify.annotations.Nullable;

/** How e-mail addresses are shown ({@code credits.emails}). */
public enum Emails {
    /** First letter and domain: {@code i***@example.org}. */
    MASKED,
    /** As stored. */
    FULL,
    /** Not at all. */
    NONE;

    /**
     * An address as this setting shows it; {@link UntrustedText} makes it harmless where it is written.
     *
     * @param email the stored address, or null for a user without one
     * @return never null; {@code -} where there is nothing to show
     */
    public String show(@Nullable String email) {
        if (this == NONE || email == null || email.isEmpty()) {
            return "-";
        }
        if (this == FULL) {
            return email;
        }
        int at = email.lastIndexOf('@');
        return at < 1 ? "***" : email.substring(0, email.offsetByCodePoints(0, 1)) + "***" + email.substring(at);
    }
}
