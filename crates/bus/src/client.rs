//! One connection to a server, the events it brings, and the oldest server we speak to.
//!
//! A [`Connection`] lives for one generation of a relay or a follower: when it is lost it is
//! dropped, and the next one starts clean. The client library's own reconnect would keep half of
//! what was in flight and lose the other half.
//! Events are always handled: a permission violation looks like a time-out to the caller and only
//! the event says why.

use std::fmt::Write as _;
use std::future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::{self, context::ContextBuilder};
use async_nats::rustls;
use async_nats::{Client, ConnectError, ConnectErrorKind, Event, ServerError};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::access::{self, Access};
use crate::backoff::Complaints;
use crate::version::{OLDEST, Version};

/// The same event of a client is logged at most this often.
const EVENT_LOG_EVERY: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not a list of NATS addresses.
    #[error("`{url}` is not a NATS address")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// A file that is to let this client in cannot be read, or does not hold what it should.
    #[error("{} cannot be used to be let in by the NATS server", path.display())]
    Credentials {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// The server does not let this client in.
    #[error("the NATS server at {url} does not let this client in")]
    NotAdmitted {
        /// The addresses tried.
        url: String,
        /// What the client says.
        source: ConnectError,
    },
    /// The subjects to be answered on cannot begin like that.
    #[error(
        "`{inbox}` is no beginning of an inbox: tokens separated by dots, no wildcard, and it begins with `_`"
    )]
    Inbox {
        /// What was given.
        inbox: String,
    },
    /// There is a server, but no secure way to it.
    #[error("the server at {url} cannot be spoken to over TLS")]
    Tls {
        /// The addresses tried.
        url: String,
        /// What the client says.
        source: ConnectError,
    },
    /// No server answered.
    #[error("no NATS server answers at {url}")]
    Connect {
        /// The addresses tried.
        url: String,
        /// What the client says.
        source: ConnectError,
    },
    /// The server is older than what this crate was measured against.
    #[error("the NATS server at {url} is version {version}; at least {OLDEST} is needed")]
    ServerTooOld {
        /// The addresses tried.
        url: String,
        /// What the server calls itself.
        version: String,
    },
}

impl Error {
    fn of_connect(access: &Access, source: ConnectError) -> Self {
        let url = access.url.clone();
        match (source.kind(), &access.nkey) {
            // The challenge could not even be signed.
            (ConnectErrorKind::Authentication, Some(path)) => {
                access::unusable(path, "it holds no nkey seed")
            }
            (ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation, _) => {
                Self::NotAdmitted { url, source }
            }
            (ConnectErrorKind::Tls, _) => Self::Tls { url, source },
            _ if is_of_tls(&source) => Self::Tls { url, source },
            _ => Self::Connect { url, source },
        }
    }

    /// Whether it may pass without a restart: files and servers change.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Url { .. } | Self::Inbox { .. } | Self::ServerTooOld { .. } => false,
            Self::Credentials { .. }
            | Self::NotAdmitted { .. }
            | Self::Tls { .. }
            | Self::Connect { .. } => true,
        }
    }

    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Url { .. } => "BUS_URL_INVALID",
            Self::Credentials { .. } => "BUS_CREDENTIALS_UNUSABLE",
            Self::NotAdmitted { .. } => "BUS_NOT_ADMITTED",
            Self::Inbox { .. } => "BUS_INBOX_INVALID",
            Self::Tls { .. } => "BUS_TLS_FAILED",
            Self::Connect { .. } => "BUS_UNREACHABLE",
            Self::ServerTooOld { .. } => "BUS_SERVER_TOO_OLD",
        }
    }
}

/// How to connect.
#[derive(Debug, Clone)]
pub struct ConnectSettings {
    /// Where, and as whom.
    pub access: Access,
    /// What the server's operator sees this client as.
    pub name: String,
    /// Longest wait for the connection, and for the answer to a request.
    pub timeout: Duration,
}

/// One connection, until it is lost.
#[derive(Debug)]
pub struct Connection {
    /// The client itself.
    pub client: Client,
    timeout: Duration,
    lost: CancellationToken,
    events: Arc<Mutex<Events>>,
}

/// What the events of one client have told so far.
#[derive(Debug)]
struct Events {
    complaints: Complaints,
    refusal: Option<String>,
    /// Whether that was for want of a permission.
    not_permitted: bool,
}

/// Connects, or fails; never retries and never reconnects by itself.
pub async fn connect(settings: &ConnectSettings) -> Result<Connection, Error> {
    connect_holding(settings, None).await
}

