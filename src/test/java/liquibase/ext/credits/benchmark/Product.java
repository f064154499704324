package liquibase.ext.credits.benchmark;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import liquibase.ext.credits.conversion.CommitMode;
import liquibase.ext.credits.conversion.ConversionSettings;
import liquibase.ext.credits.conversion.ReversalSettings;
import liquibase.ext.credits.conversion.RunIdentity;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** What this project is told beside its rivals: the changelog's own defaults. */
final class Product {
    static final RunIdentity IDENTITY = new RunIdentity("benchmark", "benchmark", null);
    private static final Path CHANGELOG = Path.of("changelogs/master.xml");
    private static final String PREFIX = "credits.";

    private Product() {}

    static ConversionSettings conversion(CommitMode commit) throws Exception {
        Map<String, String> parameters = defaults();
        parameters.put("commit", commit.name());
        return ConversionSettings.of(parameters);
    }

    static ReversalSettings reversal() throws Exception {
        return ReversalSettings.of(defaults());
    }

    private static Map<String, String> defaults() throws Exception {
        NodeList properties = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(CHANGELOG.toFile())
                .getElementsByTagName("property");
        Map<String, String> defaults = new HashMap<>();
        for (int index = 0; index < properties.getLength(); index++) {
            Element property = (Element) properties.item(index);
            if (property.getAttribute("name").startsWith(PREFIX)) {
                defaults.put(property.getAttribute("name").substring(PREFIX.length()), property.getAttribute("value"));
            }
        }
        return defaults;
    }
}
