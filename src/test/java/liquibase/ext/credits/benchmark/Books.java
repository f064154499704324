package liquibase.ext.credits.benchmark;

import java.math.BigDecimal;
import java.util.Map;
import liquibase.ext.credits.Database;

/**
 * What the four tables add up to. A rival that is fast and wrong does not count.
 *
 * @param users users with a USD balance before
 * @param usd all balances of user_billing
 * @param credits all balances of user_credits
 * @param entries ledger entries
 * @param enteredCredits their sum
 * @param wrongEntries ledger entries that do not add up
 * @param loggedUsers log rows of converted users
 * @param loggedCredits their sum
 */
record Books(
        BigDecimal users,
        BigDecimal usd,
        BigDecimal credits,
        BigDecimal entries,
        BigDecimal enteredCredits,
        BigDecimal wrongEntries,
        BigDecimal loggedUsers,
        BigDecimal loggedCredits) {

    private static final String SUMS = """
            SELECT b.users, b.usd, c.credits, t.entries, t.entered_credits, t.wrong_entries, l.logged_users,
                l.logged_credits
            FROM (SELECT count(*) AS users, sum(balance_usd) AS usd FROM user_billing) AS b
            CROSS JOIN (SELECT sum(balance) AS credits FROM user_credits) AS c
            CROSS JOIN (
                SELECT
                    count(*) AS entries,
                    coalesce(sum(amount), 0) AS entered_credits,
                    count(*) FILTER (WHERE balance_after - balance_before <> amount) AS wrong_entries
                FROM credit_transactions
            ) AS t
            CROSS JOIN (
                SELECT count(*) AS logged_users, coalesce(sum(new_credits), 0) AS logged_credits
                FROM billing_migration_log
                WHERE status = 'success'
            ) AS l
            """;

    static Books of(Database database) {
        Map<String, String> sums = database.rows(SUMS).get(0);
        return new Books(
                sum(sums, "users"),
                sum(sums, "usd"),
                sum(sums, "credits"),
                sum(sums, "entries"),
                sum(sums, "entered_credits"),
                sum(sums, "wrong_entries"),
                sum(sums, "logged_users"),
                sum(sums, "logged_credits"));
    }

    /** After every balance was converted at one credit per USD. */
    Books converted() {
        BigDecimal zero = BigDecimal.ZERO;
        return new Books(users, zero, credits.add(usd), users, usd, zero, users, usd);
    }

    /** After that was undone: the money is back, and the ledger has an entry for each way. */
    Books undone() {
        BigDecimal zero = BigDecimal.ZERO;
        return new Books(users, usd, credits, users.add(users), zero, zero, zero, zero);
    }

    /** While clients spent and added credits, wallets and ledger differ by what they did. */
    Books withWalletsOf(Books other) {
        return new Books(
                users,
                usd,
                other.credits,
                other.entries,
                other.enteredCredits,
                wrongEntries,
                loggedUsers,
                loggedCredits);
    }

    void mustEqual(Books found, Rival rival) {
        if (!normalized().equals(found.normalized())) {
            throw new IllegalStateException(rival.id() + " left " + found + "; required is " + this);
        }
    }

    private Books normalized() {
        return new Books(
                users.stripTrailingZeros(),
                usd.stripTrailingZeros(),
                credits.stripTrailingZeros(),
                entries.stripTrailingZeros(),
                enteredCredits.stripTrailingZeros(),
                wrongEntries.stripTrailingZeros(),
                loggedUsers.stripTrailingZeros(),
                loggedCredits.stripTrailingZeros());
    }

    private static BigDecimal sum(Map<String, String> sums, String name) {
        return new BigDecimal(sums.get(name));
    }
}
