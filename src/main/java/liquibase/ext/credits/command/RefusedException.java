package liquibase.ext.credits.command;

import liquibase.ext.credits.report.UntrustedText;

/** A command cannot do what it was asked for, or found something wrong; the message is one line for the operator. */
final class RefusedException extends Exception {
    private static final long serialVersionUID = 1L;

    RefusedException(String message) {
        super(UntrustedText.line(message));
    }
}
