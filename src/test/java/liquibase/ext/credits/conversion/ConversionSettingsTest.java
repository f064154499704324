package liquibase.ext.credits.conversion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a conversion is told, read from texts at the edges of what is allowed. */
class ConversionSettingsTest {

    private static final Map<String, String> GIVEN = Map.ofEntries(
            Map.entry("environment", "stage"),
            Map.entry("cohort", "none"),
            Map.entry("perUsd", "1.0"),
            Map.entry("perUah", "none"),
            Map.entry("rounding", "HALF_UP"),
            Map.entry("onError", "stop"),
            Map.entry("commit", "batch"),
            Map.entry("lateWrites", "allow"),
            Map.entry("batchUsers", "auto"),
            Map.entry("workers", "1"),
            Map.entry("targetBatchMillis", "100"),
            Map.entry("maxReplicaLag", "none"),
            Map.entry("maxActiveSessions", "none"),
            Map.entry("lockTimeout", "10s"),
            Map.entry("emails", "masked"));

    @ParameterizedTest(name = "credits.{0}={1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "environment          | a_40-character_name_is_the_longest_there | environment=a_40-character_name_is_the_longest_there,",
                "cohort               | ''                   | kind=EVERYBODY,",
                "perUsd               | 0.000000000000000001 | creditsPerUsd=1E-18,",
                "perUsd               | 123456.789012345678  | creditsPerUsd=123456.789012345678,",
                "perUsd               | 1000000              | creditsPerUsd=1000000,",
                "perUah               | none                 | creditsPerUah=null,",
                "perUah               | 0.5                  | creditsPerUah=0.5,",
                "rounding             | half_even            | rounding=HALF_EVEN,",
                "onError              | SKIP                 | onError=SKIP,",
                "batchUsers           | auto                 | batchUsers=0,",
                "batchUsers           | 9999999              | batchUsers=9999999,",
                "workers              | 1                    | workers=1,",
                "workers              | 64                   | workers=64,",
                "targetBatchMillis    | 1                    | targetBatch=PT0.001S,",
                "maxReplicaLag        | none                 | maxReplicaLag=null,",
                "maxReplicaLag        | 10s                  | maxReplicaLag=PT10S,",
                "maxActiveSessions    | none                 | maxActiveSessions=0,",
                "maxActiveSessions    | 1                    | maxActiveSessions=1,",
                "lockTimeout          | 500ms                | lockTimeout=PT0.5S],",
                "lockTimeout          | 2min                 | lockTimeout=PT2M],",
                "lockTimeout          | 1ms                  | lockTimeout=PT0.001S],",
                "lockTimeout          | 2147483s             | lockTimeout=PT596H31M23S],",
                "emails               | ' full '             | emails=FULL,",
                "reportDir            | none                 | reportDir=null,",
                "reportDir            | reports              | reportDir=reports,",
                "plan                 | plan.json            | plan=plan.json,",
                "planTolerancePercent | 100                  | planTolerancePercent=100]",
            })
    void readsWhatIsAllowed(String name, String text, String setting) throws InvalidSettingsException {
        assertThat(ConversionSettings.of(with(name, text)).toString()).contains(setting);
    }

    @ParameterizedTest(name = "credits.{0}={1}")
    @CsvSource(
            delimiter = '|',
            value = {
                "environment          | this_name_of_41_characters_is_one_too_long | give up to 40 letters, digits, - or _, such as stage",
                "cohort               | percent:0            | give none, percent: with a number above 0 and at most 100 and at most two decimals, ids: or emails: with a file",
                "perUsd               | 0.0                  | give a plain number above 0 and at most 1000000 with at most 18 digits, such as 10 or 0.5",
                "perUsd               | 1.000000000000000001 | give a plain number above 0 and at most 1000000 with at most 18 digits, such as 10 or 0.5",
                "perUah               | 1000000.1            | give a plain number above 0 and at most 1000000 with at most 18 digits, such as 10 or 0.5",
                "rounding             | up                   | give one of HALF_UP, HALF_EVEN, DOWN",
                "commit               | twice                | give one of once, batch",
                "batchUsers           | 10000000             | give auto, or a number of users from 1 to 9999999",
                "workers              | 65                   | give a number of connections from 1 to 64",
                "targetBatchMillis    | 0                    | give a number of milliseconds from 1 to 9999999",
                "maxReplicaLag        | 10                   | give a duration such as 500ms, 10s or 2min, or none",
                "maxActiveSessions    | 0                    | give none, or a number of sessions from 1 to 9999999",
                "lockTimeout          | none                 | give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms",
                "lockTimeout          | 0s                   | give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms",
                "lockTimeout          | 2147484s             | give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms",
                "lockTimeout          | 35792min             | give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms",
                "planTolerancePercent | 100.1                | give a number of percent from 0 to 100, such as 0.5",
                "planTolerancePercent | -1                   | give a number of percent from 0 to 100, such as 0.5",
            })
    void refusesWhatIsJustOutside(String name, String text, String required) {
        assertThatThrownBy(() -> ConversionSettings.of(with(name, text)))
                .isExactlyInstanceOf(InvalidSettingsException.class)
                .hasMessage("credits." + name + " is '" + text + "'; " + required);
    }

    @Test
    void refusesAPathThatIsEmptyNotSetOrSteersATerminal() {
        assertThatThrownBy(() -> ConversionSettings.of(with("reportDir", "")))
                .hasMessage("credits.reportDir is empty; give a folder, or none");
        assertThatThrownBy(() -> ConversionSettings.of(with("plan", "${plan}")))
                .hasMessage("credits.plan is not set; give the path of a plan.json, or none");
        assertThatThrownBy(() -> ConversionSettings.of(with("plan", "a\u001Bb")))
                .hasMessage("credits.plan is 'a\\u001Bb'; give the path of a plan.json, or none");
    }

    @Test
    void refusesSeveralWorkersInOneTransaction() {
        Map<String, String> once = with("commit", "ONCE");
        once.put("workers", "2");

        assertThatThrownBy(() -> ConversionSettings.of(once))
                .hasMessage("credits.workers is '2'; one transaction needs one connection: give 1, or set"
                        + " credits.commit=batch");
    }

    @Test
    void namesEveryProblemInOrder() {
        Map<String, String> wrong = with("perUsd", "0");
        wrong.put("emails", "all");

        InvalidSettingsException refused =
                catchThrowableOfType(InvalidSettingsException.class, () -> ConversionSettings.of(wrong));

        assertThat(refused.problems())
                .containsExactly(
                        "credits.perUsd is '0'; give a plain number above 0 and at most 1000000 with at most 18"
                                + " digits, such as 10 or 0.5",
                        "credits.emails is 'all'; give one of masked, full, none");
        assertThat(refused).hasMessage(String.join("; ", refused.problems()));
    }

    @Test
    void saysWhatItIsGoingToDo() throws InvalidSettingsException {
        Map<String, String> part = with("perUah", "0.5");
        part.put("cohort", "percent:5");

        assertThat(ConversionSettings.of(GIVEN).effects())
                .containsExactly(
                        "Convert all USD balances to credits: 1 USD = 1.0 credits, rounded HALF_UP",
                        "Zero out user_billing.balance_usd",
                        "Create transaction records");
        assertThat(ConversionSettings.of(part).effects())
                .containsExactly(
                        "Convert USD and UAH balances to credits: 1 USD = 1.0 credits, 1 UAH = 0.5 credits,"
                                + " rounded HALF_UP, only percent:5",
                        "Zero out user_billing.balance_usd and user_billing.balance_uah, only of percent:5",
                        "Create transaction records");
        assertThat(ConversionSettings.of(GIVEN).rates()).isEqualTo("1 USD = 1.0 credits, rounded HALF_UP");
        assertThat(ConversionSettings.of(part).rates())
                .isEqualTo("1 USD = 1.0 credits, 1 UAH = 0.5 credits, rounded HALF_UP, only percent:5");
    }

    @Test
    void theSameRateWrittenInAnotherWayDecidesTheSame() throws InvalidSettingsException {
        assertThat(ConversionSettings.of(with("perUsd", "1")).decisive())
                .isEqualTo(ConversionSettings.of(GIVEN).decisive())
                .containsEntry("perUsd", "1")
                .containsEntry("perUah", "none")
                .containsEntry("cohort", "none")
                .containsEntry("commit", "batch");
        assertThat(ConversionSettings.of(with("perUah", "10.0")).decisive()).containsEntry("perUah", "10");
    }

    @Test
    void anUndoNeedsNoRate() throws InvalidSettingsException {
        Map<String, String> texts = new HashMap<>(Map.of(
                "environment", "stage",
                "onSpent", "debt",
                "commit", "batch",
                "batchUsers", "300",
                "workers", "2",
                "targetBatchMillis", "50",
                "maxReplicaLag", "1s",
                "maxActiveSessions", "none",
                "lockTimeout", "5s",
                "emails", "none"));

        assertThat(ReversalSettings.of(texts).toString())
                .isEqualTo("ReversalSettings[environment=stage, cohort=Cohort[kind=EVERYBODY, value=, userIds=[]],"
                        + " onSpent=DEBT, commit=BATCH, pace=Pace[batchUsers=300,"
                        + " workers=2, targetBatch=PT0.05S, maxReplicaLag=PT1S, maxActiveSessions=0,"
                        + " lockTimeout=PT5S], emails=NONE, reportDir=null]");
        texts.remove("lockTimeout");
        assertThatThrownBy(() -> ReversalSettings.of(texts))
                .hasMessage(
                        "credits.lockTimeout is empty; give a duration such as 500ms, 10s or 2min, from 1ms to 2147483647ms");
    }

    private static Map<String, String> with(String name, String text) {
        Map<String, String> texts = new HashMap<>(GIVEN);
        texts.put(name, text);
        return texts;
    }
}
