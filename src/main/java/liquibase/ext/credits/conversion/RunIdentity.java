package liquibase.ext.credits.conversion;

import org.jspecify.annotations.Nullable;

/**
 * Who asks for a run, written into {@code billing_migration_run}.
 *
 * @param changeset the changeset's id
 * @param toolVersion version of this extension
 * @param deploymentId Liquibase's id of the update, as in DATABASECHANGELOG
 */
public record RunIdentity(
        String changeset, String toolVersion, @Nullable String deploymentId) {}
