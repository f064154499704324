package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whom a run is for, as it is given and as it is named. */
class CohortTest {

    private static final UUID ONE = UUID.fromString("00000000-0000-4000-8000-000000000001");
    private static final UUID TWO = UUID.fromString("00000000-0000-4000-8000-000000000002");

    @Test
    void everybodyHasNoNameAndNoCondition() {
        assertThat(Cohort.of("none", List.of())).isEqualTo(Cohort.EVERYBODY).isEqualTo(Cohort.of("", List.of(ONE)));
        assertThat(Cohort.EVERYBODY.isEverybody()).isTrue();
        assertThat(Cohort.EVERYBODY.isListed()).isFalse();
        assertThat(Cohort.EVERYBODY.runName()).isNull();
        assertThat(Cohort.EVERYBODY.condition("b.user_id")).isEqualTo("true");
        assertThat(Cohort.EVERYBODY.asArguments()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({"percent:0.01, percent:0.01", "percent:5.50, percent:5.5", "percent:100, percent:100"})
    void aShareIsNamedWithoutTrailingZeros(String text, String name) {
        Cohort share = Cohort.of(text, List.of(ONE));

        assertThat(share.runName()).isEqualTo(name);
        assertThat(share.isEverybody()).isFalse();
        assertThat(share.isListed()).isFalse();
        assertThat(share.userIds()).isEmpty();
        assertThat(share.condition("b.user_id"))
                .isEqualTo("('x' || left(md5(b.user_id::text), 8))::bit(32)::bigint % 10000 < "
                        + name.replace("percent:", "") + " * 100");
        assertThat(share.asArguments()).isEqualTo(",\n    p_cohort => '" + name + "'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "percent:0",
                "percent:100.01",
                "percent:1.234",
                "percent:",
                "ids:",
                "emails: x",
                "ids:\u001B[2J.txt",
                "all"
            })
    void whatNamesNobodyIsNoCohort(String text) {
        assertThat(Cohort.of(text, List.of())).isNull();
    }

    @Test
    void aListIsNamedWithAFingerprintOfItsUsersInAnyOrder() {
        Cohort ids = Cohort.of("ids:o'neill.txt", List.of(ONE, TWO));

        assertThat(ids.isListed()).isTrue();
        assertThat(ids.isEverybody()).isFalse();
        assertThat(ids.runName()).isEqualTo("ids:o'neill.txt (2 users, ce3b684733e9)");
        assertThat(Cohort.of("ids:o'neill.txt", List.of(TWO, ONE)).runName()).isEqualTo(ids.runName());
        assertThat(Cohort.of("emails:pilot.txt", List.of(ONE)).runName()).startsWith("emails:pilot.txt (1 users, ");
        assertThat(Cohort.of("emails:pilot.txt", List.of()).runName()).isEqualTo("emails:pilot.txt");
        assertThat(Cohort.of("emails:pilot.txt", List.of()).isListed()).isTrue();
        assertThat(ids.condition("id"))
                .isEqualTo("id IN (SELECT m.user_id FROM unnest('{" + ONE + "," + TWO + "}'::uuid[]) AS m (user_id))");
        assertThat(ids.asArguments())
                .isEqualTo(",\n    p_cohort => 'ids:o''neill.txt (2 users, ce3b684733e9)',\n    p_cohort_users => '{"
                        + ONE + "," + TWO + "}'::uuid[]");
    }

    @Test
    void aFilesWrongLinesAreNamedByNumberAndNeverShown() throws InvalidSettingsException {
        assertThatThrownBy(() -> read("ids:pilot.txt", "# a comment\n\n" + ONE + "\r\nivan@example.org\n" + ONE + "0"))
                .hasMessage("credits.cohort names pilot.txt, which has in line 4, 5 not an id (a UUID); no balance was"
                        + " changed; correct the file");
        assertThatThrownBy(() -> read("emails:pilot.txt", "ivan@example.org\nivan@@example.org"))
                .hasMessage("credits.cohort names pilot.txt, which has in line 2 not an e-mail address; no balance was"
                        + " changed; correct the file");
        assertThat(read("ids:pilot.txt", "\uFEFF" + ONE.toString().toUpperCase(Locale.ROOT)))
                .isNotNull();
    }

    @Test
    void atMostTwentyLinesAreNamed() {
        assertThatThrownBy(() -> read("ids:pilot.txt", wrongLines(20)))
                .hasMessageContaining("19, 20 not an id")
                .hasMessageNotContaining("more");
        assertThatThrownBy(() -> read("ids:pilot.txt", wrongLines(22))).hasMessageContaining("19, 20, and 2 more not");
    }

    @Test
    void aFileWithoutUsersIsRefused() {
        assertThatThrownBy(() -> read("emails:pilot.txt", "# nobody yet\n"))
                .isExactlyInstanceOf(InvalidSettingsException.class)
                .hasMessage("credits.cohort names pilot.txt, which holds no user; give one a line");
    }

    private static CohortFile read(String cohort, String text) throws InvalidSettingsException {
        return CohortFile.of(Cohort.of(cohort, List.of()), text);
    }

    private static String wrongLines(int count) {
        return IntStream.range(0, count).mapToObj(line -> "x").collect(Collectors.joining("\n"));
    }
}
