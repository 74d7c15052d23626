//! Errors of forecasts at so many days before the deadline, beside simpler ones.
//!
//! Every place with a pace is foreseen, those that have met a target too: the error is that of
//! N̂(T)/D in percentage points, against the figure of the deadline.
//! A figure that is only a bound foresees nothing, nor does one that is stale; the denominator is
//! that of the newest figure.
//! Nobody foresees more than everybody: N̂(T) is held at D, or at the newest figure if that is more.
//! "Will miss" is N < N\* and N̂(T) < N\*, against N(T) < N\* of the denominator at the deadline.

use serde::Serialize;

use super::foresee::{Point, average, holt, theil_sen};
use super::walk::{Day, Known};
use super::{Group, Past, f1, part, quota};
use crate::Rules;
use crate::target::Target;

/// A way to foresee N(T).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// By the average pace since the first figure.
    Average,
    /// By the pace of the last window.
    Linear,
    /// By the median of the slopes between any two figures of 28 days.
    TheilSen,
    /// By Holt's damped trend, in steps of a week, with the smoothing that suits the place's own
    /// figures best.
    Holt,
    /// By the hazard of the last window, as it was measured.
    Hazard,
    /// By the hazard drawn to the parent's: the forecast of the product.
    Shrunk,
}

impl Method {
    /// All of them, the product's own last.
    pub const ALL: [Method; 6] = [
        Method::Average,
        Method::Linear,
        Method::TheilSen,
        Method::Holt,
        Method::Hazard,
        Method::Shrunk,
    ];
}

/// How near a method came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Accuracy {
    /// Which places.
    pub group: Group,
    /// T, days; `None` for all deadlines together.
    pub deadline: Option<f64>,
    /// The method.
    pub method: Method,
    /// Days before the deadline.
    pub days_before: f64,
    /// Forecasts of which the outcome is known exactly.
    pub forecasts: usize,
    /// Mean of |N̂/D − N/D|, percentage points.
    pub error_points: Option<f64>,
    /// Forecasts of a miss or a hit, over all targets, of which the outcome is known.
    pub foretold: usize,
    /// Of those foretold to miss, the share that did.
    pub precision: Option<f64>,
    /// Of those that missed, the share foretold.
    pub recall: Option<f64>,
    /// F1 of "will miss".
    pub f1: Option<f64>,
}

/// Sums in the making.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    errors: f64,
    forecasts: usize,
    foretold: usize,
    right: usize,
    wrong: usize,
    missing: usize,
}

/// The sums of one deadline: of each group those of each method.
type Table = [[Sums; Method::ALL.len()]; Group::ALL.len()];

/// Measures every method at so many days before the deadlines, over all targets together: for each
/// group over all deadlines, then for each deadline alone.
///
/// `exact_min` is how many exact figures up to the deadline are enough; without it
/// [`Past::enough`].
#[must_use]
pub fn accuracy(
    rules: &Rules,
    past: &Past,
    targets: &[f64],
    deadlines: &[f64],
    days_before: f64,
    exact_min: Option<usize>,
) -> Vec<Accuracy> {
    let table = |deadline: &f64| {
        let exact_min = exact_min.unwrap_or_else(|| past.enough(*deadline));
        measured(rules, past, targets, *deadline, days_before, exact_min)
    };
    let tables: Vec<Table> = deadlines.iter().map(table).collect();
    let mut together = Table::default();
    for table in &tables {
        for (all, one) in together.iter_mut().flatten().zip(table.iter().flatten()) {
            all.add(one);
        }
    }
    let alone = deadlines.iter().map(|deadline| Some(*deadline));
    let named = std::iter::once((None, &together)).chain(alone.zip(&tables));
    let mut rows = Vec::new();
    for (deadline, table) in named {
        for (group, methods) in Group::ALL.iter().zip(table) {
            let of_methods = Method::ALL.iter().zip(methods);
            rows.extend(
                of_methods.map(|(method, sums)| sums.row(*method, days_before, *group, deadline)),
            );
        }
    }
    rows
}

