//! What people ask to be recorded: read with every violation at once, then decided by what is on record.

use domain::{IndicatorCode, LocalityCode, LocalityId, Reason, Violation};
use jiff::ToSpan;
use jiff::civil::Date;
use state::Lookup;
use tonic::{Code, Status};
use uuid::Uuid;
use wire::event::{parse_actor, parse_line, parse_moment, parse_text};
use wire::status::{invalid, with_reason};
use wire::v1;
use wire::v1::alert_event::Body;

use crate::book::{Book, Kept};
use crate::case::CaseKey;
use crate::desk::{Asked, Decision};
use crate::judge::Judge;
use crate::life::{Line, What};
use crate::sight::Seen;
use crate::silence::Silence;

/// An acknowledgement or a silence holds no longer than so many days.
const DAYS_MAX: i64 = 90;
/// Most places of a silence.
const PLACES_MAX: usize = 256;
/// Most silences that hold at a time.
const SILENCES_MAX: usize = 1_024;
/// Most offices that have read one notification: with what else is told of a case, its answer stays below the limit.
const READS_MAX: usize = 64;
/// Most times that a case is taken on before it is cleared.
const ACKNOWLEDGEMENTS_MAX: usize = 64;

/// An act that can be decided, and what is wrong with it as of today.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) asked: Asked,
    /// Looked at only if the same was not recorded before: a day that was fit then may have passed.
    unfit: Vec<Violation>,
}

/// Reads the fields of a request, noting what is wrong.
struct Reader {
    violations: Vec<Violation>,
    unfit: Vec<Violation>,
    today: Date,
}

impl Reader {
    fn new(today: Date) -> Self {
        Self {
            violations: Vec::new(),
            unfit: Vec::new(),
            today,
        }
    }

    fn note<T: Default>(&mut self, read: Result<T, Violation>) -> T {
        read.unwrap_or_else(|violation| {
            self.violations.push(violation);
            T::default()
        })
    }

    fn refuse(&mut self, field: &str, reason: Reason, detail: impl Into<String>) {
        self.violations.push(Violation::new(field, reason, detail));
    }

    /// A new one if none is given.
    fn request_id(&mut self, raw: &str) -> Uuid {
        match raw.trim() {
            "" => Uuid::now_v7(),
            raw => raw.parse().unwrap_or_else(|_| {
                let detail = "is not a UUID; leave it out, or repeat the one of the request";
                self.refuse("request_id", Reason::RequestIdFormat, detail);
                Uuid::nil()
            }),
        }
    }

    fn case_id(&mut self, raw: &str) -> String {
        let id = raw.trim();
        if id.is_empty() {
            self.refuse("case_id", Reason::Required, "must name a case");
        } else if let Err(violation) = case_id(id) {
            self.violations.push(violation);
        }
        id.to_owned()
    }

    fn actor(&mut self, field: &str, actor: Option<&v1::Actor>) -> Option<v1::Actor> {
        parse_actor(field, actor)
            .map_err(|violations| self.violations.extend(violations))
            .ok()
    }

    /// A last day: today or later, and not too far ahead.
    fn until(&mut self, raw: &str) -> String {
        if raw.trim().is_empty() {
            let detail = "must be a day: the last one on which it holds";
            self.refuse("until", Reason::Required, detail);
            return String::new();
        }
        let until = match parse_moment("until", raw) {
            Ok(moment) => moment.date(),
            Err(violation) => {
                self.violations.push(violation);
                return String::new();
            }
        };
        let last = self.today.saturating_add(DAYS_MAX.days());
        let today = self.today;
        if until < today {
            let detail = format!("{until} is before {today}, the day judged for");
            self.unfit
                .push(Violation::new("until", Reason::DateOrder, detail));
        } else if until > last {
            let detail = format!("{until} is after {last}; at most {DAYS_MAX} days are allowed");
            self.unfit
                .push(Violation::new("until", Reason::DateInFuture, detail));
        }
        until.to_string()
    }

