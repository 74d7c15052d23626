//! What was recorded before: a request that comes again, a figure that is on record.

use domain::{Body, Event};
use event_log::Receipt;
use state::Recognised;
use wire::v1;

use crate::decide::{OnRecord, Remembered};
use crate::persons::{self, Names};
use crate::writer::{Accepted, Refused, Request, Writer};

/// What a batch leaves out, and what was found in the rest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// Figures that are on record.
    pub(crate) known: Vec<v1::KnownFigure>,
    /// Figures of which the same source has another one on record.
    pub(crate) changed: Vec<v1::ChangedFigure>,
    /// What was found implausible, by event.
    pub(crate) findings: Vec<v1::EventFindings>,
}

impl Told {
    /// Notes that an event is left out; false if it is new.
    pub(crate) fn leave_out(&mut self, index: usize, recognised: Recognised) -> bool {
        let event_index = index_of(index);
        match recognised {
            Recognised::New => return false,
            Recognised::Known(position) => self.known.push(v1::KnownFigure {
                event_index,
                position,
            }),
            Recognised::Changed(position) => self.changed.push(v1::ChangedFigure {
                event_index,
                position,
            }),
        }
        true
    }

    /// Notes what was found in an event.
    pub(crate) fn find(&mut self, index: usize, event: &Event) {
        if !event.findings.is_empty() {
            self.findings.push(v1::EventFindings {
                event_index: index_of(index),
                findings: wire::event::findings(&event.findings),
            });
        }
    }
}

/// A batch has at most some thousand events.
fn index_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl Writer {
    /// The old receipt of a request that was recorded before, or a conflict if it said something else then.
    pub(crate) fn repeated(&self, request: &Request) -> Option<Result<Accepted, Refused>> {
        let receipt = match self.log.receipt(request.request_id.as_bytes()) {
            Ok(receipt) => receipt?,
            Err(error) => return Some(Err(Refused::Log(error))),
        };
        let outcome = self.recorded_events(receipt).and_then(|recorded| {
            let Some(told) = self.same(request, receipt, &recorded) else {
                return Err(Refused::Log(event_log::Error::RequestIdReused {
                    request_id: request.request_id.to_string(),
                    first: receipt.first,
                }));
            };
            persons::erase(&self.log, &recorded).map_err(Refused::Log)?;
            let revision = match recorded.last() {
                Some(event) if request.single => {
                    self.log.revision(&event.body.subject().revision_key())
                }
                _ => 0,
            };
            Ok(Accepted {
                receipt: Receipt {
                    repeated: true,
                    ..receipt
                },
                revision,
                told,
            })
        });
        Some(outcome)
    }

    /// Whether a request says what was recorded under its id, however it is spelled; what was told of it then, if so.
    fn same(&self, request: &Request, receipt: Receipt, recorded: &[Event]) -> Option<Told> {
        let names = Names::read(&request.persons, &request.events, request.single).ok()?;
        let mut told = Told::default();
        let mut rest = recorded.iter().zip(receipt.first..).peekable();
        for (index, message) in request.events.iter().enumerate() {
            let said_as = |event: &Event, position| {
                let identity = event.body.locality();
                let resolver = Remembered { identity };
                wire::event::decode(message, "", &resolver, request.request_id)
                    .is_ok_and(|said| persons::says(&said, event))
                    && persons::is_same(&self.log, position, event, names.of(index))
            };
            if let Some((event, _)) = rest.next_if(|(event, at)| said_as(event, *at)) {
                told.find(index, event);
                continue;
            }
            // It was left out then; what was known before the request is known still.
            let on_record = OnRecord {
                state: &self.state,
                pending: &self.pending,
                now: self.clock.now(),
            };
            let event = wire::event::decode(message, "", &on_record, request.request_id).ok()?;
            match self.recognise(request, &event) {
                Recognised::New => return None,
                Recognised::Known(position) if position >= receipt.first => return None,
                left_out => drop(told.leave_out(index, left_out)),
            }
        }
        rest.next().is_none().then_some(told)
    }

    /// What is on record of a fact that a file can hold, as far as the caller wants to leave it out.
    pub(crate) fn recognise(&self, request: &Request, event: &Event) -> Recognised {
        if !request.skip_known {
            return Recognised::New;
        }
        let Body::ProgressReported(report) = &event.body else {
            let stands = self.state.stands(event.effective, &event.body);
            return stands.map_or(Recognised::New, Recognised::Known);
        };
        match self.state.recognise(event.effective, report, &event.actor) {
            Recognised::Changed(_) if !request.tell_changed => Recognised::New,
            recognised => recognised,
        }
    }

    fn recorded_events(&self, receipt: Receipt) -> Result<Vec<Event>, Refused> {
        let mut events = Vec::new();
        while receipt.first + (events.len() as u64) <= receipt.last {
            let from = receipt.first + events.len() as u64;
            let wanted = (receipt.last - from + 1) as usize;
            let limit = event_log::ReadLimit {
                events: wanted,
                bytes: usize::MAX,
            };
            let records = self.log.read(from, limit).map_err(Refused::Log)?;
            if records.is_empty() {
                break;
            }
            for record in records {
                events.push(crate::origin::decode(&record).map_err(Refused::Log)?);
            }
        }
        Ok(events)
    }
}
