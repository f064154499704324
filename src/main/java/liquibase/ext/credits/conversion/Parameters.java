package liquibase.ext.credits.conversion;

import java.math.BigDecimal;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import liquibase.ext.credits.report.UntrustedText;
import org.jspecify.annotations.Nullable;

/** Reads parameter texts into types and collects every problem as one line: what was found, what is required. */
final class Parameters {
    private static final Pattern PLAIN_NUMBER = Pattern.compile("\\d{1,7}(\\.\\d{1,18})?");
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|min)");
    /** PostgreSQL's, whose lock_timeout of 0 would wait without limit. */
    private static final Duration LONGEST_TIMEOUT = Duration.ofMillis(Integer.MAX_VALUE);

    private static final BigDecimal HIGHEST_RATE = new BigDecimal(1_000_000);
    private static final Pattern PERCENT = Pattern.compile("\\d{1,3}(\\.\\d{1,6})?");
    private static final BigDecimal HUNDRED = new BigDecimal(100);
    private static final int MOST_DIGITS = 18;

    private final Map<String, @Nullable String> texts;
    private final List<String> problems = new ArrayList<>();

    Parameters(Map<String, @Nullable String> texts) {
        this.texts = texts;
    }

    List<String> problems() {
        return List.copyOf(problems);
    }

    /** A word that is safe in any text: it is written into the run, the SQL of the dry run and the report. */
    String word(String name) {
        String text = text(name);
        return text.matches("[A-Za-z0-9_-]{1,40}")
                ? text
                : refuse(name, "give up to 40 letters, digits, - or _, such as stage", "unknown");
    }

    BigDecimal rate(String name) {
        BigDecimal rate = number(text(name));
        if (rate != null) {
            return rate;
        }
        return refuse(
                name,
                "give a plain number above 0 and at most 1000000 with at most 18 digits, such as 10 or 0.5",
                BigDecimal.ONE);
    }

    @Nullable
    BigDecimal rateOrNone(String name) {
        return text(name).equals("none") ? null : rate(name);
    }

    <E extends Enum<E>> E choice(String name, Class<E> type) {
        String text = text(name);
        E[] constants = type.getEnumConstants();
        for (E constant : constants) {
            if (constant.name().equals(text) || spelling(constant).equals(text)) {
                return constant;
            }
        }
        String choices = Arrays.stream(constants)
                .map(constant -> type == Rounding.class ? constant.name() : spelling(constant))
                .collect(Collectors.joining(", "));
        return refuse(name, "give one of " + choices, constants[0]);
    }

    int usersOrAutomatic(String name) {
        String text = text(name);
        if (text.equals("auto")) {
            return BatchSize.AUTOMATIC;
        }
        if (text.matches("[1-9]\\d{0,6}")) {
            return Integer.parseInt(text);
        }
        return refuse(name, "give auto, or a number of users from 1 to 9999999", 1);
    }

    int workers(String name) {
        String text = text(name);
        if (!text.matches("[1-9]|[1-5]\\d|6[0-4]")) {
            return refuse(name, "give a number of connections from 1 to 64", 1);
        }
        int workers = Integer.parseInt(text);
        if (workers > 1 && !text("commit").equalsIgnoreCase(CommitMode.BATCH.name())) {
            return refuse(name, "one transaction needs one connection: give 1, or set credits.commit=batch", 1);
        }
        return workers;
    }

    int sessionsOrNone(String name) {
        String text = text(name);
        if (text.equals("none")) {
            return 0;
        }
        if (text.matches("[1-9]\\d{0,6}")) {
            return Integer.parseInt(text);
        }
        return refuse(name, "give none, or a number of sessions from 1 to 9999999", 0);
    }

    Duration millis(String name) {
        String text = text(name);
        if (text.matches("[1-9]\\d{0,6}")) {
            return Duration.ofMillis(Long.parseLong(text));
        }
        return refuse(name, "give a number of milliseconds from 1 to 9999999", Duration.ZERO);
    }

    Duration timeout(String name) {
        Duration timeout = duration(text(name));
        return timeout != null && !timeout.isZero() && timeout.compareTo(LONGEST_TIMEOUT) <= 0
                ? timeout
                : refuse(
                        name,
                        "give a duration such as 500ms, 10s or 2min, from 1ms to " + LONGEST_TIMEOUT.toMillis() + "ms",
                        Duration.ofMillis(1));
    }

    @Nullable
    Duration durationOrNone(String name) {
        if (text(name).equals("none")) {
            return null;
        }
        Duration duration = duration(text(name));
        return duration != null
                ? duration
                : refuse(name, "give a duration such as 500ms, 10s or 2min, or none", Duration.ZERO);
    }

    Cohort cohort(String name, List<UUID> userIds) {
        Cohort cohort = Cohort.of(text(name), userIds);
        return cohort != null
                ? cohort
                : refuse(
                        name,
                        "give none, percent: with a number above 0 and at most 100 and at most two decimals,"
                                + " ids: or emails: with a file",
                        Cohort.EVERYBODY);
    }

    /** A path that is not given is none. It ends up in messages and in the script of a dry run: no control characters. */
    @Nullable
    Path pathOrNone(String name, String what) {
        String text = text(name);
        if (texts.get(name) == null || text.equals("none")) {
            return null;
        }
        Path path = path(text);
        return path != null ? path : refuse(name, "give " + what + ", or none", Path.of(""));
    }

    /** A percentage that is not given is 0. */
    BigDecimal percent(String name) {
        String text = texts.get(name) == null ? "0" : text(name);
        BigDecimal percent = PERCENT.matcher(text).matches() ? new BigDecimal(text) : null;
        return percent != null && percent.compareTo(HUNDRED) <= 0
                ? percent
                : refuse(name, "give a number of percent from 0 to 100, such as 0.5", BigDecimal.ZERO);
    }

    String text(String name) {
        String text = texts.get(name);
        return text == null ? "" : text.strip();
    }

    private <T> T refuse(String name, String required, T placeholder) {
        String text = text(name);
        String found =
                text.isEmpty() ? "empty" : text.startsWith("${") ? "not set" : "'" + UntrustedText.line(text) + "'";
        problems.add("credits." + name + " is " + found + "; " + required);
        return placeholder;
    }

    private static @Nullable Duration duration(String text) {
        Matcher matcher = DURATION.matcher(text);
        if (!matcher.matches()) {
            return null;
        }
        long count = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(count);
            case "s" -> Duration.ofSeconds(count);
            default -> Duration.ofMinutes(count);
        };
    }

    private static @Nullable Path path(String text) {
        boolean isUsable = !text.isEmpty()
                && !text.startsWith("${")
                && UntrustedText.line(text).equals(text);
        try {
            return isUsable ? Path.of(text) : null;
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private static @Nullable BigDecimal number(String text) {
        if (!PLAIN_NUMBER.matcher(text).matches()) {
            return null;
        }
        BigDecimal number = new BigDecimal(text);
        boolean inRange = number.signum() > 0
                && number.compareTo(HIGHEST_RATE) <= 0
                && number.stripTrailingZeros().precision() <= MOST_DIGITS;
        return inRange ? number : null;
    }

    /** A choice as parameters and the run's row spell it. */
    static String spelling(Enum<?> constant) {
        return constant.name().toLowerCase(Locale.ROOT);
    }
}
