//! Mail: one digest for each recipient each morning, and at once only what cannot wait for it.
//!
//! A digest is made from what stands and from what the recipient was told before, so nothing is lost by a morning that was missed; it is made good as soon as alerting runs again on that day, and else told on the next.
//! What cannot wait is a case of a province that turns red and a case that is overdue; what comes within a moment comes in one mail, and then nothing for a quarter of an hour.
//!
//! A server that cannot be reached, or that takes nothing from us, is tried until it can; each time beginning with the recipient after the one it failed at, so that one at whom it fails keeps nobody waiting.
//! A recipient who is put off (4xx) is tried until it is taken, and the others do not wait.
//! A recipient that is refused is tried as often as anything, then is a dead letter until the next morning; the others do not wait.
//! So is one whose mail the server has and says nothing of, for it may have come each time.
//!
//! Digests are mailed for half a minute, then it is looked whether something cannot wait: many offices do not keep the gravest waiting.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use domain::Level;
use host::CancellationToken;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use lag::{Concern, Transition};
use lettre::Message;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use tokio::time::{Duration, Instant, sleep, timeout};
use wire::v1;
use wire::v1::alert_event::Body;

use super::account::{Line, Receiver};
use super::contacts::{Recipient, Smtp};
use super::digest::{Digest, Section};
use super::dispatch::{Backoff, Dispatch, Entry, MAIL};
use super::round::{self, Due, Heard, Index, REMINDER, Round, Seen, told_places};
use super::smtp::{Refusal, Server};
use super::words::{self, Both, Letter, Occasion, Part, Row};

/// Rows of one part of a mail; how many more there are is said.
pub(crate) const ROWS_MAX: usize = 50;
/// Cases told in one entry of the log.
const TOLD_MAX: usize = 1_500;
/// How often the hour is looked at.
const TICK: Duration = Duration::from_millis(500);
/// So many positions without anything to tell move a recipient's place on record.
const PASSED_MAX: u64 = 4_096;
/// Most of those places recorded at once.
const PASSED_BATCH_MAX: usize = 256;
/// Longest that what cannot wait for the morning waits for more of its kind.
const GATHER_TURNS_MAX: usize = 15;

/// How a recipient stands, beside what is on record.
#[derive(Debug, Default)]
struct Desk {
    /// The day of the newest digest, or on which there was nothing to tell.
    done: Option<Date>,
    /// Given up on this day.
    blocked: Option<Date>,
    attempts: u32,
    backoff: Option<Backoff>,
    /// Not before.
    wait_until: Option<Instant>,
    /// What cannot wait, by where it was opened.
    urgent: BTreeSet<u64>,
    /// Something was to be mailed and was neither taken nor given up.
    waits: bool,
}

struct Mailer {
    dispatch: Arc<Dispatch>,
    server: Server,
    from: Mailbox,
    recipients: Vec<Recipient>,
    desks: Vec<Desk>,
    index: Arc<Index>,
    /// What cannot wait was looked for up to here.
    seen: u64,
    /// Whom a pass begins with.
    first: usize,
    /// What is due soon, as it was on a morning.
    due: Option<(Date, Vec<Heard<Due>>)>,
    /// The server cannot be reached.
    down: Option<(Backoff, Instant)>,
    waiting_since: Option<Timestamp>,
    shutdown: CancellationToken,
}

/// Sends mail until the shutdown.
pub(crate) async fn run(
    dispatch: Arc<Dispatch>,
    smtp: Smtp,
    begun: u64,
    shutdown: CancellationToken,
) {
    let server = match Server::new(&smtp, dispatch.pace()) {
        Ok(server) => server,
        Err(error) => {
            tracing::error!("mail cannot be sent: {error}");
            dispatch.failed(MAIL, &error);
            return;
        }
    };
    let recipients = dispatch.contacts().recipients.clone();
    let open: BTreeSet<u64> = {
        let book = dispatch.desk().book();
        let open = book.cases().take_while(|case| case.cleared_position == 0);
        open.map(|case| case.opened_position).collect()
    };
    let (mut desks, mut seen) = (Vec::new(), u64::MAX);
    for recipient in &recipients {
        let line = dispatch.begin(&receiver(recipient), begun, &shutdown).await;
        seen = seen.min(line.through);
        // What was told of cases that are cleared is asked about no more.
        let is_over = |opened: u64| !open.contains(&opened);
        dispatch.account().forget(&receiver(recipient), is_over);
        let newest = line.dead.last_key_value();
        desks.push(Desk {
            done: line.digest,
            blocked: newest.map(|(_, dead)| dead.day),
            ..Desk::default()
        });
    }
    let mailer = Mailer {
        index: Arc::new(Index::of(&recipients)),
        from: smtp.from,
        seen: seen.min(dispatch.log().head()),
        first: 0,
        due: None,
        down: None,
        waiting_since: None,
        dispatch,
        server,
        recipients,
        desks,
        shutdown,
    };
    mailer.run().await;
}

