package liquibase.ext.credits.document;

/** What a document is about, and the name of its files. */
public enum Kind {
    /** What a conversion would do. */
    PLAN("plan", "Plan of the conversion", "Nothing was changed", "plan.csv has all"),
    /** What a conversion did. */
    CONVERSION("report", "Conversion to credits", "Converted and proved", "billing_migration_log has all"),
    /** What an undo would do. */
    UNDO_PLAN("undo-plan", "Plan of the undo", "Nothing was changed", "the undo names all in billing_migration_log"),
    /** What an undo did. */
    UNDO("undo", "Undo of the conversion", "Undone and proved", "billing_migration_log has all");

    private final String fileName;
    private final String title;
    private final String verdict;
    private final String wholeList;

    Kind(String fileName, String title, String verdict, String wholeList) {
        this.fileName = fileName;
        this.title = title;
        this.verdict = verdict;
        this.wholeList = wholeList;
    }

    String fileName() {
        return fileName;
    }

    String title() {
        return title;
    }

    String verdict() {
        return verdict;
    }

    /** Where those users stand whom a page leaves out. */
    String wholeList() {
        return wholeList;
    }

    boolean isUndo() {
        return this == UNDO || this == UNDO_PLAN;
    }
}
