package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import liquibase.ext.credits.conversion.Conversion;
import liquibase.ext.credits.conversion.ConversionException;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.conversion.InvalidSettingsException;
import liquibase.ext.credits.conversion.ProgressOutput;
import liquibase.ext.credits.conversion.Reversal;
import liquibase.ext.credits.conversion.ReversalSettings;
import liquibase.ext.credits.conversion.RunIdentity;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.ShrinkingMode;
import net.jqwik.api.Tuple;
import net.jqwik.api.lifecycle.AfterContainer;
import net.jqwik.api.lifecycle.BeforeContainer;

/** What holds for every population of users and every rate, over hundreds of random ones. */
class ConversionProperties {
    private static final Map<String, String> GIVEN = Map.ofEntries(
            Map.entry("environment", "stage"),
            Map.entry("onError", "stop"),
            Map.entry("onSpent", "refuse"),
            Map.entry("commit", "once"),
            Map.entry("lateWrites", "allow"),
            Map.entry("batchUsers", "5"),
            Map.entry("workers", "1"),
            Map.entry("maxActiveSessions", "none"),
            Map.entry("targetBatchMillis", "100"),
            Map.entry("maxReplicaLag", "none"),
            Map.entry("lockTimeout", "5s"),
            Map.entry("emails", "none"));

    private static final String PREVIEW = """
            SELECT user_id, credits, remainder, converted_usd, converted_uah, outcome
            FROM billing_migration_preview(?::numeric, ?::numeric, ?)
            ORDER BY user_id
            """;
    private static final String RESULT = """
            SELECT
                user_id, new_credits AS credits, coalesce(remainder, 0) AS remainder,
                coalesce(converted_usd, 0) AS converted_usd, coalesce(converted_uah, 0) AS converted_uah,
                CASE status WHEN 'success' THEN 'convert' ELSE status END AS outcome
            FROM billing_migration_log
            WHERE run_id = (SELECT id FROM billing_migration_run ORDER BY started_at DESC, id LIMIT 1)
            ORDER BY user_id
            """;
    private static final String MONEY = """
            SELECT b.user_id, b.balance_usd, b.balance_uah, c.id, c.balance, c.total_earned, c.total_spent
            FROM user_billing AS b
            LEFT JOIN user_credits AS c ON c.user_id = b.user_id
            ORDER BY b.user_id
            """;

    private static final String POPULATE = """
            WITH person AS (
                SELECT gen_random_uuid() AS id, p.usd, p.uah, p.credits
                FROM unnest(?::numeric[], ?::numeric[], ?::numeric[]) AS p (usd, uah, credits)
            ),
            a AS (INSERT INTO users (id, email) SELECT id, id || '@example.org' FROM person),
            b AS (INSERT INTO user_billing (user_id, balance_usd, balance_uah) SELECT id, usd, uah FROM person),
            c AS (
                INSERT INTO user_credits (user_id, balance, total_earned)
                SELECT id, credits, credits FROM person WHERE credits IS NOT NULL
            )
            INSERT INTO credit_transactions (
                user_id, transaction_type, amount, balance_before, balance_after, source)
            SELECT id, 'purchase', credits, 0, credits, 'test' FROM person WHERE credits > 0
            """;
    private static final String LEDGER = """
            SELECT coalesce(sum(amount), 0) AS net
            FROM credit_transactions
            WHERE transaction_type IN ('migration', 'migration_rollback')
            """;

    private static Database database;

    /** One user: balances, and credits held before (null: no row). */
    record Person(BigDecimal usd, BigDecimal uah, BigDecimal credits) {}

    @BeforeContainer
    static void start() {
        database = Database.prepared();
    }

    @AfterContainer
    static void stop() {
        database.close();
    }

    @Property(tries = 500, shrinking = ShrinkingMode.OFF)
    void theDryRunIsRightToTheLastDigitAndTheUndoIsTheIdentity(
            @ForAll("people") List<Person> people,
            @ForAll("rates") BigDecimal creditsPerUsd,
            @ForAll("ratesOrNone") String creditsPerUah,
            @ForAll("roundings") String rounding)
            throws Exception {
        try (Connection connection = populated(people)) {
            List<Map<String, Object>> before = rows(connection, MONEY);
            String uah = creditsPerUah.equals("none") ? null : creditsPerUah;
            List<Map<String, Object>> predicted =
                    rows(connection, PREVIEW, creditsPerUsd.toPlainString(), uah, rounding);

            convert(connection, creditsPerUsd, creditsPerUah, rounding);
            assertThat(rows(connection, RESULT)).isEqualTo(predicted);
            assertThat(predicted.stream()
                            .filter(row -> row.get("outcome").equals("convert"))
                            .map(row -> row.get("credits") + " and " + row.get("remainder")))
                    .containsExactlyInAnyOrderElementsOf(inJava(people, creditsPerUsd, uah, rounding));

            undo(connection);
            assertThat(rows(connection, MONEY)).isEqualTo(before);
            assertThat(rows(connection, LEDGER))
                    .singleElement()
                    .satisfies(row -> assertThat((BigDecimal) row.get("net")).isZero());
            connection.rollback();
        }
    }

