//! Delivery: what alerting's log says, handed on to people and their systems.
//!
//! Every sink is a task of its own with a cursor of its own into alerting's log, so a sink that is down stops neither the others nor the judging; it only lags.
//!
//! - [`Settings`], [`Pace`], [`Contacts`]: who is told, and how often it is tried
//! - `contacts`, `document`: the contacts file
//! - `account`: what was delivered, folded from the log's own entries
//! - `dispatch`: what the sinks share: reading, recording, dead letters
//! - `webhook`, `signature`, `http`: each entry as the bus has it, signed
//! - `alertmanager`: open cases as alerts of Prometheus Alertmanager
//! - `mail`, `round`, `digest`, `words`, `smtp`: one digest each morning, and what cannot wait for it
//! - `api`: what operators ask
//!
//! **At least once.**
//! A sink delivers first and records afterwards (`delivery_recorded`), so a crash in between repeats what was under way, under the same id: `<ledger>-alerts:<position>` for an entry, a Message-ID made of recipient and day for a digest.
//! What was recorded is not sent again.
//! Records come in batches, one for what was delivered within a second or 256 entries, and are never delivered themselves.
//!
//! **Where a sink begins.**
//! A sink or a recipient that is not on record begins at the position at which the first replay caught up; what lies before is history to it.
//! That is recorded too (`DELIVERY_KIND_BEGUN`), so that it goes on there after every restart, and what was opened while alerting was down is sent.
//! If alerting's log is deleted it is rebuilt from the ledger during the replay, so all of it is history and nothing is sent again; what is open is told once more in the next digest as what it is, still red.
//! After that the positions are others than before, and so are the ids: a receiver that keeps ids must forget them then.
//!
//! **What the disk refuses** is tried again every second; until then the sink waits, for it must not forget what it delivered.

mod account;
mod alertmanager;
mod api;
pub(crate) mod contacts;
mod digest;
mod dispatch;
mod document;
mod http;
mod mail;
mod round;
#[cfg(test)]
mod round_tests;
mod signature;
mod smtp;
mod webhook;
mod words;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::LocalityCode;
use host::CancellationToken;

pub(crate) use account::Account;
pub use contacts::{Contacts, ContactsError, Exposure, Problem};
pub(crate) use dispatch::{Dispatch, Parts};

/// A sink gave something up.
const REASON_DELIVERY_FAILED: &str = "DELIVERY_FAILED";

/// How often and how long.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Longest that a receiver may take to answer.
    pub timeout: Duration,
    /// Wait after the first failed attempt; doubled after each further one.
    pub retry_first: Duration,
    /// Longest wait between two attempts.
    pub retry_most: Duration,
    /// Attempts before something becomes a dead letter.
    pub attempts: u32,
    /// How long a batch of records may wait for more.
    pub linger: Duration,
    /// How often open cases are posted to Alertmanager again.
    pub repost: Duration,
    /// How long Alertmanager keeps an alert that is not posted again.
    pub expiry: Duration,
    /// How long what cannot wait for the morning waits for more of its kind.
    pub gather: Duration,
    /// Least time between two mails to one recipient that could not wait for the morning.
    pub urgent_every: Duration,
    /// Longest that a mail server may take to say whether it took a mail, once it has all of it.
    pub taking: Duration,
    /// How long digests are mailed, or what cannot wait, before it is looked whether the other is due.
    pub pass: Duration,
}

impl Pace {
    /// The pace of the product: ten attempts within five to nine minutes.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            timeout: Duration::from_secs(20),
            retry_first: Duration::from_secs(1),
            retry_most: Duration::from_secs(300),
            attempts: 10,
            linger: Duration::from_secs(1),
            repost: Duration::from_secs(60),
            expiry: Duration::from_secs(300),
            gather: Duration::from_secs(2),
            urgent_every: Duration::from_secs(15 * 60),
            taking: Duration::from_secs(11 * 60),
            pass: Duration::from_secs(30),
        }
    }
}

/// Who is told, and how often it is tried.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The contacts file as read.
    pub contacts: Contacts,
    /// The pace.
    pub pace: Pace,
}

