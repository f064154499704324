package liquibase.ext.credits.environment;

import java.io.IOException;
import java.io.InputStream;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeSet;
import liquibase.Scope;
import liquibase.changelog.DatabaseChangeLog;
import liquibase.exception.DatabaseException;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.resource.Resource;
import org.apache.commons.text.similarity.LevenshteinDistance;

/**
 * Finds parameters that nobody reads. Liquibase ignores an unknown one silently, and a rate that is ignored is money:
 * {@code -Dcredits.perUSD=10} would convert at the default.
 */
final class ParameterNames {
    private static final String PREFIX = "credits.";
    private static final int TYPING_ERRORS = 2;
    private static final List<String> KNOWN =
            ConversionSettings.PARAMETER_NAMES.stream().map(PREFIX::concat).toList();

    private ParameterNames() {}

    static Optional<String> firstMisspelt(DatabaseChangeLog changeLog, String environment) throws DatabaseException {
        TreeSet<String> given = new TreeSet<>();
        collect(given, System.getProperties().stringPropertyNames());
        Map<?, ?> commandLine = Scope.getCurrentScope().get(Scope.JAVA_PROPERTIES, Map.class);
        if (commandLine != null) {
            collect(given, commandLine.keySet());
        }
        collect(given, fileKeys(changeLog, environment));
        return given.stream()
                .filter(name -> !isKnown(name))
                .findFirst()
                .map(name -> name + " is not a parameter; did you mean " + nearest(name) + "? Known: "
                        + String.join(", ", KNOWN));
    }

    private static void collect(Collection<String> given, Collection<?> names) {
        for (Object name : names) {
            if (isMeantForUs(name.toString())) {
                given.add(name.toString());
            }
        }
    }

    /** Liquibase reads names in any case; ours is strict after the prefix, so that two spellings never carry two rates. */
    private static boolean isKnown(String name) {
        return hasPrefix(name) && ConversionSettings.PARAMETER_NAMES.contains(name.substring(PREFIX.length()));
    }

    /** Also without our prefix where it was only mistyped: credit.perUsd, creditsPerUsd. */
    private static boolean isMeantForUs(String name) {
        return hasPrefix(name) || distance(name, nearest(name)) <= TYPING_ERRORS;
    }

    private static boolean hasPrefix(String name) {
        return name.regionMatches(true, 0, PREFIX, 0, PREFIX.length());
    }

    private static Collection<?> fileKeys(DatabaseChangeLog changeLog, String environment) throws DatabaseException {
        Properties properties = new Properties();
        try {
            Resource master = Scope.getCurrentScope().getResourceAccessor().get(changeLog.getPhysicalFilePath());
            Resource file = master.resolveSibling("../contexts/" + environment + "/conversion.properties");
            if (file.exists()) {
                try (InputStream stream = file.openInputStream()) {
                    properties.load(stream);
                }
            }
        } catch (IOException e) {
            throw new DatabaseException(e);
        }
        return properties.keySet();
    }

    private static String nearest(String name) {
        return KNOWN.stream()
                .min(Comparator.comparingInt(known -> distance(name, known)))
                .orElseThrow();
    }

    private static int distance(String name, String known) {
        return LevenshteinDistance.getDefaultInstance()
                .apply(name.toLowerCase(Locale.ROOT), known.toLowerCase(Locale.ROOT));
    }
}
