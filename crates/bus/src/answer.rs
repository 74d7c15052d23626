//! Requests of other systems, answered: request and reply over core NATS.
//!
//! A request is never stored, so nothing of one that was refused or lost is left behind.
//! As a relay it lives in generations: a lost connection ends one, and what was being answered then has lost its asker.
//! Several who answer for one ledger share a queue, of which each request goes to one.
//! An answer goes to an inbox (`_…`) and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderMap, Message, Subscriber};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::Access;
use crate::backoff::{Backoff, Complaints};
use crate::client::{self, ConnectSettings, Connection, chain};

/// Carries the number of the code that a request was refused with; as the services of NATS itself have it.
pub const ERROR_CODE: &str = "Nats-Service-Error-Code";
/// Carries why a request was refused.
pub const ERROR: &str = "Nats-Service-Error";

/// The queue that all who answer for a ledger share.
const QUEUE: &str = "tiendo";
/// Longest wait for a connection.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait between two generations.
const BACKOFF_MAX: Duration = Duration::from_millis(500);
/// Requests held that nobody has looked at yet; what comes beyond them is lost, and asked again.
const WAITING_MAX: usize = 1_024;
/// Between two looks at whether the server still lets us listen.
const LOOK: Duration = Duration::from_secs(1);
/// What the headers of an answer take at most.
const HEADER_BYTES_MAX: usize = 256;
/// The same trouble is logged at most this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// Whom to answer.
#[derive(Debug, Clone)]
pub struct AnswerOptions {
    /// Where the server is, and as whom to answer.
    pub access: Access,
    /// What the server's operator sees this client as.
    pub name: String,
    /// What is asked on; `*` is one token.
    pub subject: String,
    /// Requests answered at once; one more is refused.
    pub at_once: usize,
    /// How long what is being answered at the shutdown may take.
    pub grace: Duration,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// On which subject.
    pub subject: String,
    /// What it says.
    pub payload: Bytes,
    headers: HeaderMap,
}

impl Asked {
    /// What a header says, in whatever case it is named; none if it is not there, or there more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let is_it = |found: &str| found.eq_ignore_ascii_case(name);
        let named = self
            .headers
            .iter()
            .filter(|(found, _)| is_it(found.as_ref()));
        let mut values = named.flat_map(|(_, values)| values);
        let only = values.next().filter(|_| values.next().is_none())?;
        Some(only.as_str())
    }
}

/// What it is answered with.
#[derive(Debug, Clone, Default)]
pub struct Answered {
    /// What the answer says.
    pub payload: Bytes,
    /// The number of a code and why, if it is a refusal; they go into [`ERROR_CODE`] and [`ERROR`].
    pub refused: Option<(i32, String)>,
}

/// Why a request is refused by the bus itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// As many are being answered as may.
    Busy {
        /// How many that is.
        at_once: usize,
    },
    /// Nobody answers any more: asked again, another start does.
    Stopping,
    /// The answer is larger than the server takes.
    TooLarge {
        /// Its bytes with what headers may take.
        bytes: usize,
        /// The limit, headers included.
        bytes_max: usize,
    },
}

/// Who answers.
pub trait Answer: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, asked: Asked) -> impl Future<Output = Answered> + Send;

    /// How a refusal of the bus reads.
    fn refuse(&self, refusal: Refusal) -> Answered;
}

/// Answers until `shutdown`; what was being answered then has [`AnswerOptions::grace`] to end, and what waits is refused.
///
/// # Errors
/// [`client::Error`] if the address is none or the server is too old; everything that can pass by itself is tried again for ever.
pub async fn answer(
    options: AnswerOptions,
    answerer: Arc<impl Answer>,
    shutdown: CancellationToken,
) -> Result<(), client::Error> {
    let mut backoff = Backoff::new(Duration::from_millis(25), BACKOFF_MAX);
    let mut complaints = Complaints::new(COMPLAIN_EVERY);
    while !shutdown.is_cancelled() {
        let subscribed = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            subscribed = subscribe(&options) => subscribed,
        };
        let trouble = match subscribed {
            Ok((connection, Ok(requests))) => {
                backoff.reset();
                generation(&options, &connection, requests, &*answerer, &shutdown).await
            }
            Ok((_, Err(trouble))) => trouble,
            Err(error) if error.may_pass() => chain(&error),
            Err(lasting) => return Err(lasting),
        };
        if shutdown.is_cancelled() {
            break;
        }
        if let Some(repeats) = complaints.admit(&trouble) {
            let name = options.name.as_str();
            warn!(name, repeats, "{name} listens again: {trouble}");
        }
        tokio::select! {
            () = shutdown.cancelled() => break,
            () = tokio::time::sleep(backoff.delay()) => {}
        }
    }
    info!("{} has stopped", options.name);
    Ok(())
}

