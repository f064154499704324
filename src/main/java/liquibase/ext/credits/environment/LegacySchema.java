package liquibase.ext.credits.environment;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import liquibase.ext.credits.report.ShippedText;
import org.jspecify.annotations.Nullable;

/** The tables that exist before migration 021, as catalog and rows describe them to the connected role. */
final class LegacySchema {
    private static final String PROBLEM_OF_SERVER = text("server_settings.sql");
    private static final List<String> PROBLEMS_OF_CATALOG = Stream.of(
                    "legacy_schema.sql", "legacy_writes.sql", "earlier_attempt.sql", "row_level_security.sql")
            .map(LegacySchema::text)
            .toList();
    private static final String PROBLEM_OF_PUBLICATIONS = text("publications.sql");
    private static final String KNOWS_DISTRIBUTED_TABLES = "SELECT to_regclass('pg_dist_partition')::text";
    private static final String PROBLEM_OF_DISTRIBUTION = text("distributed_tables.sql");
    private static final String PROBLEM_OF_ROWS = text("legacy_rows.sql");

    private static final String LOCK_NOT_AVAILABLE = "55P03";
    private static final String LOCKED_TABLE = text("locked_table.sql");
    private static final String UNLOCKED_MEANWHILE =
            "a table that the conversion has to read stayed locked for longer than 5s; nothing was changed; run again";

    private final Connection connection;
    private final String changeLogTable;

    /** With the name of Liquibase's table of changesets as SQL writes it; a dry run may come before that table. */
    LegacySchema(Connection connection, String changeLogTable) {
        this.connection = connection;
        this.changeLogTable = changeLogTable;
    }

    /** The first thing that is missing or not as the conversion needs it, in one line. */
    Optional<String> problem() throws SQLException {
        try {
            return Optional.ofNullable(BoundedReading.read(connection, this::firstProblem));
        } catch (SQLException e) {
            if (!LOCK_NOT_AVAILABLE.equals(e.getSQLState())) {
                throw e;
            }
            return Optional.of(Objects.requireNonNullElse(first(LOCKED_TABLE), UNLOCKED_MEANWHILE));
        }
    }

    /** What an empty database can have as well. */
    Optional<String> problemOfServer() throws SQLException {
        return Optional.ofNullable(first(PROBLEM_OF_SERVER));
    }

    boolean hasUsers() throws SQLException {
        return first("SELECT to_regclass('users')::text") != null;
    }

    String databaseName() throws SQLException {
        return Objects.requireNonNull(first("SELECT current_database()"));
    }

    private @Nullable String firstProblem() throws SQLException {
        String problem = first(PROBLEM_OF_SERVER);
        for (String question : PROBLEMS_OF_CATALOG) {
            problem = problem == null ? first(question) : problem;
        }
        if (problem == null) {
            problem = first(PROBLEM_OF_PUBLICATIONS, changeLogTable);
        }
        if (problem == null && first(KNOWS_DISTRIBUTED_TABLES) != null) {
            problem = first(PROBLEM_OF_DISTRIBUTION);
        }
        return problem == null ? first(PROBLEM_OF_ROWS) : problem;
    }

    private @Nullable String first(String query, String... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(query)) {
            for (int i = 0; i < values.length; i++) {
                statement.setString(i + 1, values[i]);
            }
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? row.getString(1) : null;
            }
        }
    }

    private static String text(String file) {
        return ShippedText.of(LegacySchema.class, file);
    }
}
