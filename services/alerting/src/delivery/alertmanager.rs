//! Prometheus Alertmanager (HTTP API v2): each open case is an alert that is posted again before it expires, and resolved by name when the case is cleared.
//!
//! Posting is idempotent there, so what counts is the present: all open cases at the start and every minute, and changes as they come.
//! Only clearings need the log: each is posted with its end, and until Alertmanager took it the cursor stays before it.
//! While a page is refused or put off, open cases go on being posted: what Alertmanager does not hear of for five minutes it takes for resolved.
//! What Alertmanager refuses as malformed would be refused for ever; after the attempts that page becomes a dead letter.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use domain::event::QuotaLayer;
use host::CancellationToken;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use wire::v1;
use wire::v1::alert_event::Body;

use super::account::{Receiver, ranges};
use super::dispatch::{ALERTMANAGER, Backoff, Dispatch, Entry};
use super::http::{Client, Target};
use crate::case::CaseKey;

/// Alerts in one request.
const ALERTS_MAX: usize = 500;
/// So many entries that change no case move the cursor on record.
const PASSED_MAX: u64 = 4_096;
/// How much sooner open cases are posted again that were not taken.
const SOONER: u32 = 4;

struct Poster {
    dispatch: Arc<Dispatch>,
    server: Server,
    receiver: Receiver,
    shutdown: CancellationToken,
    /// Everything up to here was looked at and taken.
    cursor: u64,
    /// The cursor on record.
    through: u64,
    /// When the open cases are posted again.
    repost: Instant,
}

/// Posts until the shutdown.
pub(crate) async fn run(
    dispatch: Arc<Dispatch>,
    target: Target,
    client: Client,
    begun: u64,
    shutdown: CancellationToken,
) {
    let receiver = Receiver::sink(ALERTMANAGER);
    let line = dispatch.begin(&receiver, begun, &shutdown).await;
    let poster = Poster {
        server: Server {
            target: target.below("/api/v2/alerts"),
            client,
        },
        dispatch,
        receiver,
        shutdown,
        cursor: line.through,
        through: line.through,
        repost: Instant::now(),
    };
    poster.run().await;
}

