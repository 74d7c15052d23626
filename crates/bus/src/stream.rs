//! The one stream of a ledger.
//!
//! What makes stream sequence = log position possible is fixed here and cannot be asked away: file
//! storage, limits retention, no deletes, no purges, nothing that rewrites or drops a message by
//! its subject. What is the operator's own business (replicas, placement, age and size limits) is
//! only set when the stream is created and left as it is afterwards.
//! The server can still delete the whole stream; the relay then makes it again from the log.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::context::{
    CreateStreamError, GetStreamError, GetStreamErrorKind, UpdateStreamError,
};
use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, RetentionPolicy, State, StorageType, Stream,
};
use async_nats::jetstream::{self, ErrorCode};
use tracing::info;

use crate::BoxError;

/// Metadata key that says whose stream it is.
pub const LEDGER_KEY: &str = "ledger";

/// How long the server remembers message ids by default. The expected sequence is what keeps
/// doubles out; the ids are for hubs, which remember longer.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// The largest message the stream takes, headers included.
pub const MESSAGE_BYTES_MAX: i32 = 1024 * 1024;

/// What the stream of a ledger is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name, see [`crate::subject::stream_name`].
    pub name: String,
    /// What it takes, see [`crate::subject::events`]. Only the relay may publish there.
    pub subjects: Vec<String>,
    /// Ledger id, schema version and the like; [`LEDGER_KEY`] is checked against the stream's.
    pub metadata: HashMap<String, String>,
    /// Where a new stream starts: the oldest position the log still has. `None` is 1.
    pub first_sequence: Option<u64>,
    /// How long message ids are remembered.
    pub duplicate_window: Duration,
    /// Copies in a cluster, for a new stream.
    pub replicas: usize,
    /// Where a new stream begins to drop its oldest messages, in bytes. `None`: the store's limit.
    pub bytes_max: Option<u64>,
}

/// Why the stream cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The stream cannot be looked up now.
    #[error("cannot look up stream {name}")]
    Get {
        /// The stream.
        name: String,
        /// What the server says.
        source: BoxError,
    },
    /// The stream is missing and cannot be created now.
    #[error("cannot create stream {name}")]
    Create {
        /// The stream.
        name: String,
        /// What the server says.
        source: CreateStreamError,
    },
    /// The stream differs and cannot be brought into line now.
    #[error("cannot set {settings} of stream {name}")]
    Update {
        /// The stream.
        name: String,
        /// What it is to be, as NATS names it in JSON.
        settings: String,
        /// What the server says.
        source: UpdateStreamError,
    },
    /// Another ledger's stream has the name.
    #[error("stream {name} belongs to ledger `{found}`, not to `{wanted}`")]
    OtherLedger {
        /// The stream.
        name: String,
        /// The ledger in the stream's metadata.
        found: String,
        /// The ledger asked for.
        wanted: String,
    },
    /// The stream is set up in a way that positions do not survive.
    #[error("stream {name} cannot carry a log: {fault}; move it away and it is made again")]
    Unfit {
        /// The stream.
        name: String,
        /// The setting that is in the way.
        fault: String,
    },
    /// The stream would store the heartbeats of its own relay.
    #[error("the subjects of stream {name} take in {subject}, which is not an event")]
    TakesHeartbeats {
        /// The stream.
        name: String,
        /// The subject that must stay outside.
        subject: String,
    },
}

impl Error {
    pub(crate) fn get(name: &str, source: impl Into<BoxError>) -> Self {
        Self::Get {
            name: name.to_owned(),
            source: source.into(),
        }
    }

    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Get { .. } => "STREAM_UNAVAILABLE",
            Self::Create { .. } => "STREAM_NOT_CREATED",
            Self::Update { .. } => "STREAM_NOT_UPDATED",
            Self::OtherLedger { .. } => "STREAM_OF_OTHER_LEDGER",
            Self::Unfit { .. } => "STREAM_UNFIT",
            Self::TakesHeartbeats { .. } => "STREAM_TAKES_HEARTBEATS",
        }
    }
}

impl StreamSpec {
    /// The stream of a ledger as the house has it: its name, its events, its id as metadata.
    pub fn for_ledger(ledger: &str) -> Self {
        let metadata = HashMap::from([(LEDGER_KEY.to_owned(), ledger.to_owned())]);
        Self::new(
            crate::subject::stream_name(ledger),
            vec![crate::subject::events(ledger)],
            metadata,
        )
    }

    /// A stream with the usual limits: from position 1, one replica, a short duplicate window.
    pub fn new(name: String, subjects: Vec<String>, metadata: HashMap<String, String>) -> Self {
        Self {
            name,
            subjects,
            metadata,
            first_sequence: None,
            duplicate_window: DUPLICATE_WINDOW,
            replicas: 1,
            bytes_max: None,
        }
    }

