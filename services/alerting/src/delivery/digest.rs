//! What one recipient is told on one morning: pure, from what stands and what was told before.
//!
//! - **Step**: a further step of the ladder was taken since the last digest; always told, in the notification's own words.
//! - **New**: open, and never told to the recipient.
//! - **Worse, better**: the share foreseen (else reached) is a point or more below or above what was last told.
//! - **Still**: as it was; repeated a day after it was first told, three days after that, then every seven.
//! - **Missing reports**: silent or without any figure; repeated in the same steps.
//! - **Due**: a deadline within a week.
//! - **Done, reported, closed**: cleared since the last digest, by what cleared it; always told, also what was opened in between.
//! - **Commended**: a place reached what it lagged behind; told as steps are.
//!
//! An open case under a silence is left out and only counted, and so is a deadline; a case was not told, so it comes back when the silence ends.

use std::collections::BTreeMap;

use jiff::civil::Date;
use lag::Concern;

use super::account::{Line, Told};
use super::round::{Due, Notice, Seen};

/// Days between what is told again, by how often it was told.
const REPEAT_DAYS: [i32; 3] = [1, 3, 7];
/// Hundredths of a percent by which a share must move to be news.
const NEWS: u32 = 100;

/// A part of a digest, in the order in which they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Step,
    New,
    Worse,
    Better,
    Still,
    Missing,
    Due,
    Done,
    Reported,
    Closed,
    Commended,
}

impl Section {
    pub(crate) const ALL: [Self; 11] = [
        Self::Step,
        Self::New,
        Self::Worse,
        Self::Better,
        Self::Still,
        Self::Missing,
        Self::Due,
        Self::Done,
        Self::Reported,
        Self::Closed,
        Self::Commended,
    ];
}

/// A case in a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item<'a> {
    pub(crate) seen: &'a Seen,
    /// What was last told of it, if the number moved.
    pub(crate) before: Option<u32>,
}

/// What a recipient is told.
#[derive(Debug, Default)]
pub(crate) struct Digest<'a> {
    /// Gravest first.
    pub(crate) cases: BTreeMap<Section, Vec<Item<'a>>>,
    /// Oldest first.
    pub(crate) notices: BTreeMap<Section, Vec<&'a Notice>>,
    /// Nearest first.
    pub(crate) due: Vec<&'a Due>,
    /// How many are left out because a silence covers them.
    pub(crate) silenced: usize,
}

impl<'a> Digest<'a> {
    /// What is to be told on a day to a recipient who stands as `line` says.
    pub(crate) fn compose(
        line: &Line,
        day: Date,
        seen: impl Iterator<Item = &'a Seen>,
        due: impl Iterator<Item = &'a Due>,
    ) -> Self {
        let (silenced, due): (Vec<_>, Vec<_>) = due.partition(|due| due.is_silenced);
        let mut digest = Self {
            due,
            silenced: silenced.len(),
            ..Self::default()
        };
        digest.due.sort_by(|a, b| {
            a.days.total_cmp(&b.days).then_with(|| {
                (a.place, &a.indicator, a.layer).cmp(&(b.place, &b.indicator, b.layer))
            })
        });
        for seen in seen {
            if let Some((section, before)) = section(line, day, seen) {
                if seen.is_open() && seen.is_silenced {
                    digest.silenced += 1;
                    continue;
                }
                let items = digest.cases.entry(section).or_default();
                items.push(Item { seen, before });
            }
        }
        for items in digest.cases.values_mut() {
            items.sort_by_key(|item| {
                let grave = Concern::ALL
                    .iter()
                    .position(|c| *c == item.seen.key.concern);
                (grave, item.seen.share, item.seen.key.clone())
            });
        }
        digest
    }

    /// Adds the notifications that a recipient was not told of yet, up to a position.
    pub(crate) fn with_notices(
        mut self,
        line: &Line,
        through: u64,
        notices: impl Iterator<Item = &'a Notice>,
    ) -> Self {
        let news = notices.filter(|it| it.position > line.through && it.position <= through);
        for notice in news {
            let section = if notice.is_commendation {
                Section::Commended
            } else {
                Section::Step
            };
            self.notices.entry(section).or_default().push(notice);
        }
        for notices in self.notices.values_mut() {
            notices.sort_by_key(|notice| notice.position);
        }
        self
    }

    /// Everything new at once, for what cannot wait.
    pub(crate) fn urgent(seen: impl Iterator<Item = &'a Seen>) -> Self {
        let line = Line::default();
        Self::compose(&line, Date::MIN, seen, std::iter::empty())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.due.is_empty() && self.cases.is_empty() && self.notices.is_empty()
    }

