//! What differs between two states at one position.

use domain::LocalityId;
use domain::text::Moment;
use jiff::civil::Date;
use state::{FOLD_VERSION, Reading, SeriesDifference, State, digest_of};
use wire::event as encode;
use wire::v1;

use crate::answer;

/// Series that are listed; how many there are is told besides.
const SERIES_MAX: usize = 100;

/// How the state that serves and the one folded anew are compared.
pub(crate) type Compare = fn(served: &State, rebuilt: &State) -> v1::ProjectionComparison;

/// Compares the state that serves with the one folded anew; reads all of both, on two threads.
pub(super) fn compare(served: &State, rebuilt: &State) -> v1::ProjectionComparison {
    let (served_tables, rebuilt_tables) = std::thread::scope(|scope| {
        let served = scope.spawn(|| served.digests());
        let rebuilt = rebuilt.digests();
        let served = served.join();
        (
            served.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            rebuilt,
        )
    });
    let both = served_tables.iter().zip(&rebuilt_tables);
    let tables = both.map(|((name, served), (_, rebuilt))| v1::ComparedTable {
        name: (*name).to_owned(),
        served_digest: served.clone(),
        rebuilt_digest: rebuilt.clone(),
    });
    let tables: Vec<v1::ComparedTable> = tables.collect();
    let differing = tables
        .iter()
        .filter(|table| table.served_digest != table.rebuilt_digest);
    let differing_tables: Vec<String> = differing.map(|table| table.name.clone()).collect();
    let comparison = v1::ProjectionComparison {
        position: rebuilt.position(),
        same: differing_tables.is_empty(),
        served_digest: digest_of(&served_tables),
        rebuilt_digest: digest_of(&rebuilt_tables),
        tables,
        differing_tables,
        fold_version: FOLD_VERSION.to_owned(),
        ..v1::ProjectionComparison::default()
    };
    if comparison.same {
        return comparison;
    }
    // Reading every figure takes longer than the digests, and is of use only here.
    let differing = served.differing_series(rebuilt, SERIES_MAX);
    let [served, rebuilt] = [served, rebuilt].map(|state| state.latest(Moment::end_of(Date::MAX)));
    let series = differing.first.iter();
    v1::ProjectionComparison {
        differing_series: differing.count as u64,
        series: series
            .map(|one| one_series(&served, &rebuilt, one))
            .collect(),
        ..comparison
    }
}

fn one_series(
    served: &Reading<'_>,
    rebuilt: &Reading<'_>,
    one: &SeriesDifference<'_>,
) -> v1::ComparedSeries {
    let id = one.locality;
    let newest = |reading: &Reading<'_>| {
        let figure = reading.figure(id, one.indicator)?;
        Some(answer::figure(reading, id, &figure))
    };
    let [served_figures, rebuilt_figures] = one.figures.map(|figures| figures as u64);
    v1::ComparedSeries {
        locality: Some(
            head(served, id)
                .or_else(|| head(rebuilt, id))
                .unwrap_or_else(|| v1::LocalityHead {
                    r#ref: Some(encode::locality_ref(id)),
                    ..v1::LocalityHead::default()
                }),
        ),
        indicator: one.indicator.to_string(),
        served: newest(served),
        rebuilt: newest(rebuilt),
        served_figures,
        rebuilt_figures,
        differing_position: one.position,
    }
}

fn head(reading: &Reading<'_>, id: LocalityId) -> Option<v1::LocalityHead> {
    reading.locality(id).map(|entry| answer::head(&entry))
}
