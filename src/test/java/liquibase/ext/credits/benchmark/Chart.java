package liquibase.ext.credits.benchmark;

import java.util.List;
import java.util.Locale;

/** The cost per user of every result as bars on a logarithmic scale, drawn as plain SVG. */
final class Chart {
    private static final int WIDTH = 960;
    private static final int BARS_LEFT = 470;
    private static final int BARS_RIGHT = 880;
    private static final int ROW_HEIGHT = 22;
    private static final int GROUP_HEIGHT = 34;
    private static final double LEAST_MICROS = 1;

    private final StringBuilder svg = new StringBuilder();
    private final double mostMicros;
    private int top = 40;

    private Chart(double mostMicros) {
        this.mostMicros = mostMicros;
    }

    static String of(List<Result> results) {
        double most = results.stream().mapToDouble(Result::microsAUser).max().orElse(LEAST_MICROS);
        return new Chart(Math.max(most, 2 * LEAST_MICROS)).draw(results);
    }

    private String draw(List<Result> results) {
        text(16, 24, "title", "Microseconds per user, logarithmic; shorter is better");
        int users = 0;
        for (Result result : results) {
            if (result.users() != users) {
                users = result.users();
                top += GROUP_HEIGHT;
                text(16, top - 10, "group", String.format(Locale.ROOT, "%,d users", users));
            }
            bar(result);
            top += ROW_HEIGHT;
        }
        return String.format(Locale.ROOT, """
                <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
                <style>
                    .title, .group { font-weight: bold; font-size: 14px; }
                    .rival { fill: #9aa5b1; }
                    .product { fill: #2f6fdb; }
                </style>
                <rect width="100%%" height="100%%" fill="#ffffff"/>
                %s</svg>
                """, WIDTH, top + 16, svg);
    }

    private void bar(Result result) {
        boolean isProduct = result.rival().title().startsWith("**");
        int width = (int) Math.round((BARS_RIGHT - BARS_LEFT)
                * Math.log(Math.max(result.microsAUser(), LEAST_MICROS) / LEAST_MICROS)
                / Math.log(mostMicros / LEAST_MICROS));
        text(16, top + 11, "label", result.rival().title().replace("**", ""));
        svg.append(String.format(
                Locale.ROOT,
                "<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>%n",
                isProduct ? "product" : "rival",
                BARS_LEFT,
                top,
                width,
                ROW_HEIGHT - 6));
        text(BARS_LEFT + width + 6, top + 12, "label", String.format(Locale.ROOT, "%,.1f", result.microsAUser()));
    }

    private void text(int x, int y, String kind, String words) {
        svg.append(String.format(Locale.ROOT, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>%n", kind, x, y, words));
    }
}