    /** The same arithmetic by somebody else: credits and remainder of everybody who gets any. */
    private static List<String> inJava(
            List<Person> people, BigDecimal creditsPerUsd, String creditsPerUah, String rounding) {
        BigDecimal perUah = creditsPerUah == null ? BigDecimal.ZERO : new BigDecimal(creditsPerUah);
        return people.stream()
                .map(person -> person.usd()
                        .max(BigDecimal.ZERO)
                        .multiply(creditsPerUsd)
                        .add(person.uah().max(BigDecimal.ZERO).multiply(perUah)))
                .map(exact -> List.of(exact.setScale(2, RoundingMode.valueOf(rounding)), exact))
                .filter(credits -> credits.get(0).signum() > 0)
                .map(credits ->
                        plain(credits.get(0)) + " and " + plain(credits.get(1).subtract(credits.get(0))))
                .toList();
    }

    private static BigDecimal plain(BigDecimal number) {
        return new BigDecimal(number.stripTrailingZeros().toPlainString());
    }

    @Provide
    Arbitrary<List<Person>> people() {
        Arbitrary<BigDecimal> cents = Arbitraries.frequencyOf(
                Tuple.of(2, Arbitraries.just(BigDecimal.ZERO)),
                Tuple.of(
                        3,
                        Arbitraries.bigDecimals()
                                .between(new BigDecimal("0.01"), new BigDecimal("0.10"))
                                .ofScale(2)),
                Tuple.of(
                        6,
                        Arbitraries.bigDecimals()
                                .between(new BigDecimal("-50.00"), new BigDecimal("9999.99"))
                                .ofScale(2)));
        Arbitrary<BigDecimal> held = Arbitraries.bigDecimals()
                .between(BigDecimal.ZERO, new BigDecimal("500.00"))
                .ofScale(2)
                .injectNull(0.3);
        return Combinators.combine(cents, cents, held)
                .as(Person::new)
                .list()
                .ofMinSize(0)
                .ofMaxSize(12);
    }

    @Provide
    Arbitrary<BigDecimal> rates() {
        return Arbitraries.oneOf(
                Arbitraries.of("1.0", "10.0", "0.5", "0.005", "0.333", "0.000000000000000001", "1234.5678")
                        .map(BigDecimal::new),
                Arbitraries.bigDecimals()
                        .between(new BigDecimal("0.0001"), new BigDecimal("3000"))
                        .ofScale(6));
    }

    @Provide
    Arbitrary<String> ratesOrNone() {
        return Arbitraries.oneOf(Arbitraries.just("none"), rates().map(BigDecimal::toPlainString));
    }

    @Provide
    Arbitrary<String> roundings() {
        return Arbitraries.of("HALF_UP", "HALF_EVEN", "DOWN");
    }

    private static void convert(Connection connection, BigDecimal creditsPerUsd, String creditsPerUah, String rounding)
            throws InvalidSettingsException, ConversionException {
        Map<String, String> texts = new HashMap<>(GIVEN);
        texts.put("perUsd", creditsPerUsd.toPlainString());
        texts.put("perUah", creditsPerUah);
        texts.put("rounding", rounding);
        ConversionSettings settings = ConversionSettings.of(texts);
        RunIdentity identity = new RunIdentity("property", "test", null);
        new Conversion(
                        connection,
                        () -> Server.current().connect("none"),
                        settings,
                        identity,
                        ProgressOutput.lines(line -> {}, Duration.ZERO))
                .run();
    }

    private static void undo(Connection connection) throws InvalidSettingsException, ConversionException {
        new Reversal(
                        connection,
                        () -> Server.current().connect("none"),
                        ReversalSettings.of(GIVEN),
                        null,
                        ProgressOutput.lines(line -> {}, Duration.ZERO))
                .run();
    }

    /** In a transaction of its own that each try rolls back, so that tries do not meet. */
    private static Connection populated(List<Person> people) throws SQLException {
        Connection connection = database.connection();
        connection.setAutoCommit(false);
        try (PreparedStatement statement = connection.prepareStatement(POPULATE)) {
            statement.setArray(1, numbers(connection, people.stream().map(Person::usd)));
            statement.setArray(2, numbers(connection, people.stream().map(Person::uah)));
            statement.setArray(3, numbers(connection, people.stream().map(Person::credits)));
            statement.execute();
        }
        return connection;
    }

    private static Array numbers(Connection connection, Stream<BigDecimal> numbers) throws SQLException {
        return connection.createArrayOf("numeric", numbers.toArray());
    }

    /** Numbers without trailing zeros, so that equal amounts are equal. */
    private static List<Map<String, Object>> rows(Connection connection, String sql, Object... values)
            throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return Database.rowsOf(statement.executeQuery()).stream()
                    .map(ConversionProperties::normalised)
                    .collect(Collectors.toList());
        }
    }

    private static Map<String, Object> normalised(Map<String, Object> row) {
        Map<String, Object> normalised = new TreeMap<>(row);
        normalised.replaceAll((name, value) -> value instanceof BigDecimal number ? plain(number) : value);
        return normalised;
    }
}
