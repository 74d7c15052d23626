//! What reads for a subscription, one step at a time: the log until it meets the stream, the stream, and back.
//!
//! A step owns its reader until it is done, and whoever waits for it may stop waiting; so a subscriber that gives up
//! each wait after a moment still gets on.
//!
//! Wherever the reader changes over, it holds the event that it saw last against what is at that position there: a log
//! that was restored, or that another took over, uses positions again.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bus::pull::{Look, Now, Pull, Pulled};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::Instant;
use tracing::{info, warn};
use wire::log_reader::{self, LogReader};

use crate::checkpoint::{Mark, Place, SOURCES_MAX, source_of};
use crate::log::{LogRead, Step, answered};
use crate::stream::{StreamRead, look, pull_options};
use crate::subscription::{Ready, Status, told};
use crate::{Checkpoint, Error, Event, Options, Start, filter};

mod begin;
mod hold;

/// Between two looks at whether an idle stream is behind its log.
const DOUBT: Duration = Duration::from_secs(3);
/// How long a relay that tells the log's head is listened for; it does so once a second.
const HEARTBEAT_MAX: Duration = Duration::from_secs(3);

/// Where it reads now.
enum Stage {
    /// Nowhere. With what a read of the log that just ended began after.
    Closed {
        read_after: Option<u64>,
    },
    Log(Box<LogRead>),
    Stream(Box<StreamRead>),
}

pub(crate) struct Reader {
    options: Options,
    log: Option<LogReader>,
    /// Whether the stream does not have what comes next, as it showed itself.
    is_log_due: bool,
    may_look: bool,
    /// Whether a message of the stream may be asked for by its sequence.
    may_get: bool,
    /// What the durable consumer gives, once that was seen.
    consumer_filters: Option<Vec<String>>,
    /// Nothing recorded earlier is wanted.
    since: Option<Timestamp>,
    /// Everything up to this sequence of the stream was taken.
    cursor: u64,
    /// The stream that the cursor is in, if its sequences are its own.
    created: Option<String>,
    /// The id of the event at the cursor, if it was seen there.
    id: Option<String>,
    /// The last position taken of each source of a hub, and by what each source is known again.
    taken: Checkpoint,
    /// The event of a hub before which others are missing, once that was told.
    missed: Option<String>,
    stage: Stage,
    /// What is to be given to the subscriber.
    pub(crate) ready: VecDeque<Ready>,
    /// Copies of what was given or is not wanted: their sequence, and where they are acknowledged.
    pub(crate) late: BTreeMap<u64, String>,
    /// Whether the last step came on, or found that nothing is to come.
    has_moved: bool,
    pub(crate) status: Status,
}

impl Reader {
    /// Everything that was taken, as whoever has dealt with all of it keeps it.
    pub(crate) fn far(&self) -> Checkpoint {
        let mut far = self.taken.clone();
        if let Some(ledger) = self.options.ledger_name() {
            far.advance(&source_of(ledger), self.cursor);
        } else {
            far.set_hub(self.created.clone().map(|created| Place {
                created,
                sequence: self.cursor,
                id: self.id.clone(),
            }));
        }
        far
    }

    /// The stream that sequences are of, if they are its own.
    pub(crate) fn created(&self) -> Option<&String> {
        self.created.as_ref()
    }

    /// The connection that acknowledgements go over.
    pub(crate) fn pull(&mut self) -> Option<&mut Pull> {
        match &mut self.stage {
            Stage::Stream(read) => Some(&mut read.pull),
            _ => None,
        }
    }

    /// Whether the last step came on, or found that nothing is to come.
    pub(crate) fn has_moved(&self) -> bool {
        self.has_moved
    }

    fn close(&mut self) {
        self.stage = Stage::Closed { read_after: None };
    }

    /// One wait, and what it brought.
    pub(crate) async fn step(&mut self) -> Result<(), Error> {
        let before = self.cursor;
        self.has_moved = false;
        let stepped = match &mut self.stage {
            Stage::Closed { .. } if self.is_log_due => self.open_log().await,
            Stage::Closed { read_after } => {
                let read_after = *read_after;
                self.open_stream(read_after).await
            }
            Stage::Log(_) => self.step_log().await,
            Stage::Stream(_) => self.read_stream().await,
        };
        self.has_moved |= self.cursor > before;
        if stepped.is_err() {
            self.close();
        }
        stepped
    }

