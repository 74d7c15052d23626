//! Whether the log proves what an explanation says: each event stands at its position, and says there what the answer says of it.

use domain::text::Moment;
use event_log::Record;
use prost::Message as _;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ground::Said;

use super::grounds::position;
use crate::Failure;
use crate::client::Clients;
use crate::command::prove::Prover;
use crate::fail::REFUTED;
use crate::output::Output;

/// Proves each event of an answer against one checkpoint; what that has shown, in a line.
pub(super) async fn all(
    answer: &v1::ExplainFigureResponse,
    clients: &Clients,
    output: Output,
) -> Result<String, Failure> {
    let lang = output.lang;
    let indicator = answer.indicator.clone().unwrap_or_default().indicator;
    let mut prover = Prover::new(clients, output).await?;
    for ground in &answer.grounds {
        let record = prover.event(position(ground)).await?;
        if !is_in(ground, &indicator, &record) || !rests_on(answer, ground) {
            let at = record.position;
            let text = lang.pick(
                format!(
                    "câu trả lời khác với sự kiện mà sổ giữ ở vị trí {at}; hãy khởi động lại projection [GROUND_REFUTED]"
                ),
                format!(
                    "the answer differs from the event that the log holds at position {at}; restart projection [GROUND_REFUTED]"
                ),
            );
            return Err(Failure::new(REFUTED, text));
        }
    }
    let checkpoint = prover.checkpoint();
    let (origin, root) = (&checkpoint.origin, hex::encode(checkpoint.root));
    let count = lang.count(answer.grounds.len() as u64);
    let size = lang.count(checkpoint.size);
    Ok(lang.pick(
        format!("Bằng chứng đúng cho {count} sự kiện: có trong sổ {origin} khi sổ có {size} sự kiện, gốc {root}"),
        format!("The proof holds for {count} events: they are in the log {origin} of {size} events, root {root}"),
    ))
}

/// Whether an event of the log is the one that an answer tells.
pub(super) fn is_in(ground: &v1::Ground, indicator: &str, record: &Record) -> bool {
    let Ok(event) = v1::Event::decode(&*record.payload) else {
        return false;
    };
    let told = ground.recorded.clone().unwrap_or_default();
    let known = wire::time::to_wire(wire::time::of_micros(record.known_micros));
    let moments = [&event.effective, &ground.effective].map(|text| Moment::parse(text).ok());
    let of = ground.locality.clone().unwrap_or_default().r#ref;
    told.position == record.position
        && told.known == Some(known)
        && told.actor == event.actor
        && moments[0] == moments[1]
        && says(ground.said.as_ref(), event.body.as_ref(), of, indicator)
}

/// Whether the number above is the one that the ground says, where the ground is that number or a quota it is held against.
pub(super) fn rests_on(answer: &v1::ExplainFigureResponse, ground: &v1::Ground) -> bool {
    match (&ground.said, ground.kind()) {
        (Some(Said::Figure(told)), v1::GroundKind::Holds) => {
            let figure = answer.figure.as_ref();
            figure.is_some_and(|figure| numbers(figure) == numbers(told))
        }
        (Some(Said::Quota(told)), _) => {
            let mut quotas = answer.quotas.iter();
            let found = quotas.find(|quota| quota.recorded == ground.recorded);
            found.is_some_and(|quota| quota.quota.as_ref() == Some(told))
        }
        _ => true,
    }
}

/// What a report and a correction have in common: two messages with the same fields.
macro_rules! numbers_of {
    ($event:expr) => {
        (
            &$event.value,
            &$event.denominator,
            &$event.percent,
            vague($event.percent_bound),
            &$event.source,
        )
    };
}

/// Whether the event says what the answer says of it, about the same locality and indicator.
fn says(
    said: Option<&Said>,
    body: Option<&Body>,
    of: Option<v1::LocalityRef>,
    indicator: &str,
) -> bool {
    match (said, body) {
        (Some(Said::Figure(told)), Some(Body::ProgressReported(event))) => {
            let about = event.locality == of && event.indicator == indicator;
            let what = told.corrects == 0 && told.note == event.note;
            about && what && numbers(told) == numbers_of!(event)
        }
        (Some(Said::Figure(told)), Some(Body::ProgressCorrected(event))) => {
            let about = event.locality == of && event.indicator == indicator;
            let why = told.corrects == event.corrects && told.reason == event.reason;
            about && why && numbers(told) == numbers_of!(event)
        }
        (Some(Said::Retraction(told)), Some(Body::ProgressRetracted(event))) => {
            told == event && event.locality == of && event.indicator == indicator
        }
        (Some(Said::Quota(told)), Some(Body::QuotaAssigned(event))) => {
            told == event && event.locality == of && event.indicator == indicator
        }
        (Some(Said::Definition(told)), Some(Body::IndicatorDefined(event))) => {
            told == event && event.indicator == indicator
        }
        (Some(Said::Registration(told)), Some(Body::LocalityRegistered(event))) => {
            told == event && event.locality == of
        }
        (Some(Said::Ending(told)), Some(Body::LocalityEnded(event))) => {
            told == event && event.locality == of
        }
        _ => false,
    }
}

type Numbers<'a> = (
    &'a Option<v1::Quantity>,
    &'a Option<v1::Denominator>,
    &'a String,
    i32,
    &'a Option<v1::Source>,
);

fn numbers(figure: &v1::Figure) -> Numbers<'_> {
    (
        &figure.value,
        &figure.denominator,
        &figure.printed_percent,
        vague(figure.percent_bound),
        &figure.source,
    )
}

/// How a percentage is meant: an event says nothing of one that is exact.
fn vague(bound: i32) -> i32 {
    match bound == v1::Bound::Exact as i32 {
        true => v1::Bound::Unspecified as i32,
        false => bound,
    }
}