    fn act(self, request_id: Uuid, body: Body) -> Result<Act, Status> {
        if self.violations.is_empty() {
            let asked = Asked { request_id, body };
            return Ok(Act {
                asked,
                unfit: self.unfit,
            });
        }
        let mut all = self.violations;
        all.extend(self.unfit);
        Err(invalid(&all))
    }
}

/// Reads the id of a case.
pub(crate) fn case_id(id: &str) -> Result<CaseKey, Violation> {
    let detail = "is not a case's id, such as 268@2023-04-10/eid.activated/central/overdue";
    CaseKey::parse(id).ok_or_else(|| Violation::new("case_id", Reason::CodeFormat, detail))
}

pub(crate) fn acknowledge(
    request: &v1::AcknowledgeCaseRequest,
    today: Date,
) -> Result<Act, Status> {
    let mut reader = Reader::new(today);
    let request_id = reader.request_id(&request.request_id);
    let acknowledged = v1::CaseAcknowledged {
        case_id: reader.case_id(&request.case_id),
        opened_position: 0,
        by: reader.actor("by", request.by.as_ref()),
        until: reader.until(&request.until),
        note: reader.note(parse_text("note", &request.note)),
    };
    reader.act(request_id, Body::CaseAcknowledged(acknowledged))
}

pub(crate) fn read(request: &v1::MarkReadRequest, today: Date) -> Result<Act, Status> {
    let mut reader = Reader::new(today);
    let request_id = reader.request_id(&request.request_id);
    let case_id = reader.case_id(&request.case_id);
    let notification_position = request.notification_position;
    if notification_position == 0 {
        let detail = "must be the position of a notification in alerting's log";
        reader.refuse("notification_position", Reason::Required, detail);
    }
    let read = v1::NotificationRead {
        case_id,
        notification_position,
        by: reader.actor("by", request.by.as_ref()),
    };
    reader.act(request_id, Body::NotificationRead(read))
}

pub(crate) fn silence(request: &v1::SetSilenceRequest, today: Date) -> Result<Act, Status> {
    let mut reader = Reader::new(today);
    let request_id = reader.request_id(&request.request_id);
    let places = request.places.iter().enumerate().map(|(index, place)| {
        let said = place.locality.clone().unwrap_or_default();
        v1::SilencedPlace {
            locality: Some(reader.place(index, &said)),
            below: place.below,
        }
    });
    let places: Vec<v1::SilencedPlace> = places.take(PLACES_MAX).collect();
    if places.is_empty() {
        reader.refuse("places", Reason::Required, "must name at least one place");
    } else if request.places.len() > PLACES_MAX {
        let detail = format!("{} places, at most {PLACES_MAX}", request.places.len());
        reader.refuse("places", Reason::TextFormat, detail);
    }
    let indicator = request.indicator.trim().to_owned();
    if !indicator.is_empty()
        && let Err(error) = indicator.parse::<IndicatorCode>()
    {
        reader.refuse("indicator", Reason::CodeFormat, error.to_string());
    }
    if v1::Concern::try_from(request.concern).is_err() {
        let detail = format!("{} is no concern known", request.concern);
        reader.refuse("concern", Reason::ValueUnspecified, detail);
    }
    let set = v1::SilenceSet {
        silence_id: request_id.to_string(),
        places,
        indicator,
        concern: request.concern,
        author: reader.actor("author", request.author.as_ref()),
        reason: reader.note(parse_line("reason", &request.reason)),
        until: reader.until(&request.until),
    };
    reader.act(request_id, Body::SilenceSet(set))
}