    /// How much there is in a part.
    pub(crate) fn count(&self, section: Section) -> usize {
        match section {
            Section::Due => self.due.len(),
            Section::Step | Section::Commended => self.notices.get(&section).map_or(0, Vec::len),
            _ => self.cases.get(&section).map_or(0, Vec::len),
        }
    }

    /// Open cases that it tells of, each with its number.
    pub(crate) fn told(&self) -> Vec<(u64, Option<u32>)> {
        let open = self.cases.values().flatten().map(|item| item.seen);
        let mut told: Vec<_> = open
            .filter(|seen| seen.is_open())
            .map(|seen| (seen.opened_position, seen.share))
            .collect();
        told.sort_unstable();
        told
    }
}

/// Where a case stands in the digest, and the number last told if that moved; none if there is nothing to tell.
fn section(line: &Line, day: Date, seen: &Seen) -> Option<(Section, Option<u32>)> {
    if !seen.is_open() {
        let is_news = seen.cleared_position > line.through;
        let section = if seen.is_done {
            Section::Done
        } else if seen.is_missing_reports() {
            Section::Reported
        } else {
            Section::Closed
        };
        return is_news.then_some((section, None));
    }
    let told = line.told.get(&seen.opened_position);
    let is_due = told.is_none_or(|told| is_due(told, day));
    if seen.is_missing_reports() {
        return is_due.then_some((Section::Missing, None));
    }
    let Some(told) = told else {
        let is_history = seen.opened_position <= line.begun;
        let section = if is_history {
            Section::Still
        } else {
            Section::New
        };
        return Some((section, None));
    };
    match (told.share, seen.share) {
        (Some(before), Some(now)) if now + NEWS <= before => Some((Section::Worse, Some(before))),
        (Some(before), Some(now)) if now >= before + NEWS => Some((Section::Better, Some(before))),
        _ => is_due.then_some((Section::Still, None)),
    }
}

