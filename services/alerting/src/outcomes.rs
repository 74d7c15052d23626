//! What past forecasts came to: the residuals behind a verdict's band and its probability.
//!
//! They are not noted as reports come, but read from what is on record: once a week each series is asked what it would have foretold by the figures of that moment and the pace of its siblings, and what came is in the same series.
//! So a correction corrects what was foretold too, nothing is kept that the ledger does not hold, and the same ledger gives the same residuals.
//!
//! They are those that were **known at a basis**, a position that stays where it is while reports come, so that nobody's probability moves with each report of somebody else:
//!
//! - the last position that the ledger took before the day, or
//! - with a pinned day the newest position with all but its four leading binary digits zero, which lies back by an eighth at most.
//!
//! # What it costs
//!
//! At most [`PLACES_MAX`] localities of a level speak for an indicator, whole families in an order that has nothing to do with where they lie.
//! Each is kept with a forecast a week and the figures of the last quarter, some 4 KB: 1 MB for an indicator and a level.
//! It is read when the first verdict of a day asks for it; a verdict then costs a look-up.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::LocalityId;
use domain::locality::Level;
use domain::text::Moment;
use host::Today;
use jiff::ToSpan as _;
use jiff::civil::Date;
use lag::{Peers, Report, Residuals, Rules, Standing};
use state::State;

use crate::assess::OnRecord;
use crate::family::{Hearing, Home};
use crate::figures::denominator;

/// Most localities of a level whose past speaks for an indicator.
const PLACES_MAX: usize = 250;
/// Forecasts over more days than this have no band.
const HORIZON_DAYS_MAX: f64 = 180.0;
/// So long after its target day a forecast is remembered, as [`Residuals`] does.
const MEMORY_DAYS: f64 = 90.0;
/// Residuals are thinned to so many quantiles: a probability moves by half a hundredth.
const QUANTILES: usize = 200;

/// What the forecasts of an indicator came to.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(Mutex<Kept>);

/// What was read for a basis and a day, by the rules in force; whoever asks first reads it, and would have read the same.
#[derive(Debug, Default)]
struct Kept {
    basis: Option<(u64, Moment)>,
    rules: Option<Rules>,
    of_level: BTreeMap<Level, OfLevel>,
}

#[derive(Debug)]
struct OfLevel {
    store: Residuals,
    /// By days from a forecast to its target.
    spreads: BTreeMap<u16, Arc<[f64]>>,
}

/// What is on record of one place at the basis.
struct Past {
    denominator: f64,
    reports: Vec<Report>,
}

/// The position at which what verdicts of a day rest on was known.
pub(crate) fn basis(state: &State, today: Today, day: Date) -> u64 {
    if today == Today::Real {
        let eve = day.checked_sub(1.day()).unwrap_or(Date::MIN);
        return state.position_at(Moment::end_of(eve).instant());
    }
    let position = state.position();
    let digits = u64::BITS - position.leading_zeros();
    position & (u64::MAX << digits.saturating_sub(4))
}

