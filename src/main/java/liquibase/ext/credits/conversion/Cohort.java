package liquibase.ext.credits.conversion;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import liquibase.ext.credits.report.UntrustedText;
import org.jspecify.annotations.Nullable;

/**
 * Whom a run is for ({@code credits.cohort}): everybody, a share of the users by a stable hash of their id, or a list.
 * The share is decided in SQL by {@code billing_migration_in_percent}; {@link #condition} is its text, for a dry run
 * before that function exists.
 *
 * @param kind how the users are named
 * @param value the percentage, or the file; empty for everybody
 * @param userIds the users of a list, sorted, each once; empty until {@link CohortFile} has found them
 */
public record Cohort(Kind kind, String value, List<UUID> userIds) {
    /** Nobody is left out. */
    public static final Cohort EVERYBODY = new Cohort(Kind.EVERYBODY, "", List.of());

    private static final Pattern PERCENT = Pattern.compile("percent:(\\d{1,3}(?:\\.\\d{1,2})?)");
    private static final Pattern LIST = Pattern.compile("(ids|emails):(\\S.*)");
    private static final BigDecimal ALL = new BigDecimal(100);
    private static final int FINGERPRINT_DIGITS = 12;

    /** How the users of a cohort are named. */
    public enum Kind {
        /** All of them. */
        EVERYBODY,
        /** A share, by a hash of the id. */
        PERCENT,
        /** A file of ids. */
        IDS,
        /** A file of e-mail addresses. */
        EMAILS
    }

    static @Nullable Cohort of(String text, List<UUID> userIds) {
        if (text.isEmpty() || text.equals("none")) {
            return EVERYBODY;
        }
        Matcher list = LIST.matcher(text);
        // The run carries the file's name into status, report and script.
        if (list.matches() && UntrustedText.line(text).equals(text)) {
            Kind kind = list.group(1).equals("ids") ? Kind.IDS : Kind.EMAILS;
            return new Cohort(kind, list.group(2), List.copyOf(userIds));
        }
        Matcher percent = PERCENT.matcher(text);
        return percent.matches() ? ofPercent(new BigDecimal(percent.group(1))) : null;
    }

    private static @Nullable Cohort ofPercent(BigDecimal percent) {
        boolean inRange = percent.signum() > 0 && percent.compareTo(ALL) <= 0;
        return inRange ? new Cohort(Kind.PERCENT, percent.stripTrailingZeros().toPlainString(), List.of()) : null;
    }

    /**
     * Whether nobody is left out.
     *
     * @return true without a cohort
     */
    public boolean isEverybody() {
        return kind == Kind.EVERYBODY;
    }

    /**
     * Whether a file names the users.
     *
     * @return true for ids and e-mail addresses
     */
    public boolean isListed() {
        return kind == Kind.IDS || kind == Kind.EMAILS;
    }

    /**
     * The file that names the users.
     *
     * @return as given
     */
    public String file() {
        return value;
    }

    /**
     * What the run's row says. A list is named with a fingerprint of its users, so that a run is never resumed with
     * another one.
     *
     * @return such as {@code percent:5} or {@code ids:pilot.txt (12 users, 1f2e3d4c5b6a)}; null for everybody
     */
    public @Nullable String runName() {
        return switch (kind) {
            case EVERYBODY -> null;
            case PERCENT -> "percent:" + value;
            case IDS -> "ids:" + value + users();
            case EMAILS -> "emails:" + value + users();
        };
    }

    /**
     * The cohort as a condition of a query.
     *
     * @param column holds the user's id
     * @return SQL; {@code true} for everybody
     */
    public String condition(String column) {
        return switch (kind) {
            case EVERYBODY -> "true";
            case PERCENT ->
                "('x' || left(md5(" + column + "::text), 8))::bit(32)::bigint % 10000 < " + value + " * 100";
            case IDS, EMAILS -> column + " IN (SELECT m.user_id FROM unnest(" + array() + ") AS m (user_id))";
        };
    }

    /** What {@code billing_migration_convert} is told in addition; nothing for everybody. */
    String asArguments() {
        if (isEverybody()) {
            return "";
        }
        String cohort = ",\n    p_cohort => " + Sql.literal(runName());
        return isListed() ? cohort + ",\n    p_cohort_users => " + array() : cohort;
    }

    private String users() {
        return userIds.isEmpty() ? "" : " (" + userIds.size() + " users, " + fingerprint() + ")";
    }

    private String fingerprint() {
        String ids = userIds.stream().map(UUID::toString).sorted().collect(Collectors.joining("\n"));
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(ids.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest).substring(0, FINGERPRINT_DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private String array() {
        return "'{" + userIds.stream().map(UUID::toString).collect(Collectors.joining(",")) + "}'::uuid[]";
    }
}
