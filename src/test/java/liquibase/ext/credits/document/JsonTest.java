package liquibase.ext.credits.document;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** JSON, letter by letter. */
class JsonTest {

    @Test
    void everyKindOfValueIsWritten() {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("numbers", Arrays.asList(1L, -2, true, null));
        object.put("empty", List.of(Map.of(), List.of()));
        object.put("nested", Map.of("a", Map.of("b", "c")));

        assertThat(Json.of(object)).isEqualTo("""
                {
                  "numbers": [
                    1,
                    -2,
                    true,
                    null
                  ],
                  "empty": [
                    {},
                    []
                  ],
                  "nested": {
                    "a": {
                      "b": "c"
                    }
                  }
                }
                """);
    }

    @Test
    void whatCouldDoHarmIsEscaped() {
        assertThat(Json.of(Map.of("text", " ~\"\\<>&\u001f\u007f\u00a0é×→…–")))
                .isEqualTo("{\n  \"text\": \" ~\\\"\\\\\\u003c\\u003e\\u0026\\u001f\\u007f\\u00a0é×→…–\"\n}\n");
    }

    @Test
    void moneyIsNoNumber() {
        assertThatThrownBy(() -> Json.of(Map.of("usd", BigDecimal.ONE)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("no JSON for class java.math.BigDecimal");
    }
}
