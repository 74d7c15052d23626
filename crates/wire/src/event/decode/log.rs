//! Events of a log read one after the other.
//!
//! A log holds little else than figures, and a figure has nearly everything in common with the one before it: the
//! request, who reports, the moment, the source, mostly the place.
//! What stands there with the same bytes as before is not read again, and what is read takes the place of what was
//! there: so a figure costs a few comparisons and no memory of its own.

use domain::event::{Body, Denominator};
use domain::{Event, IndicatorCode, TraceParent};
use foldhash::HashMap;
use uuid::Uuid;

use super::{Accept, actor, decode_logged, request};
use crate::event::fields::Fields;
use crate::event::view::{self, View};

/// Codes kept at most; a programme has some hundred.
const CODES_MAX: usize = 4_096;

/// Reads events of a log one after the other; each is the event that [`decode_logged`] makes of its bytes.
#[derive(Debug, Default)]
pub struct LogDecoder {
    /// The event read last; none before the first, and after one that could not be read.
    event: Option<Event>,
    /// The bytes of its parts, as far as it was read part by part.
    seen: Seen,
    indicators: HashMap<Vec<u8>, IndicatorCode>,
    /// What figures are counted against.
    kinds: HashMap<Vec<u8>, String>,
}

/// The bytes of what was read last, part by part.
#[derive(Debug, Default)]
struct Seen {
    request_id: Part,
    actor: Part,
    effective: Part,
    locality: Part,
    source: Part,
    note: Part,
}

/// The bytes of a part; none if it was not read yet.
#[derive(Debug, Default)]
struct Part(Option<Vec<u8>>);

impl Part {
    /// Whether the part has to be read, for it is another than before.
    fn is_new(&mut self, bytes: &[u8]) -> bool {
        let is_new = self.0.as_deref() != Some(bytes);
        if is_new {
            let kept = self.0.get_or_insert_default();
            kept.clear();
            kept.extend_from_slice(bytes);
        }
        is_new
    }
}

impl LogDecoder {
    /// Reads the next event, or any other one.
    ///
    /// # Errors
    /// A sentence saying what does not fit: the bytes are no event of this version.
    pub fn read(&mut self, bytes: &[u8]) -> Result<&Event, String> {
        if self.figure(bytes).is_none() {
            // What was read of it has left the last event half changed.
            self.seen = Seen::default();
            self.event = None;
            self.event = Some(decode_logged(bytes)?);
        }
        self.event.as_ref().ok_or_else(|| "it is empty".to_owned())
    }

    /// The event read last; none before the first, and after one that could not be read.
    pub(crate) fn last(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// Turns the last event, a report, into the next one; none if either is anything else, or not as we write it.
    fn figure(&mut self, bytes: &[u8]) -> Option<()> {
        let event = self.event.as_mut()?;
        let Body::ProgressReported(report) = &mut event.body else {
            return None;
        };
        let new = view::EventParts::read(bytes)?;
        let reported = new.reported?;
        let mut violations = Vec::new();
        let mut fields = Fields::of("", &mut violations, &Accept);
        let (f, seen) = (&mut fields, &mut self.seen);
        if seen.request_id.is_new(new.request_id) {
            event.request_id = request(f, text(new.request_id)?, Uuid::nil())?;
        }
        if seen.actor.is_new(new.actor) {
            event.actor = actor(f, Some(view::Actor::read(new.actor)?))?;
        }
        if seen.effective.is_new(new.effective) {
            event.effective = f.moment("effective", text(new.effective)?)?;
        }
        event.traceparent = TraceParent::parse(text(new.traceparent)?);
        if seen.locality.is_new(reported.locality) {
            let locality = view::LocalityRef::read(reported.locality)?;
            report.locality = f.locality("locality", Some(locality), Some(&event.effective))?;
        }
        let read = |code: &str| f.indicator("indicator", code);
        let indicator = known(&mut self.indicators, reported.indicator, read)?;
        report.indicator.clone_from(indicator);
        let figure = &mut report.figure;
        figure.value = f.quantity("value", reported.value)?;
        against(
            f,
            &mut self.kinds,
            reported.denominator,
            &mut figure.denominator,
        )?;
        let (percent, bound) = (reported.percent, reported.percent_bound);
        (figure.percent_bound, figure.percent) = f.bounded_percent("percent", percent, bound)?;
        if figure.value.is_none() && figure.percent.is_none() {
            return None;
        }
        if seen.source.is_new(reported.source) {
            figure.source = f.source("source", Some(view::Source::read(reported.source)?))?;
        }
        if seen.note.is_new(reported.note) {
            report.note = f.optional_text("note", text(reported.note)?)?;
        }
        // What was insisted on or found is not read part by part.
        event.confirmed.clear();
        event.findings.clear();
        Some(())
    }
}

/// Reads what a figure is counted against, in the place of what the one before was counted against.
fn against(
    fields: &mut Fields<'_>,
    kinds: &mut HashMap<Vec<u8>, String>,
    new: Option<view::DenominatorParts<'_>>,
    last: &mut Option<Denominator>,
) -> Option<()> {
    let Some(new) = new else {
        *last = None;
        return Some(());
    };
    let kind = known(kinds, new.kind, |kind| fields.word("kind", kind))?;
    let value = fields
        .count("value", new.value)
        .filter(|value| *value > 0)?;
    let against = last.get_or_insert_with(|| Denominator {
        kind: String::new(),
        value,
        derived: new.derived,
    });
    against.kind.clone_from(kind);
    (against.value, against.derived) = (value, new.derived);
    Some(())
}

/// What was read of these bytes before, or is read now.
fn known<'k, T>(
    known: &'k mut HashMap<Vec<u8>, T>,
    bytes: &[u8],
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<&'k T> {
    if !known.contains_key(bytes) {
        let code = read(text(bytes)?)?;
        if known.len() == CODES_MAX {
            known.clear();
        }
        known.insert(bytes.to_vec(), code);
    }
    known.get(bytes)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