impl Poster {
    async fn run(mut self) {
        let mut head = self.dispatch.log().watch_head();
        let mut again = self.dispatch.watch_again();
        while !self.shutdown.is_cancelled() {
            self.dispatch.whole(&self.shutdown).await;
            head.mark_unchanged();
            again.mark_unchanged();
            self.repeat().await;
            if self.repost <= Instant::now() {
                self.open_cases().await;
            }
            let (entries, last) = self.dispatch.read(self.cursor + 1).await;
            if last > 0 {
                self.changes(&entries, last).await;
                continue;
            }
            self.dispatch.show(ALERTMANAGER, None);
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                _ = head.changed() => {}
                _ = again.changed() => {}
                () = sleep_until(self.repost) => {}
            }
        }
    }

    /// Posts what some entries changed, and moves the cursor.
    async fn changes(&mut self, entries: &[Entry], last: u64) {
        let (positions, refused) = match self.post_all(entries).await {
            Posted::Stopped => return,
            Posted::Taken(positions) => (positions, None),
            Posted::Refused {
                positions,
                attempts,
                last_error,
            } => (positions, Some((attempts, last_error))),
        };
        self.cursor = last;
        match refused {
            Some((attempts, last_error)) => {
                self.give_up(&positions, attempts, last_error).await;
            }
            None if positions.is_empty() && self.cursor - self.through < PASSED_MAX => {}
            None => {
                self.dispatch
                    .delivered(ALERTMANAGER, positions.len() as u64);
                self.record(&positions).await;
            }
        }
    }

    /// The alerts that entries speak of, each with its position: open cases as they are now, cleared ones with their end.
    fn alerts_of(&self, entries: &[Entry]) -> Vec<(u64, Value)> {
        let mut seen = BTreeSet::new();
        let mut alerts = Vec::new();
        // The newest entry of a case says how it stands.
        for entry in entries.iter().rev() {
            let (id, verdict, cleared) = match &entry.alert.body {
                Some(Body::CaseOpened(e)) => (&e.case_id, &e.verdict, false),
                Some(Body::CaseCleared(e)) => (&e.case_id, &e.verdict, true),
                _ => continue,
            };
            let (Some(verdict), true) = (verdict, seen.insert(id.clone())) else {
                continue;
            };
            let is_open = self.dispatch.desk().book().open(id).is_some();
            if is_open == cleared {
                // A later entry says otherwise, and is still to come.
                continue;
            }
            let ends = if cleared {
                self.dispatch.now()
            } else {
                self.expiry()
            };
            if let Some(alert) = self.alert(id, verdict, ends) {
                alerts.push((entry.position(), alert));
            }
        }
        alerts.reverse();
        alerts
    }

    fn expiry(&self) -> Timestamp {
        let expiry = SignedDuration::try_from(self.dispatch.pace().expiry).unwrap_or_default();
        self.dispatch
            .now()
            .checked_add(expiry)
            .unwrap_or(Timestamp::MAX)
    }

    fn alert(&self, id: &str, verdict: &v1::Verdict, ends: Timestamp) -> Option<Value> {
        let known = self.dispatch.desk().judge().known_of(verdict.position);
        let starts = known.unwrap_or(ends).min(self.dispatch.now());
        let alerts = self.dispatch.ledger();
        let ledger = alerts.strip_suffix("-alerts").unwrap_or(alerts);
        Some(alert(ledger, &CaseKey::parse(id)?, verdict, (starts, ends)))
    }

    /// Posts every open case, so that none expires; sooner again if not all of them were taken.
    async fn open_cases(&mut self) {
        let open: Vec<(String, v1::Verdict)> = {
            let book = self.dispatch.desk().book();
            let open = book.cases().take_while(|case| case.cleared_position == 0);
            open.filter_map(|case| Some((case.case_id.clone(), case.opened.clone()?)))
                .collect()
        };
        let ends = self.expiry();
        let alerts: Vec<Value> = open
            .iter()
            .filter_map(|(id, verdict)| self.alert(id, verdict, ends))
            .collect();
        // Once is enough: the next turn comes soon, and waiting would hold up what is new.
        let posted = self
            .server
            .post_in_parts(&alerts, self.dispatch.now())
            .await;
        let mut wait = self.dispatch.pace().repost;
        if let Err(error) = posted {
            self.dispatch.failed(ALERTMANAGER, &error);
            tracing::warn!("open cases could not be posted to Alertmanager: {error}");
            wait /= SOONER;
        }
        self.repost = Instant::now() + wait;
    }

    /// Sends dead letters once more that an operator wants sent, until one is refused again.
    async fn repeat(&mut self) {
        let wanted = self.dispatch.account().take_again(&self.receiver);
        for (position, before) in wanted {
            let (entries, _) = self.dispatch.read(position).await;
            let mut wanted = entries;
            wanted.retain(|entry| entry.position() == position);
            match self.post_all(&wanted).await {
                // What is out of date by now was made good by what came later.
                Posted::Taken(_) => {
                    self.dispatch.delivered(ALERTMANAGER, 1);
                    self.record(&[position]).await;
                }
                Posted::Refused {
                    attempts,
                    last_error,
                    ..
                } => {
                    self.give_up(&[position], before + attempts, last_error)
                        .await;
                    // The others would be refused as long, and what is new would wait for them.
                    return;
                }
                Posted::Stopped => return,
            }
        }
    }

    /// Posts what entries say until it is taken, or refused as often as may be.
    ///
    /// Each attempt says how things stand then: an end that was reckoned before the waits would lie in the past.
    async fn post_all(&mut self, entries: &[Entry]) -> Posted {
        let mut backoff = Backoff::new(self.dispatch.pace());
        let mut attempts = 0;
        let oldest = entries.first().map(Entry::known);
        loop {
            self.dispatch.show(ALERTMANAGER, oldest);
            // No more than are read at once, which is less than one request may have.
            let (positions, alerts): (Vec<u64>, Vec<Value>) =
                self.alerts_of(entries).into_iter().unzip();
            if alerts.is_empty() {
                return Posted::Taken(positions);
            }
            let Err((last_error, failure)) = self.server.post(&alerts, self.dispatch.now()).await
            else {
                return Posted::Taken(positions);
            };
            self.dispatch.failed(ALERTMANAGER, &last_error);
            attempts += u32::from(failure.is_refusal);
            if attempts >= self.dispatch.pace().attempts {
                return Posted::Refused {
                    positions,
                    attempts,
                    last_error,
                };
            }
            tracing::warn!("alerts could not be posted to Alertmanager: {last_error}");
            if !self.wait(backoff.delay(failure.asked)).await {
                return Posted::Stopped;
            }
        }
    }

    /// Whether the wait came to its end before the shutdown; what is open is posted meanwhile, however long the other side asks to be left alone.
    async fn wait(&mut self, delay: Duration) -> bool {
        let end = Instant::now() + delay;
        while Instant::now() < end {
            tokio::select! {
                () = self.shutdown.cancelled() => return false,
                () = sleep_until(end.min(self.repost)) => {}
            }
            if self.repost <= Instant::now() {
                self.open_cases().await;
            }
        }
        true
    }

    async fn record(&mut self, positions: &[u64]) {
        let recorded = Body::DeliveryRecorded(v1::DeliveryRecorded {
            sink: ALERTMANAGER.to_owned(),
            ranges: ranges(positions),
            through: self.cursor,
            kind: v1::DeliveryKind::PassedOn as i32,
            ..v1::DeliveryRecorded::default()
        });
        self.through = self.cursor;
        self.dispatch.record(vec![recorded], &self.shutdown).await;
    }

    async fn give_up(&mut self, positions: &[u64], attempts: u32, last_error: String) {
        let number = positions.len();
        tracing::error!(
            reason = super::REASON_DELIVERY_FAILED,
            sink = ALERTMANAGER,
            number,
            attempts,
            "alertmanager: {number} entries were given up after {attempts} attempts: {last_error}; `tiendo delivery retry` sends them once more"
        );
        let failed = positions.iter().map(|position| {
            Body::DeliveryFailed(v1::DeliveryFailed {
                sink: ALERTMANAGER.to_owned(),
                position: *position,
                attempts,
                last_error: last_error.clone(),
                through: self.cursor,
                ..v1::DeliveryFailed::default()
            })
        });
        self.through = self.cursor;
        self.dispatch.record(failed.collect(), &self.shutdown).await;
    }
}

