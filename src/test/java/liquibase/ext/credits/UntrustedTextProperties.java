package liquibase.ext.credits;

import static org.assertj.core.api.Assertions.assertThat;

import liquibase.ext.credits.report.UntrustedText;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** What no text can do, whoever wrote it. */
class UntrustedTextProperties {

    @Property
    void nothingEndsALineOrSteersATerminal(@ForAll("texts") String text) {
        assertThat(UntrustedText.line(text).codePoints())
                .noneMatch(character -> Character.isISOControl(character)
                        || Character.getType(character) == Character.FORMAT
                        || Character.getType(character) == Character.LINE_SEPARATOR
                        || Character.getType(character) == Character.PARAGRAPH_SEPARATOR);
    }

    @Property
    void whatIsHarmlessStaysAsItIs(@ForAll("harmlessTexts") String text) {
        assertThat(UntrustedText.line(text)).isEqualTo(text);
    }

    @Provide
    Arbitrary<String> texts() {
        return HostileText.any();
    }

    @Provide
    Arbitrary<String> harmlessTexts() {
        return Arbitraries.strings()
                .withCharRange('!', '~')
                .withChars(' ', 'é', 'ї', '→', '═', '$')
                .ofMaxLength(30);
    }
}
