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
}
