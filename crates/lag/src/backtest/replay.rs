//! The cases of lagging that would have opened, and the bands that would have been shown.

use serde::Serialize;

use super::walk::{Day, Known};
use super::{Past, quota};
use crate::residuals::thinned;
use crate::{Concern, Ladder, Peers, Question, Residuals, Rules, Status, Transition, judge};

/// More residuals than this are thinned to so many quantiles: a probability moves by a thousandth.
const QUANTILES: usize = 1000;

/// From which places the residuals of a judgement come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawn {
    /// From none: cases open and clear by the forecasts themselves.
    None,
    /// From all.
    All,
    /// From the half of the places that the judged one is not in.
    OtherPlaces,
    /// From the half of the parents that the judged one's is not in.
    OtherParents,
    /// From the half of the places that the judged one is in.
    OwnPlaces,
    /// From the half of the parents that the judged one's is in.
    OwnParents,
}

impl Drawn {
    /// Those that a replay is told by; a half draws from itself only while thresholds are picked on
    /// it.
    pub const ALL: [Drawn; 4] = [
        Drawn::None,
        Drawn::All,
        Drawn::OtherPlaces,
        Drawn::OtherParents,
    ];
}

/// A case that opened or cleared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The place, as an index into [`Past::places`].
    pub place: usize,
    /// The moment of the report that did it, days.
    pub at: f64,
    /// What it did.
    pub transition: Transition,
    /// N̂(T)/D, where a forecast was made.
    pub forecast_share: Option<f64>,
    /// The probability to hit, where there were residuals enough.
    pub p_hit: Option<f64>,
}

/// A forecast shown with its band, as shares of D.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Banded {
    /// The place, as an index into [`Past::places`].
    pub place: usize,
    /// The moment it was made at, days.
    pub at: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What would have happened by one target, one deadline and one way to draw residuals.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// τ.
    pub target_share: f64,
    /// T, days.
    pub deadline: f64,
    /// Where the residuals came from.
    pub drawn: Drawn,
    /// In order of time, and of places within a day.
    pub changes: Vec<Change>,
    /// In order of time, and of places within a day.
    pub bands: Vec<Banded>,
}

/// Residuals at one horizon as known on one day, by who may draw from them.
struct Spreads {
    all: Vec<f64>,
    places: [Vec<f64>; 2],
    parents: [Vec<f64>; 2],
}

/// Replays a past up to the eve of a deadline: for each target one replay for each way to draw.
///
/// `after_day` is called after each of the [`Past::days`] before the deadline.
#[must_use]
pub fn replay(
    rules: &Rules,
    past: &Past,
    targets: &[f64],
    deadline: f64,
    after_day: impl FnMut(),
) -> Vec<Replay> {
    let wanted = Wanted {
        rules,
        variants: std::slice::from_ref(rules),
        since: f64::NEG_INFINITY,
        targets,
        deadline,
        drawn: &Drawn::ALL,
    };
    wanted
        .replays(past, after_day)
        .into_iter()
        .flatten()
        .collect()
}

/// What is replayed.
pub(super) struct Wanted<'a> {
    /// What every verdict is given by.
    pub(super) rules: &'a Rules,
    /// What cases are stepped by: the same rules but for the thresholds of a case.
    pub(super) variants: &'a [Rules],
    /// Reports up to here step every variant by `rules`, as the rules that held before the switch.
    pub(super) since: f64,
    pub(super) targets: &'a [f64],
    pub(super) deadline: f64,
    pub(super) drawn: &'a [Drawn],
}

impl Wanted<'_> {
    /// For each target and way to draw a replay by each variant.
    pub(super) fn replays(&self, past: &Past, mut after_day: impl FnMut()) -> Vec<Vec<Replay>> {
        let rules = self.rules;
        let mut tellers = self.tellers(past);
        let mut store = Residuals::new(rules.silent_after_days());
        for today in past.days.iter().copied().filter(|day| *day < self.deadline) {
            let day = Day::of(rules, past, today);
            note(&mut store, rules, &day, today);
            let spreads = Spreads::of(rules, &store, past, today, self.deadline);
            for (index, known) in day.places.iter().enumerate() {
                let Some(known) = known.as_ref().filter(|known| known.newest.at >= today) else {
                    continue;
                };
                for teller in &mut tellers {
                    let residuals = spreads.drawn(past, index, teller.drawn);
                    teller.judge(rules, index, known, day.peers(index), residuals);
                }
            }
            after_day();
        }
        tellers.into_iter().map(Teller::replays).collect()
    }

    fn tellers(&self, past: &Past) -> Vec<Teller> {
        let variant = |rules: &Rules| Variant {
            rules: rules.clone(),
            changes: Vec::new(),
            ladders: vec![Ladder::new(Concern::Lagging); past.places.len()],
        };
        let teller = |target_share: &f64, drawn: &Drawn| Teller {
            target_share: *target_share,
            deadline: self.deadline,
            since: self.since,
            drawn: *drawn,
            bands: Vec::new(),
            variants: self.variants.iter().map(variant).collect(),
        };
        let targets = self.targets.iter();
        targets
            .flat_map(|target| self.drawn.iter().map(move |drawn| (target, drawn)))
            .map(|(target, drawn)| teller(target, drawn))
            .collect()
    }
}

