package liquibase.ext.credits.report;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** The hash that fingerprints and files carry, with its name in front. */
public final class Sha256 {
    private Sha256() {}

    /**
     * Hashes a text.
     *
     * @param text any text
     * @return {@code sha256:} and 64 hexadecimal digits, of its UTF-8 bytes
     */
    public static String of(String text) {
        MessageDigest digest = digest();
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        return of(digest);
    }

    /**
     * A digest to feed piece by piece.
     *
     * @return a new one
     */
    public static MessageDigest digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /**
     * What a digest was fed.
     *
     * @param digest of {@link #digest()}
     * @return {@code sha256:} and 64 hexadecimal digits
     */
    public static String of(MessageDigest digest) {
        return "sha256:" + HexFormat.of().formatHex(digest.digest());
    }
}
