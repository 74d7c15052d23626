//! The stream of a hub: the events of many ledgers in one stream, read from theirs.
//!
//! The hub's server sources the stream of each ledger, over the JetStream domain of a leaf node or on its own server.
//! It keeps its place in its own store and goes on by itself once a link is back, so a province runs nothing for it.
//! A message keeps its subject, its bytes and its id (`<ledger>:<position>`); what the relay expected of its own stream, the server takes off.
//! The events of a ledger lie in the order of their positions; the sequence of the hub's stream is no position.
//!
//! Where the stream of a ledger is made anew (its store was wiped, the relay fills it from the log), a server of 2.15 or later notices by the time of its creation, and reads it once more from its beginning.
//! What the hub took within [`DUPLICATE_WINDOW`] is dropped by its id; what is older stands twice in the hub, and whoever reads drops it by `(source, id)`.
//! Older servers wait until the stream has come beyond what they have; since sequences are positions, nothing is missed so either.
//!
//! What was left out: a source that begins at a position, and one that takes only some subjects; the server knows a source by both, and reads it all again when either changes.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::context::RequestError;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, External, LastRawMessageErrorKind, RetentionPolicy, Source,
    StorageType, Stream,
};
use async_nats::{SubscribeError, header};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::Connection;
use crate::stream::{self, MESSAGE_BYTES_MAX, is_missing};
use crate::subject;

/// The stream of a hub, unless it is given another name. No ledger of the hub's own server may be called `hub`.
pub const STREAM: &str = "TIENDO_HUB";

/// How long a hub remembers message ids: within it, what is read again leaves no double.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(3_600);

/// Metadata key that says that a stream is a hub's.
const HUB_KEY: &str = "hub";

/// What the server adds to a message to know where it is from.
const SOURCE_HEADER_BYTES_MAX: i32 = 4 * 1024;

/// What the stream of a hub is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSpec {
    /// Its name.
    pub name: String,
    /// Copies in a cluster, for a new stream.
    pub replicas: usize,
    /// Where a new stream begins to drop its oldest messages, in bytes. `None`: the store's limit.
    pub bytes_max: Option<u64>,
    /// How long message ids are remembered.
    pub duplicate_window: Duration,
}

impl HubSpec {
    /// With the usual limits: one replica, as much as the store takes, ids for an hour.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            replicas: 1,
            bytes_max: None,
            duplicate_window: DUPLICATE_WINDOW,
        }
    }

    fn config(&self, sources: Vec<Source>) -> Config {
        Config {
            name: self.name.clone(),
            metadata: HashMap::from([(HUB_KEY.to_owned(), "tiendo".to_owned())]),
            sources: Some(sources),
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            deny_delete: true,
            deny_purge: true,
            allow_direct: true,
            compression: Some(Compression::S2),
            duplicate_window: self.duplicate_window,
            num_replicas: self.replicas,
            max_message_size: MESSAGE_BYTES_MAX + SOURCE_HEADER_BYTES_MAX,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_bytes: self
                .bytes_max
                .map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            max_consumers: -1,
            ..Config::default()
        }
    }
}

/// A ledger whose stream a hub reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The ledger: one token of a subject.
    pub ledger: String,
    /// The JetStream domain of the leaf node that has its stream, which hands it over below `_SOURCE.<domain>`; `None`: the hub's own server has it.
    pub domain: Option<String>,
}

impl Feed {
    fn check(&self) -> Result<(), Error> {
        if !subject::is_token(&self.ledger) {
            let ledger = self.ledger.clone();
            return Err(Error::Ledger { ledger });
        }
        match &self.domain {
            Some(domain) if !is_domain(domain) => Err(Error::Domain {
                domain: domain.clone(),
            }),
            _ => Ok(()),
        }
    }

    fn source(&self) -> Source {
        Source {
            name: subject::stream_name(&self.ledger),
            external: self.domain.as_ref().map(|domain| External {
                api_prefix: format!("$JS.{domain}.API"),
                delivery_prefix: Some(format!("_SOURCE.{domain}")),
            }),
            ..Source::default()
        }
    }

    /// What a source reads, if it is the stream of a ledger.
    fn of(stream: &str, api: Option<&str>) -> Option<Self> {
        let ledger = stream.strip_prefix("TIENDO_")?.to_ascii_lowercase();
        let domain = api.map(|api| {
            let domain = api.strip_prefix("$JS.");
            let domain = domain.and_then(|rest| rest.strip_suffix(".API"));
            domain.unwrap_or(api).to_owned()
        });
        Some(Self { ledger, domain })
    }