/// The same, holding so many messages of a subscription that nobody has taken yet; what comes beyond them is lost.
pub(crate) async fn connect_holding(
    settings: &ConnectSettings,
    messages_max: Option<usize>,
) -> Result<Connection, Error> {
    let addresses = settings.access.addresses()?;
    let mut options = settings.access.admission(settings.timeout).await?;
    if let Some(messages_max) = messages_max {
        options = options.subscription_capacity(messages_max);
    }
    let lost = CancellationToken::new();
    let events = Arc::new(Mutex::new(Events {
        complaints: Complaints::new(EVENT_LOG_EVERY),
        refusal: None,
        not_permitted: false,
    }));
    let (seen, gone, name) = (Arc::clone(&events), lost.clone(), settings.name.clone());
    let client = options
        .name(&settings.name)
        .connection_timeout(settings.timeout)
        .request_timeout(Some(settings.timeout))
        .max_reconnects(addresses.len())
        .ignore_discovered_servers()
        .event_callback(move |event| {
            handle(&event, &name, &seen, &gone);
            future::ready(())
        })
        .connect(addresses)
        .await
        .map_err(|source| Error::of_connect(&settings.access, source))?;
    let version = client.server_info().version;
    if Version::find(&version).is_none_or(|found| found < OLDEST) {
        let url = settings.access.url.clone();
        return Err(Error::ServerTooOld { url, version });
    }
    Ok(Connection {
        client,
        timeout: settings.timeout,
        lost,
        events,
    })
}

impl Connection {
    /// Whether this server takes batches as the relay sends them.
    pub(crate) fn takes_batches(&self) -> bool {
        let version = self.client.server_info().version;
        Version::find(&version).is_some_and(Version::takes_batches)
    }

    /// Resolves when the connection is gone. It does not come back: connect again.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// The last thing the server refused, as it says it; the real cause of many a time-out.
    pub fn refusal(&self) -> Option<String> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .refusal
            .clone()
    }

    /// What the server said when it dropped a subscription for want of a permission.
    pub(crate) fn unheard(&self) -> Option<String> {
        self.refusal().filter(|refusal| {
            let refusal = refusal.to_lowercase();
            refusal.contains("permissions violation for subscription")
        })
    }

    /// Whether what was refused last was not permitted.
    pub fn is_not_permitted(&self) -> bool {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .not_permitted
    }

    /// JetStream over this connection, with its time limit.
    pub fn jetstream(&self) -> jetstream::Context {
        ContextBuilder::new()
            .timeout(self.timeout)
            .ack_timeout(self.timeout)
            .build(self.client.clone())
    }

    /// The same, under the domain that answers to this account.
    pub(crate) fn jetstream_of(&self, domain: &str) -> jetstream::Context {
        ContextBuilder::new()
            .domain(domain)
            .timeout(self.timeout)
            .ack_timeout(self.timeout)
            .build(self.client.clone())
    }
}

fn handle(event: &Event, client: &str, events: &Mutex<Events>, lost: &CancellationToken) {
    let text = event.to_string();
    let mut events = events.lock().unwrap_or_else(PoisonError::into_inner);
    match event {
        Event::Disconnected | Event::Closed => {
            debug!(client, "{client}: {text}");
            lost.cancel();
        }
        Event::ServerError(refused) => {
            events.not_permitted = forbids(refused);
            events.refusal = Some(refused.to_string());
            complain(&mut events.complaints, client, &text);
        }
        Event::SlowConsumer(_) => complain(&mut events.complaints, client, "slow consumer"),
        Event::LameDuckMode => complain(&mut events.complaints, client, &text),
        _ => debug!(client, "{client}: {text}"),
    }
}

/// Whether what failed is the handshake; the library calls that an error of the network.
fn is_of_tls(error: &ConnectError) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>();
        let inner = inner.and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn forbids(refused: &ServerError) -> bool {
    match refused {
        ServerError::AuthorizationViolation => true,
        ServerError::Other(text) => text.to_lowercase().contains("permissions violation"),
        ServerError::SlowConsumer(_) => false,
    }
}

fn complain(complaints: &mut Complaints, client: &str, text: &str) {
    if let Some(suppressed) = complaints.admit(text) {
        warn!(
            client,
            suppressed, "{client}: {text} ({suppressed} repeats not shown)"
        );
    }
}

/// An error with everything that caused it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            let _ = write!(text, ": {next}");
        }
        cause = error.source();
    }
    text
}
