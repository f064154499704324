package liquibase.ext.credits.embedded;

import liquibase.database.DatabaseConnection;
import liquibase.database.core.PostgresDatabase;

/** Tells Liquibase which driver opens our URLs. The connection itself is served by Liquibase's own PostgresDatabase. */
public final class EmbeddedPostgresDatabase extends PostgresDatabase {

    @Override
    public String getDefaultDriver(String url) {
        return url.startsWith(EmbeddedUrl.PREFIX) ? EmbeddedPostgresDriver.class.getName() : null;
    }

    @Override
    public boolean isCorrectDatabaseImplementation(DatabaseConnection connection) {
        return false;
    }

    @Override
    public String getShortName() {
        return "embedded-postgresql";
    }
}
