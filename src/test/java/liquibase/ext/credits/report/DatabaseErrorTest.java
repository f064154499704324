package liquibase.ext.credits.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;

/** What the database said, as an operator reads it. */
class DatabaseErrorTest {

    @Test
    void isOneHarmlessLineWithoutItsSeverity() {
        assertThat(DatabaseError.line(new SQLException("ERROR: too \u001B[2J low\n  Detail: 1")))
                .isEqualTo("too \\u001B[2J low");
        assertThat(DatabaseError.line(new SQLException("An I/O error"))).isEqualTo("An I/O error");
        assertThat(DatabaseError.line(new SQLException((String) null))).isEqualTo("java.sql.SQLException");
    }

    @Test
    void isHarmlessAlsoWhereItsCauseIsPrinted() {
        SQLException cause = new SQLException("ERROR: too \u001B[2J low\n  Detail: 1", "P0001", 7);
        cause.setStackTrace(new StackTraceElement[] {new StackTraceElement("Driver", "execute", "Driver.java", 1)});

        SQLException harmless = DatabaseError.harmless(cause);

        assertThat(harmless.getMessage()).isEqualTo("ERROR: too \\u001B[2J low\n  Detail: 1");
        assertThat(harmless.getSQLState()).isEqualTo("P0001");
        assertThat(harmless.getErrorCode()).isEqualTo(7);
        assertThat(harmless.getStackTrace()).isEqualTo(cause.getStackTrace());
    }
}
