package liquibase.ext.credits.conversion;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import liquibase.ext.credits.document.Document;
import liquibase.ext.credits.document.ReportFolder;
import org.jspecify.annotations.Nullable;

/** Writes a report beside what was done, and never undoes it: whatever fails here becomes a line for the operator. */
final class RunFiles {
    private final Connection connection;
    private final @Nullable Path path;

    RunFiles(Connection connection, @Nullable Path path) {
        this.connection = connection;
        this.path = path;
    }

    /** Reads what goes into a document. */
    interface Reading {
        Document read() throws SQLException;
    }

    /** A folder that cannot be written to is found before any balance is changed. */
    void check() throws ConversionException {
        if (path != null) {
            try {
                ReportFolder.open(path);
            } catch (IOException e) {
                throw new ConversionException("no balance was changed: " + e.getMessage());
            }
        }
    }

    /** Returns the line for the operator; null when nothing is asked for. */
    @Nullable
    String write(Reading reading) throws SQLException {
        if (path == null) {
            return null;
        }
        // Reading for the report must not harm the transaction that holds the money, nor leave planner settings in it.
        Savepoint before = connection.setSavepoint();
        try {
            Document document = reading.read();
            ReportFolder folder = ReportFolder.open(path);
            folder.write(document);
            return folder.message();
        } catch (SQLException | IOException e) {
            return "The report could not be written to " + path + " (" + e.getMessage()
                    + "); what is said above is done";
        } finally {
            if (!connection.isClosed()) {
                connection.rollback(before);
            }
        }
    }
}