pub(crate) fn end_silence(request: &v1::EndSilenceRequest, today: Date) -> Result<Act, Status> {
    let mut reader = Reader::new(today);
    let request_id = reader.request_id(&request.request_id);
    let silence_id = request.silence_id.trim().to_owned();
    if silence_id.is_empty() {
        reader.refuse("silence_id", Reason::Required, "must name a silence");
    } else if silence_id.parse::<Uuid>().is_err() {
        reader.refuse("silence_id", Reason::CodeFormat, "is not a silence's id");
    }
    let ended = v1::SilenceEnded {
        silence_id,
        author: reader.actor("author", request.author.as_ref()),
        places: Vec::new(),
    };
    reader.act(request_id, Body::SilenceEnded(ended))
}

impl Reader {
    /// A place as it is recorded, so that however it is written the same request is the same.
    fn place(&mut self, index: usize, place: &v1::LocalityRef) -> v1::LocalityRef {
        let field = |name: &str| format!("places[{index}].locality.{name}");
        let mut read = v1::LocalityRef::default();
        match place.code.trim().parse::<LocalityCode>() {
            Ok(code) => read.code = code.to_string(),
            Err(error) => self.refuse(&field("code"), Reason::CodeFormat, error.to_string()),
        }
        match (place.since.trim(), place.since.trim().parse::<Date>()) {
            ("", _) => {}
            (_, Ok(since)) => read.since = since.to_string(),
            (_, Err(_)) => {
                let detail = "is not a day such as 2023-04-10; leave it out";
                self.refuse(&field("since"), Reason::DateFormat, detail);
            }
        }
        read
    }
}

/// Whether what stands on record is what is asked for: what was filled in when it was recorded does not count.
pub(crate) fn is_same(asked: &Body, mut before: Body) -> bool {
    match (&mut before, asked) {
        (Body::CaseAcknowledged(before), _) => before.opened_position = 0,
        (Body::SilenceEnded(before), _) => before.places.clear(),
        (Body::SilenceSet(before), Body::SilenceSet(asked)) => {
            for (before, asked) in before.places.iter_mut().zip(&asked.places) {
                let is_open = asked.locality.as_ref().is_none_or(|it| it.since.is_empty());
                if let Some(locality) = before.locality.as_mut().filter(|_| is_open) {
                    locality.since.clear();
                }
            }
        }
        _ => {}
    }
    before == *asked
}

/// What an act is about, as the log indexes it.
pub(crate) fn subject(body: &Body) -> String {
    match body {
        Body::SilenceSet(e) => format!("silence/{}", e.silence_id),
        Body::SilenceEnded(e) => format!("silence/{}", e.silence_id),
        body => crate::book::case_of(body).unwrap_or_default().to_owned(),
    }
}

impl Act {
    /// Whether it is recorded, and as what.
    pub(crate) fn decide(
        self,
        book: &Book,
        judge: &Judge,
        today: Date,
    ) -> Result<Decision, Status> {
        let body = match self.asked.body {
            Body::CaseAcknowledged(asked) => {
                let kept = open(book, &asked.case_id)?;
                has_takers_left(kept)?;
                Body::CaseAcknowledged(v1::CaseAcknowledged {
                    opened_position: kept.case.opened_position,
                    ..asked
                })
            }
            Body::NotificationRead(asked) => {
                if let Some(position) = read_before(book, &asked)? {
                    return Ok(Decision::Already(position));
                }
                has_readers_left(newest(book, &asked.case_id)?, &asked)?;
                Body::NotificationRead(asked)
            }
            Body::SilenceSet(asked) => {
                if let Some(before) = book.silence(&asked.silence_id) {
                    return set_before(before, self.asked.request_id, asked);
                }
                let mut unfit = self.unfit;
                let places = resolve(judge, today, asked.places, &mut unfit);
                unknown_indicator(judge, &asked.indicator, &mut unfit);
                if !unfit.is_empty() {
                    return Err(invalid(&unfit));
                }
                has_room(book, today)?;
                let set = v1::SilenceSet { places, ..asked };
                return Ok(Decision::Record(Box::new(Body::SilenceSet(set))));
            }
            Body::SilenceEnded(asked) => {
                let places = holding(book, &asked.silence_id, today)?;
                Body::SilenceEnded(v1::SilenceEnded { places, ..asked })
            }
            other => other,
        };
        if self.unfit.is_empty() {
            Ok(Decision::Record(Box::new(body)))
        } else {
            Err(invalid(&self.unfit))
        }
    }
}

