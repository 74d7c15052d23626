//! Reports that did not come.

use domain::IndicatorCode;
use state::{MissingReport, Reading};
use wire::v1;

use super::owner::owner;
use super::{head, recorded};

/// A locality that has not reported.
pub(crate) fn missing_report(
    reading: &Reading<'_>,
    indicator: &IndicatorCode,
    missing: &MissingReport<'_>,
    cadence_days: u32,
) -> v1::MissingReport {
    let (id, day) = (missing.locality.id, reading.as_of().date());
    let last = missing.last.map(|last| last.recorded);
    v1::MissingReport {
        locality: Some(head(&missing.locality)),
        last: last.map_or_else(String::new, |last| last.effective.to_string()),
        silent_days: missing.silent_days(day),
        silent: missing.is_silent(day, cadence_days),
        recorded: last.as_ref().map(recorded),
        asked: reading.is_asked(id, indicator),
        responsible: reading
            .asked_to_report(id)
            .map(|entry| owner(reading, &entry)),
    }
}
