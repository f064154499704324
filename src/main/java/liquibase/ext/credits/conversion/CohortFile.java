package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * A list of users: one id or e-mail address a line; empty lines and lines that begin with {@code #} do not count. What
 * is wrong is named by its line, because an address must not appear in a message.
 */
public final class CohortFile {
    private static final int SHOWN_LINES = 20;
    private static final Pattern ID = Pattern.compile("\\p{XDigit}{8}(-\\p{XDigit}{4}){3}-\\p{XDigit}{12}");
    private static final Pattern EMAIL = Pattern.compile("[^@\\s]+@[^@\\s]+");
    private static final String KNOWN_IDS = "SELECT u.id, u.id::text FROM users AS u WHERE u.id = ANY (?::uuid[])";
    private static final String KNOWN_EMAILS = "SELECT u.id, u.email FROM users AS u WHERE u.email = ANY (?::text[])";

    private final Cohort cohort;
    private final Map<String, Integer> lineByUser;

    private CohortFile(Cohort cohort, Map<String, Integer> lineByUser) {
        this.cohort = cohort;
        this.lineByUser = lineByUser;
    }

    /**
     * Reads the text of a file.
     *
     * @param cohort which names the file
     * @param text the file's content
     * @return the users it names
     * @throws InvalidSettingsException for a line that is neither id nor address, and for a file without users
     */
    public static CohortFile of(Cohort cohort, String text) throws InvalidSettingsException {
        boolean isIds = cohort.kind() == Cohort.Kind.IDS;
        Map<String, Integer> lineByUser = new TreeMap<>();
        List<Integer> malformed = new ArrayList<>();
        List<String> lines =
                text.replace("\uFEFF", "").lines().map(String::strip).toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isEmpty() || line.startsWith("#")) {
                continue;
            }
            if ((isIds ? ID : EMAIL).matcher(line).matches()) {
                lineByUser.putIfAbsent(isIds ? line.toLowerCase(Locale.ROOT) : line, i + 1);
            } else {
                malformed.add(i + 1);
            }
        }
        refuse(cohort, malformed, isIds ? "not an id (a UUID)" : "not an e-mail address");
        if (lineByUser.isEmpty()) {
            throw new InvalidSettingsException(
                    List.of("credits.cohort names " + cohort.file() + ", which holds no user; give one a line"));
        }
        return new CohortFile(cohort, lineByUser);
    }

    /**
     * Finds the users.
     *
     * @param connection any connection to the database; only reads
     * @return their ids, sorted as text, each once
     * @throws InvalidSettingsException naming the lines of users that do not exist, at most 20
     * @throws SQLException as the database reports it
     */
    public List<UUID> userIds(Connection connection) throws InvalidSettingsException, SQLException {
        Map<String, UUID> idByUser = known(connection);
        List<Integer> unknown = lineByUser.entrySet().stream()
                .filter(user -> !idByUser.containsKey(user.getKey()))
                .map(Map.Entry::getValue)
                .sorted()
                .toList();
        refuse(cohort, unknown, "a user that is not in users");
        return idByUser.values().stream()
                .sorted((one, other) -> one.toString().compareTo(other.toString()))
                .toList();
    }

    private Map<String, UUID> known(Connection connection) throws SQLException {
        boolean isIds = cohort.kind() == Cohort.Kind.IDS;
        Map<String, UUID> idByUser = new TreeMap<>();
        try (PreparedStatement statement = connection.prepareStatement(isIds ? KNOWN_IDS : KNOWN_EMAILS)) {
            statement.setArray(
                    1, connection.createArrayOf("text", lineByUser.keySet().toArray()));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    idByUser.put(rows.getString(2), rows.getObject(1, UUID.class));
                }
            }
        }
        return idByUser;
    }

    private static void refuse(Cohort cohort, List<Integer> lines, String what) throws InvalidSettingsException {
        if (lines.isEmpty()) {
            return;
        }
        List<String> first =
                lines.stream().limit(SHOWN_LINES).map(String::valueOf).toList();
        String more = lines.size() > SHOWN_LINES ? ", and " + (lines.size() - SHOWN_LINES) + " more" : "";
        throw new InvalidSettingsException(List.of("credits.cohort names " + cohort.file() + ", which has in line "
                + String.join(", ", first) + more + " " + what + "; no balance was changed; correct the file"));
    }
}
