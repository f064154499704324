package liquibase.ext.credits.report;

/**
 * Text that somebody else wrote (an e-mail address, an error of the application's own trigger), made harmless for the place it is
 * written to. A line end would end an SQL comment and run what follows; an escape sequence or a change of direction would
 * show an operator another line than the one that is there.
 */
public final class UntrustedText {
    private UntrustedText() {}

    /**
     * One line for a console, a log or a {@code --} comment.
     *
     * @param text anything
     * @return the text, its control, format and separator characters written as in Java, for example {@code \u001B}
     */
    public static String line(String text) {
        StringBuilder line = new StringBuilder(text.length());
        text.codePoints().forEach(character -> {
            if (isHarmless(character)) {
                line.appendCodePoint(character);
            } else {
                line.append(String.format(character > 0xFFFF ? "\\U%08X" : "\\u%04X", character));
            }
        });
        return line.toString();
    }

    private static boolean isHarmless(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE,
                    Character.UNASSIGNED -> false;
            default -> true;
        };
    }
}
