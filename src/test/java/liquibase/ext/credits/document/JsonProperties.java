package liquibase.ext.credits.document;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.StringLength;
import org.yaml.snakeyaml.Yaml;

/** Any text comes back from JSON as it went in, and its file is harmless where it is shown. */
class JsonProperties {

    @Property
    void aTextComesBackAsItWas(@ForAll @StringLength(max = 50) String text) {
        String json = Json.of(Map.of("text", text));

        assertThat(json.codePoints().filter(c -> c < ' ' && c != '\n')).isEmpty();
        assertThat(json).doesNotContain("<", ">", "&", "\u202E", "\u2028", "\u0085");
        assertThat(new Yaml().<Map<String, Object>>load(json)).isEqualTo(Map.of("text", text));
    }
}
