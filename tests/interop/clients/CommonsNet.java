// Sends a file with Apache Commons Net, lists it and fetches it again.
// Arguments: port explicit|implicit TRUSTSTORE user password SOURCE REMOTE BACK
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.apache.commons.net.PrintCommandListener;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPSClient;

final class CommonsNet {
    private static FTPSClient client;

    private static void need(String what, boolean done) throws IOException {
        if (!done) {
            throw new IOException(what + ": " + client.getReplyString());
        }
    }

    public static void main(String[] args) throws IOException {
        final int port = Integer.parseInt(args[0]);
        System.setProperty("javax.net.ssl.trustStore", args[2]);
        System.setProperty("javax.net.ssl.trustStoreType", "PEM");
        final String user = args[3], password = args[4], remote = args[6];
        final Path source = Path.of(args[5]), back = Path.of(args[7]);

        client = new FTPSClient(args[1].equals("implicit"));
        client.addProtocolCommandListener(new PrintCommandListener(new PrintWriter(System.err), true));
        client.setDefaultTimeout(20000);
        client.connect("localhost", port);
        need("login", client.login(user, password));
        client.execPBSZ(0);
        client.execPROT("P");
        client.enterLocalPassiveMode();
        need("binary", client.setFileType(FTP.BINARY_FILE_TYPE));
        try (InputStream in = Files.newInputStream(source)) {
            need("store", client.storeFile(remote, in));
        }
        final String[] names = client.listNames();
        need("listNames", names != null);
        need("the name in listNames", Arrays.asList(names).contains(remote));
        need("the size in listFiles", Arrays.stream(client.listFiles())
            .anyMatch(f -> f.getName().equals(remote) && f.getSize() == source.toFile().length()));
        try (OutputStream out = Files.newOutputStream(back)) {
            need("retrieve", client.retrieveFile(remote, out));
        }
        need("logout", client.logout());
        client.disconnect();
    }
}
