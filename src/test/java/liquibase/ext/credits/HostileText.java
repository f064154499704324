package liquibase.ext.credits;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;

/** What somebody might register as his e-mail address. */
final class HostileText {

    private static final String[] PIECES = {
        "'",
        "''",
        "\"",
        ";",
        "--",
        "/*",
        "*/",
        "$$",
        "$do$",
        "\\",
        "\\!",
        "\\gexec",
        "${credits.perUsd}",
        "%s",
        "{0}",
        "?",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\u000B",
        "\f",
        "\u0085",
        "\u2028",
        "\u2029",
        "\u001B[2J",
        "\u001B]0;x\u0007",
        "\u009B2J",
        "\u202E",
        "\u2066",
        "\u200B",
        "\uFEFF",
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@x",
        "<script>",
        "&",
        "😀",
        "é",
        " ",
        "DROP TABLE canary;",
        "\nDROP TABLE canary;\n",
        "'); DROP TABLE canary; --",
        "\rUPDATE user_billing SET balance_usd = 9;",
        "COMMIT;",
        "@example.org",
        "a",
    };

    private HostileText() {}

    /** Up to eight pieces, some of them plain. */
    static Arbitrary<String> any() {
        return Arbitraries.of(PIECES).list().ofMaxSize(8).map(pieces -> String.join("", pieces));
    }
}
