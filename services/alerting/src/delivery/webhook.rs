//! Webhooks: each entry as the bus has it, signed, one after the other.
//!
//! An entry is tried until it is taken or the attempts are used up; only then comes the next, so a receiver sees them in their order, dead letters and their repetition aside.
//! A receiver that answers 410 wants nothing more: that entry is a dead letter and what follows waits, until an operator has dead letters sent once more or alerting is started again.

use std::sync::Arc;
use std::time::Duration;

use host::CancellationToken;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, sleep_until};
use wire::v1;
use wire::v1::alert_event::Body;

use super::account::{Receiver, ranges};
use super::contacts::Webhook;
use super::dispatch::{Backoff, Dispatch, Entry};
use super::http::{Answer, Client};
use crate::origin;

/// Most deliveries recorded at once.
const BATCH_MAX: usize = 256;
/// So many entries that do not concern the sink move its cursor on record.
const PASSED_MAX: u64 = 4_096;
/// The receiver wants nothing from us any more.
const GONE: u16 = 410;

/// What became of an entry.
#[derive(Debug)]
enum Outcome {
    Delivered,
    GivenUp { attempts: u32, last_error: String },
    Stopped,
}

/// A webhook's way through the log.
struct Hook {
    dispatch: Arc<Dispatch>,
    webhook: Webhook,
    receiver: Receiver,
    client: Client,
    shutdown: CancellationToken,
    /// Everything up to here was looked at.
    cursor: u64,
    /// The cursor on record.
    through: u64,
    /// Delivered and not yet recorded.
    delivered: Vec<u64>,
    /// By when they are recorded.
    due: Option<Instant>,
    /// Whether the receiver wants nothing more.
    is_gone: bool,
}

/// Delivers until the shutdown.
pub(crate) async fn run(
    dispatch: Arc<Dispatch>,
    webhook: Webhook,
    client: Client,
    begun: u64,
    shutdown: CancellationToken,
) {
    let receiver = Receiver::sink(&webhook.sink);
    let line = dispatch.begin(&receiver, begun, &shutdown).await;
    let hook = Hook {
        dispatch,
        webhook,
        receiver,
        client,
        shutdown,
        cursor: line.through,
        through: line.through,
        delivered: Vec::new(),
        due: None,
        is_gone: false,
    };
    hook.run().await;
}