/// Where alerts are posted.
struct Server {
    target: Target,
    client: Client,
}

/// What became of a page, and of which of its entries.
enum Posted {
    Taken(Vec<u64>),
    Refused {
        positions: Vec<u64>,
        attempts: u32,
        last_error: String,
    },
    Stopped,
}

struct Failure {
    /// Whether it was the alerts that were refused.
    is_refusal: bool,
    /// Whether nobody answered.
    is_away: bool,
    /// How long the other side asks to be left alone.
    asked: Option<Duration>,
}

impl Server {
    async fn post(&self, alerts: &[Value], now: Timestamp) -> Result<(), (String, Failure)> {
        let body = Bytes::from(Value::from(alerts).to_string());
        match self.client.post(&self.target, &[], body, now).await {
            Ok(answer) if answer.is_success() => Ok(()),
            Ok(answer) => {
                // Too many requests is no judgement of what was posted.
                let is_refusal = (400..500).contains(&answer.status) && answer.status != 429;
                let asked = answer.retry_after;
                let failure = Failure {
                    is_refusal,
                    is_away: false,
                    asked,
                };
                Err((format!("HTTP {}", answer.status), failure))
            }
            Err(error) => {
                let failure = Failure {
                    is_refusal: false,
                    is_away: true,
                    asked: None,
                };
                Err((error.to_string(), failure))
            }
        }
    }

    /// Posts in parts of what one request may have: a part that is not taken keeps no other back, unless nobody answers; gives what was said of the last such part.
    async fn post_in_parts(&self, alerts: &[Value], now: Timestamp) -> Result<(), String> {
        let mut posted = Ok(());
        for part in alerts.chunks(ALERTS_MAX) {
            if let Err((error, failure)) = self.post(part, now).await {
                posted = Err(error);
                if failure.is_away {
                    break;
                }
            }
        }
        posted
    }
}

