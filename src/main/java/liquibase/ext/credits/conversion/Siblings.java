package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

/** Further connections to the same database, as the same user, for parallel work. */
final class Siblings implements AutoCloseable {
    private final List<OwnSession> sessions = new ArrayList<>();

    List<OwnSession> sessions() {
        return List.copyOf(sessions);
    }

    /** Opens as many as wanted, or as many as can be had, and then says why not more. The first one holds the lock. */
    void open(Connection first, SiblingOpener opener, int wanted, Progress progress) throws SQLException {
        while (sessions.size() < wanted) {
            try {
                sessions.add(opened(first, opener));
            } catch (SQLException e) {
                if (first.isClosed()) {
                    throw e;
                }
                int workers = sessions.size() + 1;
                progress.says("credits.workers is " + (wanted + 1) + ", but " + ConversionException.found(e)
                        + "; going on with " + workers);
                return;
            }
        }
    }

    private static OwnSession opened(Connection first, SiblingOpener opener) throws SQLException {
        Connection sibling = opener.open();
        try {
            sibling.setAutoCommit(false);
            Session.copy(first, sibling);
            OwnSession session = OwnSession.of(sibling);
            sibling.commit();
            boolean isSameDatabase = Session.seesLock(sibling);
            sibling.rollback();
            if (!isSameDatabase) {
                throw new SQLException("a second connection reached another server than the first");
            }
            return session;
        } catch (SQLException e) {
            sibling.close();
            throw e;
        }
    }

    @Override
    public void close() throws SQLException {
        for (OwnSession session : sessions) {
            session.connection().close();
        }
    }
}
