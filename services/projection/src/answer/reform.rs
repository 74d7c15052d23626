//! Places across a reform: where territory comes from, and sums within the boundaries of a day.

use domain::text::Moment;
use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use state::{Continuity, Fraction, LocalityEntry, Reading, RollUp, State};
use wire::event as encode;
use wire::v1;

use super::figure::denominator;
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
    let then = state.at(Moment::end_of(boundaries), reading.position());
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
    let (first, last) = span(sum);
    v1::RollUpIndicatorResponse {
        value: sum.count.as_ref().map(encode::quantity),
        denominator: sum.denominator.map(denominator),
        share_hundredths: share(sum),
        parts: count(sum.parts),
        reported: count(sum.reported),
        carried: count(sum.carried),
        broken: heads(then, &sum.broken),
        missing: heads(then, &sum.missing),
        uncounted: heads(then, &sum.uncounted),
        level: encode::level(sum.level),
        first,
        last,
        ..answer
    }
}

/// The sum over the whole country, without the indicator's definition and the times of the answer.
pub(crate) fn roll_up_country(
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    then: &Reading<'_>,
) -> v1::RollUpIndicatorResponse {
    let country = reading.roll_up_country(indicator, then.as_of().date());
    let provinces = country.provinces.iter();
    v1::RollUpIndicatorResponse {
        boundaries_on: then.as_of().date().to_string(),
        provinces: provinces
            .map(|(id, sum)| province(then, *id, sum))
            .collect(),
        level: country.level.map_or(0, encode::level),
        ..of_sum(v1::RollUpIndicatorResponse::default(), &country.whole, then)
    }
}

fn province(then: &Reading<'_>, id: LocalityId, sum: &RollUp<'_>) -> v1::ProvinceSum {
    let (first, last) = span(sum);
    v1::ProvinceSum {
        locality: then.locality(id).as_ref().map(head),
        value: sum.count.as_ref().map(encode::quantity),
        denominator: sum.denominator.map(denominator),
        share_hundredths: share(sum),
        level: encode::level(sum.level),
        parts: count(sum.parts),
        reported: count(sum.reported),
        carried: count(sum.carried),
        broken: count(sum.broken.len()),
        missing: count(sum.missing.len()),
        uncounted: count(sum.uncounted.len()),
        first,
        last,
    }
}

/// The share of the sums, if there are both.
fn share(sum: &RollUp<'_>) -> Option<u32> {
    let (count, of) = sum.count.zip(sum.denominator)?;
    let share = Fraction {
        good: count.value,
        of: of.value,
    };
    share.hundredths()
}

/// The first and the last moment of the figures in a sum.
fn span(sum: &RollUp<'_>) -> (String, String) {
    let told = |(first, last): (Moment, Moment)| (first.to_string(), last.to_string());
    sum.span.map_or_else(Default::default, told)
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
