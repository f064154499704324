package liquibase.ext.credits.report;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** The hash of fingerprints and files. */
class Sha256Test {

    @Test
    void isThatOfUtf8AndNamesItsKind() {
        assertThat(Sha256.of("abc"))
                .isEqualTo("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assertThat(Sha256.of("→")).isEqualTo("sha256:161660030aa6c9e32470cc1c023dab32dc748d80b0e61882b368cb775d12638e");
    }
}