/// Whether it is time to tell something again.
fn is_due(told: &Told, day: Date) -> bool {
    let step = usize::try_from(told.times.saturating_sub(1)).unwrap_or(usize::MAX);
    let wait = REPEAT_DAYS[step.min(REPEAT_DAYS.len() - 1)];
    (day - told.last).get_days() >= wait
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::CaseKey;

    fn seen(opened: u64, concern: &str, share: Option<u32>) -> Seen {
        let id = format!("268@2023-04-10/eid.activated/central/{concern}");
        Seen {
            key: CaseKey::parse(&id).unwrap(),
            opened_position: opened,
            cleared_position: 0,
            since: "2023-06-01".parse().unwrap(),
            is_done: false,
            is_silenced: false,
            share,
        }
    }

    fn day(day: &str) -> Date {
        day.parse().unwrap()
    }

    fn of(line: &Line, on: &str, seen: &Seen) -> Option<Section> {
        section(line, day(on), seen).map(|(section, _)| section)
    }

    fn told(share: Option<u32>, last: &str, times: u32) -> Told {
        Told {
            share,
            last: day(last),
            times,
        }
    }

    #[test]
    fn what_stays_red_is_told_again_after_one_three_and_then_every_seven_days() {
        let red = seen(9, "lagging", Some(7_000));
        let mut line = Line::default();
        let mut days = Vec::new();
        let mut on = day("2023-06-01");
        for number in 1..=26 {
            if section(&line, on, &red).is_some() {
                days.push(number);
                let times = line.told.get(&9).map_or(0, |told| told.times) + 1;
                line.told
                    .insert(9, told(Some(7_000), &on.to_string(), times));
            }
            on = on.tomorrow().unwrap();
        }
        assert_eq!(days, [1, 2, 5, 12, 19, 26]);
    }

    #[test]
    fn a_moved_number_is_news_and_is_held_against_what_was_last_told() {
        let mut line = Line::default();
        line.told.insert(9, told(Some(7_000), "2023-06-01", 3));
        let section = |share| super::section(&line, day("2023-06-02"), &seen(9, "lagging", share));
        assert_eq!(section(Some(6_900)), Some((Section::Worse, Some(7_000))));
        assert_eq!(section(Some(7_100)), Some((Section::Better, Some(7_000))));
        assert_eq!(section(Some(7_099)), None);
        assert_eq!(section(None), None);
    }

    #[test]
    fn history_is_still_red_and_what_came_later_is_new() {
        let line = Line {
            begun: 10,
            through: 10,
            ..Line::default()
        };
        let on = "2023-06-02";
        assert_eq!(
            of(&line, on, &seen(10, "overdue", None)),
            Some(Section::Still)
        );
        assert_eq!(
            of(&line, on, &seen(11, "overdue", None)),
            Some(Section::New)
        );
        assert_eq!(
            of(&line, on, &seen(11, "silent", None)),
            Some(Section::Missing)
        );
        for (concern, cleared, is_done, expected) in [
            ("overdue", 10, true, None),
            ("overdue", 12, true, Some(Section::Done)),
            ("no_data", 12, true, Some(Section::Done)),
            ("no_data", 12, false, Some(Section::Reported)),
            ("silent", 12, false, Some(Section::Reported)),
            ("lagging", 12, false, Some(Section::Closed)),
        ] {
            let mut seen = seen(3, concern, None);
            (seen.cleared_position, seen.is_done) = (cleared, is_done);
            assert_eq!(of(&line, on, &seen), expected);
        }
    }

    #[test]
    fn what_is_silenced_is_counted_and_not_told_and_comes_back() {
        let mut line = Line::default();
        line.told.insert(1, told(None, "2023-06-01", 1));
        line.told.insert(2, told(None, "2023-06-01", 1));
        let mut all = [1, 2, 3].map(|opened| seen(opened, "overdue", None));
        (all[0].is_silenced, all[2].is_silenced) = (true, true);
        let compose = |all: &[Seen], on: &str| {
            let digest = Digest::compose(&line, day(on), all.iter(), std::iter::empty());
            let told: Vec<u64> = digest.told().iter().map(|(opened, _)| *opened).collect();
            (told, digest.silenced, digest.is_empty())
        };
        assert_eq!(compose(&all, "2023-06-02"), (vec![2], 2, false));
        assert_eq!(
            compose(&all[..1], "2023-06-02"),
            (vec![], 1, true),
            "no mail for it alone"
        );
        (all[0].is_silenced, all[2].is_silenced) = (false, false);
        assert_eq!(compose(&all, "2023-06-09"), (vec![1, 2, 3], 0, false));
    }

    #[test]
    fn a_deadline_under_a_silence_is_counted_and_alone_makes_no_mail() {
        let due = |is_silenced| Due {
            place: seen(1, "overdue", None).key.locality,
            indicator: "eid.activated".parse().unwrap(),
            layer: None,
            days: 3.0,
            is_silenced,
        };
        let both = [due(true), due(false)];
        let compose = |due: &[Due]| {
            let line = Line::default();
            let digest = Digest::compose(&line, Date::MIN, std::iter::empty(), due.iter());
            (
                digest.count(Section::Due),
                digest.silenced,
                digest.is_empty(),
            )
        };
        assert_eq!(compose(&both), (1, 1, false));
        assert_eq!(compose(&both[..1]), (0, 1, true));
    }

    #[test]
    fn a_step_and_a_commendation_are_told_once_whatever_was_told_of_the_case() {
        let notice = |position, is_commendation| Notice {
            position,
            is_commendation,
            said: crate::delivery::words::Both::default(),
        };
        let all = [
            notice(9, false),
            notice(4, false),
            notice(7, true),
            notice(6, false),
        ];
        let at = |through, until| {
            let line = Line {
                through,
                ..Line::default()
            };
            let digest = Digest::default().with_notices(&line, until, all.iter());
            let positions = |section| {
                let notices = digest.notices.get(&section).into_iter().flatten();
                notices.map(|notice| notice.position).collect::<Vec<_>>()
            };
            let told = (positions(Section::Step), positions(Section::Commended));
            assert_eq!(digest.count(Section::Step), told.0.len());
            (told, digest.is_empty())
        };
        assert_eq!(at(4, 8), ((vec![6], vec![7]), false));
        assert_eq!(at(8, 9), ((vec![9], vec![]), false));
        assert_eq!(at(9, 9), ((vec![], vec![]), true));
    }

    #[test]
    fn the_gravest_stands_first() {
        let all = [
            seen(1, "lagging", Some(5_000)),
            seen(2, "overdue", Some(9_000)),
            seen(3, "lagging", Some(4_000)),
        ];
        let digest = Digest::urgent(all.iter());
        let order: Vec<u64> = digest.cases[&Section::New]
            .iter()
            .map(|item| item.seen.opened_position)
            .collect();
        assert_eq!(order, [2, 3, 1]);
        assert_eq!(digest.told().len(), 3);
    }
}
