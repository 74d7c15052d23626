//! What the sinks share: reading alerting's log, recording what was delivered, dead letters, counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::{LocalityCode, LocalityId};
use event_log::{Append, Log, NewEvent, ReadLimit, Record};
use host::{CancellationToken, Clock, Today};
use jiff::Timestamp;
use jiff::civil::Date;
use prost::Message as _;
use tokio::sync::watch;
use uuid::Uuid;
use wire::time::of_micros;
use wire::v1;
use wire::v1::alert_event::Body;

use super::account::{Account, Line, Receiver, is_delivery};
use super::contacts::Contacts;
use super::{Pace, Settings};
use crate::book;
use crate::case::CaseKey;
use crate::desk::Desk;

/// Entries read from the log at once.
const READ_ENTRIES_MAX: usize = 256;
/// Bytes read from the log at once.
const READ_BYTES_MAX: usize = 1024 * 1024;
/// How often what the log refused is tried again.
const RECORD_AGAIN: Duration = Duration::from_secs(1);

const FOLDED_MAX: Duration = Duration::from_secs(5);

/// The sink of mail.
pub(crate) const MAIL: &str = "mail";
/// The sink of Alertmanager.
pub(crate) const ALERTMANAGER: &str = "alertmanager";

/// An entry of alerting's log as a sink looks at it.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) record: Record,
    pub(crate) alert: v1::AlertEvent,
}

impl Entry {
    pub(crate) fn position(&self) -> u64 {
        self.record.position
    }

    pub(crate) fn known(&self) -> Timestamp {
        of_micros(self.record.known_micros)
    }

    /// The case that it is about.
    pub(crate) fn case(&self) -> Option<CaseKey> {
        CaseKey::parse(book::case_of(self.alert.body.as_ref()?)?)
    }
}

/// What a sink did since the start.
#[derive(Debug, Clone, Default)]
struct Counts {
    delivered: u64,
    failed: u64,
    last_error: String,
}

/// What a dispatch is made of.
pub(crate) struct Parts {
    pub(crate) settings: Settings,
    pub(crate) account: Account,
    pub(crate) log: Log,
    pub(crate) desk: Arc<Desk>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) today: Today,
    /// Id of the alerts' own ledger.
    pub(crate) ledger: Arc<str>,
}

/// What the sinks share.
pub(crate) struct Dispatch {
    parts: Parts,
    account: Mutex<Account>,
    counts: Mutex<BTreeMap<String, Counts>>,
    /// Told when dead letters are to be sent once more.
    again: watch::Sender<u64>,
}

impl Dispatch {
    pub(crate) fn new(mut parts: Parts) -> Self {
        let account = Mutex::new(std::mem::take(&mut parts.account));
        Self {
            parts,
            account,
            counts: Mutex::default(),
            again: watch::Sender::new(0),
        }
    }

    pub(crate) fn contacts(&self) -> &Contacts {
        &self.parts.settings.contacts
    }

    pub(crate) fn pace(&self) -> &Pace {
        &self.parts.settings.pace
    }

    pub(crate) fn desk(&self) -> &Desk {
        &self.parts.desk
    }

    pub(crate) fn ledger(&self) -> &str {
        &self.parts.ledger
    }

