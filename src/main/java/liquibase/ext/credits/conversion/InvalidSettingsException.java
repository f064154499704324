package liquibase.ext.credits.conversion;

import java.util.List;

/** One or more parameters are not usable; each problem is one line that says what was found and what is required. */
public final class InvalidSettingsException extends Exception {
    private static final long serialVersionUID = 1L;

    /** One line each; an array, because an exception is serializable and a list need not be. */
    private final String[] problems;

    /**
     * Unusable parameters.
     *
     * @param problems at least one line, each saying what was found and what is required
     */
    public InvalidSettingsException(List<String> problems) {
        super(String.join("; ", problems));
        this.problems = problems.toArray(String[]::new);
    }

    /**
     * The problems, in the order of the parameters.
     *
     * @return at least one line
     */
    public List<String> problems() {
        return List.of(problems);
    }
}
