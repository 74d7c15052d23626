//! Plausibility of a cumulative count, held against what is known around it.
//!
//! Formulas are those of the lag model, "Plausibility of a report".
//! What must not be recorded as it stands is told by a [`Implausible`] whose answer is [`Answer::Refuse`]; whoever
//! knows better can insist, and the figure is then kept with an open finding.
//! Decisions to refuse are made in whole numbers, so that nobody is refused for a rounding.

use serde::{Deserialize, Serialize};

/// An exact cumulative count on record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// How many.
    pub count: u64,
    /// The moment it speaks of, days (see [`crate::day()`]).
    pub at: f64,
    /// The log position of the event that carried it; 0 if it is about to be recorded with this one.
    pub position: u64,
}

/// What is known around a count in question.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// Counts of the same series that hold before the moment, oldest first; the newest [`HISTORY_MAX`] suffice.
    pub before: &'a [Known],
    /// The count of the same series that holds next after the moment.
    pub after: Option<Known>,
    /// The newest counts up to the moment of what this count can never exceed (collected, where this is activated).
    pub at_most: &'a [Known],
    /// The counts of that very moment which can never exceed this one.
    pub at_least: &'a [Known],
    /// D: what the count is held against; none if not known.
    pub denominator: Option<u64>,
    /// What the siblings did meanwhile; asked only where the series itself looks odd.
    pub siblings: Option<&'a dyn Siblings>,
}

/// The places under the same parent.
pub trait Siblings {
    /// The hazard per week of each sibling that can be measured between two moments, days.
    fn weekly_hazards(&self, from: f64, to: f64) -> Vec<f64>;
    /// How many siblings grew between two moments, days, and how many were reported at all.
    fn grown(&self, from: f64, to: f64) -> (usize, usize);
}

impl std::fmt::Debug for dyn Siblings + '_ {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Siblings")
    }
}

/// How many counts before the one in question are looked at.
pub const HISTORY_MAX: usize = 12;

/// The thresholds of the checks, as data with a version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlausibilityRules {
    /// The name under which these rules are kept; it stands in every finding.
    pub version: String,
    /// A fall of more than this is refused, hundredths of a percent of the count before.
    pub fall_hundredths: u32,
    /// A fall to at most this many times the largest growth a day is taken for a day's work.
    pub daily_factor: f64,
    /// How near a ratio of two counts must be to a power of ten, hundredths of a percent.
    pub factor_tolerance_hundredths: u32,
    /// Counts below this tell nothing about a factor of ten.
    pub factor_count_min: u64,
    /// Counts further apart than this, days, tell nothing about a factor of ten.
    pub factor_days_max: f64,
    /// A modified z of the weekly hazard beyond this is a jump.
    pub jump_z: f64,
    /// Growths of the series itself, and siblings, needed before a jump is told.
    pub jump_growths_min: usize,
    /// Equal reports in a row, this one counted, that are told while the siblings move.
    pub stuck_reports: usize,
}

impl PlausibilityRules {
    /// The shipped rules: the thresholds of the lag model.
    #[must_use]
    pub fn standard() -> PlausibilityRules {
        PlausibilityRules {
            version: "plausibility-1".to_owned(),
            fall_hundredths: 200,
            daily_factor: 3.0,
            factor_tolerance_hundredths: 100,
            factor_count_min: 100,
            factor_days_max: 31.0,
            jump_z: 3.5,
            jump_growths_min: 5,
            stuck_reports: 3,
        }
    }
}

/// What is to be done about a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Record it, and tell.
    Warn,
    /// Do not record it unless somebody insists.
    Refuse,
}