/// An alert: labels name the case and are ASCII, annotations are for people.
fn alert(
    ledger: &str,
    key: &CaseKey,
    verdict: &v1::Verdict,
    (starts, ends): (Timestamp, Timestamp),
) -> Value {
    // Alertmanager wants the end behind the start.
    let starts = starts.min(ends - SignedDuration::from_secs(1));
    let said = verdict.sentence.clone().unwrap_or_default();
    let place = verdict.locality_name.clone().unwrap_or_default();
    let indicator = verdict.indicator_name.clone().unwrap_or_default();
    json!({
        "labels": {
            "alertname": alert_name(key.concern),
            "ledger": ledger,
            "locality": key.locality.code.to_string(),
            "locality_since": key.locality.since.to_string(),
            "level": level(key),
            "indicator": key.indicator.to_string(),
            "layer": key.layer.map_or("none", QuotaLayer::as_str),
            "concern": key.concern.code().to_ascii_lowercase(),
            "severity": severity(key.concern),
        },
        "annotations": {
            "summary": said.vi,
            "summary_en": said.en,
            "locality_name": place.vi,
            "indicator_name": indicator.vi,
            "case": key.to_string(),
            "position": verdict.position.to_string(),
        },
        "startsAt": starts.to_string(),
        "endsAt": ends.to_string(),
    })
}

fn alert_name(concern: lag::Concern) -> &'static str {
    match concern {
        lag::Concern::Overdue => "TiendoOverdue",
        lag::Concern::Lagging => "TiendoLagging",
        lag::Concern::NoData => "TiendoNoData",
        lag::Concern::Silent => "TiendoSilent",
        lag::Concern::BelowAverage => "TiendoBelowAverage",
    }
}

fn severity(concern: lag::Concern) -> &'static str {
    match concern {
        lag::Concern::Overdue => "critical",
        lag::Concern::Lagging => "warning",
        lag::Concern::NoData | lag::Concern::Silent | lag::Concern::BelowAverage => "info",
    }
}

fn level(key: &CaseKey) -> &'static str {
    match key.locality.code.level() {
        domain::Level::Province => "province",
        domain::Level::District => "district",
        domain::Level::Commune => "commune",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Router;
    use axum::extract::State;
    use axum::http::StatusCode;
    use axum::routing::post;
    use tokio::net::TcpListener;

    use super::*;

    /// How many alerts each request had.
    type Sizes = Arc<Mutex<Vec<usize>>>;

    async fn take_few(State(sizes): State<Sizes>, body: Bytes) -> StatusCode {
        let alerts: Vec<Value> = serde_json::from_slice(&body).unwrap();
        sizes.lock().unwrap().push(alerts.len());
        if alerts.len() < ALERTS_MAX {
            StatusCode::OK
        } else {
            StatusCode::PAYLOAD_TOO_LARGE
        }
    }

    #[tokio::test]
    async fn a_part_that_is_refused_keeps_no_other_back() {
        let sizes = Sizes::default();
        let router = Router::new().route("/", post(take_few));
        let router = router.with_state(Arc::clone(&sizes));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = host::task::spawn("taker", async move {
            axum::serve(listener, router).await.unwrap();
        });
        let server = Server {
            target: Target::parse(&format!("http://127.0.0.1:{port}/")).unwrap(),
            client: Client::new(Duration::from_secs(20)).unwrap(),
        };
        let alerts: Vec<Value> = (0..2 * ALERTS_MAX + 1).map(Value::from).collect();
        let posted = server.post_in_parts(&alerts, Timestamp::UNIX_EPOCH);
        assert_eq!(posted.await, Err("HTTP 413".to_owned()));
        assert_eq!(*sizes.lock().unwrap(), [ALERTS_MAX, ALERTS_MAX, 1]);
        served.abort();
    }

    #[test]
    fn labels_are_ascii_and_an_end_lies_behind_its_start() {
        let key = CaseKey::parse("268@2023-04-10/eid.activated/central/overdue").unwrap();
        let verdict = v1::Verdict {
            locality_name: Some(v1::Name {
                vi: "Quận Hà Đông".to_owned(),
                en: String::new(),
            }),
            ..v1::Verdict::default()
        };
        let now: Timestamp = "2026-11-23T05:00:00Z".parse().unwrap();
        let alert = alert("ha-noi-alerts", &key, &verdict, (now, now));
        let labels = alert["labels"].as_object().unwrap();
        for (name, value) in labels {
            assert!(value.as_str().unwrap().is_ascii() && !value.as_str().unwrap().is_empty());
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
        }
        assert_eq!(labels["alertname"], "TiendoOverdue");
        assert_eq!(alert["annotations"]["locality_name"], "Quận Hà Đông");
        assert_eq!(alert["startsAt"], "2026-11-23T04:59:59Z");
    }
}
