//! Other systems that read the streams: one in order, one with a durable consumer and acknowledgements.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull, push};
use async_nats::jetstream::{self, stream::Stream};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::plan::PATIENCE;

/// A reader who hears nothing for so long asks anew.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// Between two tries of a reader.
const POLL: Duration = Duration::from_millis(50);

/// An event as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Came {
    pub(crate) position: u64,
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) payload: Vec<u8>,
}

impl Came {
    fn of(message: &async_nats::Message, position: u64) -> Result<Self> {
        let event: Value = serde_json::from_slice(&message.payload)?;
        let text = |name: &str| {
            let text = event[name].as_str().map(ToOwned::to_owned);
            text.with_context(|| format!("{name} of {event}"))
        };
        let (id, source) = (text("id")?, text("source")?);
        let ledger = source.strip_prefix("/tiendo/").context(source.clone())?;
        ensure!(
            id == format!("{ledger}:{position}"),
            "{id} came as message {position}"
        );
        Ok(Self {
            position,
            id,
            subject: message.subject.to_string(),
            payload: message.payload.to_vec(),
        })
    }
}

/// A subscriber that runs beside the faults.
pub(crate) struct Subscriber {
    reading: JoinSet<Result<Vec<Came>>>,
    until: watch::Sender<Option<u64>>,
}

impl Subscriber {
    /// Reads in order, and goes on after the last that it has.
    pub(crate) fn in_order(client: async_nats::Client, stream: &'static str) -> Self {
        let (until, wanted) = watch::channel(None);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let context = jetstream::new(client);
            let mut came: Vec<Came> = Vec::new();
            while wanted
                .borrow()
                .is_none_or(|wanted| (came.len() as u64) < wanted)
            {
                if let Ok(stream) = context.get_stream(stream).await {
                    ordered(&context, &stream, &mut came, &wanted).await?;
                }
                tokio::time::sleep(POLL).await;
            }
            Ok(came)
        });
        Self { reading, until }
    }

    /// A durable consumer, made again when it is gone; the events are kept by source and id.
    pub(crate) fn durable(client: async_nats::Client, stream: &'static str) -> Self {
        let (until, wanted) = watch::channel(None);
        let mut reading = JoinSet::new();
        reading.spawn(async move {
            let context = jetstream::new(client);
            let mut kept = BTreeMap::new();
            while wanted
                .borrow()
                .is_none_or(|wanted| (kept.len() as u64) < wanted)
            {
                if let Ok(stream) = context.get_stream(stream).await
                    && let Some(consumer) = consumer(&stream).await
                {
                    batch(&consumer, &mut kept).await?;
                }
                tokio::time::sleep(POLL).await;
            }
            Ok(kept.into_values().collect())
        });
        Self { reading, until }
    }

    /// All that it has, once it has this many.
    pub(crate) async fn end(mut self, count: u64) -> Result<Vec<Came>> {
        self.until.send_replace(Some(count));
        tokio::time::timeout(PATIENCE, self.reading.join_next())
            .await
            .context("it does not get all")?
            .context("it does not read")??
    }
}

async fn ordered(
    context: &jetstream::Context,
    stream: &Stream,
    came: &mut Vec<Came>,
    wanted: &watch::Receiver<Option<u64>>,
) -> Result<()> {
    let config = push::OrderedConfig {
        deliver_subject: context.client().new_inbox(),
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: came.len() as u64 + 1,
        },
        ..push::OrderedConfig::default()
    };
    let Ok(consumer) = stream.create_consumer(config).await else {
        return Ok(());
    };
    let Ok(mut messages) = consumer.messages().await else {
        return Ok(());
    };
    while wanted
        .borrow()
        .is_none_or(|wanted| (came.len() as u64) < wanted)
    {
        let next = tokio::time::timeout(SILENCE_MAX, messages.next()).await;
        let Ok(Some(Ok(message))) = next else {
            return Ok(());
        };
        let Ok(info) = message.info() else {
            return Ok(());
        };
        let event = Came::of(&message, info.stream_sequence)?;
        let last = came.len() as u64;
        if event.position <= last {
            // It has been here: the same as before.
            let at = usize::try_from(event.position - 1)?;
            ensure!(came[at] == event, "{} came in another form", event.id);
        } else if event.position == last + 1 {
            came.push(event);
        } else {
            // Not on: from the last that it has.
            return Ok(());
        }
    }
    Ok(())
}

async fn consumer(stream: &Stream) -> Option<PullConsumer> {
    let config = pull::Config {
        durable_name: Some("agency".to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(2),
        ..pull::Config::default()
    };
    stream.get_or_create_consumer("agency", config).await.ok()
}

async fn batch(consumer: &PullConsumer, kept: &mut BTreeMap<u64, Came>) -> Result<()> {
    let asked = consumer.fetch().max_messages(256);
    let asked = asked.expires(Duration::from_millis(500)).messages();
    let Ok(Ok(mut batch)) = tokio::time::timeout(SILENCE_MAX, asked).await else {
        return Ok(());
    };
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE_MAX, batch.next()).await {
        let Ok(info) = message.info() else {
            return Ok(());
        };
        let event = Came::of(&message, info.stream_sequence)?;
        // The stream's name is the source's and an id ends with the position, which `Came::of` has checked.
        let known = kept.entry(event.position).or_insert_with(|| event.clone());
        ensure!(*known == event, "{} came in another form", event.id);
        let _ = message.ack().await;
    }
    Ok(())
}

/// All that a stream holds, once nothing is disturbed any more.
pub(crate) async fn contents(context: &jetstream::Context, name: &str) -> Result<Vec<Came>> {
    let stream = context.get_stream(name).await?;
    let state = stream.get_info().await?.state;
    ensure!(state.messages == state.last_sequence, "{name}: {state:?}");
    let (_wanted, wanted) = watch::channel(Some(state.messages));
    let mut came = Vec::new();
    ordered(context, &stream, &mut came, &wanted).await?;
    ensure!(
        came.len() as u64 == state.messages,
        "{} of {state:?}",
        came.len()
    );
    Ok(came)
}
