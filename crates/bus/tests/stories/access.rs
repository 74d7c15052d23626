//! A service is let in by its key, and told what is wrong with it otherwise; once it is mended the service goes on by itself.

use std::path::Path;

use bus::server::{Given, Launch, Ready, Server};
use bus::{Access, RelayStatus, Trouble};
use nkeys::KeyPair;

use crate::common::{Log, Relay, binary, relay_options, when};

/// A server that an operator has set up: it knows the relay by its key, and answers it on subjects of its own only.
async fn server(folder: &Path, relay: &KeyPair) -> Server {
    let config = folder.join("operator.conf");
    let text = format!(
        r#"
        listen: "127.0.0.1:4222"
        http: "127.0.0.1:8222"
        max_payload: 1048576
        jetstream {{ max_file_store: 268435456 }}
        authorization {{
            users: [{{
                nkey: $RELAY_KEY
                permissions: {{
                    publish: ["tiendo.v1.{ledger}.>", "$JS.API.>"]
                    subscribe: ["_INBOX_relay.>"]
                }}
            }}]
        }}
        "#,
        ledger = crate::common::LEDGER
    );
    std::fs::write(&config, text).unwrap();
    let mut launch = Launch::new(binary(), folder.join("nats"), 0);
    launch.given = Some(Given {
        config,
        arguments: Vec::new(),
        environment: vec![("RELAY_KEY".into(), relay.public_key().into())],
        ready: Ready::Listens,
    });
    Server::start(launch).await.unwrap()
}

/// Waits until the relay is kept out for this reason, and gives its words.
async fn kept_out(relay: &mut Relay, trouble: Trouble, word: &str) {
    when(&mut relay.status, word, |status: &RelayStatus| {
        let said = status.last_error.as_deref().unwrap_or_default();
        status.trouble() == Some(trouble) && said.contains(word)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_is_let_in_by_its_key_and_is_told_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (key, stranger) = (KeyPair::new_user(), KeyPair::new_user());
    let server = server(folder.path(), &key).await;
    let file = folder.path().join("relay.nk");
    let access = |inbox: &str| Access {
        url: server.url(),
        nkey: Some(file.clone()),
        ca: None,
        inbox: Some(inbox.to_owned()),
    };
    let log = Log::new(100);
    let mut relay = Relay::with(relay_options(access("_INBOX_relay")), &log);

    kept_out(&mut relay, Trouble::NotAdmitted, "relay.nk").await;
    std::fs::write(&file, "not a seed").unwrap();
    kept_out(&mut relay, Trouble::NotAdmitted, "it holds no nkey seed").await;
    std::fs::write(&file, stranger.seed().unwrap()).unwrap();
    kept_out(&mut relay, Trouble::NotAdmitted, "authorization violation").await;
    std::fs::write(&file, format!("{}\n", key.seed().unwrap())).unwrap();
    relay.published(100).await;
    relay.stop().await;

    // Where it may not listen it is answered nowhere, which looks like a time-out.
    let mut unheard = relay_options(access("_INBOX"));
    unheard.ack_timeout = std::time::Duration::from_millis(300);
    let mut relay = Relay::with(unheard, &log);
    kept_out(&mut relay, Trouble::NotPermitted, "_INBOX.").await;
    relay.stop().await;

    // Without a key nobody is let in, and a server that shows no certificate is not spoken to.
    let mut nobody = Relay::with(relay_options(server.url()), &log);
    kept_out(
        &mut nobody,
        Trouble::NotAdmitted,
        "does not let this client in",
    )
    .await;
    nobody.stop().await;
    let ca = folder.path().join("ca.pem");
    let mut secure = access("_INBOX_relay");
    secure.ca = Some(ca.clone());
    let mut relay = Relay::with(relay_options(secure), &log);
    kept_out(&mut relay, Trouble::NotAdmitted, "ca.pem").await;
    std::fs::write(&ca, "").unwrap();
    kept_out(&mut relay, Trouble::NotAdmitted, "holds no certificate").await;
    relay.stop().await;
    server.stop().await.unwrap();
}
