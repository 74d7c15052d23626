//! What one set of rules said, held against what came.

use std::collections::BTreeMap;

use domain::event::QuotaLayer;
use domain::text::Percent;
use jiff::civil::Date;
use lag::Concern;
use wire::v1;

use super::outcome::{HORIZONS, Outcome, Outcomes, Series};
use super::stretch::Stretch;
use super::trial::{Mark, Spell, Trial};
use crate::render;

/// Most scores told.
const SCORES_MAX: usize = 200;
/// Most cases told.
pub(super) const CASES_MAX: usize = 2_000;
/// Most quotas told.
const QUOTAS_MAX: usize = 2_000;
/// Most rows of notices told.
const NOTICES_MAX: usize = 2_000;

/// What is told of a trial.
pub(super) fn run(trial: &Trial<'_>, outcomes: &Outcomes, stretch: &Stretch) -> v1::BacktestRun {
    let spells: Vec<&Spell> = trial.spells.iter().collect();
    let mut scores = scores(&spells, outcomes, stretch);
    let score_count = scores.len() as u64;
    scores.truncate(SCORES_MAX);
    let mut cases: Vec<&Spell> = spells.clone();
    let within =
        |spell: &Spell| spell.opened.within || spell.cleared.is_some_and(|cleared| cleared.within);
    cases.retain(|spell| within(spell));
    cases.sort_by(|one, other| {
        let by = |spell: &Spell| (spell.opened.day, spell.opened.position);
        by(one)
            .cmp(&by(other))
            .then_with(|| one.key.cmp(&other.key))
    });
    let was_open = |spell: &&&Spell| {
        !spell.opened.within && spell.cleared.is_none_or(|cleared| cleared.within)
    };
    let by_series = outcomes_by_series(outcomes);
    let mut notices = notices(&spells);
    let notices_count = notices.len() as u64;
    notices.truncate(NOTICES_MAX);
    v1::BacktestRun {
        rules_version: trial.rules().version.clone(),
        rules: rules(trial),
        scores,
        score_count,
        case_count: cases.len() as u64,
        cases: cases
            .into_iter()
            .take(CASES_MAX)
            .map(|spell| case(spell, &by_series))
            .collect(),
        open_before: spells.iter().filter(was_open).count() as u64,
        notices,
        notices_count,
        forecasts: HORIZONS
            .iter()
            .map(|days| forecasts(trial, outcomes, *days))
            .collect(),
    }
}

/// The rules of a trial as a file would say them, and what they judge if that is not everything.
fn rules(trial: &Trial<'_>) -> String {
    let said = trial.rules();
    if trial.judged().is_all() {
        return serde_json::to_string(said).unwrap_or_default();
    }
    let mut value = serde_json::to_value(said).unwrap_or_default();
    value["judged"] = serde_json::to_value(trial.judged()).unwrap_or_default();
    value.to_string()
}

/// The outcomes of a series, by deadline.
type BySeries<'a> = BTreeMap<&'a Series, Vec<&'a Outcome>>;

fn outcomes_by_series(outcomes: &Outcomes) -> BySeries<'_> {
    let mut by_series = BySeries::new();
    for outcome in outcomes.of.values() {
        by_series.entry(&outcome.series).or_default().push(outcome);
    }
    for of_series in by_series.values_mut() {
        of_series.sort_by_key(|outcome| outcome.deadline);
    }
    by_series
}

/// What came of the quota that a case of lagging was opened for: the first whose deadline lay ahead.
fn missed(spell: &Spell, by_series: &BySeries<'_>) -> Option<bool> {
    let key = &spell.key;
    let series = Series {
        locality: key.locality,
        indicator: key.indicator.clone(),
        layer: key.layer.filter(|_| key.concern == Concern::Lagging)?,
    };
    let ahead = |outcome: &&&Outcome| outcome.deadline > spell.opened.day;
    by_series.get(&series)?.iter().find(ahead)?.missed
}

/// What came of the quotas, by series and deadline.
pub(super) fn quotas(outcomes: &Outcomes) -> Vec<v1::BacktestQuota> {
    let by_series = outcomes_by_series(outcomes);
    let quotas = by_series.values().flatten().take(QUOTAS_MAX);
    let quotas = quotas.map(|outcome| v1::BacktestQuota {
        locality: Some(wire::event::locality_ref(outcome.series.locality)),
        locality_name: outcome.name.clone(),
        indicator: outcome.series.indicator.to_string(),
        layer: wire::event::quota_layer(outcome.series.layer),
        target_percent: percent(outcome.target_hundredths),
        deadline: outcome.deadline.to_string(),
        share: outcome.share,
        missed: outcome.missed,
    });
    quotas.collect()
}

