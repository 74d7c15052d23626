//! The rules in force: those that were adopted last for the day judged for, before any the shipped ones.
//!
//! - **When.** Adopted rules hold from the moment they speak of, but never before the log took them; what was judged before stays as it was told.
//! - **A change judges everything anew.** Ladders keep what they have counted: a case that two reports spoke for is not forgotten because a threshold moved.
//! - **What is no longer judged** has no verdict, and its open cases are closed.

use std::collections::BTreeSet;

use domain::event::{Judged as Filter, Name, QuotaLayer, Recipient, RulesAdopted, Step};
use domain::{IndicatorCode, LocalityId};
use lag::{Concern, Rules};

use crate::assess::{Judged, Outcome};
use crate::case::CaseKey;

/// The shipped ladder: number, what it is called in both languages, days since the step before, days to answer, who is told.
///
/// The names are those of practice; the days are the weekly rhythm of reports and of the meetings held on them.
const SHIPPED: [(&str, &str, u32, u32, &[Recipient]); 6] = {
    use Recipient::{Parent, Province, Unit};
    [
        ("Nhắc", "Reminder", 0, 7, &[Unit]),
        ("Đôn đốc", "Urging", 7, 7, &[Unit]),
        ("Giao ban", "Briefing", 7, 5, &[Unit, Parent]),
        ("Giải trình", "Account required", 7, 5, &[Unit, Parent]),
        ("Phê bình", "Criticism", 14, 5, &[Unit, Parent, Province]),
        (
            "Kiểm điểm",
            "Review of responsibility",
            14,
            0,
            &[Unit, Parent, Province],
        ),
    ]
};

/// The ladder that holds while no rules were adopted.
#[must_use]
pub fn shipped_steps() -> Vec<Step> {
    let steps = SHIPPED.iter().zip(1..);
    let step =
        |((vi, en, after_days, reply_days, tells), number): (&(&str, &str, _, _, &[_]), _)| Step {
            number,
            name: Name {
                vi: (*vi).to_owned(),
                en: (*en).to_owned(),
            },
            after_days: *after_days,
            reply_days: *reply_days,
            tells: tells.to_vec(),
        };
    steps.map(step).collect()
}

/// The step with a number; none after the last.
pub(crate) fn step(ladder: &[Step], number: u32) -> Option<&Step> {
    ladder.iter().find(|step| step.number == number)
}

/// What the rules in force say beside their thresholds.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    /// The thresholds that hold while none were adopted.
    shipped: Rules,
    /// Whether thresholds that are adopted change nothing: rules that are tried.
    fixed: bool,
    /// Whether neither does what is judged: rules that are tried, and say it themselves.
    fixed_filter: bool,
    /// Position of the adoption; none while the shipped rules hold.
    position: Option<u64>,
    filter: Filter,
    /// Those of the filter, which is asked for every series.
    indicators: BTreeSet<IndicatorCode>,
    steps: Vec<Step>,
}

impl InForce {
    /// The shipped rules.
    pub(crate) fn shipped(shipped: Rules) -> Self {
        Self {
            shipped,
            fixed: false,
            fixed_filter: false,
            position: None,
            filter: Filter::default(),
            indicators: BTreeSet::new(),
            steps: shipped_steps(),
        }
    }

    /// Thresholds that hold whatever is adopted; what is judged by them follows what is adopted unless it is said.
    pub(crate) fn fixed(rules: Rules, filter: Option<Filter>) -> Self {
        let mut fixed = Self {
            fixed: true,
            fixed_filter: filter.is_some(),
            ..Self::shipped(rules)
        };
        fixed.set_filter(filter.unwrap_or_default());
        fixed
    }

    fn set_filter(&mut self, filter: Filter) {
        self.indicators = filter.indicators.iter().cloned().collect();
        self.filter = filter;
    }

    /// Takes what holds now, adopted at a position; gives the thresholds if these are other rules than before.
    pub(crate) fn take(&mut self, adopted: Option<(u64, &RulesAdopted)>) -> Option<Rules> {
        let position = adopted.map(|(position, _)| position);
        if self.position == position {
            return None;
        }
        if self.fixed {
            self.position = position;
            let filter =
                adopted.map_or_else(Filter::default, |(_, adopted)| adopted.judged.clone());
            if self.fixed_filter || self.filter == filter {
                return None;
            }
            self.set_filter(filter);
            return Some(self.shipped.clone());
        }
        let Some((_, adopted)) = adopted else {
            *self = Self::shipped(self.shipped.clone());
            return Some(self.shipped.clone());
        };
        self.position = position;
        self.set_filter(adopted.judged.clone());
        self.steps.clone_from(&adopted.steps);
        let thresholds = &adopted.thresholds;
        let number = |name: &str| thresholds.number(name);
        let version = adopted.version.as_str();
        Some(Rules::named(version, number, &thresholds.due_soon_days))
    }

    /// Which series are judged.
    pub(crate) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The ladder, by number.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether a series is judged at all.
    pub(crate) fn has_series(&self, id: LocalityId, indicator: &IndicatorCode) -> bool {
        (self.indicators.is_empty() || self.indicators.contains(indicator))
            && self.filter.has_level(id.code.level())
    }

    /// Whether what a case is about is judged.
    pub(crate) fn has_case(&self, key: &CaseKey) -> bool {
        self.has_series(key.locality, &key.indicator) && self.filter.has_layer(key.layer)
    }

    /// An outcome without the layers that are not judged.
    ///
    /// Silence and missing data concern the series, and are raised under the strongest layer that is left.
    pub(crate) fn kept(&self, outcome: Outcome) -> Outcome {
        let Outcome::Judged(mut judged) = outcome else {
            return outcome;
        };
        let layer_of = |judged: &[Judged]| judged.first().and_then(|first| first.layer);
        let is_of_series = |concern: &Concern| matches!(concern, Concern::Silent | Concern::NoData);
        let strongest: Option<QuotaLayer> = layer_of(&judged);
        let first = judged.first().map(|first| first.concerns.clone());
        judged.retain(|judged| self.filter.has_layer(judged.layer));
        let is_other = layer_of(&judged) != strongest;
        match judged.first_mut() {
            None => return Outcome::Gone,
            Some(left) if is_other => {
                let of_series = first.into_iter().flatten().filter(is_of_series);
                left.concerns.extend(of_series);
            }
            Some(_) => {}
        }
        Outcome::Judged(judged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_ladder_is_one_that_could_be_adopted() {
        let steps = shipped_steps();
        let numbers: Vec<u32> = steps.iter().map(|step| step.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        for step in &steps {
            assert!(!step.tells.is_empty() && !step.name.vi.is_empty());
            assert!(step.tells.is_sorted(), "{step:?}");
            assert_eq!(step.after_days == 0, step.number == 1, "{step:?}");
        }
        assert_eq!(steps[0].tells, [Recipient::Unit]);
        assert_eq!(super::step(&steps, 7), None);
        assert_eq!(InForce::shipped(Rules::standard()).steps(), steps);
    }
}
