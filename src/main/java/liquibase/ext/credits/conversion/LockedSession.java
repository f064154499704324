package liquibase.ext.credits.conversion;

import java.sql.Connection;
import java.sql.SQLException;

/** A session that holds the lock of this schema's conversion between its transactions, and gives back lock and name at the end. */
final class LockedSession implements AutoCloseable {
    private static final String LIQUIBASE_LOCK_STAYS = "Liquibase's own lock stays: run liquibase releaseLocks";

    private final OwnSession session;
    private final Connection connection;
    private final Progress progress;
    private final String nameBefore;

    private LockedSession(OwnSession session, Progress progress, String nameBefore) {
        this.session = session;
        this.connection = session.connection();
        this.progress = progress;
        this.nameBefore = nameBefore;
    }

    /** Takes the lock, or fails at once and names who holds it. */
    static LockedSession take(OwnSession session, Progress progress) throws SQLException, ConversionException {
        String nameBefore = Session.name(session.connection());
        session.lock();
        return new LockedSession(session, progress, nameBefore);
    }

    /** Rolls back, gives the lock back, and says in one line what failed, what stays behind and how to go on. */
    ConversionException givenUp(SQLException cause, String standing) {
        return givenUp(session.found(cause), standing);
    }

    /** The same for what is in one line already. */
    ConversionException givenUp(ConversionException cause, String standing) {
        return givenUp(cause.line(), standing);
    }

    private ConversionException givenUp(String why, String standing) {
        String release;
        try {
            release = connection.isClosed() ? LIQUIBASE_LOCK_STAYS : rolledBackAndUnlocked();
        } catch (SQLException lost) {
            release = LIQUIBASE_LOCK_STAYS;
        }
        return new ConversionException(why + (release.isEmpty() ? "" : "; " + release) + "; " + standing);
    }

    /** A session that was lost has given its lock back, and neither what was done nor why it was lost must be hidden by a failure here. */
    @Override
    public void close() throws SQLException {
        if (connection.isClosed()) {
            return;
        }
        try {
            String release = rolledBackAndUnlocked();
            if (!release.isEmpty()) {
                progress.says(release);
            }
            Session.name(connection, nameBefore);
            connection.commit();
        } catch (SQLException e) {
            progress.says(ConversionException.found(e));
        }
    }

    private String rolledBackAndUnlocked() throws SQLException {
        connection.rollback();
        return session.unlock();
    }
}