/// The newest case of an id, cleared or not.
pub(crate) fn newest<'b>(book: &'b Book, id: &str) -> Result<&'b Kept, Status> {
    book.newest(id).ok_or_else(|| unknown_case(id))
}

pub(crate) fn unknown_case(id: &str) -> Status {
    let message = format!("no case '{id}' was ever opened; `tiendo case list --all` has the ids");
    with_reason(Code::NotFound, "UNKNOWN_CASE", message)
}

fn open<'b>(book: &'b Book, id: &str) -> Result<&'b Kept, Status> {
    let kept = newest(book, id)?;
    if kept.is_open() {
        return Ok(kept);
    }
    let cleared = kept.case.cleared.clone().unwrap_or_default();
    let message = format!("the case '{id}' was cleared for {}", cleared.judged_for);
    Err(with_reason(
        Code::FailedPrecondition,
        "CASE_CLEARED",
        message,
    ))
}

/// Where the same office has read the notification before.
fn read_before(book: &Book, asked: &v1::NotificationRead) -> Result<Option<u64>, Status> {
    let kept = newest(book, &asked.case_id)?;
    let position = asked.notification_position;
    let mut lines = kept.lines.iter();
    if !lines.any(|line| line.position == position && matches!(line.what, What::Told(_))) {
        let message = format!(
            "position {position} of alerting's log is no notification of the case as it was opened last; `tiendo case show` has them"
        );
        return Err(with_reason(Code::NotFound, "UNKNOWN_NOTIFICATION", message));
    }
    let mut reads = kept.life(&Seen::ALL).reads.into_iter();
    let before = reads.find(|(_, read)| *read == asked);
    Ok(before.map(|(position, _)| position))
}

/// Refuses another acknowledgement of a case that was taken on too often since it was opened.
fn has_takers_left(kept: &Kept) -> Result<(), Status> {
    let taken = kept.lines.iter();
    let taken = taken.filter(|line| matches!(line.what, What::Acknowledged(_)));
    if taken.count() < ACKNOWLEDGEMENTS_MAX {
        return Ok(());
    }
    let message = format!(
        "the case '{}' was taken on {ACKNOWLEDGEMENTS_MAX} times since it was opened; what holds runs to its day",
        kept.case.case_id
    );
    Err(with_reason(
        Code::ResourceExhausted,
        "ACKNOWLEDGEMENTS_FULL",
        message,
    ))
}

/// Refuses another reader of a notification that has too many.
fn has_readers_left(kept: &Kept, asked: &v1::NotificationRead) -> Result<(), Status> {
    let position = asked.notification_position;
    let of_it = |line: &&Line| matches!(&line.what, What::Read(read) if read.notification_position == position);
    if kept.lines.iter().filter(of_it).count() < READS_MAX {
        return Ok(());
    }
    let message = format!(
        "{READS_MAX} offices have read the notification at position {position} already; nothing is lost if this one is not noted"
    );
    Err(with_reason(Code::ResourceExhausted, "READS_FULL", message))
}

/// A silence whose id was used before, however long ago: the same again, or another under the same id.
fn set_before(
    before: &Silence,
    request_id: Uuid,
    asked: v1::SilenceSet,
) -> Result<Decision, Status> {
    let position = before.position;
    if is_same(
        &Body::SilenceSet(asked),
        Body::SilenceSet(before.set.clone()),
    ) {
        return Ok(Decision::Already(position));
    }
    Err(reused(request_id, position))
}