async fn subscribe(
    options: &AnswerOptions,
) -> Result<(Connection, Result<Subscriber, String>), client::Error> {
    let settings = ConnectSettings {
        access: options.access.clone(),
        name: options.name.clone(),
        timeout: TIMEOUT,
    };
    let connection = client::connect_holding(&settings, Some(WAITING_MAX)).await?;
    let subject = options.subject.clone();
    let requests = connection
        .client
        .queue_subscribe(subject, QUEUE.to_owned())
        .await;
    Ok((connection, requests.map_err(|error| chain(&error))))
}

/// Answers until shutdown or until something goes wrong, which it says.
async fn generation(
    options: &AnswerOptions,
    connection: &Connection,
    mut requests: Subscriber,
    answerer: &impl Answer,
    shutdown: &CancellationToken,
) -> String {
    let (at_once, mut answering) = (options.at_once, FuturesUnordered::new());
    let mut look = interval(LOOK);
    loop {
        tokio::select! {
            biased;
            () = connection.lost() => return "the connection was lost".to_owned(),
            () = shutdown.cancelled() => break,
            Some(()) = answering.next() => {}
            request = requests.next() => {
                let Some(request) = request else {
                    return "the connection was closed".to_owned();
                };
                let full = answering.len() >= at_once;
                let refusal = full.then_some(Refusal::Busy { at_once });
                answering.push(one(connection, answerer, request, refusal));
            }
            _ = look.tick() => {
                // The server keeps the connection and drops the subscription.
                // An inbox that we may not publish to is the business of who named it.
                if let Some(refusal) = connection.unheard() {
                    return format!("the server said: {refusal}");
                }
            }
        }
    }
    // A server that is frozen acknowledges nothing, so all of it together has its time.
    let ended = async {
        // Whoever asks from now on hears at once that nobody listens.
        let _ = requests.unsubscribe().await;
        while let Some(request) = requests.next().await {
            let refusal = Some(Refusal::Stopping);
            answering.push(one(connection, answerer, request, refusal));
        }
        while answering.next().await.is_some() {}
        let _ = connection.client.flush().await;
    };
    let _ = timeout(options.grace, ended).await;
    String::new()
}

/// Answers one request, or says why it is refused.
async fn one(
    connection: &Connection,
    answerer: &impl Answer,
    request: Message,
    refusal: Option<Refusal>,
) {
    // The server lets anybody name any subject here, and an answer goes out with our rights:
    // among the events of a ledger it would take a position.
    let Some(reply) = request.reply.filter(|reply| reply.starts_with('_')) else {
        debug!(
            "a request on {} names no inbox to answer to",
            request.subject
        );
        return;
    };
    let mut answered = match refusal {
        Some(refusal) => answerer.refuse(refusal),
        None => {
            let asked = Asked {
                subject: request.subject.to_string(),
                payload: request.payload,
                headers: request.headers.unwrap_or_default(),
            };
            answerer.answer(asked).await
        }
    };
    let bytes_max = connection.client.max_payload();
    let bytes = answered.payload.len() + HEADER_BYTES_MAX;
    if bytes > bytes_max {
        answered = answerer.refuse(Refusal::TooLarge { bytes, bytes_max });
    }
    let mut headers = HeaderMap::new();
    if let Some((code, why)) = answered.refused {
        headers.insert(ERROR_CODE, code.to_string());
        // A header is one line.
        headers.insert(ERROR, why.replace(['\r', '\n'], " "));
    }
    let published = connection
        .client
        .publish_with_headers(reply, headers, answered.payload);
    if let Err(error) = published.await {
        debug!("an answer could not be sent: {}", chain(&error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_said_once_in_any_case_or_not_at_all() {
        let said = |headers: &[(&str, &str)]| {
            let mut asked = Asked {
                subject: String::new(),
                payload: Bytes::new(),
                headers: HeaderMap::new(),
            };
            for (name, value) in headers {
                asked.headers.append(*name, *value);
            }
            asked.header("traceparent").map(str::to_owned)
        };
        for name in ["traceparent", "Traceparent", "TRACEPARENT"] {
            assert_eq!(
                said(&[("other", "2"), (name, "1")]).as_deref(),
                Some("1"),
                "{name}"
            );
        }
        for headers in [
            &[][..],
            &[("other", "1")],
            &[("traceparent", "1"), ("traceparent", "2")],
            &[("traceparent", "1"), ("Traceparent", "1")],
        ] {
            assert_eq!(said(headers), None, "{headers:?}");
        }
    }
}
