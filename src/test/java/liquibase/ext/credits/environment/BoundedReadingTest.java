package liquibase.ext.credits.environment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import liquibase.ext.credits.Database;
import org.junit.jupiter.api.Test;

/** The guard waits 5 seconds for a lock; the session's own timeout is what it was, whatever the guard found. */
class BoundedReadingTest {

    private static final String LOCK_TIMEOUT = "SELECT current_setting('lock_timeout')";

    @Test
    void leavesTheTransactionAsItWas() throws SQLException {
        try (Database database = Database.empty();
                Connection connection = database.connection()) {
            connection.setAutoCommit(false);
            first(connection, "SELECT set_config('lock_timeout', '9s', true)");

            assertThat(BoundedReading.read(connection, () -> first(connection, LOCK_TIMEOUT)))
                    .isEqualTo("5s");

            assertThat(first(connection, LOCK_TIMEOUT)).isEqualTo("9s");
            assertThat(connection.getAutoCommit()).isFalse();
        }
    }

    @Test
    void leavesTheTransactionUsableAfterAFailure() throws SQLException {
        try (Database database = Database.empty();
                Connection connection = database.connection()) {
            connection.setAutoCommit(false);
            first(connection, "SELECT set_config('lock_timeout', '9s', true)");

            assertThatThrownBy(() -> BoundedReading.read(connection, () -> first(connection, "SELECT 1 / 0")))
                    .hasMessageContaining("division by zero");

            assertThat(first(connection, LOCK_TIMEOUT)).isEqualTo("9s");
        }
    }

    @Test
    void leavesASessionWithoutTransactionAsItWas() throws SQLException {
        try (Database database = Database.empty();
                Connection connection = database.connection()) {
            first(connection, "SELECT set_config('lock_timeout', '7s', false)");

            BoundedReading.read(connection, () -> first(connection, LOCK_TIMEOUT));

            assertThat(first(connection, LOCK_TIMEOUT)).isEqualTo("7s");
            assertThat(connection.getAutoCommit()).isTrue();
        }
    }

    private static String first(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