/// Why a count is implausible.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Implausible {
    /// A cumulative count falls: this one below the count before it, or the next one below this one.
    Falls {
        /// The neighbour it contradicts.
        against: Known,
        /// The fall, hundredths of a percent of the higher count, rounded up.
        hundredths: u32,
        /// Refused above [`PlausibilityRules::fall_hundredths`].
        answer: Answer,
    },
    /// It looks like the work of one day sent as the total.
    Daily {
        /// The count before it.
        against: Known,
    },
    /// It is ten, a hundred or a thousand times the count before it, or the reverse.
    FactorOfTen {
        /// The count before it.
        against: Known,
        /// The power of ten: 1 to 3, or −3 to −1.
        power: i32,
    },
    /// It is above a count that it can never exceed.
    AboveRelated {
        /// That count.
        against: Known,
        /// Refused if both speak of the same moment; else the other may simply be older.
        answer: Answer,
    },
    /// It is below a count of the same moment that can never exceed it.
    BelowRelated {
        /// That count.
        against: Known,
    },
    /// The growth since the count before it is out of line with the series and with the siblings.
    Jump {
        /// The count before it.
        against: Known,
        /// The modified z against the series itself.
        z: f64,
    },
    /// The same count again and again while most siblings grew.
    Stuck {
        /// The oldest of the equal counts.
        since: Known,
    },
}

impl Implausible {
    /// What is to be done about it.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match self {
            Implausible::Falls { answer, .. } | Implausible::AboveRelated { answer, .. } => *answer,
            Implausible::Daily { .. }
            | Implausible::FactorOfTen { .. }
            | Implausible::BelowRelated { .. } => Answer::Refuse,
            Implausible::Jump { .. } | Implausible::Stuck { .. } => Answer::Warn,
        }
    }

    /// The count on record that it contradicts.
    #[must_use]
    pub fn against(&self) -> Known {
        match self {
            Implausible::Falls { against, .. }
            | Implausible::Daily { against }
            | Implausible::FactorOfTen { against, .. }
            | Implausible::AboveRelated { against, .. }
            | Implausible::BelowRelated { against }
            | Implausible::Jump { against, .. } => *against,
            Implausible::Stuck { since } => *since,
        }
    }
}

/// Everything that speaks against an exact cumulative count at a moment, days; the most telling first.
#[must_use]
pub fn plausible(
    count: u64,
    at: f64,
    around: &Around<'_>,
    rules: &PlausibilityRules,
) -> Vec<Implausible> {
    let mut found = Vec::new();
    if let Some(before) = around.before.last() {
        found.extend(against_before(count, at, *before, around, rules));
    }
    if let Some(after) = around.after {
        found.extend(fall(after.count, count, after, rules));
    }
    let above = around.at_most.iter().filter(|known| count > known.count);
    found.extend(above.map(|known| Implausible::AboveRelated {
        against: *known,
        answer: if known.at == at {
            Answer::Refuse
        } else {
            Answer::Warn
        },
    }));
    let below = around.at_least.iter().filter(|known| count < known.count);
    found.extend(below.map(|known| Implausible::BelowRelated { against: *known }));
    found.extend(stuck(count, at, around, rules));
    found
}

/// One reason at most: the one that says best what went wrong.
fn against_before(
    count: u64,
    at: f64,
    before: Known,
    around: &Around<'_>,
    rules: &PlausibilityRules,
) -> Option<Implausible> {
    if let Some(power) = power_of_ten(count, at, before, rules) {
        let against = before;
        return Some(Implausible::FactorOfTen { against, power });
    }
    let Some(fall) = fall(count, before.count, before, rules) else {
        return jump(count, at, before, around, rules);
    };
    let recent = &around.before[around.before.len().saturating_sub(DAILY_GROWTHS + 1)..];
    let most = recent
        .windows(2)
        .map(|pair| daily_growth(&pair[0], &pair[1]));
    let most = most.fold(0.0, f64::max);
    let is_a_days_work = most > 0.0 && count as f64 <= most * rules.daily_factor;
    if fall.answer() == Answer::Refuse && is_a_days_work {
        return Some(Implausible::Daily { against: before });
    }
    Some(fall)
}

/// Growths among which the largest is looked for.
const DAILY_GROWTHS: usize = 4;

/// The growth a day; what grew within a day grew in that day.
fn daily_growth(from: &Known, to: &Known) -> f64 {
    to.count.saturating_sub(from.count) as f64 / (to.at - from.at).max(1.0)
}

