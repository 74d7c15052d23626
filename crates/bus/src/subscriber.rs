//! Consumers of other systems: made, looked at, taken away.
//!
//! A subscriber is a durable pull consumer on the stream of a ledger. The server keeps its place, so
//! that it may be away for as long as the stream keeps messages. It is lost with a stream that is
//! deleted; whoever wrote down what it was makes it anew ([`Subscribers::add`]), from where it
//! began, and what it had already is told apart by its position.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::response::Response;
use async_nats::jetstream::{self, ErrorCode};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::Access;
use crate::client::{self, ConnectSettings, Connection, chain};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest wait for the answers of a cluster; one that died not long ago is still counted.
const NEIGHBOURS_WAIT: Duration = Duration::from_secs(2);
/// Most messages that may be on their way to a subscriber without an acknowledgement.
pub const ACK_PENDING_MAX: u64 = 1_000;
/// After this a message that was not acknowledged comes again.
const ACK_WAIT: Duration = Duration::from_secs(60);

/// Where a subscriber begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the first message of the stream.
    Beginning,
    /// With this position.
    Position(u64),
    /// With what the stream took from this instant on, as RFC 3339.
    Time(String),
    /// With what comes from now on.
    New,
}

/// What a subscriber is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The stream.
    pub stream: String,
    /// Its name: one token.
    pub name: String,
    /// What it is given; no two of them take the same subject.
    pub filters: Vec<String>,
    /// Where it begins.
    pub start: Start,
}

/// How a subscriber stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// The stream.
    pub stream: String,
    /// What it is given.
    pub filters: Vec<String>,
    /// All up to this position is acknowledged; 0 if nothing is.
    pub acknowledged: u64,
    /// When it last acknowledged, as the server says it (RFC 3339).
    pub acknowledged_at: Option<String>,
    /// The last position that was given to it.
    pub delivered: u64,
    /// How many messages wait for it.
    pub waiting: u64,
    /// How many were given to it and are not acknowledged.
    pub unacknowledged: u64,
    /// The last position of the stream.
    pub last: u64,
}

/// A server of a cluster on which an account is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// Its name.
    pub server: String,
    /// What is known of it.
    pub why: String,
}

impl Unreached {
    fn otherwise(server: String) -> Self {
        let why = "its own file says otherwise".to_owned();
        Self { server, why }
    }
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection, or a server that is too old.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// The server does not do it.
    #[error("cannot {action}: {why}")]
    Refused {
        /// What was asked.
        action: String,
        /// What the server says.
        why: String,
    },
    /// The ledger has no stream there.
    #[error("there is no stream {stream}; it is made when ingest runs")]
    NoStream {
        /// The stream.
        stream: String,
    },
    /// There is one of that name, and it is another.
    #[error("stream {stream} has a subscriber `{name}` that is set up otherwise")]
    Exists {
        /// The stream.
        stream: String,
        /// The name.
        name: String,
    },
    /// There is none of that name.
    #[error("stream {stream} has no subscriber `{name}`")]
    Unknown {
        /// The stream.
        stream: String,
        /// The name.
        name: String,
    },
}

impl Error {
    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Client(error) => error.reason(),
            Self::Refused { .. } => "SUBSCRIBER_REFUSED_BY_BUS",
            Self::NoStream { .. } => "STREAM_MISSING",
            Self::Exists { .. } => "SUBSCRIBER_EXISTS",
            Self::Unknown { .. } => "SUBSCRIBER_UNKNOWN",
        }
    }
}

/// The subscribers of a server, as its operator sees them.
pub struct Subscribers {
    connection: Connection,
    context: jetstream::Context,
}

impl fmt::Debug for Subscribers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Subscribers")
            .finish_non_exhaustive()
    }
}

impl Subscribers {
    /// Connects.
    ///
    /// # Errors
    /// [`client::Error`] if there is no such server, or it lets nobody in.
    pub async fn connect(access: &Access) -> Result<Self, Error> {
        let connection = client::connect(&ConnectSettings {
            access: access.clone(),
            name: "tiendo subscriber".to_owned(),
            timeout: PATIENCE,
        })
        .await?;
        let context = connection.jetstream();
        Ok(Self {
            connection,
            context,
        })
    }

