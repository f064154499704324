package liquibase.ext.credits.benchmark;

import java.util.List;
import java.util.stream.Stream;
import liquibase.ext.credits.conversion.CommitMode;

/** All rivals, in the order in which results show them. */
final class Rivals {
    static final List<Rival> ALL = List.of(
            new BusySession(),
            new RowLoop(),
            new JdbcUserByUser(),
            new JdbcBatched(),
            new SetStatement(),
            new BatchedStatement(),
            new FinishedRowsCopied(),
            new ProductConversion(CommitMode.ONCE, 1),
            new ProductConversion(CommitMode.BATCH, 1),
            new ProductConversion(CommitMode.BATCH, 2),
            new ProductReversal(CommitMode.ONCE, 1),
            new ProductReversal(CommitMode.BATCH, 1),
            new ProductReversal(CommitMode.BATCH, 2),
            new ProductPreview());

    private Rivals() {}

    /** Rivals by their ids with commas between, or all of them. */
    static List<Rival> named(String ids) {
        return ids.equals("all")
                ? ALL
                : Stream.of(ids.split(",")).map(Rivals::rival).toList();
    }

    private static Rival rival(String id) {
        return ALL.stream()
                .filter(rival -> rival.id().equals(id))
                .findFirst()
                .orElseThrow(
                        () -> new IllegalArgumentException("benchmark.rivals names " + id + "; give all, or some of "
                                + ALL.stream().map(Rival::id).toList()));
    }
}