fn measured(
    rules: &Rules,
    past: &Past,
    targets: &[f64],
    deadline: f64,
    days_before: f64,
    exact_min: usize,
) -> Table {
    let mut table = Table::default();
    let today = deadline - days_before;
    let day = Day::of(rules, past, today);
    for (index, place) in past.places.iter().enumerate() {
        let Some(known) = day.places.get(index).and_then(Option::as_ref) else {
            continue;
        };
        let stale = today - known.newest.at > rules.silent_after_days();
        if stale || known.newest.is_bound {
            continue;
        }
        let is_in = Group::ALL.map(|group| group.has(place, deadline, exact_min));
        for (at, method) in Method::ALL.iter().enumerate() {
            let Some(count) = foresee(*method, rules, &day, index, known, deadline) else {
                continue;
            };
            let sums = Sums::of(rules, past, index, known, targets, deadline, count);
            let members = table.iter_mut().zip(is_in).filter(|(_, is_in)| *is_in);
            for sum in members.filter_map(|(methods, _)| methods.get_mut(at)) {
                sum.add(&sums);
            }
        }
    }
    table
}

/// N̂(T), people.
fn foresee(
    method: Method,
    rules: &Rules,
    day: &Day<'_>,
    place: usize,
    known: &Known<'_>,
    deadline: f64,
) -> Option<f64> {
    let pace = known.pace?;
    let newest = known.reports.last()?;
    let days = deadline - newest.at;
    let by_hazard = |h: f64| known.newest.denominator - pace.left * (-h * days).exp();
    let points = || -> Vec<Point> { known.reports.iter().map(|r| (r.at, r.count)).collect() };
    let foreseen = match method {
        Method::Average => average(&points(), deadline)?,
        Method::Linear => newest.count + pace.per_day() * days,
        Method::TheilSen => theil_sen(&points(), deadline)?,
        Method::Holt => holt(&points(), deadline)?,
        Method::Hazard => by_hazard(pace.hazard_observed().unwrap_or(0.0)),
        Method::Shrunk => by_hazard(pace.hazard(rules, day.peers(place)).unwrap_or(0.0)),
    };
    let most = known.newest.denominator.max(newest.count);
    foreseen.is_finite().then_some(foreseen.min(most))
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.errors += other.errors;
        self.forecasts += other.forecasts;
        self.foretold += other.foretold;
        self.right += other.right;
        self.wrong += other.wrong;
        self.missing += other.missing;
    }

    /// What one forecast of one place came to.
    fn of(
        rules: &Rules,
        past: &Past,
        place: usize,
        known: &Known<'_>,
        targets: &[f64],
        deadline: f64,
        foreseen: f64,
    ) -> Sums {
        let mut sums = Sums::default();
        let denominator = known.newest.denominator;
        if let Some(came) = past.came(rules, place, deadline) {
            let error = (foreseen / denominator - came).abs() * 100.0;
            // Counts at the rim of what numbers can say have no distance.
            if error.is_finite() {
                sums.errors += error;
                sums.forecasts += 1;
            }
        }
        for target_share in targets {
            let target = Target::of(&quota(denominator, *target_share, Some(deadline)));
            let missed = past.missed(rules, place, *target_share, deadline);
            let Some((target, missed)) = target.zip(missed) else {
                continue;
            };
            let will_miss = !target.is_met(known.newest.count) && !target.is_met(foreseen);
            sums.foretold += 1;
            sums.right += usize::from(will_miss && missed);
            sums.wrong += usize::from(will_miss && !missed);
            sums.missing += usize::from(!will_miss && missed);
        }
        sums
    }

    fn row(
        &self,
        method: Method,
        days_before: f64,
        group: Group,
        deadline: Option<f64>,
    ) -> Accuracy {
        Accuracy {
            group,
            deadline,
            method,
            days_before,
            forecasts: self.forecasts,
            error_points: (self.forecasts > 0).then(|| self.errors / self.forecasts as f64),
            foretold: self.foretold,
            precision: part(self.right, self.right + self.wrong),
            recall: part(self.right, self.right + self.missing),
            f1: f1(self.right, self.wrong, self.missing),
        }
    }
}