/// The refusal of a request whose id another one has.
pub(crate) fn reused(request_id: Uuid, position: u64) -> Status {
    let message = format!(
        "request id {request_id} was used before for something else, at position {position} of alerting's log; use a new one"
    );
    with_reason(Code::AlreadyExists, "REQUEST_ID_REUSED", message)
}

/// The places of a silence that holds.
fn holding(book: &Book, id: &str, today: Date) -> Result<Vec<v1::SilencedPlace>, Status> {
    let Some(silence) = book.silence(id) else {
        let message =
            format!("no silence '{id}' was ever set; `tiendo silence list --all` has the ids");
        return Err(with_reason(Code::NotFound, "UNKNOWN_SILENCE", message));
    };
    if silence.message(today, &Seen::ALL).ended_position > 0 || silence.until < today {
        let message = format!("the silence '{id}' has ended or run out");
        return Err(with_reason(
            Code::FailedPrecondition,
            "SILENCE_ENDED",
            message,
        ));
    }
    Ok(silence.set.places.clone())
}

fn has_room(book: &Book, today: Date) -> Result<(), Status> {
    let holding = book.silences().iter();
    if holding.filter(|it| it.holds(today, &Seen::ALL)).count() < SILENCES_MAX {
        return Ok(());
    }
    let message = format!(
        "{SILENCES_MAX} silences hold already; end some, or set one for a place and all within it"
    );
    Err(with_reason(
        Code::ResourceExhausted,
        "SILENCES_FULL",
        message,
    ))
}

fn unknown_indicator(judge: &Judge, indicator: &str, unfit: &mut Vec<Violation>) {
    let unknown = indicator
        .parse()
        .is_ok_and(|indicator| judge.definition(&indicator).is_none());
    if unknown {
        let detail = format!("the indicator '{indicator}' is not defined");
        unfit.push(Violation::new(
            "indicator",
            Reason::UnknownIndicator,
            detail,
        ));
    }
}

