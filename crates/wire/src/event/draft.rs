//! Events read before anybody has asked what is on record.
//!
//! Reading a request has two parts: what its texts say, which needs nothing else and can be done for many requests at once, and what they refer to, which only the one who knows the record can tell.
//! A [`Draft`] is the first part done: the event as it will be recorded, already encoded, with the questions that are left.
//! It exists only for what comes in numbers (figures, quotas, places, indicators) and for requests without a violation of their own; for all others [`decode`](super::decode) says everything that is wrong, in the order of the fields.

use std::cell::RefCell;

use domain::event::{self as d, Body};
use domain::text::Moment;
use domain::{Event, IndicatorCode, LocalityCode, LocalityId, Reason};
use jiff::civil::Date;
use prost::Message as _;
use uuid::Uuid;

use super::decode::{Reference, Resolver, decode};
use super::encode::{OPEN, OPEN_TEXT, encode};
use crate::v1 as w;

/// Most texts that are remembered as clean.
const TEXTS_MAX: usize = 2_048;
/// Longest text that is remembered, in bytes: not longer than the shortest limit of any text, in characters.
const TEXT_BYTES_MAX: usize = 300;

/// Texts found clean before; the same organisations, offices and sources come again and again.
#[derive(Debug, Default)]
pub struct CleanTexts(foldhash::HashSet<Box<str>>);

impl CleanTexts {
    fn add(&mut self, text: &str) {
        if text.len() > TEXT_BYTES_MAX {
            return;
        }
        if self.0.len() >= TEXTS_MAX {
            self.0.clear();
        }
        self.0.insert(text.into());
    }
}

/// Whether what happened may speak of a moment.
pub type MaySpeakOf<'a> = dyn Fn(&Moment, Option<&w::event::Body>) -> bool + 'a;

/// An event of which only what it refers to has not been looked at.
#[derive(Debug)]
pub struct Draft {
    event: Event,
    questions: Vec<Question>,
}

/// What only the record can answer.
#[derive(Debug)]
enum Question {
    Locality {
        code: LocalityCode,
        since: Option<Date>,
    },
    Indicator(IndicatorCode),
    Identity(LocalityId),
    Life {
        id: LocalityId,
        start: Option<Date>,
        end: Option<Date>,
    },
    Figure {
        position: u64,
        indicator: IndicatorCode,
    },
}

/// Notes the questions instead of answering them.
struct Questioner<'a> {
    questions: RefCell<Vec<Question>>,
    texts: RefCell<&'a mut CleanTexts>,
    may_speak_of: &'a MaySpeakOf<'a>,
}

impl Resolver for Questioner<'_> {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (Reason, String)> {
        let mut questions = self.questions.borrow_mut();
        let is_asked = |question: &Question| matches!(question, Question::Locality { .. });
        if questions.iter().any(is_asked) {
            // No event speaks of two; should one ever, it is read by those who know the record.
            return Err((Reason::UnknownLocality, String::new()));
        }
        questions.push(Question::Locality { code, since });
        let since = since.unwrap_or(OPEN);
        Ok(LocalityId { code, since })
    }

    fn refer(&self, reference: &Reference<'_>) -> Result<(), (Reason, String)> {
        let question = match reference {
            Reference::Indicator(code) => Question::Indicator((*code).clone()),
            Reference::Identity(id) => Question::Identity(*id),
            Reference::Life { id, start, end } => Question::Life {
                id: *id,
                start: *start,
                end: *end,
            },
            Reference::Figure {
                position,
                indicator,
                ..
            } => Question::Figure {
                position: *position,
                indicator: (*indicator).clone(),
            },
            // Said once in a while: read by those who know the record.
            _ => return Err((Reason::Required, String::new())),
        };
        self.questions.borrow_mut().push(question);
        Ok(())
    }

    fn effective(
        &self,
        at: &Moment,
        body: Option<&w::event::Body>,
    ) -> Result<(), (Reason, String)> {
        if (self.may_speak_of)(at, body) {
            Ok(())
        } else {
            Err((Reason::DateInFuture, String::new()))
        }
    }

    fn is_clean(&self, text: &str) -> bool {
        self.texts.borrow().0.contains(text)
    }

    fn note_clean(&self, text: &str) {
        self.texts.borrow_mut().add(text);
    }
}

/// Reads an event as far as that goes without the record; none if anything is wrong with it.
///
/// `request_id` is used if it carries none.
pub fn draft(
    message: &w::Event,
    request_id: Uuid,
    texts: &mut CleanTexts,
    may_speak_of: &MaySpeakOf<'_>,
) -> Option<Draft> {
    let questioner = Questioner {
        questions: RefCell::default(),
        texts: RefCell::new(texts),
        may_speak_of,
    };
    let event = decode(message, "", &questioner, request_id).ok()?;
    let questions = questioner.questions.into_inner();
    Some(Draft { event, questions })
}

