package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;

import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the person on duty reads when the database refuses. */
class ConversionExceptionTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(
            delimiter = '|',
            value = {
                "55P03 | a row or table stayed locked for longer than credits.lockTimeout; no balance was changed;"
                        + " run again when the application is quieter, or raise credits.lockTimeout",
                "40P01 | another transaction locked the same rows in another order, a deadlock; no balance was changed;"
                        + " run again",
                "22003 | a balance grew meanwhile and no longer fits; no balance was changed; run again",
                "42883 | a function of migration 021 is missing; run liquibase update with changelogs/master.xml;"
                        + " no balance was changed",
                "P0001 | said by the database; no balance was changed",
                "      | said by the database; no balance was changed",
            })
    void saysWhatWasFoundAndWhatToDo(String state, String line) {
        SQLException cause = new SQLException("ERROR: said by the database\n  Where: SQL function", state);

        assertThat(ConversionException.of(cause)).hasMessage(line).hasCause(cause);
        assertThat(ConversionException.of(cause).line()).isEqualTo(line);
    }

    @Test
    void nothingIsSaidTwice() {
        assertThat(ConversionException.of(new SQLException("run 7 is open; no balance was changed; wait")))
                .hasMessage("run 7 is open; no balance was changed; wait");
    }

    @Test
    void textInsideSqlEndsWhereItShould() {
        assertThat(Sql.literal("o'neill''s")).isEqualTo("'o''neill''''s'");
        assertThat(Sql.literal(null)).isEqualTo("NULL");
    }
}
