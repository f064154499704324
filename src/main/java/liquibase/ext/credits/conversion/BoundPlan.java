package liquibase.ext.credits.conversion;

import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import liquibase.ext.credits.report.Outcome;
import liquibase.ext.credits.report.Outcomes;
import liquibase.ext.credits.report.Sha256;
import liquibase.ext.credits.report.UntrustedText;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import org.yaml.snakeyaml.error.YAMLException;

/**
 * The plan.json that binds a run: settings must be equal, each total within the tolerance, and at tolerance 0 the fingerprint the same;
 * when the run starts, and again over its log when it ends.
 */
final class BoundPlan {
    private static final BigDecimal HUNDRED = new BigDecimal(100);

    private final Path path;
    private final BigDecimal tolerancePercent;
    private final String checksum;
    private final Map<?, ?> json;

    private BoundPlan(Path path, BigDecimal tolerancePercent, String checksum, Map<?, ?> json) {
        this.path = path;
        this.tolerancePercent = tolerancePercent;
        this.checksum = checksum;
        this.json = json;
    }

    /** Reads the plan of these settings and compares what decides; null when no plan is given. */
    static @Nullable BoundPlan of(ConversionSettings settings, String database) throws ConversionException {
        Path path = settings.plan();
        if (path == null) {
            return null;
        }
        BoundPlan plan = read(path, settings.planTolerancePercent());
        plan.checkSettings(settings, database);
        return plan;
    }

    private static BoundPlan read(Path path, BigDecimal tolerancePercent) throws ConversionException {
        LoaderOptions strict = new LoaderOptions();
        strict.setAllowDuplicateKeys(false);
        try {
            String text = Files.readString(path);
            // JSON is YAML, and Liquibase brings a reader of YAML.
            Object json = new Yaml(new SafeConstructor(strict)).load(text);
            if (json instanceof Map<?, ?> map
                    && "liquibase-credits/document/1".equals(map.get("schema"))
                    && "plan".equals(map.get("kind"))
                    && map.get("fingerprint") instanceof String
                    && map.get("settings") instanceof Map
                    && map.get("provenance") instanceof Map
                    && map.get("outcomes") instanceof Map) {
                return new BoundPlan(path, tolerancePercent, Sha256.of(text), map);
            }
        } catch (NoSuchFileException e) {
            throw refused("credits.plan " + path + " does not exist; give the plan.json that updateSQL wrote");
        } catch (IOException e) {
            throw refused("credits.plan " + path + " cannot be read (" + e + "); give a readable plan.json");
        } catch (YAMLException e) {
            throw refused("credits.plan " + path + " is not JSON; give the plan.json that updateSQL wrote");
        }
        throw refused("credits.plan " + path + " is no plan of this version; write a new one with updateSQL");
    }

    /** What identifies the plan in {@code billing_migration_run}. */
    String fingerprint() {
        return Objects.toString(json.get("fingerprint"));
    }

    /** Of the file. */
    String checksum() {
        return checksum;
    }

    private void checkSettings(ConversionSettings settings, String database) throws ConversionException {
        List<String> differences = new ArrayList<>();
        Map<?, ?> planned = (Map<?, ?>) Objects.requireNonNull(json.get("settings"));
        Map<String, String> now = settings.decisive();
        differ(differences, "the database", database, text((Map<?, ?>) json.get("provenance"), "database"));
        now.forEach((name, value) -> differ(differences, "credits." + name, value, text(planned, name)));
        for (Object name : planned.keySet()) {
            if (!now.containsKey(name.toString())) {
                differ(differences, "credits." + name, "unknown here", text(planned, name.toString()));
            }
        }
        refuse(differences, "; no balance was changed; give the plan's settings, or write a new plan with updateSQL");
    }

    /** Before the first user moves. */
    void checkBefore(Outcomes now, Map<String, String> settings) throws ConversionException {
        refuse(
                differences(now, "convert", settings),
                "; balances changed since the plan was written; no balance was changed; write a new plan with updateSQL"
                        + " and look at it, or allow such a difference, for example credits.planTolerancePercent=1");
    }

    /** When all users have moved, from the log, before the commit: balances may have changed since the first check. */
    void checkAfter(Outcomes logged, Map<String, String> settings) throws ConversionException {
        refuse(
                differences(logged, "success", settings),
                "; balances changed while they were converted; the conversion is taken back and no balance is changed; run"
                        + " again when the application is quieter, or allow a difference with credits.planTolerancePercent");
    }

    /** The same where every batch is committed, in words; null when there is no difference. */
    @Nullable
    String differenceAfter(Outcomes logged, Map<String, String> settings) {
        List<String> differences = differences(logged, "success", settings);
        return differences.isEmpty()
                ? null
                : "Balances changed while they were converted: " + String.join(", ", differences);
    }

    private List<String> differences(Outcomes now, String converted, Map<String, String> settings) {
        List<String> differences = new ArrayList<>();
        Outcome moved = now.of(converted);
        compare(differences, "users to convert", new BigDecimal(moved.users()), planned("convert", "users"));
        compare(differences, "USD", moved.usd(), planned("convert", "usd"));
        compare(differences, "UAH", moved.uah(), planned("convert", "uah"));
        compare(differences, "credits", moved.credits(), planned("convert", "credits"));
        for (String unmoved : List.of("skipped", "error")) {
            BigDecimal users = new BigDecimal(now.of(unmoved).users());
            compare(differences, unmoved + " users", users, planned(unmoved, "users"));
        }
        if (differences.isEmpty() && tolerancePercent.signum() == 0) {
            String fingerprint = now.fingerprint(settings);
            differ(
                    differences,
                    "totals agree, but balances of single users do not: the fingerprint",
                    fingerprint,
                    fingerprint());
        }
        return differences;
    }

    private void compare(List<String> differences, String what, BigDecimal now, BigDecimal planned) {
        BigDecimal allowed = planned.abs().multiply(tolerancePercent);
        if (now.subtract(planned).abs().multiply(HUNDRED).compareTo(allowed) > 0) {
            differ(differences, what, plain(now), plain(planned));
        }
    }

    private BigDecimal planned(String outcome, String total) {
        Map<?, ?> outcomes = (Map<?, ?>) Objects.requireNonNull(json.get("outcomes"));
        String text = outcomes.get(outcome) instanceof Map<?, ?> totals ? text(totals, total) : "0";
        try {
            return new BigDecimal(text);
        } catch (NumberFormatException e) {
            return BigDecimal.ONE.negate();
        }
    }

    private static void differ(List<String> differences, String what, String now, String planned) {
        if (!now.equals(planned)) {
            differences.add(what + " is " + now + ", the plan has " + planned);
        }
    }

    private void refuse(List<String> differences, String todo) throws ConversionException {
        if (!differences.isEmpty()) {
            throw refused("plan " + path + " does not fit: " + String.join(", ", differences) + todo);
        }
    }

    private static ConversionException refused(String message) {
        return new ConversionException(UntrustedText.line(message));
    }

    private static String text(@Nullable Map<?, ?> map, String name) {
        return map == null ? "missing" : Objects.toString(map.get(name), "missing");
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.toPlainString();
    }
}