impl Outcomes {
    /// The residuals of a level's forecasts over so many days, ascending; none where they are too many or too few days.
    pub(crate) fn over(
        &self,
        hearing: &Hearing<'_>,
        level: Level,
        days: f64,
    ) -> Option<Arc<[f64]>> {
        let days = days.round();
        let basis = (hearing.past.position(), hearing.past.as_of());
        if !(1.0..=HORIZON_DAYS_MAX).contains(&days) || basis.0 == 0 {
            return None;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.basis != Some(basis) || kept.rules.as_ref() != Some(hearing.rules) {
            *kept = Kept {
                basis: Some(basis),
                rules: Some(hearing.rules.clone()),
                ..Kept::default()
            };
        }
        let of_level = kept.of_level.entry(level);
        let of_level = of_level.or_insert_with(|| OfLevel {
            store: store(hearing, level),
            spreads: BTreeMap::new(),
        });
        let spread = of_level.spreads.entry(days as u16);
        let most = QUANTILES.max(hearing.rules.residuals_min);
        let store = &of_level.store;
        let spread = spread.or_insert_with(|| store.spread(hearing.today(), days, most).into());
        Some(Arc::clone(spread))
    }
}

/// Forecasts and figures of the places that speak for a level.
fn store(hearing: &Hearing<'_>, level: Level) -> Residuals {
    let mut store = Residuals::new(hearing.rules.silent_after_days());
    let mut places = 0;
    for family in families(hearing, level) {
        if places >= PLACES_MAX {
            break;
        }
        let pasts = family.into_iter().filter_map(|id| Past::of(hearing, id));
        let pasts: Vec<Past> = pasts.collect();
        foretell(&mut store, hearing, places, &pasts);
        for (key, past) in (places..).zip(&pasts) {
            past.came(&mut store, hearing, key as u64);
        }
        places += pasts.len();
    }
    store
}

/// The families of a level as they were known, in an order that has nothing to do with where they lie.
fn families(hearing: &Hearing<'_>, level: Level) -> impl Iterator<Item = Vec<LocalityId>> {
    let mut families: BTreeMap<(u64, Home), Vec<LocalityId>> = BTreeMap::new();
    let of_level = hearing
        .localities
        .keys()
        .filter(|id| id.code.level() == level);
    for id in of_level {
        let home = Home::of(Some(&hearing.past), *id);
        families
            .entry((scattered(home), home))
            .or_default()
            .push(*id);
    }
    families.into_values()
}

/// A number that is the same on every machine, and of one locality as likely as of another: FNV-1a.
fn scattered(home: Home) -> u64 {
    let (Home::Under(id, _) | Home::Alone(id)) = home;
    let text = id.to_string();
    text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Once a cadence, what each of a family would have foretold by what it had reported.
fn foretell(store: &mut Residuals, hearing: &Hearing<'_>, first_key: usize, pasts: &[Past]) {
    let (rules, today) = (hearing.rules, hearing.today());
    let apart = rules.cadence_days.max(1.0);
    let first = pasts
        .iter()
        .filter_map(|past| Some(past.reports.first()?.at));
    let first = first.fold(f64::INFINITY, f64::min);
    let oldest = today - MEMORY_DAYS - HORIZON_DAYS_MAX;
    let mut moment = (first.max(oldest) / apart).ceil() * apart;
    while moment <= today {
        let stood: Vec<_> = pasts.iter().map(|past| past.stood(rules, moment)).collect();
        let standings: Vec<Standing> = stood.iter().flatten().map(|(_, it)| *it).collect();
        let peers = (standings.len() >= 2).then(|| Peers::of(rules, &standings));
        for (key, stood) in (first_key..).zip(&stood) {
            let Some((at, standing)) = stood else {
                continue;
            };
            let full = standing
                .pace
                .filter(|it| it.window_days >= rules.window_days);
            if let Some(hazard) = full.and_then(|pace| pace.hazard(rules, peers.as_ref())) {
                let left = (1.0 - standing.count / standing.denominator).max(0.0);
                store.foretold(key as u64, *at, left, hazard);
            }
        }
        moment += apart;
    }
}

impl Past {
    /// None without a figure that can be measured, or with one of which only a bound is known.
    fn of(hearing: &Hearing<'_>, id: LocalityId) -> Option<Self> {
        let key = hearing.past.series_key(id, hearing.indicator)?;
        let record = OnRecord::of(hearing.past.followed(key));
        let is_exact = record.is_exact();
        let (yardstick, measured) = record.measured.filter(|_| is_exact)?;
        let reports = measured.reports;
        (!reports.is_empty()).then_some(Self {
            denominator: denominator(yardstick),
            reports,
        })
    }

    /// How it stood at a moment, and when its newest figure then was.
    fn stood(&self, rules: &Rules, moment: f64) -> Option<(f64, Standing)> {
        let known = self.reports.partition_point(|report| report.at <= moment);
        let known = self.reports.get(..known)?;
        let newest = known.last()?;
        let everybody = lag::Quota {
            denominator: self.denominator,
            target_share: 1.0,
            start: None,
            deadline: None,
            milestones: Vec::new(),
            position: newest.position,
        };
        let mut standing = Standing::of(rules, known, &everybody, moment)?;
        if moment - newest.at > rules.silent_after_days() {
            standing.pace = None;
        }
        Some((newest.at, standing))
    }

    /// Notes what came, as far back as a forecast is remembered.
    fn came(&self, store: &mut Residuals, hearing: &Hearing<'_>, key: u64) {
        let since = hearing.today() - MEMORY_DAYS - hearing.rules.silent_after_days();
        for report in self.reports.iter().filter(|report| report.at >= since) {
            let left = 1.0 - report.count / self.denominator;
            store.came(key, report.at, Some(left));
        }
    }
}