    fn of_source(source: &Source) -> Option<Self> {
        let api = source.external.as_ref();
        Self::of(&source.name, api.map(|external| &*external.api_prefix))
    }
}

fn is_domain(domain: &str) -> bool {
    (1..=64).contains(&domain.len())
        && domain
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

/// Why a hub cannot be set up, or looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ledger's name cannot stand in a subject.
    #[error("`{ledger}` is not a ledger: one token of a-z, 0-9, `_` and `-` is needed")]
    Ledger {
        /// What was given.
        ledger: String,
    },
    /// The domain's name cannot stand in a subject.
    #[error(
        "`{domain}` is not a JetStream domain: one token of letters, digits, `_` and `-` is needed"
    )]
    Domain {
        /// What was given.
        domain: String,
    },
    /// There is no such stream.
    #[error("there is no hub stream {name} on this server")]
    Missing {
        /// The stream.
        name: String,
    },
    /// A stream of that name is there and is no hub's.
    #[error("stream {name} is not a hub's: {why}")]
    Taken {
        /// The stream.
        name: String,
        /// What says so.
        why: String,
    },
    /// The hub reads the ledger from elsewhere.
    #[error(
        "stream {name} reads ledger `{ledger}` {}, not {}; remove it first: the hub then reads it from its beginning",
        place(found.as_deref()), place(wanted.as_deref())
    )]
    Elsewhere {
        /// The stream.
        name: String,
        /// The ledger.
        ledger: String,
        /// The domain from which it is read.
        found: Option<String>,
        /// The domain asked for.
        wanted: Option<String>,
    },
    /// The hub does not read the ledger.
    #[error("stream {name} does not read ledger `{ledger}`")]
    NotFed {
        /// The stream.
        name: String,
        /// The ledger.
        ledger: String,
    },
    /// Somebody else has changed the stream meanwhile.
    #[error("stream {name} was changed by somebody else meanwhile: {left}")]
    Changed {
        /// The stream.
        name: String,
        /// How it was left.
        left: &'static str,
    },
    /// The stream cannot be looked up, made or changed.
    #[error(transparent)]
    Stream(#[from] stream::Error),
    /// The heartbeats cannot be listened to.
    #[error("cannot listen to the heartbeats of the ledgers")]
    Listen(#[from] SubscribeError),
}

impl Error {
    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Ledger { .. } => "LEDGER_INVALID",
            Self::Domain { .. } => "HUB_DOMAIN_INVALID",
            Self::Missing { .. } => "HUB_MISSING",
            Self::Taken { .. } => "HUB_STREAM_TAKEN",
            Self::Elsewhere { .. } => "HUB_FED_FROM_ELSEWHERE",
            Self::NotFed { .. } => "HUB_NOT_FED",
            Self::Changed { .. } => "HUB_CHANGED",
            Self::Stream(error) => error.reason(),
            Self::Listen(_) => "BUS_CONNECTION_LOST",
        }
    }
}

fn place(domain: Option<&str>) -> String {
    match domain {
        Some(domain) => format!("over domain `{domain}`"),
        None => "on its own server".to_owned(),
    }
}

/// Has the hub's stream read the streams of these ledgers too; makes it if it is missing.
///
/// Says of each whether it is new. What was read stays, and so does what else the operator has set.
///
/// # Errors
/// [`Error`]; nothing is changed then, but for what [`Error::Changed`] says.
pub async fn add(
    connection: &Connection,
    spec: &HubSpec,
    feeds: &[Feed],
) -> Result<Vec<bool>, Error> {
    feeds.iter().try_for_each(Feed::check)?;
    let context = connection.jetstream();
    let name = &spec.name;
    let Some(stream) = find(&context, name).await? else {
        let config = spec.config(feeds.iter().map(Feed::source).collect());
        let created = context.create_stream(config).await;
        let name = name.clone();
        created.map_err(|source| stream::Error::Create { name, source })?;
        return Ok(vec![true; feeds.len()]);
    };
    let found = stream.cached_info().config.clone();
    let mut sources = found.sources.clone().unwrap_or_default();
    let mut fresh = Vec::with_capacity(feeds.len());
    for feed in feeds {
        let known = sources.iter().filter_map(Feed::of_source);
        let known = known.into_iter().find(|known| known.ledger == feed.ledger);
        fresh.push(known.is_none());
        match known {
            None => sources.push(feed.source()),
            Some(known) if known == *feed => {}
            Some(known) => {
                return Err(Error::Elsewhere {
                    name: name.clone(),
                    ledger: known.ledger,
                    found: known.domain,
                    wanted: feed.domain.clone(),
                });
            }
        }
    }
    let wanted = Config {
        subjects: Vec::new(),
        sources: Some(sources),
        duplicate_window: spec.duplicate_window,
        deny_delete: true,
        deny_purge: true,
        ..found.clone()
    };
    if wanted != found {
        change(&context, &found, &wanted).await?;
    }
    Ok(fresh)
}

