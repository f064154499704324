package liquibase.ext.credits.document;

import java.util.regex.Pattern;
import liquibase.ext.credits.report.UntrustedText;
import org.apache.commons.text.StringEscapeUtils;

/** Text and numbers as HTML. Whatever comes from outside this program passes through {@link #text}. */
final class Html {
    private static final Pattern NUMBER = Pattern.compile("(-?)(\\d+)(\\.\\d+)?");
    private static final Pattern THOUSANDS = Pattern.compile("(?<=\\d)(?=(\\d{3})+$)");
    private static final String NARROW_SPACE = "\u202f";

    private Html() {}

    /** Escaped, and in one harmless line. */
    static String text(String text) {
        return StringEscapeUtils.escapeXml10(UntrustedText.line(text));
    }

    /** A number with its thousands apart and a real minus sign; anything else as it is. */
    static String number(String number) {
        var parts = NUMBER.matcher(number);
        if (!parts.matches()) {
            return text(number);
        }
        String fraction = parts.group(3) == null ? "" : parts.group(3);
        return (parts.group(1).isEmpty() ? "" : "\u2212")
                + THOUSANDS.matcher(parts.group(2)).replaceAll(NARROW_SPACE)
                + fraction;
    }

    static String number(long number) {
        return number(Long.toString(number));
    }
}
