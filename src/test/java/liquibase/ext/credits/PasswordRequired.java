package liquibase.ext.credits;

import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import liquibase.ext.credits.conversion.Sql;

/** A server that lets everybody in asks this role for its password, until this is closed. */
record PasswordRequired(MigratingRole role, List<String> before) implements AutoCloseable {

    private static final String READ =
            "SELECT regexp_split_to_table(pg_read_file(current_setting('hba_file')), E'\\n')";
    private static final Duration LIMIT = Duration.ofMinutes(1);

    static PasswordRequired of(MigratingRole role) {
        PasswordRequired required = new PasswordRequired(role, role.database().lines(READ));
        List<String> lines = new ArrayList<>(required.before);
        lines.add(0, "host all " + role.name() + " all scram-sha-256");
        required.write(lines);
        Instant end = Instant.now().plus(LIMIT);
        while (required.letsAnybodyIn()) {
            if (Instant.now().isAfter(end)) {
                throw new IllegalStateException("the server does not ask " + role.name() + " for a password");
            }
            Thread.onSpinWait();
        }
        return required;
    }

    @Override
    public void close() {
        write(before);
    }

    private void write(List<String> lines) {
        Database database = role.database();
        String file = database.text("SELECT current_setting('hba_file')");
        database.execute("COPY (VALUES "
                + lines.stream().map(line -> "(" + Sql.literal(line) + ")").collect(Collectors.joining(", ")) + ") TO "
                + Sql.literal(file));
        database.execute("SELECT pg_reload_conf()");
    }

    private boolean letsAnybodyIn() {
        try {
            DriverManager.getConnection(role.database().url(), role.name(), "wrong")
                    .close();
            return true;
        } catch (SQLException refused) {
            return false;
        }
    }
}
