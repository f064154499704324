package liquibase.ext.credits;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Somebody who owns nothing and was granted exactly what the README lists for the role that migrates. */
record MigratingRole(Database database, String name, String password) implements AutoCloseable {

    private static final String NAME_IN_README = "billing_migrator";
    private static final Pattern GRANT =
            Pattern.compile("(?m)^GRANT (.+) (ON .+) TO " + NAME_IN_README + ";(.*ledger already)?");

    /** Each privilege apart, as {@code SELECT ON users}, with what the README asks of every installation. */
    static final List<String> PRIVILEGES =
            grants(false).filter(grant -> !grant.startsWith("CREATE")).toList();

    /** What it asks besides where the application has a ledger of its own. */
    static final List<String> PRIVILEGES_ON_A_LEDGER = grants(true).toList();

    static MigratingRole in(Database database) {
        MigratingRole role = new MigratingRole(
                database, database.text("SELECT current_database()") + "_role", "never-print-this-password");
        database.execute("CREATE ROLE " + role.name + " LOGIN PASSWORD '" + role.password
                + "'; REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO " + role.name);
        PRIVILEGES.forEach(role::grant);
        if (database.text("SELECT to_regclass('credit_transactions')") != null) {
            PRIVILEGES_ON_A_LEDGER.forEach(role::grant);
        }
        return role;
    }

    void grant(String privilege) {
        database.execute("GRANT " + privilege + " TO " + name);
    }

    void revoke(String privilege) {
        database.execute("REVOKE " + privilege + " FROM " + name);
    }

    LiquibaseApi liquibase() {
        return LiquibaseApi.on(database).as(name, password);
    }

    @Override
    public void close() {
        database.execute("DROP OWNED BY " + name + " CASCADE; DROP ROLE " + name);
    }

    private static Stream<String> grants(boolean onALedger) {
        List<String> grants = new ArrayList<>();
        GRANT.matcher(readme())
                .results()
                .filter((MatchResult grant) -> (grant.group(3) != null) == onALedger)
                .forEach(grant -> Stream.of(grant.group(1).split(", "))
                        .forEach(privilege -> grants.add(privilege + " " + grant.group(2))));
        return grants.stream();
    }

    private static String readme() {
        try {
            return Files.readString(Project.ROOT.resolve("README.md"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
