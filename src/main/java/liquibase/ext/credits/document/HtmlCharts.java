package liquibase.ext.credits.document;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Histograms and the throughput, as SVG inside the page; the numbers stand beside the drawing as text. */
final class HtmlCharts {
    private static final int WIDTH = 600;
    private static final int HEIGHT = 120;

    private HtmlCharts() {}

    static String histogram(String title, String unit, String counted, List<Bucket> buckets) {
        if (buckets.isEmpty()) {
            return "";
        }
        long most = buckets.stream().mapToLong(Bucket::count).max().orElse(1);
        StringBuilder rows = new StringBuilder();
        for (Bucket bucket : buckets) {
            rows.append("""
                    <tr><th scope="row">%s</th><td class="bar"><svg viewBox="0 0 1000 10" preserveAspectRatio="none"\
                     aria-hidden="true"><rect width="%d" height="10"/></svg></td><td class="n">%s</td></tr>
                    """.formatted(
                            range(bucket), bucket.count() * 1000 / Math.max(1, most), Html.number(bucket.count())));
        }
        return """
                <figure>
                <figcaption>%s</figcaption>
                <table class="chart"><thead><tr><th>%s</th><th></th><th class="n">%s</th></tr></thead>
                <tbody>
                %s</tbody></table>
                </figure>
                """.formatted(title, unit, counted, rows);
    }

    private static String range(Bucket bucket) {
        if (bucket.below() == null) {
            return Html.number(bucket.from()) + " or more";
        }
        return bucket.from().equals("0")
                ? "below " + Html.number(bucket.below())
                : Html.number(bucket.from()) + " – " + Html.number(bucket.below());
    }

    /** Users per second between two points; the area under the line is the users. */
    static String throughput(BatchTimes batches) {
        if (batches.batches() == 0) {
            return "";
        }
        List<BatchTimes.Point> points = new ArrayList<>();
        points.add(new BatchTimes.Point(0, 0));
        points.addAll(batches.points());
        double[] rates = new double[points.size() - 1];
        double highest = 1;
        for (int i = 0; i < rates.length; i++) {
            long millis = Math.max(
                    1, points.get(i + 1).elapsedMillis() - points.get(i).elapsedMillis());
            rates[i] = (points.get(i + 1).users() - points.get(i).users()) * 1000.0 / millis;
            highest = Math.max(highest, rates[i]);
        }
        double spanMillis = Math.max(1, points.get(rates.length).elapsedMillis());
        StringBuilder path = new StringBuilder("M0 " + HEIGHT);
        for (int i = 0; i < rates.length; i++) {
            double left = points.get(i).elapsedMillis() * WIDTH / spanMillis;
            double right = points.get(i + 1).elapsedMillis() * WIDTH / spanMillis;
            double top = HEIGHT - rates[i] * HEIGHT / highest;
            path.append(String.format(Locale.ROOT, "L%.1f %.1fL%.1f %.1f", left, top, right, top));
        }
        path.append("L").append(WIDTH).append(' ').append(HEIGHT).append('Z');
        return """
                <figure>
                <figcaption>Users per second, over time</figcaption>
                <svg class="area" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img"\
                 aria-label="Users per second over time"><path d="%s"/></svg>
                <p class="axis"><span>%s</span><span>highest %s users/s</span><span>%s</span></p>
                </figure>
                """.formatted(WIDTH, HEIGHT, path, seconds(0), Html.number(Math.round(highest)), seconds(spanMillis));
    }

    static String seconds(double millis) {
        return String.format(Locale.ROOT, "%.1f s", millis / 1000);
    }
}