fn percent(hundredths: u32) -> String {
    let percent = Percent::from_hundredths(hundredths, 2);
    percent.map_or_else(String::new, |percent| percent.to_string())
}

fn case(spell: &Spell, by_series: &BySeries<'_>) -> v1::BacktestCase {
    let cleared = spell.cleared;
    v1::BacktestCase {
        case_id: spell.key.to_string(),
        locality_name: spell.name.clone(),
        concern: render::concern(spell.key.concern) as i32,
        opened: spell.opened.day.to_string(),
        opened_position: spell.opened.position,
        cleared: cleared.map_or_else(String::new, |mark| mark.day.to_string()),
        cleared_position: cleared.map_or(0, |mark| mark.position),
        sentence: spell.sentence.clone(),
        missed: missed(spell, by_series),
    }
}

/// By which quotas are scored together.
type Aim<'a> = (&'a str, QuotaLayer, u32, Date);

/// Of all quotas together, then by indicator, layer, target and deadline; nothing without quotas.
fn scores(spells: &[&Spell], outcomes: &Outcomes, stretch: &Stretch) -> Vec<v1::BacktestScore> {
    let mut of_series: BTreeMap<_, Vec<&Spell>> = BTreeMap::new();
    for spell in spells {
        if spell.key.concern == Concern::Lagging {
            let key = &spell.key;
            let series = (key.locality, &key.indicator, key.layer);
            of_series.entry(series).or_default().push(spell);
        }
    }
    let mut all = Sums::default();
    let mut aims: BTreeMap<Aim<'_>, Sums> = BTreeMap::new();
    for outcome in outcomes.of.values() {
        let series = &outcome.series;
        let key = (series.locality, &series.indicator, Some(series.layer));
        let spells = of_series.get(&key).map_or(&[][..], Vec::as_slice);
        let aim = (
            series.indicator.as_str(),
            series.layer,
            outcome.target_hundredths,
            outcome.deadline,
        );
        let sums = aims.entry(aim).or_default();
        for sums in [&mut all, sums] {
            sums.add(outcome, spells, stretch);
        }
    }
    if aims.is_empty() {
        return Vec::new();
    }
    let rows =
        aims.into_iter().map(
            |((indicator, layer, target, deadline), sums)| v1::BacktestScore {
                indicator: indicator.to_owned(),
                layer: wire::event::quota_layer(layer),
                target_percent: percent(target),
                deadline: deadline.to_string(),
                ..sums.score()
            },
        );
    std::iter::once(all.clone().score()).chain(rows).collect()
}

/// A score in the making.
#[derive(Debug, Clone, Default)]
struct Sums {
    score: v1::BacktestScore,
    warned: Vec<i32>,
}

impl Sums {
    /// Counts one quota, if it is known what came of it.
    fn add(&mut self, outcome: &Outcome, spells: &[&Spell], stretch: &Stretch) {
        let Some(missed) = outcome.missed else { return };
        let since = outcome.since.unwrap_or(Date::MIN).max(stretch.from_day);
        let deadline = outcome.deadline;
        let before = |spell: &&&Spell| {
            // A case that was cleared before is one of before the stretch, or of an earlier quota, whose last day is still its own.
            let is_over = |cleared: Mark| {
                !cleared.within
                    || cleared.day < stretch.from_day
                    || outcome.since.is_some_and(|last| cleared.day <= last)
            };
            spell.opened.day < deadline && !spell.cleared.is_some_and(is_over)
        };
        let cases: Vec<&&Spell> = spells.iter().filter(before).collect();
        let is_open =
            |spell: &&&&Spell| spell.cleared.is_none_or(|cleared| cleared.day >= deadline);
        let (open, opened) = (cases.iter().any(|spell| is_open(&spell)), !cases.is_empty());
        let score = &mut self.score;
        score.places += 1;
        score.missed += u64::from(missed);
        score.opened += u64::from(opened);
        score.opened_and_missed += u64::from(opened && missed);
        score.open_at_deadline += u64::from(open);
        score.open_and_missed += u64::from(open && missed);
        score.flapping_places += u64::from(cases.len() > 1);
        // One that is open since an earlier quota was told for that one.
        let told = cases
            .iter()
            .filter(|spell| spell.opened.within && spell.opened.day >= since);
        score.notices += told.count() as u64;
        let cleared = cases.iter().filter(|spell| !is_open(spell));
        score.cleared += cleared.count() as u64;
        let first = cases.iter().map(|spell| spell.opened.day.max(since)).min();
        if missed {
            self.warned
                .extend(first.map(|day| (deadline - day).get_days()));
        }
    }

