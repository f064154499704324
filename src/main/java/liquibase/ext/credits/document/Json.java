package liquibase.ext.credits.document;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes maps, lists, texts, whole numbers, booleans and null as JSON (RFC 8259). Amounts are texts here, so that no reader turns
 * money into binary fractions.
 */
final class Json {
    private static final String INDENT = "  ";

    private final StringBuilder out = new StringBuilder();

    private Json() {}

    static String of(Map<String, @Nullable Object> object) {
        Json json = new Json();
        json.value(object, "\n");
        return json.out.append('\n').toString();
    }

    private void value(@Nullable Object value, String lineStart) {
        if (value == null || value instanceof Boolean || value instanceof Long || value instanceof Integer) {
            out.append(value);
        } else if (value instanceof Map<?, ?> map) {
            String separator = "{" + lineStart + INDENT;
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(separator);
                text(entry.getKey().toString());
                out.append(": ");
                value(entry.getValue(), lineStart + INDENT);
                separator = "," + lineStart + INDENT;
            }
            out.append(map.isEmpty() ? "{}" : lineStart + "}");
        } else if (value instanceof Iterable<?> items) {
            String separator = "[" + lineStart + INDENT;
            for (Object item : items) {
                out.append(separator);
                value(item, lineStart + INDENT);
                separator = "," + lineStart + INDENT;
            }
            out.append(items.iterator().hasNext() ? lineStart + "]" : "[]");
        } else if (value instanceof String text) {
            text(text);
        } else {
            throw new IllegalArgumentException("no JSON for " + value.getClass());
        }
    }

    /** Besides what JSON requires, what could end a script element or turn the reading direction is escaped. */
    private void text(String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean isPlain = (c >= ' ' && c < '\u007f' && "\"\\<>&".indexOf(c) < 0)
                    || Character.isLetterOrDigit(c)
                    || "×→…–".indexOf(c) >= 0;
            if (isPlain) {
                out.append(c);
            } else {
                out.append(c == '"' || c == '\\' ? "\\" + c : String.format("\\u%04x", (int) c));
            }
        }
        out.append('"');
    }
}
