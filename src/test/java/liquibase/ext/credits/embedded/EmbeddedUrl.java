package liquibase.ext.credits.embedded;

import java.nio.file.Path;
import java.sql.SQLException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code jdbc:embedded-postgresql:<database>?dir=<directory>&port=<port>}; the port is optional. */
record EmbeddedUrl(String database, Path directory, int port) {

    static final String PREFIX = "jdbc:embedded-postgresql:";

    private static final Pattern FORM = Pattern.compile(
            PREFIX + "(?<database>[a-z_][a-z0-9_]*)\\?dir=(?<directory>[^&]+)(&port=(?<port>\\d{1,5}))?");

    static EmbeddedUrl parse(String url) throws SQLException {
        Matcher parts = FORM.matcher(url);
        if (!parts.matches()) {
            throw new SQLException(url + " is not " + PREFIX + "<database>?dir=<directory>[&port=<port>]");
        }
        String port = parts.group("port");
        return new EmbeddedUrl(
                parts.group("database"), Path.of(parts.group("directory")), port == null ? 0 : Integer.parseInt(port));
    }
}