    fn score(mut self) -> v1::BacktestScore {
        let score = &self.score;
        self.warned.sort_unstable();
        let middle = |at: usize| self.warned.get(at).copied().map(f64::from);
        let half = self.warned.len() / 2;
        let median = middle(half).zip(middle(self.warned.len().saturating_sub(1) / 2));
        v1::BacktestScore {
            precision: part(score.opened_and_missed, score.opened),
            recall: part(score.opened_and_missed, score.missed),
            f1: part(2 * score.opened_and_missed, score.opened + score.missed),
            precision_at_deadline: part(score.open_and_missed, score.open_at_deadline),
            recall_at_deadline: part(score.open_and_missed, score.missed),
            warned_days_median: median.map(|(upper, lower)| f64::midpoint(upper, lower)),
            ..self.score
        }
    }
}

/// a/b; none of nothing.
fn part(a: u64, b: u64) -> Option<f64> {
    (b > 0).then(|| a as f64 / b as f64)
}

/// What each recipient would have been told, by recipient and week.
fn notices(spells: &[&Spell]) -> Vec<v1::BacktestNotices> {
    let mut found: BTreeMap<(&str, Date), (u64, u64)> = BTreeMap::new();
    for spell in spells {
        let recipient = spell.recipient.as_str();
        let mut count = |day: Date, opened: u64, cleared: u64| {
            let told = found.entry((recipient, monday(day))).or_default();
            told.0 += opened;
            told.1 += cleared;
        };
        if spell.opened.within {
            count(spell.opened.day, 1, 0);
        }
        if let Some(cleared) = spell.cleared.filter(|cleared| cleared.within) {
            count(cleared.day, 0, 1);
        }
    }
    let rows = found.into_iter();
    rows.map(
        |((recipient, week), (opened, cleared))| v1::BacktestNotices {
            recipient: recipient.to_owned(),
            week: week.to_string(),
            opened,
            cleared,
        },
    )
    .collect()
}

fn monday(day: Date) -> Date {
    let since = i64::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(since))
        .unwrap_or(day)
}

/// How near the forecasts of so many days before came.
fn forecasts(trial: &Trial<'_>, outcomes: &Outcomes, days_before: u16) -> v1::BacktestForecasts {
    let mut row = v1::BacktestForecasts {
        days_before: days_before.into(),
        ..v1::BacktestForecasts::default()
    };
    let (mut errors, mut right, mut wrong, mut silent) = (0.0, 0, 0, 0);
    let those = trial
        .foretold
        .iter()
        .filter(|it| it.days_before == days_before);
    for (foretold, outcome) in those.filter_map(|it| Some((it, outcomes.of.get(&it.quota)?))) {
        if let Some((share, came)) = foretold.share.zip(outcome.share) {
            row.forecasts += 1;
            errors += (share - came).abs() * 100.0;
        }
        if let Some(((low, high), came)) = foretold.band.zip(outcome.share) {
            row.bands += 1;
            row.bands_held += u64::from(low <= came && came <= high);
        }
        if let Some(missed) = outcome.missed {
            row.foretold += 1;
            right += u64::from(foretold.will_miss && missed);
            wrong += u64::from(foretold.will_miss && !missed);
            silent += u64::from(!foretold.will_miss && missed);
        }
    }
    v1::BacktestForecasts {
        error_points: (row.forecasts > 0).then(|| errors / row.forecasts as f64),
        precision: part(right, right + wrong),
        recall: part(right, right + silent),
        f1: part(2 * right, 2 * right + wrong + silent),
        coverage: part(row.bands_held, row.bands),
        ..row
    }
}

#[cfg(test)]
mod tests {
    use domain::{IndicatorCode, LocalityId};
    use jiff::civil::date;

    use super::*;
    use crate::case::CaseKey;

    fn id() -> LocalityId {
        LocalityId {
            code: "268".parse().unwrap(),
            since: date(2023, 4, 10),
        }
    }

