//! An ordered push consumer: how it is asked for, and what it brings, without a hole.
//!
//! Nothing is acknowledged, and whoever has an inbox of their own gives it a name that begins with that
//! ([`Access::consumer`](crate::Access)): the server takes the name from the subject then, where permissions see it, and
//! not from what is asked, where it may be anybody's.
//! So whoever reads needs an inbox, and no more than to make and to delete that one on that stream
//! (`$JS.API.CONSUMER.CREATE.<stream>.<name>`, `….DELETE.…`), and to answer its flow control (`$JS.FC.<stream>.<name>.>`).
//! Without such an inbox the server names it, and whoever may make it may change every consumer of the stream
//! (`$JS.API.CONSUMER.CREATE.<stream>`, `$JS.FC.<stream>.>`).
//!
//! The server keeps it for ten seconds after its reader has gone, and a new one delivers elsewhere and begins elsewhere,
//! which cannot be changed of one that is there. So one of the same name is deleted, and the other made after it. Of two
//! readers with one name each ends the other's for ever; no event is lost by that, but neither is quick any more.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PushConsumer, push};
use async_nats::jetstream::stream::{ConsumerCreateStrictError, ConsumerCreateStrictErrorKind};
use async_nats::{Client, Message, StatusCode};
use bytes::Bytes;
use tokio::time::timeout;

use crate::client::{Connection, chain};
use crate::follow::Delivery;

/// Longest wait for the answer to a deletion.
const DELETION: Duration = Duration::from_millis(500);

/// A consumer that begins somewhere; without a name the server gives it one.
pub(crate) fn config(
    name: Option<String>,
    inbox: String,
    from: DeliverPolicy,
    idle_heartbeat: Duration,
    who: &str,
) -> push::Config {
    push::Config {
        name,
        deliver_subject: inbox,
        deliver_policy: from,
        ack_policy: AckPolicy::None,
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat,
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: Duration::from_secs(10),
        description: Some(who.to_owned()),
        ..push::Config::default()
    }
}

/// Makes a consumer; one of the same name ends. Why not, if it cannot be.
pub(crate) async fn create(
    connection: &Connection,
    stream: &str,
    config: push::Config,
) -> Result<PushConsumer, String> {
    let context = connection.jetstream();
    let Some(name) = config.name.clone() else {
        let created = context.create_consumer_on_stream(config, stream).await;
        return created.map_err(|error| chain(&error));
    };
    let make = || context.create_consumer_strict_on_stream(config.clone(), stream);
    match make().await {
        Err(error) if is_taken(&error) => {}
        created => return created.map_err(|error| chain(&error)),
    }
    // In a cluster nobody answers for one whose server was killed, and it is deleted all the same: the next answer says.
    let deleted = context.delete_consumer_from_stream(&name, stream);
    let kept = match timeout(DELETION, deleted).await {
        Ok(Ok(_)) => "it was made again at once".to_owned(),
        Ok(Err(error)) => chain(&error),
        Err(_) => "no answer".to_owned(),
    };
    make().await.map_err(|error| match is_taken(&error) {
        true => format!("{name} is another's, and stays when it is deleted: {kept}"),
        false => chain(&error),
    })
}

/// Whether there is another of that name.
fn is_taken(error: &ConsumerCreateStrictError) -> bool {
    match error.kind() {
        ConsumerCreateStrictErrorKind::AlreadyExists => true,
        ConsumerCreateStrictErrorKind::JetStream(error) => {
            error.error_code() == ErrorCode::CONSUMER_NAME_EXIST
        }
        _ => false,
    }
}

/// What came of a consumer so far.
#[derive(Debug, Default)]
pub(crate) struct Delivered {
    /// The last number that it gave a delivery.
    number: u64,
}

impl Delivered {
    /// The delivery in its next message; none in an idle heartbeat or flow control, which is answered.
    ///
    /// Why it cannot be gone on with, if something is missing or it has ended.
    pub(crate) async fn take(
        &mut self,
        client: &Client,
        message: Message,
    ) -> Result<Option<Delivery>, String> {
        if message.status.is_some() {
            return self.control(client, &message).await.map(|()| None);
        }
        let Some(numbers) = message.reply.as_deref().and_then(numbers_of) else {
            return Err("a delivery without its numbers".to_owned());
        };
        let (expected, given) = (self.number + 1, numbers.delivered);
        if given != expected {
            return Err(format!(
                "delivery {given} came while {expected} was awaited"
            ));
        }
        self.number = given;
        Ok(Some(Delivery {
            position: numbers.position,
            subject: message.subject.to_string(),
            payload: message.payload,
        }))
    }

    /// Idle heartbeats and flow control.
    async fn control(&self, client: &Client, message: &Message) -> Result<(), String> {
        if message.status != Some(StatusCode::IDLE_HEARTBEAT) {
            let status = message.status.map(|status| status.as_u16());
            let text = message.description.as_deref().unwrap_or_default();
            return Err(format!("the server ended the consumer: {status:?} {text}"));
        }
        let header = |name| Some(message.headers.as_ref()?.get(name)?.as_str());
        let stalled = header("Nats-Consumer-Stalled");
        if let Some(reply) = message.reply.as_deref().or(stalled) {
            let answered = client.publish(reply.to_owned(), Bytes::new()).await;
            return answered.map_err(|error| chain(&error));
        }
        let last = header("Nats-Last-Consumer").and_then(|last| last.parse::<u64>().ok());
        match last {
            Some(last) if last != self.number => Err(format!(
                "delivery {last} was sent, and {} is the last that came",
                self.number
            )),
            _ => Ok(()),
        }
    }
}

struct Numbers {
    position: u64,
    delivered: u64,
}

/// Stream and consumer sequence out of a delivery's reply subject, in its old form of nine tokens
/// (`$JS.ACK.stream.consumer.times.stream-seq.consumer-seq.time.pending`) or in the new one with
/// domain and account before the stream.
fn numbers_of(reply: &str) -> Option<Numbers> {
    let rest = reply.strip_prefix("$JS.ACK.")?;
    let skip = if rest.split('.').count() >= 9 { 5 } else { 3 };
    let mut numbers = rest.split('.').skip(skip).map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Numbers {
        position: next()?,
        delivered: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_reply_are_read() {
        let old = "$JS.ACK.TIENDO_X.c1.1.4711.12.1700000000000000000.3";
        let new = "$JS.ACK._.acc.TIENDO_X.c1.1.4711.12.1700000000000000000.3.rnd";
        for reply in [old, new] {
            let numbers = numbers_of(reply).unwrap();
            assert_eq!((numbers.position, numbers.delivered), (4711, 12), "{reply}");
        }
        assert!(numbers_of("_INBOX.x").is_none());
        assert!(numbers_of("$JS.ACK.a.b").is_none());
    }
}