fn receiver(recipient: &Recipient) -> Receiver {
    Receiver {
        sink: MAIL.to_owned(),
        recipient: recipient.id.clone(),
    }
}

/// Does something long where it keeps nobody waiting; none if the runtime ends. Its panic is ours.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Some(done),
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}

/// Whether an entry may be mailed at once to who stands as `line` says: the first notice of a case that was opened since they began, and that they were told nothing of.
fn is_news(line: &Line, position: u64, (opened, step): (u64, u32)) -> bool {
    // What lies before the newest digest was told with it, or is history; the steps after the first are the digest's.
    step == REMINDER
        && position > line.through
        && opened > line.begun
        && !line.told.contains_key(&opened)
}

impl Mailer {
    async fn run(mut self) {
        let mut head = self.dispatch.log().watch_head();
        let mut again = self.dispatch.watch_again();
        while !self.shutdown.is_cancelled() {
            self.dispatch.whole(&self.shutdown).await;
            head.mark_unchanged();
            again.mark_unchanged();
            self.repeat();
            self.look_for_urgent().await;
            if self.is_reachable() {
                self.send_urgent().await;
                self.send_digests().await;
                if self.desks.iter().all(|desk| !desk.waits) {
                    self.waiting_since = None;
                }
            }
            self.dispatch.show(MAIL, self.waiting_since);
            tokio::select! {
                () = self.shutdown.cancelled() => {}
                () = sleep(TICK) => {}
                _ = again.changed() => {}
                _ = head.changed() => {
                    // More of the same kind comes with it.
                    let gather = self.dispatch.pace().gather;
                    for _ in 0..GATHER_TURNS_MAX {
                        let more = timeout(gather, head.changed()).await;
                        if more.is_err() || self.shutdown.is_cancelled() {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn is_reachable(&self) -> bool {
        self.down
            .as_ref()
            .is_none_or(|(_, until)| *until <= Instant::now())
    }

    /// Takes up recipients whose dead letters an operator wants sent once more.
    fn repeat(&mut self) {
        for (recipient, desk) in self.recipients.iter().zip(&mut self.desks) {
            let receiver = receiver(recipient);
            let wanted = self.dispatch.account().take_again(&receiver);
            if !wanted.is_empty() {
                *desk = Desk {
                    done: self.dispatch.line(&receiver).digest,
                    urgent: std::mem::take(&mut desk.urgent),
                    ..Desk::default()
                };
            }
        }
    }

    /// Notes for each recipient what was told since and cannot wait for the morning.
    async fn look_for_urgent(&mut self) {
        loop {
            let (entries, last) = self.dispatch.read(self.seen + 1).await;
            if last == 0 {
                return;
            }
            for entry in &entries {
                self.note(entry);
            }
            self.seen = last;
        }
    }

    fn note(&mut self, entry: &Entry) {
        let Some(Body::NotificationSent(sent)) = &entry.alert.body else {
            return;
        };
        let (Some(notification), Some(verdict), Some(key)) =
            (&sent.notification, &sent.verdict, entry.case())
        else {
            return;
        };
        let is_province = key.locality.code.level() == Level::Province;
        let is_red = verdict.status() == v1::VerdictStatus::Red;
        if !(key.concern == Concern::Overdue || is_province && is_red) {
            return;
        }
        let opened = {
            let book = self.dispatch.desk().book();
            book.open(&notification.case_id)
                .map(|case| case.opened_position)
        };
        let Some(opened) = opened else { return };
        let places = told_places(key.locality, notification);
        let account = self.dispatch.account();
        let is_news = |recipient: &Recipient| {
            let line = account.line(&receiver(recipient));
            line.is_some_and(|line| is_news(line, entry.position(), (opened, notification.step)))
        };
        let hearers: Vec<usize> = {
            let all = self.index.of_places(&self.dispatch, &places);
            all.into_iter()
                .filter(|number| is_news(&self.recipients[*number]))
                .collect()
        };
        drop(account);
        for number in hearers {
            self.desks[number].urgent.insert(opened);
        }
    }

    fn may_try(&self, number: usize, day: Date) -> bool {
        let desk = &self.desks[number];
        let waits = desk.wait_until.is_some_and(|until| until > Instant::now());
        !waits && desk.blocked != Some(day)
    }

    /// Everybody, in the order of this pass.
    fn everybody(&self) -> impl Iterator<Item = usize> + use<> {
        let number = self.recipients.len();
        (self.first..number).chain(0..self.first)
    }

    /// Notes that something is to be mailed to some.
    fn wanted(&mut self, wanted: &[usize]) {
        self.waiting_since.get_or_insert(self.dispatch.now());
        for number in wanted {
            self.desks[*number].waits = true;
        }
    }

    /// Mails what cannot wait.
    async fn send_urgent(&mut self) {
        let (day, _) = self.dispatch.moment();
        let pause = SignedDuration::try_from(self.dispatch.pace().urgent_every).unwrap_or_default();
        let now = self.dispatch.now();
        let is_rested = |recipient: &Recipient| {
            let line = self.dispatch.account().line(&receiver(recipient)).cloned();
            let last = line.and_then(|line| line.urgent);
            last.is_none_or(|last| now.duration_since(last) >= pause)
        };
        let wanted: Vec<usize> = self
            .everybody()
            .filter(|number| !self.desks[*number].urgent.is_empty())
            .filter(|number| self.may_try(*number, day) && is_rested(&self.recipients[*number]))
            .collect();
        if wanted.is_empty() {
            return;
        }
        self.wanted(&wanted);
        let Some(round) = self.look(u64::MAX).await else {
            return;
        };
        let begun = Instant::now();
        for number in wanted {
            let urgent = &self.desks[number].urgent;
            let seen: Vec<&Seen> = heard(&round.cases, number)
                .filter(|seen| seen.is_open() && !seen.is_silenced)
                .filter(|seen| urgent.contains(&seen.opened_position))
                .collect();
            let Some(first) = seen.iter().map(|seen| seen.opened_position).min() else {
                // Cleared or silenced before it could be told; the digest says so.
                self.desks[number].urgent.clear();
                self.desks[number].waits = false;
                continue;
            };
            let digest = Digest::urgent(seen.into_iter());
            let mail = Mail {
                occasion: Occasion::Urgent(day),
                name: format!("urgent.{day}.{first}"),
                from: first,
                through: 0,
                at: round.through,
            };
            if !self.tell(number, mail, &digest).await || self.pass_is_over(begun, number) {
                return;
            }
        }
    }

    /// Mails the digests that are due.
    async fn send_digests(&mut self) {
        let (day, hour) = self.dispatch.moment();
        if hour < self.dispatch.contacts().digest_hour {
            return;
        }
        let wanted: Vec<usize> = self
            .everybody()
            .filter(|number| self.desks[*number].done.is_none_or(|done| done < day))
            .filter(|number| self.may_try(*number, day))
            .collect();
        if wanted.is_empty() {
            return;
        }
        self.wanted(&wanted);
        let oldest = {
            let account = self.dispatch.account();
            let lines = wanted.iter().map(|number| {
                let line = account.line(&receiver(&self.recipients[*number]));
                line.map_or(0, |line| line.through)
            });
            lines.min().unwrap_or(0)
        };
        let Some(round) = self.look(oldest).await else {
            return;
        };
        let Some(mut all_due) = self.due(day).await else {
            return;
        };
        round::hush(&self.dispatch, &mut all_due);
        self.digests(day, &round, &all_due, wanted).await;
        self.due = Some((day, all_due));
    }

    /// What is due soon. The whole country is judged for it: once a morning, not for each attempt.
    async fn due(&mut self, day: Date) -> Option<Vec<Heard<Due>>> {
        match self.due.take() {
            Some((on, due)) if on == day => return Some(due),
            _ => {}
        }
        let (dispatch, index) = (Arc::clone(&self.dispatch), Arc::clone(&self.index));
        let shutdown = self.shutdown.clone();
        let due = move || round::due(&dispatch, &index, || !shutdown.is_cancelled());
        aside(due).await.flatten()
    }

    async fn digests(
        &mut self,
        day: Date,
        round: &Round,
        all_due: &[Heard<Due>],
        wanted: Vec<usize>,
    ) {
        let (begun, mut passed) = (Instant::now(), Vec::new());
        for number in wanted {
            let receiver = receiver(&self.recipients[number]);
            let line = self.dispatch.line(&receiver);
            // What a new recipient begins behind may be more than the book has.
            let through = round.through.max(line.through);
            let due = heard(all_due, number);
            let digest = Digest::compose(&line, day, heard(&round.cases, number), due);
            let notices = heard(&round.notices, number);
            let digest = digest.with_notices(&line, round.through, notices);
            if digest.is_empty() {
                self.desks[number].done = Some(day);
                self.desks[number].waits = false;
                if through - line.through >= PASSED_MAX {
                    passed.push(passed_on(receiver, through));
                }
                if passed.len() >= PASSED_BATCH_MAX {
                    self.record(day, std::mem::take(&mut passed)).await;
                }
                if self.pass_is_over(begun, number) {
                    break;
                }
                continue;
            }
            let mail = Mail {
                occasion: Occasion::Digest(day),
                name: format!("digest.{day}"),
                from: line.through + 1,
                through,
                at: through,
            };
            if !self.tell(number, mail, &digest).await {
                break;
            }
            let open: BTreeSet<u64> = heard(&round.cases, number)
                .filter(|seen| seen.is_open())
                .map(|seen| seen.opened_position)
                .collect();
            // What was opened since the look is not told yet.
            let is_over = |opened: u64| !open.contains(&opened) && opened <= round.through;
            self.dispatch.account().forget(&receiver, is_over);
            if self.pass_is_over(begun, number) {
                break;
            }
        }
        if !passed.is_empty() {
            self.record(day, passed).await;
        }
    }

    /// Whether a pass is over, so that what cannot wait is looked for; who is left is wanted by the next, which begins behind the one that came last.
    fn pass_is_over(&mut self, begun: Instant, number: usize) -> bool {
        let is_over = begun.elapsed() >= self.dispatch.pace().pass;
        if is_over {
            self.first = (number + 1) % self.recipients.len().max(1);
        }
        is_over
    }

    async fn record(&self, day: Date, bodies: Vec<Body>) {
        self.dispatch.record_for(day, bodies, &self.shutdown).await;
    }

    /// Everything that stands; none if the runtime ends.
    async fn look(&self, cleared_after: u64) -> Option<Round> {
        let (dispatch, index) = (Arc::clone(&self.dispatch), Arc::clone(&self.index));
        aside(move || Round::look(&dispatch, &index, cleared_after)).await
    }

    /// Mails something and records it; false if the server cannot be reached or the shutdown came.
    async fn tell(&mut self, number: usize, mail: Mail, digest: &Digest<'_>) -> bool {
        let recipient = self.recipients[number].clone();
        let parts = self.parts(digest);
        let letter = words::letter(
            mail.occasion,
            (&recipient.name, recipient.order),
            &parts,
            digest.silenced,
        );
        let domain = self.from.email.domain();
        let ledger = self.dispatch.ledger();
        let id = format!("<{ledger}.{}.{}@{domain}>", mail.name, recipient.id);
        match self.send(&recipient, &id, letter).await {
            Ok(()) => {
                self.down = None;
                let records = mail.records(&recipient, &id, &digest.told());
                self.record(mail.occasion.day(), records).await;
                // Whoever sees it counted finds it on record.
                self.dispatch.delivered(MAIL, 1);
                let desk = &mut self.desks[number];
                for (opened, _) in digest.told() {
                    desk.urgent.remove(&opened);
                }
                desk.attempts = 0;
                (desk.backoff, desk.wait_until, desk.waits) = (None, None, false);
                if let Occasion::Digest(day) = mail.occasion {
                    desk.done = Some(day);
                }
                true
            }
            Err(Refusal::Stopped) => false,
            Err(Refusal::Server(error)) => {
                self.dispatch.failed(MAIL, &error);
                tracing::warn!("mail waits: {error}");
                let (mut backoff, _) = self
                    .down
                    .take()
                    .unwrap_or_else(|| (Backoff::new(self.dispatch.pace()), Instant::now()));
                let until = Instant::now() + backoff.delay(None);
                self.down = Some((backoff, until));
                // It may fail at this recipient alone.
                self.first = (number + 1) % self.recipients.len().max(1);
                false
            }
            Err(Refusal::Later(error)) => {
                self.dispatch.failed(MAIL, &error);
                let pace = self.dispatch.pace();
                let desk = &mut self.desks[number];
                let backoff = desk.backoff.get_or_insert_with(|| Backoff::new(pace));
                desk.wait_until = Some(Instant::now() + backoff.delay(None));
                true
            }
            Err(Refusal::Unsure(error)) => {
                let recipient = &recipient.id;
                tracing::warn!(
                    recipient,
                    "the mail server has the mail to {recipient} and did not say that it took it, so it may come twice: {error}"
                );
                self.dispatch.failed(MAIL, &error);
                self.refused(number, &mail, error).await;
                true
            }
            Err(Refusal::Recipient(error)) => {
                self.dispatch.failed(MAIL, &error);
                self.refused(number, &mail, error).await;
                true
            }
        }
    }

    /// Waits longer for a recipient, and gives up for the day after the attempts.
    async fn refused(&mut self, number: usize, mail: &Mail, last_error: String) {
        // The mail's own day: it may be over by now, and the next has a digest of its own.
        let day = mail.occasion.day();
        let pace = self.dispatch.pace().clone();
        let desk = &mut self.desks[number];
        desk.attempts += 1;
        if desk.attempts < pace.attempts {
            let backoff = desk.backoff.get_or_insert_with(|| Backoff::new(&pace));
            desk.wait_until = Some(Instant::now() + backoff.delay(None));
            return;
        }
        let mut attempts = std::mem::take(&mut desk.attempts);
        (desk.backoff, desk.wait_until, desk.waits) = (None, None, false);
        desk.blocked = Some(day);
        let line = self.dispatch.line(&receiver(&self.recipients[number]));
        // Sent once more on the same day, and refused once more.
        let before = line.dead.get(&mail.at).filter(|dead| dead.day == day);
        attempts += before.map_or(0, |dead| dead.attempts);
        let recipient = &self.recipients[number].id;
        tracing::error!(
            reason = super::REASON_DELIVERY_FAILED,
            recipient,
            attempts,
            "mail to {recipient} was given up for today after {attempts} attempts: {last_error}; `tiendo delivery retry` sends it once more"
        );
        let failed = Body::DeliveryFailed(v1::DeliveryFailed {
            sink: MAIL.to_owned(),
            recipient: recipient.clone(),
            position: mail.at,
            attempts,
            last_error,
            through: 0,
        });
        self.record(day, vec![failed]).await;
    }

    async fn send(&self, recipient: &Recipient, id: &str, letter: Letter) -> Result<(), Refusal> {
        let to = Mailbox::new(Some(recipient.name.clone()), recipient.mail.clone());
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(letter.subject)
            .message_id(Some(id.to_owned()))
            .date(SystemTime::from(self.dispatch.now()))
            .header(AutoSubmitted)
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .map_err(|_| Refusal::Recipient("the mail cannot be put together".to_owned()))?;
        tokio::select! {
            sent = self.server.send(&message) => sent,
            () = self.shutdown.cancelled() => Err(Refusal::Stopped),
        }
    }

    /// A digest with the sentences of its first rows.
    fn parts(&self, digest: &Digest<'_>) -> Vec<Part> {
        let today = self.dispatch.today();
        let part = |section: Section| {
            let rows = match section {
                Section::Due => {
                    let due = digest.due.iter().take(ROWS_MAX);
                    due.map(|due| self.due_row(due)).collect()
                }
                Section::Step | Section::Commended => {
                    let notices = digest.notices.get(&section).into_iter().flatten();
                    let rows = notices.take(ROWS_MAX).map(|notice| Row {
                        said: notice.said.clone(),
                        age_days: None,
                        moved: None,
                    });
                    rows.collect()
                }
                _ => {
                    let items = digest.cases.get(&section).into_iter().flatten();
                    let rows = items.take(ROWS_MAX).map(|item| {
                        let is_aged = matches!(section, Section::Still | Section::Missing);
                        let age = i64::from((today - item.seen.since).get_days());
                        Row {
                            said: self.said(item.seen),
                            age_days: is_aged.then_some(age.max(0)),
                            moved: item.before.zip(item.seen.share),
                        }
                    });
                    rows.collect()
                }
            };
            Part {
                section,
                total: digest.count(section),
                rows,
            }
        };
        Section::ALL.map(part).into()
    }

    /// What is said of a case now, of a cleared one what was said when it was.
    fn said(&self, seen: &Seen) -> Both {
        let verdict = if seen.is_open() {
            let judge = self.dispatch.desk().judge();
            judge.change(seen.key.clone(), Transition::Opened).verdict
        } else {
            let book = self.dispatch.desk().book();
            let mut cases = book.cases();
            let case = cases.find(|case| case.cleared_position == seen.cleared_position);
            case.and_then(|case| case.cleared.clone())
                .unwrap_or_default()
        };
        both(&verdict)
    }

    fn due_row(&self, due: &Due) -> Row {
        let judge = self.dispatch.desk().judge();
        // A verdict is the same whatever its case is about.
        let verdict = judge.change(due.key(), Transition::Opened).verdict;
        Row {
            said: both(&verdict),
            age_days: None,
            moved: None,
        }
    }
}

fn both(verdict: &v1::Verdict) -> Both {
    let said = verdict.sentence.clone().unwrap_or_default();
    Both {
        vi: said.vi,
        en: said.en,
    }
}

/// What one of the recipients hears of.
fn heard<T>(all: &[Heard<T>], number: usize) -> impl Iterator<Item = &T> {
    let heard = all
        .iter()
        .filter(move |(_, hearers)| hearers.contains(&number));
    heard.map(|(what, _)| what)
}

/// Nothing up to a position is left to tell.
fn passed_on(receiver: Receiver, through: u64) -> Body {
    Body::DeliveryRecorded(v1::DeliveryRecorded {
        sink: receiver.sink,
        recipient: receiver.recipient,
        through,
        kind: v1::DeliveryKind::PassedOn as i32,
        ..v1::DeliveryRecorded::default()
    })
}

/// A mail as it is recorded.
struct Mail {
    occasion: Occasion,
    /// What its id is made of, beside the recipient.
    name: String,
    /// First position of alerting's log that it tells of.
    from: u64,
    /// Up to here nothing is left to tell; 0 if that did not change.
    through: u64,
    /// How far the log was.
    at: u64,
}

impl Mail {
    fn records(&self, recipient: &Recipient, id: &str, told: &[(u64, Option<u32>)]) -> Vec<Body> {
        let kind = match self.occasion {
            Occasion::Digest(_) => v1::DeliveryKind::Digest,
            Occasion::Urgent(_) => v1::DeliveryKind::Urgent,
        };
        let range = v1::PositionRange {
            first: self.from.min(self.at),
            last: self.at,
        };
        let record = |told: &[(u64, Option<u32>)]| {
            let told = told.iter().map(|(opened, share)| v1::CaseTold {
                opened_position: *opened,
                share_hundredths: *share,
            });
            Body::DeliveryRecorded(v1::DeliveryRecorded {
                sink: MAIL.to_owned(),
                recipient: recipient.id.clone(),
                ranges: vec![range],
                message_id: id.to_owned(),
                told: told.collect(),
                through: self.through,
                kind: kind as i32,
            })
        };
        if told.is_empty() {
            return vec![record(told)];
        }
        told.chunks(TOLD_MAX).map(record).collect()
    }
}

/// Says that no person sent it (RFC 3834), so that no absence notice comes back.
#[derive(Debug, Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::account::Told;

    #[test]
    fn only_the_first_notice_of_what_came_since_cannot_wait() {
        let mut line = Line {
            begun: 10,
            through: 20,
            ..Line::default()
        };
        assert!(is_news(&line, 22, (21, REMINDER)));
        assert!(is_news(&line, 22, (15, REMINDER)), "withheld until now");
        assert!(!is_news(&line, 22, (9, REMINDER)), "history");
        assert!(!is_news(&line, 22, (21, REMINDER + 1)), "a further step");
        assert!(!is_news(&line, 20, (19, REMINDER)), "told with the digest");
        let told = Told {
            share: None,
            last: Date::MIN,
            times: 1,
        };
        line.told.insert(21, told);
        assert!(!is_news(&line, 22, (21, REMINDER)));
    }
}
