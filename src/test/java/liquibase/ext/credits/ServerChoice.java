package liquibase.ext.credits;

import org.testcontainers.DockerClientFactory;

/**
 * What {@code -Dtest.postgres} names: {@code embedded} or a major (its binaries are put on the class path by a Maven profile), a Docker
 * image, or a {@code jdbc:postgresql:} URL.
 */
record ServerChoice(String name) {

    static ServerChoice current() {
        return new ServerChoice(System.getProperty("postgres.under.test", "embedded"));
    }

    boolean isEmbedded() {
        return name.matches("embedded|\\d+");
    }

    boolean isUrl() {
        return name.startsWith("jdbc:");
    }

    boolean isImage() {
        return !isEmbedded() && !isUrl();
    }

    void refuseImageWithoutEngine() {
        if (isImage() && !DockerClientFactory.instance().isDockerAvailable()) {
            throw new IllegalStateException("test.postgres is " + name
                    + ", an image, but no Docker engine answers; start one, or run the tests without -Dtest.postgres");
        }
    }
}