impl Hook {
    async fn run(mut self) {
        let mut head = self.dispatch.log().watch_head();
        let mut again = self.dispatch.watch_again();
        while !self.shutdown.is_cancelled() {
            self.dispatch.whole(&self.shutdown).await;
            head.mark_unchanged();
            again.mark_unchanged();
            self.repeat().await;
            let (entries, last) = self.dispatch.read(self.cursor + 1).await;
            for entry in &entries {
                if self.is_stopped() {
                    break;
                }
                self.take(entry).await;
            }
            if last > 0 && !self.is_stopped() {
                self.cursor = last;
                if self.cursor - self.through >= PASSED_MAX {
                    self.flush().await;
                }
                continue;
            }
            let waits = entries.iter().find(|it| it.position() > self.cursor);
            let waits = waits.filter(|_| self.is_gone).map(Entry::known);
            self.dispatch.show(&self.receiver.sink, waits);
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                _ = head.changed() => {}
                _ = again.changed() => {}
                () = until(self.due) => self.flush().await,
            }
        }
        self.flush().await;
    }

    /// Whether nothing is posted now.
    fn is_stopped(&self) -> bool {
        self.is_gone || self.shutdown.is_cancelled()
    }

    /// Sends dead letters once more that an operator wants sent, until one is given up again.
    async fn repeat(&mut self) {
        let wanted = self.dispatch.account().take_again(&self.receiver);
        self.is_gone &= wanted.is_empty();
        for (position, before) in wanted {
            let (entries, _) = self.dispatch.read(position).await;
            let Some(entry) = entries.first().filter(|e| e.position() == position) else {
                continue;
            };
            match self.deliver(entry).await {
                Outcome::Delivered => {
                    self.delivered.push(position);
                    self.flush().await;
                }
                Outcome::GivenUp {
                    attempts,
                    last_error,
                } => {
                    self.give_up(position, before + attempts, last_error).await;
                    // The others would wait as long for a receiver that is down, and what is new for them.
                    return;
                }
                Outcome::Stopped => return,
            }
        }
    }

    /// Delivers an entry that concerns the sink.
    async fn take(&mut self, entry: &Entry) {
        if !self.concerns(entry) {
            self.cursor = entry.position();
            return;
        }
        match self.deliver(entry).await {
            Outcome::Delivered => {
                self.cursor = entry.position();
                self.delivered.push(entry.position());
                let linger = self.dispatch.pace().linger;
                self.due.get_or_insert_with(|| Instant::now() + linger);
                let is_due = self.due.is_some_and(|due| due <= Instant::now());
                if is_due || self.delivered.len() >= BATCH_MAX {
                    self.flush().await;
                }
            }
            Outcome::GivenUp {
                attempts,
                last_error,
            } => {
                self.flush().await;
                self.cursor = entry.position();
                self.give_up(entry.position(), attempts, last_error).await;
            }
            Outcome::Stopped => {}
        }
    }

    fn concerns(&self, entry: &Entry) -> bool {
        let (places, concerns) = (&self.webhook.places, &self.webhook.concerns);
        if places.is_empty() && concerns.is_empty() {
            return true;
        }
        let Some(key) = entry.case() else {
            return false;
        };
        let is_there = || {
            let lineage = self.dispatch.lineage(key.locality);
            lineage.iter().any(|code| places.contains(code))
        };
        (concerns.is_empty() || concerns.contains(&key.concern))
            && (places.is_empty() || is_there())
    }

    async fn deliver(&mut self, entry: &Entry) -> Outcome {
        let sink = self.receiver.sink.clone();
        let message = match origin::message(self.dispatch.ledger(), &entry.record) {
            Ok(message) => message,
            Err(error) => {
                let last_error = error.to_string();
                return Outcome::GivenUp {
                    attempts: 0,
                    last_error,
                };
            }
        };
        let mut backoff = Backoff::new(self.dispatch.pace());
        for attempt in 1.. {
            self.dispatch.show(&sink, Some(entry.known()));
            let (last_error, asked) = match self.attempt(entry, &message.payload).await {
                None => return Outcome::Stopped,
                Some(Ok(answer)) if answer.is_success() => {
                    self.dispatch.delivered(&sink, 1);
                    return Outcome::Delivered;
                }
                Some(Ok(answer)) => {
                    self.is_gone = answer.status == GONE;
                    (format!("HTTP {}", answer.status), answer.retry_after)
                }
                Some(Err(error)) => (error.to_string(), None),
            };
            self.dispatch.failed(&sink, &last_error);
            if self.is_gone || attempt >= self.dispatch.pace().attempts {
                return Outcome::GivenUp {
                    attempts: attempt,
                    last_error,
                };
            }
            tracing::warn!(
                sink,
                attempt,
                "{sink}: attempt {attempt} failed: {last_error}"
            );
            // What was taken so far is on record before a long wait.
            self.flush().await;
            if !self.wait(backoff.delay(asked)).await {
                return Outcome::Stopped;
            }
        }
        Outcome::Stopped
    }

    /// One POST; none at the shutdown.
    async fn attempt(
        &self,
        entry: &Entry,
        body: &bytes::Bytes,
    ) -> Option<Result<Answer, super::http::Error>> {
        let now: Timestamp = self.dispatch.now();
        let id = format!("{}:{}", self.dispatch.ledger(), entry.position());
        let signatures: Vec<String> = self
            .webhook
            .secrets
            .iter()
            .map(|secret| secret.sign(&id, now.as_second(), body))
            .collect();
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", now.as_second().to_string()),
            ("webhook-signature", signatures.join(" ")),
        ];
        let asked = self
            .client
            .post(&self.webhook.target, &headers, body.clone(), now);
        tokio::select! {
            answer = asked => Some(answer),
            () = self.shutdown.cancelled() => None,
        }
    }

    /// Whether the wait came to its end before the shutdown.
    async fn wait(&self, delay: Duration) -> bool {
        tokio::select! {
            () = sleep(delay) => true,
            () = self.shutdown.cancelled() => false,
        }
    }

    /// Records what was delivered.
    async fn flush(&mut self) {
        self.due = None;
        if self.delivered.is_empty() && self.cursor - self.through < PASSED_MAX {
            return;
        }
        let recorded = Body::DeliveryRecorded(v1::DeliveryRecorded {
            sink: self.receiver.sink.clone(),
            ranges: ranges(&std::mem::take(&mut self.delivered)),
            through: self.cursor,
            kind: v1::DeliveryKind::PassedOn as i32,
            ..v1::DeliveryRecorded::default()
        });
        self.through = self.cursor;
        self.dispatch.record(vec![recorded], &self.shutdown).await;
    }

    async fn give_up(&mut self, position: u64, attempts: u32, last_error: String) {
        let sink = &self.receiver.sink;
        tracing::error!(
            reason = super::REASON_DELIVERY_FAILED,
            sink,
            position,
            attempts,
            "{sink}: entry {position} was given up after {attempts} attempts: {last_error}; `tiendo delivery retry` sends it once more"
        );
        let failed = Body::DeliveryFailed(v1::DeliveryFailed {
            sink: sink.clone(),
            position,
            attempts,
            last_error,
            through: self.cursor,
            ..v1::DeliveryFailed::default()
        });
        self.through = self.cursor;
        self.dispatch.record(vec![failed], &self.shutdown).await;
    }
}

/// Waits until then; for ever if there is no such moment.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
