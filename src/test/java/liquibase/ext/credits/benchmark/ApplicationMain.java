package liquibase.ext.credits.benchmark;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The process of {@link Application}. From standard input it takes {@code begin}, URL, user name, password and number of users, or
 * {@code end} and the time at which no further call is due, a tab between two words; to the latter it answers with the calls.
 */
final class ApplicationMain {
    static final String TAB = "\t";
    static final String BEGIN = "begin";
    static final String END = "end";

    private ApplicationMain() {}

    /** Works until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Clients clients = null;
        for (String command = commands.readLine(); command != null; command = commands.readLine()) {
            String[] words = command.split(TAB, -1);
            if (words[0].equals(BEGIN) && clients == null) {
                clients = new Clients(words[1], words[2], words[3], Integer.parseInt(words[4]));
            } else if (words[0].equals(END) && clients != null) {
                try (Clients ending = clients) {
                    answer(ending.callsUntil(Long.parseLong(words[1])));
                }
                clients = null;
            } else {
                throw new IllegalStateException("'" + words[0] + "' comes at the wrong time, or is no command");
            }
        }
    }

    private static void answer(List<Call> calls) {
        StringBuilder answer = new StringBuilder().append(calls.size()).append('\n');
        for (Call call : calls) {
            answer.append(call).append('\n');
        }
        System.out.print(answer);
        System.out.flush();
    }
}