/// The identities meant, those that have the code today where no first day is given.
fn resolve(
    judge: &Judge,
    today: Date,
    places: Vec<v1::SilencedPlace>,
    unfit: &mut Vec<Violation>,
) -> Vec<v1::SilencedPlace> {
    let reading = judge.reading_of(today);
    let mut resolved = Vec::new();
    for (index, place) in places.into_iter().enumerate() {
        let said = place.locality.clone().unwrap_or_default();
        let field = format!("places[{index}].locality.code");
        let Ok(code) = said.code.trim().parse::<LocalityCode>() else {
            continue;
        };
        let found = match said.since.parse() {
            Ok(since) => {
                let id = LocalityId { code, since };
                reading
                    .life(id)
                    .map(|life| life.id)
                    .ok_or(Reason::UnknownLocality)
            }
            Err(_) => match reading.resolve(code) {
                Lookup::Found(id) => Ok(id),
                Lookup::Unknown => Err(Reason::UnknownLocality),
                Lookup::NotValid(_) => Err(Reason::LocalityNotValid),
            },
        };
        match found {
            Ok(id) => resolved.push(v1::SilencedPlace {
                locality: Some(wire::event::locality_ref(id)),
                below: place.below,
            }),
            Err(reason) => {
                let detail = format!("no locality has the code {code} on {today}");
                unfit.push(Violation::new(field, reason, detail));
            }
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use host::Today;
    use jiff::civil::date;
    use lag::Rules;

    use super::*;

    const CASE: &str = "268@2023-04-10/eid.activated/central/overdue";
    const TODAY: Date = date(2023, 7, 5);

    fn office(number: usize) -> Option<v1::Actor> {
        Some(v1::Actor {
            organisation: "UBND quận Hà Đông".to_owned(),
            office: format!("Phòng {number}"),
        })
    }

    fn entry(body: Body) -> v1::AlertEvent {
        v1::AlertEvent {
            effective: TODAY.to_string(),
            position: 7,
            body: Some(body),
        }
    }

    /// A case that was opened and told.
    fn book() -> Book {
        let verdict = Some(v1::Verdict {
            judged_for: TODAY.to_string(),
            ..v1::Verdict::default()
        });
        let opened = v1::CaseOpened {
            case_id: CASE.to_owned(),
            verdict: verdict.clone(),
        };
        let notification = Some(v1::Notification {
            case_id: CASE.to_owned(),
            step: 1,
            ..v1::Notification::default()
        });
        let sent = v1::NotificationSent {
            notification,
            verdict,
        };
        let mut book = Book::default();
        book.fold(1, &entry(Body::CaseOpened(opened)));
        book.fold(2, &entry(Body::NotificationSent(sent)));
        book
    }

    fn decided(act: Act, book: &Book) -> Result<Decision, String> {
        let judge = Judge::new(Rules::standard(), Today::Pinned(TODAY));
        let decided = act.decide(book, &judge, TODAY);
        decided.map_err(|status| wire::status::refusal(&status).reason)
    }

    fn recorded(act: Act, book: &mut Book) {
        match decided(act, book) {
            Ok(Decision::Record(body)) => book.fold(book.position() + 1, &entry(*body)),
            Ok(Decision::Already(position)) => panic!("stands at {position}"),
            Err(reason) => panic!("{reason}"),
        }
    }

    #[test]
    fn readers_and_acknowledgements_beyond_the_limit_are_refused_by_name() {
        let mut book = book();
        let read_by = |number: usize| {
            let request = v1::MarkReadRequest {
                case_id: CASE.to_owned(),
                notification_position: 2,
                by: office(number),
                ..v1::MarkReadRequest::default()
            };
            read(&request, TODAY).unwrap()
        };
        for number in 0..READS_MAX {
            recorded(read_by(number), &mut book);
        }
        let one_more = decided(read_by(READS_MAX), &book);
        assert_eq!(one_more.err().unwrap(), "READS_FULL");
        let again = decided(read_by(0), &book);
        assert!(matches!(again, Ok(Decision::Already(3))));
        let taken_on = || {
            let request = v1::AcknowledgeCaseRequest {
                case_id: CASE.to_owned(),
                by: office(0),
                until: "2023-07-10".to_owned(),
                ..v1::AcknowledgeCaseRequest::default()
            };
            acknowledge(&request, TODAY).unwrap()
        };
        for _ in 0..ACKNOWLEDGEMENTS_MAX {
            recorded(taken_on(), &mut book);
        }
        let one_more = decided(taken_on(), &book);
        assert_eq!(one_more.err().unwrap(), "ACKNOWLEDGEMENTS_FULL");
    }

    fn set(code: &str, since: &str, reason: &str) -> Act {
        let request = v1::SetSilenceRequest {
            request_id: "018f6a00-0000-4000-8000-000000000003".to_owned(),
            places: vec![v1::SilencedPlace {
                locality: Some(v1::LocalityRef {
                    code: code.to_owned(),
                    since: since.to_owned(),
                }),
                below: true,
            }],
            author: office(0),
            reason: reason.to_owned(),
            until: "2023-07-10".to_owned(),
            ..v1::SetSilenceRequest::default()
        };
        silence(&request, TODAY).unwrap()
    }

    #[test]
    fn a_silence_is_the_same_however_its_places_are_written_and_its_id_is_used_once() {
        let mut book = Book::default();
        let on_record = set("268", "2023-04-10", "bảo trì").asked.body;
        book.fold(1, &entry(on_record.clone()));
        for (code, since) in [(" 268 ", ""), ("268", "20230410"), (" 268", " 2023-04-10 ")] {
            let act = set(code, since, "bảo trì");
            assert!(
                is_same(&act.asked.body, on_record.clone()),
                "{code} {since}"
            );
            assert!(matches!(decided(act, &book), Ok(Decision::Already(1))));
        }
        let other = decided(set("268", "2023-04-10", "khác"), &book);
        assert_eq!(other.err().unwrap(), "REQUEST_ID_REUSED");
    }
}
