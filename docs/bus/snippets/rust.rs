// Cargo.toml: async-nats = "0.51", futures = "0.3", serde_json = "1",
// tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
use async_nats::jetstream::{self, consumer::PullConsumer};
use futures::StreamExt as _;

const URL: &str = "{{url}}";
/// Who vouches for the server; empty: those this machine trusts.
const CA: &str = "{{ca}}";
/// The file with your key; empty: the server lets everybody in.
const SEED: &str = "{{seed}}";
const INBOX: &str = "{{inbox}}";
const DOMAIN: &str = "{{domain}}";
const STREAM: &str = "{{stream}}";
const NAME: &str = "{{name}}";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut options = async_nats::ConnectOptions::new().custom_inbox_prefix(INBOX);
    if !CA.is_empty() {
        options = options.add_root_certificates(CA.into());
    }
    if !SEED.is_empty() {
        options = options.nkey(std::fs::read_to_string(SEED)?.trim().to_owned());
    }
    let client = options.connect(URL).await?;
    let context = match DOMAIN {
        "" => jetstream::new(client),
        domain => jetstream::with_domain(client, domain),
    };
    let consumer: PullConsumer = context.get_consumer_from_stream(NAME, STREAM).await?;
    loop {
        let mut messages = consumer.messages().await?;
        // It ends when the server was away; what was not acknowledged comes again.
        while let Some(Ok(message)) = messages.next().await {
            let event: serde_json::Value = serde_json::from_slice(&message.payload)?;
            // An event may come again, and behind newer ones: keep each once, by its source and sequence.
            println!("{} {} {}", event["sequence"], event["type"], event["subject"]);
            message.ack().await?;
        }
    }
}