/// The fall from `high` to `low`, if it is one; the one of the two that is on record is `against`.
fn fall(low: u64, high: u64, against: Known, rules: &PlausibilityRules) -> Option<Implausible> {
    if low >= high {
        return None;
    }
    let hundredths = (u128::from(high - low) * 10_000).div_ceil(u128::from(high));
    // At most 10,000, since `low` is not negative.
    let hundredths = hundredths as u32;
    let answer = if hundredths > rules.fall_hundredths {
        Answer::Refuse
    } else {
        Answer::Warn
    };
    Some(Implausible::Falls {
        against,
        hundredths,
        answer,
    })
}

/// The power of ten by which two counts differ, if they do by nothing else.
fn power_of_ten(count: u64, at: f64, before: Known, rules: &PlausibilityRules) -> Option<i32> {
    let near = at - before.at <= rules.factor_days_max;
    let (low, high) = (count.min(before.count), count.max(before.count));
    if !near || before.count < rules.factor_count_min || low == 0 {
        return None;
    }
    let power = (1..=3).find(|power| {
        let expected = u128::from(low) * 10u128.pow(*power);
        let off = expected.abs_diff(u128::from(high)) * 10_000;
        off <= expected * u128::from(rules.factor_tolerance_hundredths)
    })?;
    // One to three.
    let power = power as i32;
    Some(if count > before.count { power } else { -power })
}

/// h: the share of those left that was done in a week, from one count to `count` at a later moment, days.
///
/// None if nobody was left of the denominator, or no time passed.
#[must_use]
pub fn weekly_hazard(from: Known, count: u64, at: f64, denominator: u64) -> Option<f64> {
    let left = denominator
        .checked_sub(from.count)
        .filter(|left| *left > 0)?;
    let weeks = (at - from.at) / 7.0;
    let done = count as f64 - from.count as f64;
    (weeks > 0.0).then(|| done / left as f64 / weeks)
}

fn jump(
    count: u64,
    at: f64,
    before: Known,
    around: &Around<'_>,
    rules: &PlausibilityRules,
) -> Option<Implausible> {
    let denominator = around.denominator?;
    let hazard = weekly_hazard(before, count, at, denominator)?;
    let own = around.before.windows(2);
    let own: Vec<f64> = own
        .filter_map(|pair| weekly_hazard(pair[0], pair[1].count, pair[1].at, denominator))
        .collect();
    let z = modified_z(hazard, own, rules)?;
    if z.abs() <= rules.jump_z {
        return None;
    }
    if let Some(siblings) = around.siblings {
        let others = siblings.weekly_hazards(before.at, at);
        // Where the siblings leap as well, something happened to all of them.
        if modified_z(hazard, others, rules).is_some_and(|z| z.abs() <= rules.jump_z) {
            return None;
        }
    }
    Some(Implausible::Jump { against: before, z })
}

/// 0.6745 · (x − median) / MAD; none with too few values or where they do not differ at all.
fn modified_z(x: f64, mut values: Vec<f64>, rules: &PlausibilityRules) -> Option<f64> {
    if values.len() < rules.jump_growths_min {
        return None;
    }
    let middle = median(&mut values);
    let mut deviations: Vec<f64> = values.iter().map(|value| (value - middle).abs()).collect();
    let mad = median(&mut deviations);
    (mad > 0.0).then(|| 0.6745 * (x - middle) / mad)
}

/// Of at least one value.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        (values[middle - 1] + values[middle]) / 2.0
    }
}

fn stuck(
    count: u64,
    at: f64,
    around: &Around<'_>,
    rules: &PlausibilityRules,
) -> Option<Implausible> {
    let equal = around
        .before
        .iter()
        .rev()
        .take_while(|known| known.count == count);
    let (reports, since) = equal.fold((1, None), |(reports, _), known| (reports + 1, Some(*known)));
    let since = since.filter(|_| reports >= rules.stuck_reports)?;
    // Who has reached everybody stands still rightly.
    if around
        .denominator
        .is_some_and(|denominator| count >= denominator)
    {
        return None;
    }
    let (grown, reported) = around.siblings?.grown(since.at, at);
    (grown * 2 > reported).then_some(Implausible::Stuck { since })
}