    /// Makes a consumer; one that is there already and is the same is left as it is.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is another of that name; [`Error::NoStream`].
    pub async fn add(&self, wanted: &Wanted) -> Result<Standing, Error> {
        let (stream, name) = (&wanted.stream, &wanted.name);
        let mut config = json!({
            "name": name,
            "durable_name": name,
            "filter_subjects": wanted.filters,
            "ack_policy": "explicit",
            "ack_wait": ACK_WAIT.as_nanos(),
            "max_ack_pending": ACK_PENDING_MAX,
            "max_deliver": -1,
            "replay_policy": "instant",
        });
        let (policy, more) = match &wanted.start {
            Start::Beginning => ("all", None),
            Start::New => ("new", None),
            Start::Position(position) => (
                "by_start_sequence",
                Some(("opt_start_seq", json!(position))),
            ),
            Start::Time(instant) => ("by_start_time", Some(("opt_start_time", json!(instant)))),
        };
        config["deliver_policy"] = json!(policy);
        if let Some((name, value)) = more {
            config[name] = value;
        }
        let asked = json!({ "stream_name": stream, "action": "create", "config": config });
        let subject = format!("CONSUMER.CREATE.{stream}.{name}");
        self.ask(&subject, &asked, "make the consumer", stream, name)
            .await?;
        self.show(stream, name).await
    }

    /// How one stands.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::NoStream`].
    pub async fn show(&self, stream: &str, name: &str) -> Result<Standing, Error> {
        let subject = format!("CONSUMER.INFO.{stream}.{name}");
        let told = self
            .ask(&subject, &json!({}), "look at the consumer", stream, name)
            .await?;
        Ok(standing(&told, self.last(stream).await?))
    }

    /// All durable pull consumers of a stream, by name.
    ///
    /// # Errors
    /// [`Error::NoStream`].
    pub async fn list(&self, stream: &str) -> Result<Vec<Standing>, Error> {
        let last = self.last(stream).await?;
        let (subject, mut found) = (format!("CONSUMER.LIST.{stream}"), Vec::new());
        let mut offset = 0;
        loop {
            let asked = json!({ "offset": offset });
            let told = self
                .ask(&subject, &asked, "list the consumers", stream, "")
                .await?;
            let page = told["consumers"].as_array().map_or(&[][..], Vec::as_slice);
            offset += page.len();
            let lasting = page.iter().filter(|one| {
                one["config"]["durable_name"].is_string()
                    && !one["config"]["deliver_subject"].is_string()
            });
            found.extend(lasting.map(|one| standing(one, last)));
            if page.is_empty() || told["total"].as_u64().unwrap_or(0) <= offset as u64 {
                break;
            }
        }
        found.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }

    /// Takes one away, and with it its place.
    ///
    /// # Errors
    /// [`Error::Unknown`], [`Error::NoStream`].
    pub async fn remove(&self, stream: &str, name: &str) -> Result<(), Error> {
        let subject = format!("CONSUMER.DELETE.{stream}.{name}");
        self.ask(&subject, &json!({}), "delete the consumer", stream, name)
            .await
            .map(drop)
    }

    /// Has the server that this is connected to, and then its neighbours of a cluster, read their configurations anew;
    /// needs a user of the system account.
    ///
    /// Each reads a file of its own: gives those on which an account of that name is not known although it should be, or
    /// the other way round, or of which nobody can say.
    ///
    /// # Errors
    /// [`Error::Refused`] with what is wrong with the configuration of the first.
    pub async fn reload(&self, account: &str, is_known: bool) -> Result<Vec<Unreached>, Error> {
        let own = self.connection.client.server_info();
        let mut unreached = Vec::new();
        if self.reread(&own.server_id, account).await? != is_known {
            unreached.push(Unreached::otherwise(own.server_name));
        }
        let (neighbours, silent) = self.neighbours(&own.server_id).await?;
        for (id, server) in neighbours {
            match self.reread(&id, account).await {
                Ok(known) if known == is_known => {}
                Ok(_) => unreached.push(Unreached::otherwise(server)),
                Err(error) => unreached.push(Unreached {
                    server,
                    why: error.to_string(),
                }),
            }
        }
        unreached.extend((silent > 0).then(|| Unreached {
            server: format!("{silent} more"),
            why: "no answer".to_owned(),
        }));
        Ok(unreached)
    }

    /// Has a server read its configuration anew; whether it knows an account of that name then.
    async fn reread(&self, server: &str, account: &str) -> Result<bool, Error> {
        let action = "have the server read its configuration anew";
        // With the first reading a new account is there, but what it is lent of JetStream answers only after a second
        // (nats-server 2.15.1).
        for _ in 0..2 {
            self.ask_server(server, "RELOAD", action).await?;
        }
        let action = "ask the server for its accounts";
        let told = self.ask_server(server, "ACCOUNTZ", action).await?;
        match told["data"]["accounts"].as_array() {
            Some(accounts) => Ok(accounts.iter().any(|known| known == account)),
            None => Err(self.refused(action, "it does not name them")),
        }
    }

