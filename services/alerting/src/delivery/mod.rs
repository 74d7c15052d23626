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
//! - `mail`, `round`, `digest`, `words`: one digest each morning, and what cannot wait for it
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
mod signature;
mod webhook;
mod words;

use std::collections::BTreeSet;
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
    let mut tasks = Vec::new();
    for hook in dispatch.contacts().webhooks.clone() {
        let task = webhook::run(
            Arc::clone(&dispatch),
            hook,
            client.clone(),
            begun,
            shutdown.clone(),
        );
        tasks.push(host::task::spawn("alerting-webhook", task));
    }
    if let Some(target) = dispatch.contacts().alertmanager.clone() {
        let task = alertmanager::run(
            Arc::clone(&dispatch),
            target,
            client,
            begun,
            shutdown.clone(),
        );
        tasks.push(host::task::spawn("alerting-alertmanager", task));
    }
    if let Some(smtp) = dispatch.contacts().smtp.clone() {
        let task = mail::run(Arc::clone(&dispatch), smtp, begun, shutdown.clone());
        tasks.push(host::task::spawn("alerting-mail", task));
    }
    for task in tasks {
        let _ = task.await;
    }
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