    /// Opens the stream after the cursor, or the log if the stream does not have what comes next.
    async fn open_stream(&mut self, read_after: Option<u64>) -> Result<(), Error> {
        let opened = StreamRead::open(&self.options, self.cursor, &mut self.may_look).await;
        self.status.connections += 1;
        let (mut read, look) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.do_without(error.into(), read_after).await,
        };
        if self.options.consumer.is_some() {
            self.consumer_filters = Some(read.standing.filters.clone());
        }
        if let Some(look) = &look
            && !self.check_stream(look, &mut read.pull).await?
        {
            return Ok(());
        }
        let has_first = look.as_ref().map_or(0, |look| look.first);
        let first = has_first.max(read.standing.floor + 1);
        if first > self.cursor + 1 {
            return self.beyond(first, read_after).await;
        }
        read.is_compared = self.compare(&mut read.pull, look.as_ref()).await?;
        let is_behind = look.as_ref().is_some_and(|look| look.last < self.cursor);
        // Who may not look at the stream, or lost what was given, trusts the log first.
        let is_unsure = is_behind || look.is_none() || read.standing.pending > 0;
        if (is_unsure || !read.is_compared) && read_after.is_none() && self.log.is_some() {
            match self.open_log().await {
                Err(error) if error.may_pass() || matches!(error, Error::Fenced { .. }) => {
                    warn!("the stream alone is read: {}", told(&error));
                }
                opened => return opened,
            }
        }
        if is_behind && self.log.is_none() {
            self.check_head(&mut read.pull).await?;
        }
        if read_after.is_some() {
            read.await_nothing();
        }
        self.stage = Stage::Stream(Box::new(read));
        Ok(())
    }

    /// Without the bus: the log has it all the same, and the bus is tried again behind its head.
    async fn do_without(&mut self, error: Error, read_after: Option<u64>) -> Result<(), Error> {
        // What a durable consumer gives must be known before the log can stand in for it.
        let is_known = self.options.consumer.is_none() || self.consumer_filters.is_some();
        if !error.may_pass() || read_after.is_some() || self.log.is_none() || !is_known {
            return Err(error);
        }
        self.status.trouble = Some(told(&error));
        match self.open_log().await {
            Err(Error::Fenced { .. }) => Err(error),
            opened => opened,
        }
    }

    /// The stream begins behind what comes next.
    async fn beyond(&mut self, first: u64, read_after: Option<u64>) -> Result<(), Error> {
        let (stream, next) = (self.options.stream(), self.cursor + 1);
        let moved = read_after.is_none_or(|after| after < self.cursor);
        if self.log.is_some() && moved {
            return self.open_log().await;
        }
        if self.log.is_some() {
            return Err(Error::Gap {
                stream,
                expected: next,
                found: first,
            });
        }
        Err(Error::BeyondRetention {
            stream,
            first,
            wanted: next,
        })
    }

    async fn open_log(&mut self) -> Result<(), Error> {
        self.close();
        let (Some(log), Some(ledger)) = (self.log.clone(), self.options.ledger_name()) else {
            return Ok(());
        };
        let ledger = ledger.to_owned();
        let position = self.cursor + 1;
        let found = answered(log.ledger()).await;
        let found = found.map_err(|error| self.no_log(position, error))?;
        let address = self.options.log.clone().unwrap_or_default();
        if found.name != ledger {
            return Err(Error::OtherLedger {
                what: format!("the log at {address}"),
                found: found.name,
                wanted: ledger,
            });
        }
        if let Some((fence, writer)) = &found.fence
            && *fence <= position
        {
            return Err(Error::Fenced {
                address,
                position: *fence,
                writer: writer.clone(),
            });
        }
        if found.head < self.cursor {
            return Err(self.ahead(found.head));
        }
        let until = found.fence.map(|(fence, _)| fence - 1);
        let until = until.filter(|until| *until < found.head);
        let mark = self.taken.mark(&source_of(&ledger)).cloned();
        let opened = LogRead::open(&log, self.cursor, mark, until).await;
        let read = opened.map_err(|error| self.no_log(position, error))?;
        self.status.log_reads += 1;
        self.is_log_due = false;
        self.stage = Stage::Log(Box::new(read));
        Ok(())
    }

    fn no_log(&self, position: u64, source: log_reader::Error) -> Error {
        Error::Log {
            address: self.options.log.clone().unwrap_or_default(),
            position,
            source,
        }
    }

    async fn step_log(&mut self) -> Result<(), Error> {
        let (Stage::Log(read), Some(ledger)) = (&mut self.stage, self.options.ledger_name()) else {
            return Ok(());
        };
        let (wanted, given) = (&self.options.filters, &self.consumer_filters);
        let given = given.as_deref().unwrap_or_default();
        let wants = |subject: &str| filter::wants(wanted, subject) && filter::wants(given, subject);
        let mut events = VecDeque::new();
        let stepped = read.step(ledger, wants, &mut events).await;
        let (position, begun) = (read.position, read.begun);
        let source = source_of(ledger);
        self.status.from_log += events.len() as u64;
        self.ready.extend(events.into_iter().map(|event| Ready {
            sequence: event.position,
            event,
            reply: None,
        }));
        if let Ok(Step::Forked(found)) = &stepped {
            let at = self.options.log.clone().unwrap_or_default();
            return self.hold(&source, found, &format!("the log at {at}"));
        }
        self.cursor = position;
        if let Some(mark) = read.mark.clone() {
            self.taken.set_mark(&source, mark);
        }
        match stepped {
            Ok(Step::End) => {
                let read_after = Some(begun);
                self.stage = Stage::Closed { read_after };
                Ok(())
            }
            Ok(_) => Ok(()),
            Err(error) => Err(self.no_log(position + 1, error)),
        }
    }

    async fn read_stream(&mut self) -> Result<(), Error> {
        let Stage::Stream(read) = &mut self.stage else {
            return Ok(());
        };
        if read.page.is_empty() {
            let came = read.fill().await?;
            self.listen();
            return self.look_round(came).await;
        }
        if !self.is_safe().await? {
            self.close();
            return Ok(());
        }
        let Stage::Stream(read) = &mut self.stage else {
            return Ok(());
        };
        let is_dense = is_dense(&self.options, read);
        let page = std::mem::take(&mut read.page);
        for message in page {
            if !self.take(message, is_dense)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// After a wait: is something overdue, or the stream to be doubted?
    async fn look_round(&mut self, came: bool) -> Result<(), Error> {
        let Stage::Stream(read) = &self.stage else {
            return Ok(());
        };
        if read.is_overdue() {
            return self.ask_again().await;
        }
        if !came && read.doubted.elapsed() >= DOUBT {
            return self.doubt().await;
        }
        Ok(())
    }

    /// Notes which ledgers are not heard of.
    fn listen(&mut self) {
        let Stage::Stream(read) = &mut self.stage else {
            return;
        };
        let silent = match self.options.ledger_name() {
            Some(ledger) => read.silent(std::iter::once(ledger)),
            None => {
                let sources = self.taken.positions().keys();
                read.silent(sources.filter_map(|source| source.strip_prefix("/tiendo/")))
            }
        };
        if silent != self.status.silent && !silent.is_empty() {
            let ledgers = silent.join(", ");
            warn!("no heartbeat of {ledgers}: what is here may be behind");
        }
        self.status.silent = silent;
    }

    /// Whether what came may be given: it is of the history that was read, and nothing can be missing before it.
    async fn is_safe(&mut self) -> Result<bool, Error> {
        let Stage::Stream(mut read) =
            std::mem::replace(&mut self.stage, Stage::Closed { read_after: None })
        else {
            return Ok(false);
        };
        // Without a filter a hole shows by itself. With one, nothing may have been dropped before it was given.
        if !is_dense(&self.options, &read) {
            let look = look(&mut read.pull, &self.options, &mut self.may_look).await?;
            if look.is_some_and(|look| look.first > self.cursor + 1) {
                return Ok(false);
            }
        }
        let newest = read.page.last().map_or(0, |message| message.sequence);
        if !read.is_compared && newest > self.cursor {
            self.compare(&mut read.pull, None).await?;
            read.is_compared = true;
        }
        self.stage = Stage::Stream(read);
        Ok(true)
    }

    /// Takes a message of the stream; false if something is missing before it.
    fn take(&mut self, message: Pulled, is_dense: bool) -> Result<bool, Error> {
        let sequence = message.sequence;
        if sequence <= self.cursor {
            self.hold_double(&message)?;
            self.double(sequence, message.reply);
            return Ok(true);
        }
        if is_dense && sequence != self.cursor + 1 {
            if self.log.is_some() {
                // The log has it, whatever became of it in the stream.
                self.close();
                self.is_log_due = true;
                return Ok(false);
            }
            return Err(Error::Gap {
                stream: self.options.stream(),
                expected: self.cursor + 1,
                found: sequence,
            });
        }
        let is_wanted = filter::wants(&self.options.filters, &message.subject);
        let event = self.read(message.subject, sequence, message.payload)?;
        let is_hub = self.options.ledger_name().is_none();
        if is_hub && event.position <= self.taken.position(&event.source) {
            self.hold(&event.source, &Mark::of(&event), &self.options.stream())?;
            (self.cursor, self.id) = (sequence, Some(event.id));
            self.double(sequence, message.reply);
            return Ok(true);
        }
        if is_hub {
            self.follow(&event)?;
        }
        (self.cursor, self.id) = (sequence, Some(event.id.clone()));
        self.taken.set_mark(&event.source, Mark::of(&event));
        if !is_wanted || self.since.is_some_and(|since| event.recorded < since) {
            self.acknowledge_late(sequence, message.reply);
        } else {
            self.status.from_stream += 1;
            self.ready.push_back(Ready {
                event,
                sequence,
                reply: message.reply,
            });
        }
        Ok(true)
    }

    /// Takes an event as the newest of its source; tells once if some are missing before it.
    fn follow(&mut self, event: &Event) -> Result<(), Error> {
        let stream = self.options.stream();
        let is_whole = match &self.stage {
            Stage::Stream(read) => read.standing.filters.is_empty(),
            _ => false,
        };
        let last = self.taken.position(&event.source);
        let is_next = last == 0 || event.position == last + 1;
        let is_told = self.missed.as_ref() == Some(&event.id);
        if is_whole && self.options.filters.is_empty() && !is_next && !is_told {
            self.missed = Some(event.id.clone());
            return Err(Error::Missing {
                stream,
                source_name: event.source.clone(),
                expected: last + 1,
                found: event.position,
            });
        }
        if !self.taken.advance(&event.source, event.position) {
            return Err(Error::SourcesFull {
                stream,
                max: SOURCES_MAX,
            });
        }
        Ok(())
    }

    /// The event in a message, which must be the one that its sequence says.
    fn read(&mut self, subject: String, sequence: u64, payload: Bytes) -> Result<Event, Error> {
        let unfit = |why| Error::Message {
            stream: self.options.stream(),
            sequence,
            why,
        };
        let read = Event::read(subject, payload).map_err(unfit);
        match self.options.ledger_name().map(source_of) {
            Some(source) => {
                let event = read?;
                if event.source != source || event.position != sequence {
                    return Err(unfit(format!("it says that it is {}", event.id)));
                }
                Ok(event)
            }
            None => {
                if read.is_err() {
                    // Others may publish to a hub. It is told once.
                    (self.cursor, self.id) = (sequence, None);
                }
                read
            }
        }
    }

    fn double(&mut self, sequence: u64, reply: Option<String>) {
        self.status.doubles += 1;
        self.acknowledge_late(sequence, reply);
    }

    /// Acknowledges a message once everything up to it was given.
    fn acknowledge_late(&mut self, sequence: u64, reply: Option<String>) {
        if let Some(reply) = reply {
            self.late.insert(sequence, reply);
        }
    }

    /// What was given to somebody and not acknowledged did not come again: is it still to come?
    async fn ask_again(&mut self) -> Result<(), Error> {
        let Stage::Stream(read) = &mut self.stage else {
            return Ok(());
        };
        let Now { floor, pending, .. } = read.pull.now().await?;
        let lost = read.await_again(pending);
        let (stream, waits) = (self.options.stream(), read.awaited());
        if lost == 0 {
            info!("{waits} messages of {stream} were given to somebody, and are waited for");
            return Ok(());
        }
        warn!(
            lost,
            "{lost} messages of {stream} were given to somebody and do not come again: another program acknowledged \
             them, or they were given too often"
        );
        if self.log.is_some() {
            self.close();
            self.is_log_due = true;
        } else if self.options.start == Start::Acknowledged {
            self.cursor = self.cursor.max(floor);
        } else if floor > self.cursor {
            // It is told when the stream is opened again.
            self.close();
        }
        Ok(())
    }

    /// Nothing comes: is there nothing, or is the stream behind the log?
    async fn doubt(&mut self) -> Result<(), Error> {
        let Stage::Stream(mut read) =
            std::mem::replace(&mut self.stage, Stage::Closed { read_after: None })
        else {
            return Ok(());
        };
        let look = look(&mut read.pull, &self.options, &mut self.may_look).await?;
        let now = read.pull.now().await?;
        let is_at_the_end = now.is_at_the_end && read.holds_nothing();
        if look.as_ref().is_some_and(|look| look.last < self.cursor) {
            return Ok(());
        }
        if let Some(look) = &look
            && is_at_the_end
            && !is_dense(&self.options, &read)
        {
            let passed = passed(look, &now, read.last_before).unwrap_or_default();
            if passed > self.cursor {
                self.pass(&mut read.pull, passed).await?;
            }
        }
        let last = look.map_or(self.cursor, |look| look.last);
        if let Some(log) = &self.log {
            if read.head_before.is_some_and(|head| head > last) {
                return self.open_log().await;
            }
            // If the log is away the stream may do.
            let found = answered(log.ledger()).await.ok();
            read.head_before = found.map(|found| match found.fence {
                Some((fence, _)) => found.head.min(fence.saturating_sub(1)),
                None => found.head,
            });
        }
        self.has_moved = is_at_the_end && read.head_before.is_none_or(|head| head <= last);
        read.last_before = Some(last);
        read.doubted = Instant::now();
        self.stage = Stage::Stream(read);
        Ok(())
    }
}

/// Up to where a consumer that has nothing more has passed, where the stream ends as one look had it: its server may
/// have less of the stream than the one that leads it.
fn passed(look: &Look, now: &Now, before: Option<u64>) -> Option<u64> {
    // The consumer of a stream with one copy is where that is; a server that stands alone does not say who leads it.
    if look.followers.is_empty() || now.node == look.leader {
        return Some(look.last);
    }
    let is_current = now
        .node
        .as_ref()
        .is_some_and(|node| look.followers.contains(node));
    before.filter(|_| is_current)
}

/// Whether each sequence is the one before and one more.
fn is_dense(options: &Options, read: &StreamRead) -> bool {
    let is_whole = options.filters.is_empty() && read.standing.filters.is_empty();
    options.ledger_name().is_some() && is_whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that follows the leader may not have the stream's end yet, and its consumer says that it has nothing more.
    #[test]
    fn no_more_is_passed_than_the_consumers_own_server_has() {
        let node = |name: &str| Some(name.to_owned());
        let look = |leader, followers: &[&str]| Look {
            first: 1,
            last: 90,
            created: String::new(),
            ledger: None,
            leader,
            followers: followers.iter().map(ToString::to_string).collect(),
        };
        let now = |node| Now {
            is_at_the_end: true,
            node,
            floor: 0,
            pending: 0,
        };
        let of_one = look(node("a"), &["b"]);
        assert_eq!(passed(&of_one, &now(node("a")), Some(80)), Some(90));
        assert_eq!(passed(&look(None, &[]), &now(None), None), Some(90));
        assert_eq!(passed(&look(node("a"), &[]), &now(None), None), Some(90));
        // What it has by now it had of the look before.
        assert_eq!(passed(&of_one, &now(node("b")), Some(80)), Some(80));
        assert_eq!(passed(&of_one, &now(node("b")), None), None);
        assert_eq!(passed(&of_one, &now(node("c")), Some(80)), None);
        assert_eq!(passed(&of_one, &now(None), Some(80)), None);
    }
}