/// Has the hub's stream read these ledgers no more. What it took of them stays.
///
/// # Errors
/// [`Error`]; nothing is changed then, but for what [`Error::Changed`] says.
pub async fn remove(connection: &Connection, name: &str, ledgers: &[String]) -> Result<(), Error> {
    let context = connection.jetstream();
    let found = existing(&context, name).await?.cached_info().config.clone();
    let mut sources = found.sources.clone().unwrap_or_default();
    for ledger in ledgers {
        let before = sources.len();
        sources
            .retain(|source| Feed::of_source(source).is_none_or(|known| known.ledger != *ledger));
        if sources.len() == before {
            let (name, ledger) = (name.to_owned(), ledger.clone());
            return Err(Error::NotFed { name, ledger });
        }
    }
    let wanted = Config {
        sources: Some(sources),
        ..found.clone()
    };
    change(&context, &found, &wanted).await
}

/// Sets the configuration that was found to what is wanted, unless it is another by now.
///
/// NATS takes a configuration as a whole and compares nothing, so it is looked at right before and right after.
/// What somebody else sets between the first look and the update is lost, and only a look of theirs can tell them.
async fn change(
    context: &jetstream::Context,
    found: &Config,
    wanted: &Config,
) -> Result<(), Error> {
    let name = &wanted.name;
    let look = async || Ok::<_, Error>(existing(context, name).await?.cached_info().config.clone());
    let changed = |left| Error::Changed {
        name: name.clone(),
        left,
    };
    if look().await? != *found {
        return Err(changed("nothing was done, so do it again"));
    }
    let updated = context.update_stream(wanted).await;
    let set = updated.map_err(|source| stream::Error::Update {
        name: name.clone(),
        settings: stream::differing(found, wanted),
        source,
    })?;
    if look().await? != set.config {
        return Err(changed(
            "it is no longer what it was set to, so look at what it reads and do again what is missing",
        ));
    }
    Ok(())
}

/// The stream if it is there, and it must be a hub's.
async fn find(context: &jetstream::Context, name: &str) -> Result<Option<Stream>, Error> {
    let stream = match context.get_stream(name).await {
        Ok(stream) => stream,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(stream::Error::get(name, error).into()),
    };
    let config = &stream.cached_info().config;
    let why = if !config.metadata.contains_key(HUB_KEY) {
        "its metadata do not say so"
    } else if config.subjects.iter().any(|taken| *taken != config.name) {
        // A stream that reads nothing takes its own name.
        "it takes subjects of its own"
    } else {
        return Ok(Some(stream));
    };
    Err(Error::Taken {
        name: name.to_owned(),
        why: why.to_owned(),
    })
}

async fn existing(context: &jetstream::Context, name: &str) -> Result<Stream, Error> {
    let found = find(context, name).await?;
    found.ok_or_else(|| Error::Missing {
        name: name.to_owned(),
    })
}

/// How a ledger stands at the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The ledger, and where it is read.
    pub feed: Feed,
    /// The position of the event that the hub took last of it.
    pub held: Option<u64>,
    /// How many events the hub had still to read when it last heard of the stream.
    pub lag: u64,
    /// How long ago that was; a stream that is read is heard of once a second. `None`: not since the hub's server started.
    pub heard: Option<Duration>,
    /// The head of the ledger's log, if its heartbeat came while the hub was listened to.
    pub head: Option<u64>,
    /// What keeps the hub's server from reading it.
    pub error: Option<String>,
}