    /// Whether the stream takes this subject.
    pub fn takes(&self, subject: &str) -> bool {
        self.subjects
            .iter()
            .any(|filter| crate::subject::matches(filter, subject))
    }

    fn config(&self) -> Config {
        Config {
            name: self.name.clone(),
            subjects: self.subjects.clone(),
            metadata: self.metadata.clone(),
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            deny_delete: true,
            deny_purge: true,
            allow_direct: true,
            allow_atomic_publish: self.replicas > 1,
            compression: Some(Compression::S2),
            duplicate_window: self.duplicate_window,
            num_replicas: self.replicas,
            max_message_size: MESSAGE_BYTES_MAX,
            max_messages: -1,
            max_messages_per_subject: -1,
            max_bytes: self
                .bytes_max
                .map_or(-1, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX)),
            max_consumers: -1,
            first_sequence: self.first_sequence.filter(|first| *first > 1),
            ..Config::default()
        }
    }

    /// The first setting of a stream that a log cannot live with.
    fn fault(config: &Config) -> Option<&'static str> {
        let faults = [
            (
                config.storage != StorageType::File,
                "it is not stored in files",
            ),
            (
                config.retention != RetentionPolicy::Limits,
                "its retention is not by limits",
            ),
            (
                config.mirror.is_some() || config.sources.is_some(),
                "it copies other streams",
            ),
            (config.subject_transform.is_some(), "it rewrites subjects"),
            (
                config.max_messages_per_subject > 0,
                "it limits messages per subject",
            ),
            (config.allow_rollup, "it allows roll-ups"),
            (config.allow_message_ttl, "it lets single messages expire"),
            (
                config.discard != DiscardPolicy::Old,
                "it refuses new messages when full",
            ),
            (config.sealed, "it is sealed"),
            (config.no_ack, "it does not acknowledge"),
        ];
        faults
            .into_iter()
            .find_map(|(bad, fault)| bad.then_some(fault))
    }

    /// The configuration with what we insist on, or `None` if it has it all.
    fn corrected(&self, found: &Config) -> Option<Config> {
        let mut config = found.clone();
        config.subjects.clone_from(&self.subjects);
        config.metadata.extend(self.metadata.clone());
        config.deny_delete = true;
        config.deny_purge = true;
        config.allow_direct = true;
        // The relay needs it where there are several copies, and one copy may have become several.
        config.allow_atomic_publish |= found.num_replicas > 1;
        config.compression = Some(Compression::S2);
        config.duplicate_window = self.duplicate_window;
        config.max_message_size = MESSAGE_BYTES_MAX;
        (config != *found).then_some(config)
    }
}

/// The stream and its state, created if it is missing and brought into line if it differs.
pub async fn ensure(
    context: &jetstream::Context,
    spec: &StreamSpec,
) -> Result<(Stream, State), Error> {
    let name = spec.name.clone();
    let stream = match context.get_stream(&spec.name).await {
        Ok(stream) => stream,
        Err(error) if is_missing(&error) => {
            info!(stream = name, "creating stream {name}");
            let created = context.create_stream(spec.config()).await;
            created.map_err(|source| Error::Create { name, source })?
        }
        Err(error) => return Err(Error::get(&name, error)),
    };
    let config = &stream.cached_info().config;
    check(config, spec)?;
    if let Some(corrected) = spec.corrected(config) {
        let (name, settings) = (spec.name.clone(), differing(config, &corrected));
        info!(
            stream = name,
            settings, "setting {settings} of stream {name}"
        );
        let updated = context.update_stream(&corrected).await;
        updated.map_err(|source| Error::Update {
            name,
            settings,
            source,
        })?;
    }
    let state = stream.cached_info().state.clone();
    Ok((stream, state))
}

/// The settings in which `wanted` is not what was found.
pub(crate) fn differing(found: &Config, wanted: &Config) -> String {
    let json = |config| serde_json::to_value(config).unwrap_or_default();
    let (found, wanted) = (json(found), json(wanted));
    let settings = wanted.as_object().into_iter().flatten();
    let differing = settings.filter(|(name, value)| found.get(name) != Some(value));
    let differing: Vec<_> = differing
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    differing.join(", ")
}

fn check(config: &Config, spec: &StreamSpec) -> Result<(), Error> {
    let name = spec.name.clone();
    if let (Some(found), Some(wanted)) = (
        config.metadata.get(LEDGER_KEY),
        spec.metadata.get(LEDGER_KEY),
    ) && found != wanted
    {
        let (found, wanted) = (found.clone(), wanted.clone());
        return Err(Error::OtherLedger {
            name,
            found,
            wanted,
        });
    }
    match StreamSpec::fault(config) {
        Some(fault) => Err(Error::Unfit {
            name,
            fault: fault.to_owned(),
        }),
        None => Ok(()),
    }
}

pub(crate) fn is_missing(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error)
        if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}