    fn indicator() -> IndicatorCode {
        "eid.activated".parse().unwrap()
    }

    fn mark(day: i8) -> Mark {
        Mark {
            day: date(2023, 6, day),
            position: 5,
            within: true,
        }
    }

    fn spell(opened: i8, cleared: Option<i8>) -> Spell {
        Spell {
            key: CaseKey {
                locality: id(),
                indicator: indicator(),
                layer: Some(QuotaLayer::Central),
                concern: Concern::Lagging,
            },
            opened: mark(opened),
            cleared: cleared.map(mark),
            recipient: "Chủ tịch".to_owned(),
            name: None,
            sentence: None,
        }
    }

    fn score(missed: Option<bool>, since: Option<i8>, spells: &[Spell]) -> v1::BacktestScore {
        let outcome = Outcome {
            series: Series {
                locality: id(),
                indicator: indicator(),
                layer: QuotaLayer::Central,
            },
            deadline: date(2023, 6, 20),
            name: None,
            since: since.map(|day| date(2023, 6, day)),
            target_hundredths: 9_500,
            missed,
            share: None,
        };
        let stretch = Stretch {
            from: 1,
            to: 9,
            from_day: date(2023, 6, 1),
            to_day: date(2023, 6, 30),
            before: None,
        };
        let outcomes = Outcomes {
            of: BTreeMap::from([(0, outcome)]),
            position: 9,
        };
        let spells: Vec<&Spell> = spells.iter().collect();
        let rows = scores(&spells, &outcomes, &stretch);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            (rows[1].deadline.as_str(), rows[1].target_percent.as_str()),
            ("2023-06-20", "95.00")
        );
        assert_eq!(rows[0].opened, rows[1].opened);
        rows.into_iter().next().unwrap()
    }

    #[test]
    fn a_case_counts_for_the_quota_it_was_open_for() {
        // Opened on the 6th, 14 days before the deadline, and never cleared.
        let found = score(Some(true), None, &[spell(6, None)]);
        assert_eq!((found.places, found.missed, found.opened), (1, 1, 1));
        assert_eq!((found.precision, found.recall), (Some(1.0), Some(1.0)));
        assert_eq!(
            (found.f1, found.warned_days_median),
            (Some(1.0), Some(14.0))
        );
        assert_eq!((found.open_at_deadline, found.cleared), (1, 0));
        // Opened twice, cleared on the eve, and met.
        let twice = [spell(6, Some(8)), spell(10, Some(19))];
        let found = score(Some(false), None, &twice);
        assert_eq!(
            (found.opened, found.flapping_places, found.notices),
            (1, 1, 2)
        );
        assert_eq!((found.open_at_deadline, found.cleared), (0, 2));
        assert_eq!((found.precision, found.recall), (Some(0.0), None));
        assert_eq!(found.precision_at_deadline, None);
        // Of the quota before, whose deadline was the 9th, the first one was a case.
        let found = score(Some(false), Some(9), &twice);
        assert_eq!((found.opened, found.flapping_places), (1, 0));
        // So it was if that ended on the 8th: it was cleared on its last day.
        let found = score(Some(false), Some(8), &twice);
        assert_eq!((found.opened, found.flapping_places), (1, 0));
        // Open since the quota before, it is a case of this one and was told for that one.
        let found = score(Some(true), Some(9), &[spell(6, None)]);
        assert_eq!((found.opened, found.notices), (1, 0));
        // Opened on the day on which the one before ended, it is told for this one.
        let found = score(Some(true), Some(6), &[spell(6, None)]);
        assert_eq!((found.opened, found.notices), (1, 1));
        // Opened on the deadline it is too late.
        assert_eq!(score(Some(true), None, &[spell(20, None)]).opened, 0);
        // Nobody knows what came.
        assert_eq!(score(None, None, &twice).places, 0);
    }

    #[test]
    fn notices_are_told_by_the_week() {
        // 6 June 2023 was a Tuesday; the 12th a Monday.
        let spells = [spell(6, Some(12)), spell(11, None)];
        let spells: Vec<&Spell> = spells.iter().collect();
        let told: Vec<String> = notices(&spells)
            .iter()
            .map(|row| format!("{} +{} -{}", row.week, row.opened, row.cleared))
            .collect();
        assert_eq!(told, ["2023-06-05 +2 -0", "2023-06-12 +0 -1"]);
    }
}
