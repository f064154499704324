package liquibase.ext.credits.plan;

import com.opencsv.CSVReaderHeaderAware;
import com.opencsv.exceptions.CsvValidationException;
import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The demo's users before they are loaded: the same files that the demo's changeset loads, as tables of a query. So the
 * dry run of an empty demo database shows what the real run will do, without writing a row.
 */
public final class SampleUsers {
    /** The tables that the demo's changeset loads, each from a file of its name. */
    public static final List<String> TABLES = List.of("users", "user_billing", "user_credits");

    private final List<String> tables = new ArrayList<>();

    /**
     * Reads the files.
     *
     * @param csvByTable the text of each file by its table's name: users, user_billing, user_credits
     * @throws IOException if one is not CSV
     */
    public SampleUsers(Map<String, String> csvByTable) throws IOException {
        tables.add(table(csvByTable, "users", List.of("id uuid", "email text")));
        tables.add(table(
                csvByTable,
                "user_billing",
                List.of("user_id uuid", "balance_usd numeric(10,2)", "balance_uah numeric(10,2)")));
        tables.add(table(
                csvByTable,
                "user_credits",
                List.of("user_id uuid", "balance numeric(10,2)", "total_earned numeric(10,2)")));
    }

    /** The query over these rows: a CTE hides a table of the same name. */
    String asTablesFor(String query) {
        return "WITH " + String.join(",\n", tables) + "\nSELECT * FROM (\n" + query + "\n) AS sample";
    }

    private static String table(Map<String, String> csvByTable, String name, List<String> columns) throws IOException {
        List<String> rows = new ArrayList<>();
        try (CSVReaderHeaderAware reader =
                new CSVReaderHeaderAware(new StringReader(csvByTable.getOrDefault(name, "")))) {
            for (Map<String, String> row = reader.readMap(); row != null; row = reader.readMap()) {
                rows.add(literals(row, columns));
            }
        } catch (CsvValidationException e) {
            throw new IOException(e);
        }
        String names =
                String.join(", ", columns.stream().map(SampleUsers::columnName).toList());
        return name + " (" + names + ") AS (VALUES " + String.join(", ", rows) + ")";
    }

    private static String literals(Map<String, String> row, List<String> columns) {
        List<String> literals = new ArrayList<>();
        for (String column : columns) {
            String name = columnName(column);
            String value = row.getOrDefault(name, "");
            literals.add("CAST('" + value.replace("'", "''") + "' AS " + column.substring(name.length() + 1) + ")");
        }
        return "(" + String.join(", ", literals) + ")";
    }

    private static String columnName(String column) {
        return column.substring(0, column.indexOf(' '));
    }
}
