//! From a request as it was read to events with payloads: everything that needs the record.

use std::collections::BTreeMap;

use bytes::Bytes;
use domain::{Body, Event, Reason, Violation};
use event_log::{Append, Attribute, NewEvent};
use jiff::Timestamp;
use state::Recognised;

use crate::decide::OnRecord;
use crate::intake::Drafted;
use crate::overlay;
use crate::persons::{self, Names};
use crate::plausibility::Judge;
use crate::recognise::Told;
use crate::writer::{Decided, Refused, Request, Writer};

/// Why a request is not taken now.
pub(crate) enum Halt {
    /// A request before it in the same commit speaks of what it must be held against, or one of the two narrows what the other may say.
    Later,
    /// It is refused.
    Refused(Refused),
}

/// The events of a request that are kept, with what the log will keep of each.
#[derive(Default)]
struct Settled {
    events: Vec<Event>,
    /// Under which the events of each subject are counted.
    keys: Vec<Box<str>>,
    payloads: Vec<Bytes>,
    /// What is kept beside the log, by the index among the kept events.
    attributes: BTreeMap<usize, Box<Attribute>>,
    told: Told,
}

/// What became of an event that reads well.
enum Taken {
    Kept,
    LeftOut,
    Refused(Vec<(&'static str, Reason, String)>),
}

impl Writer {
    /// Decides every event of a request.
    pub(crate) fn settle(&mut self, request: &mut Request) -> Result<Decided, Halt> {
        let now = self.clock.now();
        let drafted = request.drafted.take();
        let settled = match drafted.map(|drafted| self.settle_drafts(request, drafted, now)) {
            Some(Ok(Some(settled))) => settled,
            Some(Err(halt)) => return Err(halt),
            // Something is wrong: read from the beginning, so that a refusal names everything.
            Some(Ok(None)) | None => {
                self.pending.undo();
                self.overlay.undo();
                self.read(request, now)?
            }
        };
        let mut decided = Decided {
            append: Append {
                request_id: *request.request_id.as_bytes(),
                events: Vec::with_capacity(settled.events.len()),
            },
            events: settled.events,
            revision: 0,
            told: settled.told,
        };
        let mut attributes = settled.attributes;
        let both = settled.keys.into_iter().zip(settled.payloads);
        for (index, (subject, payload)) in both.enumerate() {
            decided.append.events.push(NewEvent {
                subject,
                expected_revision: None,
                payload,
                attribute: attributes.remove(&index),
            });
        }
        if request.single {
            decided.revision = self.revision(request, &decided.append)? + 1;
        }
        if !decided.events.is_empty() {
            // Here rather than at the commit: nothing may rest on a request that the log cannot take.
            let checked = decided.append.check();
            checked.map_err(|error| Halt::Refused(Refused::Log(error)))?;
        }
        Ok(decided)
    }

    /// How many events the subject of a single one has, those of this commit counted.
    fn revision(&self, request: &Request, append: &Append) -> Result<u64, Halt> {
        let Some(event) = append.events.first() else {
            return Ok(0);
        };
        let actual = self.log.revision(&event.subject) + self.pending.revisions(&event.subject);
        match request.expected_revision {
            Some(expected) if expected != actual => Err(Halt::Refused(Refused::Revision {
                subject: event.subject.to_string(),
                expected,
                actual,
            })),
            _ => Ok(actual),
        }
    }

    /// Asks what the drafts leave open; none if something is wrong with one of them.
    fn settle_drafts(
        &mut self,
        request: &Request,
        drafted: Drafted,
        now: Timestamp,
    ) -> Result<Option<Settled>, Halt> {
        let Drafted {
            parts,
            mut payloads,
        } = drafted;
        let mut settled = Settled::default();
        settled.events.reserve(parts.len());
        settled.keys.reserve(parts.len());
        let mut places = Vec::with_capacity(parts.len());
        let mut begin = 0;
        for (index, part) in parts.into_iter().enumerate() {
            let Some((event, since)) = part.draft.settle(&self.on_record(now)) else {
                return Ok(None);
            };
            if let Some(at) = part.open
                && !since.is_some_and(|since| wire::event::write_since(&mut payloads, at, since))
            {
                return Ok(None);
            }
            match self.take(request, index, event, &mut settled)? {
                Taken::Kept => places.push(begin..part.end),
                Taken::LeftOut => {}
                Taken::Refused(_) => return Ok(None),
            }
            begin = part.end;
        }
        let payloads = Bytes::from(payloads);
        let both = places.into_iter().zip(&settled.events);
        let kept = both.map(|(place, event)| {
            let payload = payloads.slice(place);
            if event.findings.is_empty() {
                return payload;
            }
            // Findings stand last in the bytes of an event.
            let findings = wire::event::findings_to_bytes(&event.findings);
            [&payload[..], &findings[..]].concat().into()
        });
        settled.payloads = kept.collect();
        Ok(Some(settled))
    }

    /// Lets a check see all figures of the request that will be corrected, also those behind the one in hand.
    fn foresee(&mut self, request: &Request, now: Timestamp) {
        if !(request.tell_changed && request.validate_only) {
            return;
        }
        for message in &request.events {
            let on_record = self.on_record(now);
            let Ok(event) = wire::event::decode(message, "", &on_record, request.request_id) else {
                continue;
            };
            if let Recognised::Changed(position) = self.recognise(request, &event) {
                self.overlay.put(&event, position);
            }
        }
    }

    /// Reads every event from the beginning, so that a refusal names everything.
    fn read(&mut self, request: &Request, now: Timestamp) -> Result<Settled, Halt> {
        self.foresee(request, now);
        let mut violations = Vec::new();
        let mut settled = Settled::default();
        let names = Names::read(&request.persons, &request.events, request.single);
        let names = names.unwrap_or_else(|found| {
            violations.extend(found);
            Names::default()
        });
        for (i, message) in request.events.iter().enumerate() {
            let path = if request.single {
                "event".to_owned()
            } else {
                format!("events[{i}]")
            };
            let on_record = self.on_record(now);
            match wire::event::decode(message, &path, &on_record, request.request_id) {
                Err(found) => violations.extend(found),
                Ok(mut event) => {
                    let attribute = match names.of(i) {
                        Some(name) => persons::commit(&mut event, name)
                            .map_err(|error| Halt::Refused(Refused::Log(error)))?,
                        None => None,
                    };
                    let body = body_field(&event.body);
                    match self.take(request, i, event, &mut settled)? {
                        Taken::LeftOut => {}
                        Taken::Kept => settled.keep(attribute),
                        Taken::Refused(found) => {
                            violations.extend(found.into_iter().map(|(field, reason, detail)| {
                                Violation::new(format!("{path}.{body}.{field}"), reason, detail)
                            }));
                        }
                    }
                }
            }
        }
        if violations.is_empty() {
            Ok(settled)
        } else {
            Err(Halt::Refused(Refused::Invalid(violations)))
        }
    }

    /// Leaves an event out if it is on record, else judges it and lets those behind it see it.
    fn take(
        &mut self,
        request: &Request,
        index: usize,
        mut event: Event,
        settled: &mut Settled,
    ) -> Result<Taken, Halt> {
        if request.skip_known {
            let series = overlay::series(&event.body);
            if self.overlay.speaks_of(series, event.effective) {
                return Err(Halt::Later);
            }
            let recognised = self.recognise(request, &event);
            if settled.told.leave_out(index, recognised) {
                // What is only checked will be corrected, and the rest is held against what it will be then.
                if let Recognised::Changed(position) = recognised
                    && request.validate_only
                    && !self.overlay.replaces(series, position)
                {
                    self.overlay.put(&event, position);
                }
                return Ok(Taken::LeftOut);
            }
        }
        let judge = Judge {
            state: &self.state,
            overlay: &self.overlay,
            rules: &self.rules,
        };
        let judged = judge.judge(&event);
        if !judged.refusals.is_empty() {
            return Ok(Taken::Refused(judged.refusals));
        }
        event.findings = judged.findings;
        settled.told.find(index, &event);
        self.pending.add(&event);
        if self.pending.stands_apart() {
            return Err(Halt::Later);
        }
        self.overlay.add(&event);
        let key = event.body.subject().revision_key();
        settled.keys.push(key.into());
        settled.events.push(event);
        Ok(Taken::Kept)
    }

    fn on_record(&self, now: Timestamp) -> OnRecord<'_> {
        OnRecord {
            state: &self.state,
            pending: &self.pending,
            now,
        }
    }
}

impl Settled {
    /// Keeps the payload of the newest event, and its attribute beside it.
    fn keep(&mut self, attribute: Option<Attribute>) {
        let index = self.payloads.len();
        let event = &self.events[index];
        self.payloads.push(wire::event::to_bytes(event).into());
        self.attributes
            .extend(attribute.map(|kept| (index, Box::new(kept))));
    }
}

/// The field of an event that holds a body which a check may refuse.
fn body_field(body: &Body) -> &'static str {
    match body {
        Body::ProgressCorrected(_) => "progress_corrected",
        _ => "progress_reported",
    }
}