/// Runs every sink until the shutdown, beginning once the ledger was replayed.
pub(crate) async fn run(dispatch: Arc<Dispatch>, shutdown: CancellationToken) {
    let begun = tokio::select! {
        begun = dispatch.replayed() => begun,
        () = shutdown.cancelled() => return,
    };
    let client = match http::Client::new(dispatch.pace().timeout) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!("nothing can be delivered over HTTP: {error}");
            return;
        }
    };
    warn_of_unknown_places(&dispatch);
    let mut kept_up: Vec<Pin<Box<dyn Future<Output = ()> + Send>>> = Vec::new();
    let (shared, stop) = (&dispatch, &shutdown);
    for hook in dispatch.contacts().webhooks.clone() {
        let (name, client) = (hook.sink.clone(), client.clone());
        let start = move || {
            let (hook, client) = (hook.clone(), client.clone());
            webhook::run(Arc::clone(shared), hook, client, begun, stop.clone())
        };
        let ended = move || gone(shared, &name);
        kept_up.push(Box::pin(keep_up("alerting-webhook", stop, ended, start)));
    }
    if let Some(target) = dispatch.contacts().alertmanager.clone() {
        let start = move || {
            let (target, client) = (target.clone(), client.clone());
            alertmanager::run(Arc::clone(shared), target, client, begun, stop.clone())
        };
        let ended = || gone(shared, dispatch::ALERTMANAGER);
        kept_up.push(Box::pin(keep_up(
            "alerting-alertmanager",
            stop,
            ended,
            start,
        )));
    }
    if let Some(smtp) = dispatch.contacts().smtp.clone() {
        let start = move || mail::run(Arc::clone(shared), smtp.clone(), begun, stop.clone());
        let ended = || gone(shared, dispatch::MAIL);
        kept_up.push(Box::pin(keep_up("alerting-mail", stop, ended, start)));
    }
    futures::future::join_all(kept_up).await;
}

/// Runs a sink until the shutdown; one that ends before is started again after a pause, for nobody would be told otherwise.
async fn keep_up<F>(
    name: &'static str,
    shutdown: &CancellationToken,
    ended: impl Fn() -> Duration,
    start: impl Fn() -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        // A panic was told by the task itself.
        let _ = host::task::spawn(name, start()).await;
        if shutdown.is_cancelled() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(ended()) => {}
            () = shutdown.cancelled() => return,
        }
    }
}

/// Says that a sink ended by itself; gives how long to wait before it is started again.
fn gone(dispatch: &Dispatch, sink: &str) -> Duration {
    let pause = dispatch.pace().retry_most;
    let seconds = pause.as_secs();
    tracing::error!(
        reason = REASON_DELIVERY_FAILED,
        sink,
        "{sink}: delivery ended by a fault of its own; nothing goes there until it is started again in {seconds} s"
    );
    dispatch.failed(
        sink,
        "delivery ended by a fault of its own; it is started again",
    );
    pause
}

/// Says which places of the contacts file are on no record: nobody would ever be told of them.
fn warn_of_unknown_places(dispatch: &Dispatch) {
    let contacts = dispatch.contacts();
    let heard = contacts.recipients.iter().flat_map(|r| r.hears.iter());
    let heard = heard.map(|hearing| hearing.place);
    let filtered = contacts.webhooks.iter().flat_map(|hook| &hook.places);
    let named: BTreeSet<LocalityCode> = heard.chain(filtered.copied()).collect();
    let judge = dispatch.desk().judge();
    for code in named.into_iter().filter(|code| !judge.has_code(*code)) {
        tracing::warn!(%code, "the contacts file names {code}, a code that no place on record ever had");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_sink_that_panics_is_counted_and_started_again_until_the_shutdown() {
        let shutdown = CancellationToken::new();
        let (starts, faults) = (Arc::new(AtomicU32::new(0)), AtomicU32::new(0));
        let ended = || {
            faults.fetch_add(1, Ordering::SeqCst);
            Duration::from_millis(1)
        };
        let start = || {
            let (starts, shutdown) = (Arc::clone(&starts), shutdown.clone());
            async move {
                match starts.fetch_add(1, Ordering::SeqCst) {
                    0 => panic!("a fault"),
                    1 => {}
                    _ => shutdown.cancel(),
                }
            }
        };
        keep_up("a-sink", &shutdown, ended, start).await;
        let counted = (starts.load(Ordering::SeqCst), faults.load(Ordering::SeqCst));
        assert_eq!(counted, (3, 2));
    }
}
