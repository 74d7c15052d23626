//! What changed between two views of a locality.

use domain::{IndicatorCode, LocalityId};
use state::{Change, Diff, Events, QuotaChange, Reading, Split, State, Term, View};
use wire::event as encode;
use wire::v1;

use super::{head, indicator};

/// Most places listed as having come into a sum or fallen out of it.
const PLACES_MAX: usize = 100;

/// What changed for one indicator, or for all, by code of the indicator.
pub(crate) fn diff(
    state: &State,
    only: Option<&IndicatorCode>,
    from: View,
    to: View,
) -> Vec<v1::IndicatorDiff> {
    let later = state.at(from.as_of.max(to.as_of), from.position.max(to.position));
    let found = match only {
        Some(code) => state.diff(code, from, to).into_iter().collect(),
        None => state.diffs(from, to),
    };
    let mut told: Vec<_> = found
        .iter()
        .map(|diff| of_indicator(state, &later, diff))
        .collect();
    for (told, diff) in told.iter_mut().zip(&found) {
        let own = [from, to].map(|view| view.locality.code.level());
        let sums = [&diff.rolled_up.from, &diff.rolled_up.to];
        let mut levels = sums.into_iter().flatten().map(|sum| sum.level);
        let is_own = levels.all(|level| own.contains(&level));
        if is_own && diff.rolled_up.count == diff.own.count {
            leave_out_sums(told);
        }
    }
    told
}

/// A sum of nothing but the locality itself says its own figure once more.
fn leave_out_sums(told: &mut v1::IndicatorDiff) {
    told.rolled_up = None;
    (told.joined, told.joined_count) = (Vec::new(), 0);
    (told.left, told.left_count) = (Vec::new(), 0);
    told.quotas
        .iter_mut()
        .for_each(|quota| quota.rolled_up = None);
}

fn of_indicator(state: &State, reading: &Reading<'_>, diff: &Diff<'_>) -> v1::IndicatorDiff {
    let heads = |ids: &[LocalityId]| {
        let known = ids.iter().filter_map(|id| reading.locality(*id));
        known.take(PLACES_MAX).map(|entry| head(&entry)).collect()
    };
    v1::IndicatorDiff {
        indicator: indicator(state, reading, diff.indicator),
        own: figure(&diff.own),
        rolled_up: figure(&diff.rolled_up),
        joined: heads(&diff.joined),
        joined_count: count(diff.joined.len()),
        left: heads(&diff.left),
        left_count: count(diff.left.len()),
        quotas: diff.quotas.iter().map(quota).collect(),
    }
}

fn figure<T>(change: &Change<T>) -> Option<v1::FigureDiff> {
    if change.from.is_none() && change.to.is_none() {
        return None;
    }
    let behind = Term::ALL.iter().map(|term| (*term, change.events(*term)));
    let behind = behind.filter(|(_, events)| events.count > 0);
    Some(v1::FigureDiff {
        count: split(&change.count),
        share: split(&change.share),
        events: behind
            .map(|(term, events)| term_events(term, events))
            .collect(),
    })
}

fn term_events(term: Term, events: &Events) -> v1::TermEvents {
    v1::TermEvents {
        term: of_term(term) as i32,
        positions: events.newest.clone(),
        count: count(events.count),
    }
}

fn quota(change: &QuotaChange<'_>) -> v1::QuotaDiff {
    v1::QuotaDiff {
        layer: encode::quota_layer(change.layer),
        from: change.from.map(|quota| encode::quota_assigned(quota.fact)),
        to: change.to.map(|quota| encode::quota_assigned(quota.fact)),
        own: split(&change.own),
        rolled_up: split(&change.rolled_up),
        positions: change.events.newest.clone(),
        position_count: count(change.events.count),
    }
}

fn split(split: &Split) -> Option<v1::Split> {
    if split.is_empty() {
        return None;
    }
    let first = |is: &dyn Fn(Term) -> bool| {
        let term = Term::ALL.into_iter().find(|term| is(*term));
        term.map_or(v1::DiffTerm::Unspecified, of_term) as i32
    };
    Some(v1::Split {
        from: split.from(),
        to: split.to(),
        corrections: split.of(Term::Corrections),
        boundary_changes: split.of(Term::BoundaryChanges),
        new_work: split.of(Term::NewWork),
        quota_changes: split.of(Term::QuotaChanges),
        brought_by: match split.from() {
            None => first(&|term| split.brings(term)),
            Some(_) => 0,
        },
        taken_by: match split.to() {
            None => first(&|term| split.takes(term)),
            Some(_) => 0,
        },
    })
}

fn of_term(term: Term) -> v1::DiffTerm {
    match term {
        Term::Corrections => v1::DiffTerm::Corrections,
        Term::BoundaryChanges => v1::DiffTerm::BoundaryChanges,
        Term::NewWork => v1::DiffTerm::NewWork,
        Term::QuotaChanges => v1::DiffTerm::QuotaChanges,
    }
}

fn count(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}
