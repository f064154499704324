package liquibase.ext.credits.benchmark;

import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.conversion.ReversalSettings;
import liquibase.ext.credits.conversion.RunIdentity;

/** What this project is told beside its rivals: the changelog's own defaults. */
final class Product {
    static final RunIdentity IDENTITY = new RunIdentity("benchmark", "benchmark", null);
    private static final Path DEFAULTS = Path.of("changelogs/defaults.properties");
    private static final String PREFIX = "credits.";

    private Product() {}

    static ConversionSettings conversion(CommitMode commit, int workers) throws Exception {
        return ConversionSettings.of(parameters(commit, workers));
    }

    static ReversalSettings reversal(CommitMode commit, int workers) throws Exception {
        return ReversalSettings.of(parameters(commit, workers));
    }

    private static Map<String, String> parameters(CommitMode commit, int workers) throws Exception {
        Map<String, String> parameters = defaults();
        parameters.put("commit", commit.name());
        parameters.put("workers", String.valueOf(workers));
        return parameters;
    }

    private static Map<String, String> defaults() throws Exception {
        Properties properties = new Properties();
        try (Reader file = Files.newBufferedReader(DEFAULTS)) {
            properties.load(file);
        }
        Map<String, String> defaults = new HashMap<>();
        properties
                .stringPropertyNames()
                .forEach(name -> defaults.put(name.substring(PREFIX.length()), properties.getProperty(name)));
        return defaults;
    }
}