/// How every ledger stands at the hub, by name; heartbeats are waited for no longer than `listen`.
///
/// # Errors
/// [`Error`] if there is no hub, or it cannot be looked at.
pub async fn list(
    connection: &Connection,
    name: &str,
    listen: Duration,
) -> Result<Vec<Standing>, Error> {
    let context = connection.jetstream();
    let stream = existing(&context, name).await?;
    let info = info(&context, name).await?;
    let sources = info["sources"].as_array();
    let mut standings = Vec::new();
    for source in sources.into_iter().flatten() {
        let Some(mut standing) = standing(source) else {
            continue;
        };
        standing.held = held(&stream, &standing.feed.ledger).await?;
        standings.push(standing);
    }
    standings.sort_by(|a, b| a.feed.ledger.cmp(&b.feed.ledger));
    if !listen.is_zero() {
        // Only now, so that no head is older than what the hub had.
        let mut beats = connection.client.subscribe(subject::heartbeat("*")).await?;
        let mut heads = BTreeMap::new();
        let hear = async {
            while !standings.iter().all(|s| heads.contains_key(&s.feed.ledger))
                && let Some(beat) = beats.next().await
            {
                heads.extend(head(&beat.payload));
            }
        };
        // Who was not heard by then has no head.
        let _ = timeout(listen, hear).await;
        for standing in &mut standings {
            standing.head = heads.get(&standing.feed.ledger).copied();
        }
    }
    Ok(standings)
}

/// The server's answer as it stands: the client library leaves out why a source is not read.
async fn info(context: &jetstream::Context, name: &str) -> Result<Value, Error> {
    let asked: Result<Response<Value>, RequestError> =
        context.request(format!("STREAM.INFO.{name}"), &()).await;
    match asked {
        Ok(Response::Ok(info)) => Ok(info),
        Ok(Response::Err { error }) => Err(stream::Error::get(name, error).into()),
        Err(error) => Err(stream::Error::get(name, error).into()),
    }
}

/// A source as the server tells it.
fn standing(source: &Value) -> Option<Standing> {
    let api = source["external"]["api"].as_str();
    let heard = source["active"].as_i64().unwrap_or(-1);
    let error = &source["error"];
    Some(Standing {
        feed: Feed::of(source["name"].as_str()?, api)?,
        held: None,
        lag: source["lag"].as_u64().unwrap_or(0),
        heard: u64::try_from(heard).ok().map(Duration::from_nanos),
        head: None,
        error: error["description"].as_str().map(str::to_owned),
    })
}

/// The position of the ledger's newest message in the hub.
async fn held(stream: &Stream, ledger: &str) -> Result<Option<u64>, Error> {
    let filter = subject::events(ledger);
    match stream.get_last_raw_message_by_subject(&filter).await {
        Ok(message) => {
            let id = message.headers.get(header::NATS_MESSAGE_ID);
            let position = id.and_then(|id| id.as_str().rsplit(':').next()?.parse().ok());
            Ok(position)
        }
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
        Err(error) => {
            let name = &stream.cached_info().config.name;
            Err(stream::Error::get(name, error).into())
        }
    }
}

/// A ledger and the head of its log, as a heartbeat tells them.
fn head(payload: &[u8]) -> Option<(String, u64)> {
    let beat: Value = serde_json::from_slice(payload).ok()?;
    Some((beat["ledger"].as_str()?.to_owned(), beat["head"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_known_again_by_its_source() {
        for domain in [None, Some("khanh-hoa".to_owned())] {
            let feed = Feed {
                ledger: "khanh-hoa-alerts".to_owned(),
                domain,
            };
            feed.check().unwrap();
            assert_eq!(Feed::of_source(&feed.source()), Some(feed));
        }
        assert_eq!(Feed::of("ORDERS", None), None);
    }

    #[test]
    fn what_cannot_stand_in_a_subject_is_no_feed() {
        let feed = |ledger: &str, domain: &str| Feed {
            ledger: ledger.to_owned(),
            domain: Some(domain.to_owned()),
        };
        for (ledger, domain, reason) in [
            ("Khanh", "d", "LEDGER_INVALID"),
            ("khanh-hoa", "a.b", "HUB_DOMAIN_INVALID"),
            ("khanh-hoa", "", "HUB_DOMAIN_INVALID"),
            ("khanh-hoa", "*", "HUB_DOMAIN_INVALID"),
        ] {
            let found = feed(ledger, domain).check().unwrap_err();
            assert_eq!(found.reason(), reason, "{ledger} {domain}");
        }
    }

    #[test]
    fn a_source_that_was_never_heard_of_says_so() {
        let source = serde_json::json!({
            "name": "TIENDO_KHANH-HOA", "lag": 0, "active": -1,
            "external": {"api": "$JS.khanh-hoa.API", "deliver": ""},
            "error": {"code": 404, "err_code": 10059, "description": "stream not found"},
        });
        let found = standing(&source).unwrap();
        assert_eq!(found.feed.domain.as_deref(), Some("khanh-hoa"));
        assert_eq!((found.heard, found.held), (None, None));
        assert_eq!(found.error.as_deref(), Some("stream not found"));
    }
}
