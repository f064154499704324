package liquibase.ext.credits.document;

import java.util.List;
import java.util.Map;

/** Tables of users, invariants and facts. */
final class HtmlTables {
    private HtmlTables() {}

    static String largest(String title, List<Row> rows) {
        if (rows.isEmpty()) {
            return "";
        }
        boolean hasUah = rows.stream().anyMatch(row -> !isZero(row.uah()));
        StringBuilder body = new StringBuilder();
        for (Row row : rows) {
            body.append("<tr>")
                    .append(user(row))
                    .append(amount(row.usd()))
                    .append(hasUah ? amount(row.uah()) : "")
                    .append(amount(row.credits()))
                    .append("</tr>\n");
        }
        return """
                <section><h2>%s</h2>
                <table class="users"><thead><tr><th>User</th><th class="n">USD</th>%s<th class="n">Credits</th></tr></thead>
                <tbody>
                %s</tbody></table></section>
                """.formatted(title, hasUah ? "<th class=\"n\">UAH</th>" : "", body);
    }

    static String withReason(Kind kind, Details details) {
        List<Row> rows = details.withReason();
        if (rows.isEmpty()) {
            return "";
        }
        boolean isUndo = kind.isUndo();
        StringBuilder body = new StringBuilder();
        for (Row row : rows) {
            body.append("<tr>")
                    .append(user(row))
                    .append("<td class=\"outcome\">" + Html.text(row.outcome()) + "</td>")
                    .append("<td class=\"reason\">" + Html.text(row.reason() == null ? "" : row.reason()) + "</td>")
                    .append(isUndo ? "" : amount(row.usdStays(), "USD stays") + amount(row.uahStays(), "UAH stays"))
                    .append("</tr>\n");
        }
        long more = details.usersWithReason() - rows.size();
        return """
                <section><h2>%s</h2>
                <table class="users reasons"><thead><tr><th>User</th><th>Outcome</th><th>Reason</th>%s</tr></thead>
                <tbody>
                %s</tbody></table>%s</section>
                """.formatted(
                isUndo ? "Not, or not wholly, returned" : "Not, or not wholly, converted",
                isUndo ? "" : "<th class=\"n\">USD stays</th><th class=\"n\">UAH stays</th>",
                body,
                more == 0 ? "" : "<p class=\"note\">and " + Html.number(more) + " more; " + kind.wholeList() + "</p>");
    }

    static String proof(RunFacts run) {
        StringBuilder body = new StringBuilder();
        for (Invariant invariant : run.invariants()) {
            body.append("""
                    <tr class="%s"><th scope="row">%s</th><td>%s</td><td class="n" data-label="found">%s</td>\
                    <td class="n" data-label="must be">%s</td>\
                    <td class="verdict">%s</td></tr>
                    """.formatted(
                            invariant.holds() ? "holds" : "fails",
                            invariant.id(),
                            Html.text(invariant.meaning()),
                            Html.number(invariant.left()),
                            Html.number(invariant.right()),
                            invariant.holds() ? "✓ holds" : "✗ fails"));
        }
        return """
                <table class="proof"><thead><tr><th></th><th>Invariant</th><th class="n">Found</th>\
                <th class="n">Must be</th><th></th></tr></thead>
                <tbody>
                %s</tbody></table>
                """.formatted(body);
    }

    static String facts(String title, Map<String, String> facts) {
        StringBuilder body = new StringBuilder();
        facts.forEach((name, value) ->
                body.append("<div><dt>" + Html.text(name) + "</dt><dd>" + Html.text(value) + "</dd></div>\n"));
        return "<section><h2>" + title + "</h2>\n<dl class=\"facts\">\n" + body + "</dl></section>\n";
    }

    private static String user(Row row) {
        return "<td class=\"user\"><span>" + Html.text(row.email()) + "</span><code>" + Html.text(row.userId())
                + "</code></td>";
    }

    private static String amount(String amount) {
        return "<td class=\"n\">" + Html.number(amount) + "</td>";
    }

    /** With its unit, which the narrow layout shows instead of the column's head. */
    static String amount(String amount, String unit) {
        return isZero(amount)
                ? "<td class=\"n zero\">" + Html.number(amount) + "</td>"
                : "<td class=\"n\" data-unit=\"" + unit + "\">" + Html.number(amount) + "</td>";
    }

    private static boolean isZero(String amount) {
        return amount.matches("0(\\.0*)?");
    }
}