    /// Id and name of every other server of the cluster, and how many more did not answer.
    async fn neighbours(&self, own: &str) -> Result<(Vec<(String, String)>, u64), Error> {
        let client = &self.connection.client;
        let failed = |error: &dyn std::error::Error| {
            self.refused("ask which servers there are", &chain(error))
        };
        let inbox = client.new_inbox();
        let answers = client.subscribe(inbox.clone()).await;
        let mut answers = answers.map_err(|error| failed(&error))?;
        let asked = client.publish_with_reply("$SYS.REQ.SERVER.PING", inbox, "".into());
        asked.await.map_err(|error| failed(&error))?;
        let (mut answered, mut count, mut neighbours) = (0, 1, Vec::new());
        let listen = async {
            while answered < count
                && let Some(answer) = answers.next().await
            {
                let told: Value = serde_json::from_slice(&answer.payload).unwrap_or_default();
                let text = |name: &str| told["server"][name].as_str().map(ToOwned::to_owned);
                let active = told["statsz"]["active_servers"].as_u64();
                count = count.max(active.unwrap_or(1));
                answered += 1;
                if let (Some(id), Some(name)) = (text("id"), text("name"))
                    && id != own
                {
                    neighbours.push((id, name));
                }
            }
        };
        // Who has not answered by then is told of by their number.
        let _ = timeout(NEIGHBOURS_WAIT, listen).await;
        Ok((neighbours, count.saturating_sub(answered)))
    }

    async fn ask_server(&self, id: &str, what: &str, action: &str) -> Result<Value, Error> {
        let subject = format!("$SYS.REQ.SERVER.{id}.{what}");
        let told = self.connection.client.request(subject, "".into()).await;
        let told = told.map_err(|error| self.refused(action, &chain(&error)))?;
        let told: Value = serde_json::from_slice(&told.payload).unwrap_or_default();
        match told.get("error") {
            Some(error) => Err(self.refused(action, &error["description"].to_string())),
            None => Ok(told),
        }
    }

    /// The last sequence of a stream.
    ///
    /// # Errors
    /// [`Error::NoStream`].
    pub async fn last(&self, stream: &str) -> Result<u64, Error> {
        let subject = format!("STREAM.INFO.{stream}");
        let told = self
            .ask(&subject, &json!({}), "look at the stream", stream, "")
            .await?;
        Ok(told["state"]["last_seq"].as_u64().unwrap_or(0))
    }

    async fn ask(
        &self,
        subject: &str,
        asked: &Value,
        action: &str,
        stream: &str,
        name: &str,
    ) -> Result<Value, Error> {
        let told: Result<Response<Value>, _> =
            self.context.request(subject.to_owned(), asked).await;
        let error = match told {
            Ok(Response::Ok(told)) => return Ok(told),
            Ok(Response::Err { error }) => error,
            Err(error) => return Err(self.refused(action, &chain(&error))),
        };
        let (stream, name) = (stream.to_owned(), name.to_owned());
        Err(match error.error_code() {
            ErrorCode::STREAM_NOT_FOUND => Error::NoStream { stream },
            ErrorCode::CONSUMER_NOT_FOUND => Error::Unknown { stream, name },
            ErrorCode::CONSUMER_ALREADY_EXISTS | ErrorCode::CONSUMER_NAME_EXIST => {
                Error::Exists { stream, name }
            }
            _ => self.refused(action, &error.to_string()),
        })
    }

    /// With the server's own words where a time-out hides them.
    fn refused(&self, action: &str, why: &str) -> Error {
        let why = match self.connection.refusal() {
            Some(said) => format!("{why}; the server said: {said}"),
            None => why.to_owned(),
        };
        Error::Refused {
            action: action.to_owned(),
            why,
        }
    }
}

fn standing(told: &Value, last: u64) -> Standing {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let config = &told["config"];
    let filters = match (&config["filter_subjects"], &config["filter_subject"]) {
        (Value::Array(filters), _) => filters.iter().map(text).collect(),
        (_, Value::String(filter)) => vec![filter.clone()],
        _ => Vec::new(),
    };
    let floor = &told["ack_floor"];
    Standing {
        name: text(&told["name"]),
        stream: text(&told["stream_name"]),
        filters,
        acknowledged: number(&floor["stream_seq"]),
        acknowledged_at: floor["last_active"].as_str().map(ToOwned::to_owned),
        delivered: number(&told["delivered"]["stream_seq"]),
        waiting: number(&told["num_pending"]),
        unacknowledged: number(&told["num_ack_pending"]),
        last,
    }
}

/// A new pair of keys: the seed (`SU…`), which is a secret, and the public key (`U…`).
#[must_use]
pub fn new_key() -> Option<(String, String)> {
    let pair = nkeys::KeyPair::new_user();
    Some((pair.seed().ok()?, pair.public_key()))
}

/// The public key of a seed; `None` if it is no seed of a user.
#[must_use]
pub fn public_key(seed: &str) -> Option<String> {
    let pair = nkeys::KeyPair::from_seed(seed.trim()).ok()?;
    is_public_key(&pair.public_key()).then(|| pair.public_key())
}

/// Whether this is the public key of a user.
#[must_use]
pub fn is_public_key(text: &str) -> bool {
    text.starts_with('U') && nkeys::KeyPair::from_public_key(text).is_ok()
}
