//! One set of rules on its way through the ledger.

use std::collections::BTreeMap;

use domain::Event;
use domain::event::Judged;
use domain::text::date;
use jiff::Timestamp;
use jiff::civil::Date;
use lag::{Rules, Transition};
use state::ApplyError;
use wire::v1;

use super::outcome::{Asked, HORIZONS, Series, Sought};
use super::report::CASES_MAX;
use super::stretch::Stretch;
use crate::case::{CaseKey, Change};
use crate::judge::{Filter, Judge};

/// When something happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    /// The day it was judged for.
    pub(super) day: Date,
    /// Position of the ledger it was judged at.
    pub(super) position: u64,
    /// Whether that lies within the stretch.
    pub(super) within: bool,
}

/// A case from its opening to its end.
#[derive(Debug, Clone)]
pub(super) struct Spell {
    pub(super) key: CaseKey,
    pub(super) opened: Mark,
    /// None while it is open.
    pub(super) cleared: Option<Mark>,
    /// Who is told.
    pub(super) recipient: String,
    /// None, as the sentence, of a case that is not told one by one.
    pub(super) name: Option<v1::Name>,
    pub(super) sentence: Option<v1::Name>,
}

/// How many cases have words of their own.
#[derive(Debug, Default)]
struct Words {
    kept: usize,
    last: Option<Mark>,
}

/// What was said of a quota so many days before its deadline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Foretold {
    /// Which quota; see [`Asked::index`].
    pub(super) quota: usize,
    pub(super) days_before: u16,
    /// N̂(T)/D; none where the target was met by then.
    pub(super) share: Option<f64>,
    /// The ends of the band around it.
    pub(super) band: Option<(f64, f64)>,
    pub(super) will_miss: bool,
}

/// A judge of its own, and what it said.
pub(super) struct Trial<'a> {
    judge: Judge,
    sought: &'a Sought<'a>,
    /// Those that are over; in the end those that are open too. What was over before the stretch is not kept.
    pub(super) spells: Vec<Spell>,
    open: BTreeMap<CaseKey, Spell>,
    words: Words,
    pub(super) foretold: Vec<Foretold>,
}

impl<'a> Trial<'a> {
    /// Of a judge who has read nothing; only what is sought is kept.
    pub(super) fn new(judge: Judge, sought: &'a Sought<'a>) -> Self {
        Self {
            judge,
            sought,
            spells: Vec::new(),
            open: BTreeMap::new(),
            words: Words::default(),
            foretold: Vec::new(),
        }
    }

    /// The rules that held in the end.
    pub(super) fn rules(&self) -> &Rules {
        &self.judge.rules
    }

    /// Which series they judged in the end.
    pub(super) fn judged(&self) -> &Judged {
        self.judge.in_force.filter()
    }

    /// Folds the event of the next position.
    ///
    /// # Errors
    /// As [`Judge::fold`].
    pub(super) fn fold(
        &mut self,
        stretch: &Stretch,
        asked: &Asked,
        (position, known, event): (u64, Timestamp, &Event),
    ) -> Result<(), ApplyError> {
        let day = date::date_in_vietnam(known);
        if self.judge.day().is_some_and(|last| last < day) {
            self.look(stretch, asked, day);
        }
        self.judge.fold(position, known, event)?;
        self.collect(stretch);
        Ok(())
    }

    /// Goes on to the last day, and settles.
    pub(super) fn end(&mut self, stretch: &Stretch, asked: &Asked) {
        self.judge.settle();
        // A day is looked at once it is over; the last one is.
        let after = stretch.to_day.tomorrow().unwrap_or(stretch.to_day);
        self.look(stretch, asked, after);
        self.judge.pass_days(stretch.to_day);
        self.judge.settle();
        self.collect(stretch);
        for mut spell in std::mem::take(&mut self.open).into_values() {
            if !spell.opened.within {
                (spell.name, spell.sentence) = (None, None);
            }
            self.spells.push(spell);
        }
    }

    /// Looks at the forecasts of the days before `until` on which that is wanted.
    fn look(&mut self, stretch: &Stretch, asked: &Asked, until: Date) {
        let Some(last) = self.judge.day() else { return };
        let looks: Vec<_> = asked.looks(last, until).collect();
        for (day, indicator) in looks {
            if day > stretch.to_day || day < stretch.from_day {
                continue;
            }
            self.judge.settle();
            // As the clock would have gone on.
            self.judge.pass_days(day);
            if self.judge.day() != Some(day) {
                continue;
            }
            let filter = Filter {
                indicator: Some(indicator.clone()),
                ..Filter::default()
            };
            let verdicts = self.judge.verdicts(&filter);
            let foretold = verdicts
                .iter()
                .filter_map(|verdict| foretold(asked, day, verdict));
            self.foretold.extend(foretold);
        }
        self.collect(stretch);
    }

    /// Takes what was settled.
    fn collect(&mut self, stretch: &Stretch) {
        for change in self.judge.take_changes() {
            let key = &change.key;
            if !self.sought.has(key.locality, &key.indicator) {
                continue;
            }
            let Some(mark) = mark(&change.verdict, stretch) else {
                continue;
            };
            match change.transition {
                Transition::Opened => {
                    let mut spell = spell(change, mark);
                    if !self.words.has(mark) {
                        (spell.name, spell.sentence) = (None, None);
                    }
                    let before = self.open.insert(spell.key.clone(), spell);
                    self.spells.extend(before);
                }
                Transition::Cleared => {
                    let spell = self.open.remove(&change.key);
                    // What was over before the stretch says nothing about it.
                    self.spells
                        .extend(spell.filter(|_| mark.within).map(|spell| Spell {
                            cleared: Some(mark),
                            ..spell
                        }));
                }
            }
        }
    }
}