impl Draft {
    /// Appends the event as the log keeps it; gives back where the first day of its locality must still be written, if that is open.
    ///
    /// The answer goes there with [`write_since`].
    pub fn encode_to(&self, bytes: &mut Vec<u8>) -> Option<usize> {
        let begin = bytes.len();
        let message = encode(&self.event);
        bytes.reserve(message.encoded_len());
        message.encode_raw(bytes);
        let is_open =
            |question: &Question| matches!(question, Question::Locality { since: None, .. });
        if !self.questions.iter().any(is_open) {
            return None;
        }
        // Found by its ten control characters: no text is accepted that holds one, and no tag or length looks like it.
        let open = OPEN_TEXT.as_bytes();
        let mut at = begin;
        loop {
            at += bytes[at..].iter().position(|byte| *byte == open[0])?;
            if bytes[at..].starts_with(open) {
                return Some(at);
            }
            at += 1;
        }
    }

    /// Asks what is left; none if an answer is a refusal.
    ///
    /// Beside the event stands the first day of its locality, if that was asked for.
    pub fn settle(mut self, record: &dyn Resolver) -> Option<(Event, Option<Date>)> {
        let at = self.event.effective;
        let mut place = None;
        for question in &self.questions {
            let answer = match question {
                Question::Locality { code, since } => {
                    place = Some(record.locality(*code, *since, &at).ok()?);
                    Ok(())
                }
                Question::Indicator(code) => record.refer(&Reference::Indicator(code)),
                Question::Identity(id) => record.refer(&Reference::Identity(*id)),
                Question::Life { id, start, end } => record.refer(&Reference::Life {
                    id: *id,
                    start: *start,
                    end: *end,
                }),
                Question::Figure {
                    position,
                    indicator,
                } => record.refer(&Reference::Figure {
                    position: *position,
                    locality: place?,
                    indicator,
                    at: &at,
                }),
            };
            answer.ok()?;
        }
        if let Some(place) = place {
            *locality_mut(&mut self.event.body)? = place;
        }
        Some((self.event, place.map(|place| place.since)))
    }
}

/// Writes the first day of an event's locality where [`Draft::encode_to`] said that it is open.
///
/// False if the day does not fit, or the place is another.
#[must_use]
pub fn write_since(bytes: &mut [u8], at: usize, since: Date) -> bool {
    let (Ok(year), month, day) = (u16::try_from(since.year()), since.month(), since.day()) else {
        return false;
    };
    let digit = |number: u16, of: u16| b'0' + (number / of % 10) as u8;
    let (month, day) = (month.unsigned_abs().into(), day.unsigned_abs().into());
    let text = [
        digit(year, 1_000),
        digit(year, 100),
        digit(year, 10),
        digit(year, 1),
        b'-',
        digit(month, 10),
        digit(month, 1),
        b'-',
        digit(day, 10),
        digit(day, 1),
    ];
    match bytes.get_mut(at..at + text.len()) {
        Some(open) if open == OPEN_TEXT.as_bytes() => {
            open.copy_from_slice(&text);
            true
        }
        _ => false,
    }
}

/// The locality that an event is about, unless it is about the whole programme.
fn locality_mut(body: &mut Body) -> Option<&mut LocalityId> {
    match body {
        Body::GroupDefined(_)
        | Body::GroupWithdrawn(_)
        | Body::ModelDefined(_)
        | Body::ModelWithdrawn(_)
        | Body::IndicatorDefined(_)
        | Body::IndicatorRelated(_)
        | Body::DatasetLoaded(_)
        | Body::RulesAdopted(_)
        | Body::LedgerTakenOver(_) => None,
        Body::LocalityRegistered(d::LocalityRegistered { locality, .. })
        | Body::LocalityEnded(d::LocalityEnded { locality, .. })
        | Body::PlanAdopted(d::PlanAdopted { locality, .. })
        | Body::ModelStatusChanged(d::ModelStatusChanged { locality, .. })
        | Body::OwnerAssigned(d::OwnerAssigned { locality, .. })
        | Body::PersonErased(d::PersonErased { locality, .. })
        | Body::OrganisationSucceeded(d::OrganisationSucceeded { locality, .. })
        | Body::QuotaAssigned(d::QuotaAssigned { locality, .. })
        | Body::QuotaSuspended(d::QuotaSuspended { locality, .. })
        | Body::ProgressReported(d::ProgressReported { locality, .. })
        | Body::ProgressCorrected(d::ProgressCorrected { locality, .. })
        | Body::ProgressRetracted(d::ProgressRetracted { locality, .. })
        | Body::FindingResolved(d::FindingResolved { locality, .. })
        | Body::CampaignLaunched(d::CampaignLaunched { locality, .. })
        | Body::WorkingGroupFormed(d::WorkingGroupFormed { locality, .. })
        | Body::CampaignClosed(d::CampaignClosed { locality, .. })
        | Body::CompletionDeclared(d::CompletionDeclared { locality, .. })
        | Body::WorkItemDefined(d::WorkItemDefined { locality, .. })
        | Body::WorkItemProgressed(d::WorkItemProgressed { locality, .. })
        | Body::WorkItemRescheduled(d::WorkItemRescheduled { locality, .. })
        | Body::WorkItemCancelled(d::WorkItemCancelled { locality, .. })
        | Body::WorkItemCompleted(d::WorkItemCompleted { locality, .. })
        | Body::ReadinessReviewed(d::ReadinessReviewed { locality, .. })
        | Body::DirectiveIssued(d::DirectiveIssued { locality, .. })
        | Body::AssessmentPublished(d::AssessmentPublished { locality, .. })
        | Body::SystemCommissioned(d::SystemCommissioned { locality, .. }) => Some(locality),
    }
}
