package liquibase.ext.credits.document;

/** What a document is about, and the name of its files. */
public enum Kind {
    /** What a conversion would do. */
    PLAN("plan", "Plan of the conversion", "Nothing was changed"),
    /** What a conversion did. */
    CONVERSION("report", "Conversion to credits", "Converted and proved"),
    /** What an undo would do. */
    UNDO_PLAN("undo-plan", "Plan of the undo", "Nothing was changed"),
    /** What an undo did. */
    UNDO("undo", "Undo of the conversion", "Undone and proved");

    private final String fileName;
    private final String title;
    private final String verdict;

    Kind(String fileName, String title, String verdict) {
        this.fileName = fileName;
        this.title = title;
        this.verdict = verdict;
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

    boolean isUndo() {
        return this == UNDO || this == UNDO_PLAN;
    }
}