impl Words {
    /// Whether a case that opens is among the first that are told one by one; those of one mark all are.
    ///
    /// One from before the stretch is told if it clears within it, so it has words while it is open.
    fn has(&mut self, opened: Mark) -> bool {
        if !opened.within {
            return true;
        }
        let is_first = self.kept < CASES_MAX || self.last == Some(opened);
        if is_first {
            self.kept += 1;
            self.last = Some(opened);
        }
        is_first
    }
}

fn mark(verdict: &v1::Verdict, stretch: &Stretch) -> Option<Mark> {
    let day: Date = verdict.judged_for.parse().ok()?;
    let within = stretch.has(verdict.position, day);
    Some(Mark {
        day,
        position: verdict.position,
        within,
    })
}

fn spell(change: Change, opened: Mark) -> Spell {
    let name = change.verdict.locality_name;
    // As the reminder names the office.
    let place = name.as_ref().map_or("", |name| name.vi.as_str());
    Spell {
        key: change.key,
        opened,
        cleared: None,
        recipient: crate::notice::unit_head(place),
        name,
        sentence: change.verdict.sentence,
    }
}

/// What a verdict foretells of a quota with a deadline so many days ahead as is looked at.
fn foretold(asked: &Asked, day: Date, verdict: &v1::Verdict) -> Option<Foretold> {
    let terms: BTreeMap<&str, f64> = verdict
        .terms
        .iter()
        .map(|term| (term.name.as_str(), term.value))
        .collect();
    let term = |name: &str| terms.get(name).copied();
    let deadline = lag::date(term("deadline")?)?;
    let days_before = u16::try_from((deadline - day).get_days()).ok()?;
    if !HORIZONS.contains(&days_before) {
        return None;
    }
    let quota = asked.index(&Series::of(verdict)?, deadline)?;
    let denominator = term("denominator").filter(|denominator| *denominator > 0.0)?;
    let is_done = verdict.status() == v1::VerdictStatus::Done;
    let share = term("forecast_share");
    if share.is_none() && !is_done {
        return None;
    }
    let ends = term("forecast_low").zip(term("forecast_high"));
    Some(Foretold {
        quota,
        days_before,
        share,
        band: ends.map(|(low, high)| (low / denominator, high / denominator)),
        will_miss: !is_done && term("forecast_missing").is_some_and(|missing| missing > 0.0),
    })
}

#[cfg(test)]
mod tests {
    use domain::event::QuotaLayer;
    use jiff::civil::date;

    use super::*;

    /// A verdict for 2 June about a quota of 90 % of 1,000 by 30 June.
    fn verdict(terms: &[(&str, f64)]) -> v1::Verdict {
        let deadline = ("deadline", lag::day(date(2023, 6, 30), None));
        let all = [&[deadline, ("denominator", 1_000.0)], terms].concat();
        let term = |(name, value): &(&str, f64)| v1::Term {
            name: (*name).to_owned(),
            value: *value,
        };
        v1::Verdict {
            locality: Some(v1::LocalityRef {
                code: "268".to_owned(),
                since: "2023-04-10".to_owned(),
            }),
            indicator: "eid.activated".to_owned(),
            layer: wire::event::quota_layer(QuotaLayer::Central),
            status: v1::VerdictStatus::Red as i32,
            terms: all.iter().map(term).collect(),
            ..v1::Verdict::default()
        }
    }

    #[test]
    fn what_is_foretold_is_read_from_the_terms_with_its_band() {
        let day = date(2023, 6, 2);
        let series = Series::of(&verdict(&[])).unwrap();
        let asked = Asked::of(series, date(2023, 6, 30));
        let of = |verdict: &v1::Verdict| foretold(&asked, day, verdict);
        let banded = verdict(&[
            ("forecast_share", 0.8),
            ("forecast_missing", 100.0),
            ("forecast_low", 700.0),
            ("forecast_high", 850.0),
        ]);
        let found = of(&banded).unwrap();
        assert_eq!(
            (found.quota, found.days_before, found.will_miss),
            (0, 28, true)
        );
        assert_eq!((found.share, found.band), (Some(0.8), Some((0.7, 0.85))));
        // Foreseen to meet it, without a band.
        let found = of(&verdict(&[
            ("forecast_share", 0.95),
            ("forecast_missing", -50.0),
        ]))
        .unwrap();
        assert_eq!((found.will_miss, found.band), (false, None));
        // Done: there is nothing to foresee, and it is no miss.
        let mut done = verdict(&[]);
        done.status = v1::VerdictStatus::Done as i32;
        let found = of(&done).unwrap();
        assert_eq!((found.share, found.will_miss), (None, false));
        // Neither foreseen nor done; another day; another quota.
        assert_eq!(of(&verdict(&[])), None);
        assert_eq!(foretold(&asked, date(2023, 6, 3), &banded), None);
        let mut other = banded.clone();
        other.layer = wire::event::quota_layer(QuotaLayer::Commitment);
        assert_eq!(of(&other), None);
    }
}
