//! Places across a reform: where territory comes from, and sums within the boundaries of a day.

use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use state::{Continuity, Fraction, LocalityEntry, Reading, RollUp, State};
use wire::event as encode;
use wire::v1;

use super::head;

/// Where the territory of a locality comes from; none if nothing on record went into it.
pub(super) fn origin(reading: &Reading<'_>, id: LocalityId) -> Option<v1::Origin> {
    let (whole, partial) = match reading.continuity(id) {
        Continuity::Same => return None,
        Continuity::Whole(whole) => (whole, Vec::new()),
        Continuity::Broken { whole, partial } => (whole, partial),
    };
    Some(v1::Origin {
        broken: !partial.is_empty(),
        whole: heads(reading, &whole),
        partial: heads(reading, &partial),
    })
}

/// A sum, without the indicator's definition and the times of the answer.
pub(crate) fn roll_up(
    state: &State,
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    id: LocalityId,
    boundaries: Date,
) -> v1::RollUpIndicatorResponse {
    let then = state.at(domain::text::Moment::end_of(boundaries), reading.position());
    let sum = reading.roll_up(indicator, id, boundaries);
    rolled_up(sum.as_ref(), &then, id)
}

/// The same of what was added up already, if anybody had a figure; `then` is the day of the boundaries.
pub(super) fn rolled_up(
    sum: Option<&RollUp<'_>>,
    then: &Reading<'_>,
    id: LocalityId,
) -> v1::RollUpIndicatorResponse {
    let answer = v1::RollUpIndicatorResponse {
        locality: then.locality(id).as_ref().map(head),
        boundaries_on: then.as_of().date().to_string(),
        ..Default::default()
    };
    match sum {
        Some(sum) => of_sum(answer, sum, then),
        None => answer,
    }
}

fn of_sum(
    answer: v1::RollUpIndicatorResponse,
    sum: &RollUp<'_>,
    then: &Reading<'_>,
) -> v1::RollUpIndicatorResponse {
    let shared = sum.count.zip(sum.denominator);
    v1::RollUpIndicatorResponse {
        value: sum.count.as_ref().map(encode::quantity),
        denominator: sum.denominator.map(|of| {
            encode::denominator(&domain::event::Denominator {
                kind: of.kind.to_owned(),
                value: of.value,
                derived: of.derived,
            })
        }),
        share_hundredths: shared.and_then(|(count, of)| {
            let share = Fraction {
                good: count.value,
                of: of.value,
            };
            share.hundredths()
        }),
        parts: count(sum.parts),
        reported: count(sum.reported),
        carried: count(sum.carried),
        broken: heads(then, &sum.broken),
        missing: heads(then, &sum.missing),
        uncounted: heads(then, &sum.uncounted),
        level: encode::level(sum.level),
        first: sum
            .span
            .map_or_else(String::new, |(first, _)| first.to_string()),
        last: sum
            .span
            .map_or_else(String::new, |(_, last)| last.to_string()),
        ..answer
    }
}

fn count(parts: usize) -> u32 {
    u32::try_from(parts).unwrap_or(u32::MAX)
}

fn heads(reading: &Reading<'_>, ids: &[LocalityId]) -> Vec<v1::LocalityHead> {
    let entries = ids.iter().filter_map(|id| reading.locality(*id));
    entries
        .map(|entry: LocalityEntry<'_>| head(&entry))
        .collect()
}