/// Notes what came on a day, and what was foretold.
pub(super) fn note(store: &mut Residuals, rules: &Rules, day: &Day<'_>, today: f64) {
    for (index, known) in day.places.iter().enumerate() {
        let Some(known) = known.as_ref().filter(|known| known.newest.at >= today) else {
            continue;
        };
        let key = index as u64;
        let left = (1.0 - known.newest.share()).max(0.0);
        store.came(key, today, (!known.newest.is_bound).then_some(left));
        let full = known
            .pace
            .filter(|pace| pace.window_days >= rules.window_days);
        let hazard = full.and_then(|pace| pace.hazard(rules, day.peers(index)));
        if let Some(hazard) = hazard {
            store.foretold(key, today, left, hazard);
        }
    }
}

impl Spreads {
    fn of(rules: &Rules, store: &Residuals, past: &Past, today: f64, deadline: f64) -> Spreads {
        let most = QUANTILES.max(rules.residuals_min);
        let of = |is_asked: &dyn Fn(&super::Place) -> bool| {
            let place = |key: u64| past.places.get(usize::try_from(key).ok()?);
            thinned(
                store.at(today, deadline - today, |key| {
                    place(key).is_some_and(is_asked)
                }),
                most,
            )
        };
        Spreads {
            all: of(&|_| true),
            places: [of(&|place| !place.half()), of(&|place| place.half())],
            parents: [
                of(&|place| !place.half_of_parent()),
                of(&|place| place.half_of_parent()),
            ],
        }
    }

    /// Those that a place is judged by.
    fn drawn(&self, past: &Past, place: usize, drawn: Drawn) -> &[f64] {
        let Some(place) = past.places.get(place) else {
            return &[];
        };
        match drawn {
            Drawn::None => &[],
            Drawn::All => &self.all,
            Drawn::OtherPlaces => &self.places[usize::from(!place.half())],
            Drawn::OtherParents => &self.parents[usize::from(!place.half_of_parent())],
            Drawn::OwnPlaces => &self.places[usize::from(place.half())],
            Drawn::OwnParents => &self.parents[usize::from(place.half_of_parent())],
        }
    }
}

/// One target and one way to draw, in the making.
struct Teller {
    target_share: f64,
    deadline: f64,
    since: f64,
    drawn: Drawn,
    bands: Vec<Banded>,
    variants: Vec<Variant>,
}

/// The cases by one variant of the rules.
struct Variant {
    rules: Rules,
    changes: Vec<Change>,
    ladders: Vec<Ladder>,
}

impl Teller {
    fn judge(
        &mut self,
        rules: &Rules,
        place: usize,
        known: &Known<'_>,
        peers: Option<&Peers>,
        residuals: &[f64],
    ) {
        let at = known.newest.at;
        let quota = quota(
            known.newest.denominator,
            self.target_share,
            Some(self.deadline),
        );
        let question = Question {
            today: at,
            reports: &known.reports,
            quota: Some(&quota),
            peers,
            last_report: None,
            blocking_finding: false,
            declared_completion: None,
            residuals,
        };
        let verdict = judge(rules, &question);
        if known.newest.is_bound && verdict.status != Status::Done {
            return;
        }
        let terms = &verdict.terms;
        let share = |count: Option<f64>| count.map(|count| count / known.newest.denominator);
        if let Some((low, high)) = share(terms.forecast_low).zip(share(terms.forecast_high)) {
            self.bands.push(Banded {
                place,
                at,
                low,
                high,
            });
        }
        let newest = known.reports.last().map(|report| report.position);
        for variant in &mut self.variants {
            let Some(ladder) = variant.ladders.get_mut(place) else {
                continue;
            };
            // What was counted by the rules before is kept, as in alerting.
            let held = if at <= self.since {
                rules
            } else {
                &variant.rules
            };
            let stepped = ladder.step(held, &verdict, newest);
            variant.changes.extend(stepped.map(|transition| Change {
                place,
                at,
                transition,
                forecast_share: terms.forecast_share,
                p_hit: terms.p_hit,
            }));
        }
    }

    /// A replay for each variant.
    fn replays(self) -> Vec<Replay> {
        let (bands, variants) = (self.bands, self.variants);
        let replay = |variant: Variant| Replay {
            target_share: self.target_share,
            deadline: self.deadline,
            drawn: self.drawn,
            changes: variant.changes,
            bands: bands.clone(),
        };
        variants.into_iter().map(replay).collect()
    }
}
