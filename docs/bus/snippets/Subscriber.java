// io.nats:jnats:2.21.1
import io.nats.client.*;
import io.nats.client.api.*;
import java.io.FileInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.KeyStore;
import java.security.cert.*;
import java.time.Duration;
import javax.net.ssl.*;

public class Subscriber {
    static final String URL = "{{url}}";
    static final String CA = "{{ca}}"; // who vouches for the server; empty: those this machine trusts
    static final String SEED = "{{seed}}"; // the file with your key; empty: the server lets everybody in
    static final String INBOX = "{{inbox}}.";
    static final String DOMAIN = "{{domain}}";
    static final String STREAM = "{{stream}}";
    static final String NAME = "{{name}}";

    public static void main(String[] arguments) throws Exception {
        Options.Builder options = new Options.Builder().server(URL).inboxPrefix(INBOX).maxReconnects(-1);
        if (!CA.isEmpty()) options.sslContext(trusting(CA));
        if (!SEED.isEmpty()) {
            char[] seed = Files.readString(Path.of(SEED)).trim().toCharArray();
            options.authHandler(Nats.staticCredentials(null, seed));
        }
        try (Connection connection = Nats.connect(options.build())) {
            JetStreamOptions.Builder stream = JetStreamOptions.builder();
            if (!DOMAIN.isEmpty()) stream.domain(DOMAIN);
            PullSubscribeOptions bound = PullSubscribeOptions.bind(STREAM, NAME);
            JetStreamSubscription subscription =
                connection.jetStream(stream.build()).subscribe(null, bound);
            while (true) {
                for (Message message : subscription.fetch(100, Duration.ofSeconds(5))) {
                    // An event may come again, and behind newer ones: keep each once, by its source and sequence.
                    System.out.println(new String(message.getData(), StandardCharsets.UTF_8));
                    // Not acknowledged, it comes again.
                    message.ack();
                }
            }
        }
    }

    static SSLContext trusting(String file) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (FileInputStream in = new FileInputStream(file)) {
            int number = 0;
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + number++, one);
            }
        }
        TrustManagerFactory trust =
            TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