    pub(crate) fn log(&self) -> &Log {
        &self.parts.log
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// The day that ages are counted to: the one judged for.
    pub(crate) fn today(&self) -> Date {
        self.parts.today.date(self.parts.clock.as_ref())
    }

    /// Day and hour in Vietnam.
    pub(crate) fn moment(&self) -> (Date, i8) {
        let local = host::clock::VIETNAM.to_datetime(self.now());
        (local.date(), local.hour())
    }

    /// Waits until the ledger was replayed; gives the head of alerting's log at that moment.
    pub(crate) async fn replayed(&self) -> u64 {
        self.desk().replayed().await;
        self.desk().replayed_head()
    }

    /// Waits while the ledger is read anew: by a state that is half of it nobody can be told anything.
    pub(crate) async fn whole(&self, shutdown: &CancellationToken) {
        tokio::select! {
            () = self.desk().replayed() => {}
            () = shutdown.cancelled() => {}
        }
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How a receiver stands.
    pub(crate) fn line(&self, receiver: &Receiver) -> Line {
        self.account().line(receiver).cloned().unwrap_or_default()
    }

    /// The names of the sinks that the contacts file has.
    pub(crate) fn sinks(&self) -> BTreeSet<String> {
        let contacts = self.contacts();
        let hooks = contacts.webhooks.iter().map(|hook| hook.sink.clone());
        let mail = contacts.smtp.iter().map(|_| MAIL.to_owned());
        let alertmanager = contacts
            .alertmanager
            .iter()
            .map(|_| ALERTMANAGER.to_owned());
        hooks.chain(mail).chain(alertmanager).collect()
    }

    /// Where a receiver goes on; one that is not on record begins at `begun`, which is recorded.
    pub(crate) async fn begin(
        &self,
        receiver: &Receiver,
        begun: u64,
        shutdown: &CancellationToken,
    ) -> Line {
        if let Some(line) = self.account().line(receiver).cloned() {
            return line;
        }
        let (day, hour) = self.moment();
        // The digest of this morning is not made good: it may have been sent.
        let is_past = hour >= self.contacts().digest_hour;
        let day = if is_past {
            day
        } else {
            day.yesterday().unwrap_or(day)
        };
        let begins = Body::DeliveryRecorded(v1::DeliveryRecorded {
            sink: receiver.sink.clone(),
            recipient: receiver.recipient.clone(),
            through: begun,
            kind: v1::DeliveryKind::Begun as i32,
            ..v1::DeliveryRecorded::default()
        });
        self.record_for(day, vec![begins], shutdown).await;
        self.line(receiver)
    }

    /// The entries from a position on, without those about deliveries, and the position of the last one looked at; 0 if there was none.
    pub(crate) async fn read(&self, from: u64) -> (Vec<Entry>, u64) {
        let log = self.parts.log.clone();
        let limit = ReadLimit {
            events: READ_ENTRIES_MAX,
            bytes: READ_BYTES_MAX,
        };
        let read = tokio::task::spawn_blocking(move || log.read(from, limit)).await;
        let records = match read {
            Ok(Ok(records)) => records,
            Ok(Err(error)) => {
                tracing::error!(
                    reason = error.reason(),
                    "alerting's log cannot be read: {error}"
                );
                return (Vec::new(), 0);
            }
            Err(_) => return (Vec::new(), 0),
        };
        let last = records.last().map_or(0, |record| record.position);
        let entries = records.into_iter().filter_map(|record| {
            let alert = book::decode(&record.payload).ok()?;
            (!is_delivery(&alert)).then_some(Entry { record, alert })
        });
        let entries: Vec<Entry> = entries.collect();
        if let Some(newest) = entries.last() {
            self.folded(newest.position()).await;
        }
        (entries, last)
    }

    /// Waits until the book has what the log has: an entry is durable a moment before it is folded, and whoever looks a case up in between would not find it as the entry says.
    async fn folded(&self, position: u64) {
        let mut told = self.desk().told();
        let folded = told.wait_for(|told| *told >= position);
        // Not for ever: at a shutdown what was appended last may not be folded.
        let _ = tokio::time::timeout(FOLDED_MAX, folded).await;
    }

    /// Records something about deliveries, and goes on trying until the log takes it or the shutdown.
    pub(crate) async fn record(&self, bodies: Vec<Body>, shutdown: &CancellationToken) {
        let (day, _) = self.moment();
        self.record_for(day, bodies, shutdown).await;
    }

    /// The same for a day that may be over by now.
    pub(crate) async fn record_for(
        &self,
        day: Date,
        bodies: Vec<Body>,
        shutdown: &CancellationToken,
    ) {
        let alerts: Vec<v1::AlertEvent> = bodies
            .into_iter()
            .map(|body| v1::AlertEvent {
                position: 0,
                effective: day.to_string(),
                body: Some(body),
            })
            .collect();
        let append = append(&alerts);
        loop {
            match self.parts.log.append(append.clone()).await {
                Ok(receipt) => {
                    let mut account = self.account();
                    for alert in &alerts {
                        account.fold(receipt.known_micros, alert);
                    }
                    return;
                }
                Err(error) => tracing::error!(
                    reason = error.reason(),
                    "what was delivered cannot be recorded: {error}"
                ),
            }
            tokio::select! {
                () = tokio::time::sleep(RECORD_AGAIN) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Changes whenever somebody wants dead letters sent once more.
    pub(crate) fn watch_again(&self) -> watch::Receiver<u64> {
        self.again.subscribe()
    }

    /// Everybody to whom somebody sends: a sink and an office may be on record, and no longer in the contacts file.
    fn receivers(&self) -> BTreeSet<Receiver> {
        let mut sinks = self.sinks();
        let has_mail = sinks.remove(MAIL);
        let offices = self.contacts().recipients.iter().filter(|_| has_mail);
        let offices = offices.map(|office| Receiver {
            sink: MAIL.to_owned(),
            recipient: office.id.clone(),
        });
        let sinks = sinks.iter().map(|sink| Receiver::sink(sink));
        sinks.chain(offices).collect()
    }

    /// Marks dead letters to be sent once more, as far as anybody will send them; gives how many.
    pub(crate) fn send_again(&self, sink: &str, positions: &BTreeSet<u64>) -> u64 {
        let receivers = self.receivers();
        let wanted = |receiver: &Receiver| {
            (sink.is_empty() || receiver.sink == sink) && receivers.contains(receiver)
        };
        let marked = self.account().again(wanted, positions);
        self.again.send_modify(|times| *times += 1);
        marked
    }

    fn counted(&self, sink: &str, count: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        count(counts.entry(sink.to_owned()).or_default());
    }

    /// Counts what a sink took.
    pub(crate) fn delivered(&self, sink: &str, number: u64) {
        self.counted(sink, |counts| {
            counts.delivered += number;
            counts.last_error.clear();
        });
        metrics::counter!("tiendo_delivery_delivered_total", "sink" => sink.to_owned())
            .increment(number);
    }

    /// Counts an attempt that failed.
    pub(crate) fn failed(&self, sink: &str, error: &str) {
        self.counted(sink, |counts| {
            counts.failed += 1;
            counts.last_error = error.to_owned();
        });
        metrics::counter!("tiendo_delivery_failed_total", "sink" => sink.to_owned()).increment(1);
    }

    /// Shows how long the oldest of what waits has waited, and how many dead letters there are.
    pub(crate) fn show(&self, sink: &str, oldest: Option<Timestamp>) {
        let waited = oldest.map_or(0.0, |since| {
            self.now().duration_since(since).as_secs_f64().max(0.0)
        });
        metrics::gauge!("tiendo_delivery_waiting_seconds", "sink" => sink.to_owned()).set(waited);
        let dead: usize = self
            .account()
            .lines()
            .filter(|(receiver, _)| receiver.sink == sink)
            .map(|(_, line)| line.dead.len())
            .sum();
        metrics::gauge!("tiendo_delivery_dead_letters", "sink" => sink.to_owned()).set(dead as f64);
    }

    /// What a sink did since the start: taken, failed, and what the last attempt said.
    pub(crate) fn counts(&self, sink: &str) -> (u64, u64, String) {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = counts.get(sink).cloned().unwrap_or_default();
        (counts.delivered, counts.failed, counts.last_error)
    }

    /// The codes of a place and of those above it, nearest first.
    pub(crate) fn lineage(&self, id: LocalityId) -> Vec<LocalityCode> {
        let judge = self.desk().judge();
        let lineage = judge
            .reading()
            .map_or_else(|| vec![id], |reading| reading.lineage(id));
        lineage.into_iter().map(|id| id.code).collect()
    }
}

/// Entries as the log takes them, under an id that the same entries always have.
fn append(alerts: &[v1::AlertEvent]) -> Append {
    let payloads: Vec<Bytes> = alerts
        .iter()
        .map(|alert| Bytes::from(alert.encode_to_vec()))
        .collect();
    let mut name = b"urn:tiendo:delivery:".to_vec();
    for payload in &payloads {
        name.extend_from_slice(payload);
    }
    let events = alerts
        .iter()
        .zip(payloads)
        .map(|(alert, payload)| NewEvent {
            subject: format!("delivery/{}", sink_of(alert)).into(),
            expected_revision: None,
            payload,
            attribute: None,
        });
    Append {
        request_id: *Uuid::new_v5(&Uuid::NAMESPACE_URL, &name).as_bytes(),
        events: events.collect(),
    }
}

/// The sink that an entry about deliveries speaks of.
pub(crate) fn sink_of(alert: &v1::AlertEvent) -> &str {
    match &alert.body {
        Some(Body::DeliveryRecorded(e)) => &e.sink,
        Some(Body::DeliveryFailed(e)) => &e.sink,
        _ => "",
    }
}

/// Waits longer after each failure, somewhere in the upper half of what doubles.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub(crate) fn new(pace: &Pace) -> Self {
        Self {
            next: pace.retry_first.min(pace.retry_most),
            most: pace.retry_most,
        }
    }

    /// How long to wait now, at least as long as the other side asked.
    pub(crate) fn delay(&mut self, asked: Option<Duration>) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(self.most);
        let micros = u64::try_from(whole.as_micros()).unwrap_or(u64::MAX);
        let random = u64::from_le_bytes(*Uuid::now_v7().as_bytes().last_chunk().unwrap_or(&[0; 8]));
        let jittered = Duration::from_micros(micros / 2 + random % (micros / 2 + 1));
        jittered.max(asked.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_have_an_end_and_heed_the_other_side() {
        let pace = Pace {
            retry_first: Duration::from_millis(100),
            retry_most: Duration::from_millis(300),
            ..Pace::standard()
        };
        let mut backoff = Backoff::new(&pace);
        for whole in [100, 200, 300, 300] {
            let delay = backoff.delay(None).as_millis();
            assert!((whole / 2..=whole).contains(&delay), "{delay} of {whole}");
        }
        let asked = Duration::from_secs(9);
        assert_eq!(backoff.delay(Some(asked)), asked);
    }
}
