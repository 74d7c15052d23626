//! The siblings a locality is compared with.
//!
//! Siblings are the localities of one level under one parent that have a figure of the same indicator.
//! Each stands by the strongest quota it has, or by its own denominator.
//! A sibling whose last figure is stale still counts in the average (a cumulative count does not fall, so its share is a lower bound), but its pace is old and says nothing about today's.
//! Where only percentages are known of some, the average is that of the shares, each weighing the same, and the pace is that of those who published counts.

use domain::{IndicatorCode, LocalityId};
use lag::{Peers, Rules, Standing};
use state::{Reading, Yardstick};

use crate::figures::{Measured, denominator};

/// What is known of the siblings, the judged locality among them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Neighbours {
    pub(crate) peers: Peers,
    /// How many have a figure.
    pub(crate) siblings: u64,
    /// How many of those have not reported for more than twice the cadence.
    pub(crate) stale: u64,
    /// Positions of their newest figures.
    pub(crate) positions: Vec<u64>,
}

/// One sibling as it stands.
struct Sibling {
    yardstick: Yardstick,
    standing: Standing,
    position: u64,
    is_stale: bool,
}

impl Neighbours {
    /// Compares the group; none if fewer than two of it have a figure.
    pub(crate) fn of(
        rules: &Rules,
        reading: &Reading<'_>,
        group: &[LocalityId],
        indicator: &IndicatorCode,
    ) -> Option<Self> {
        let siblings: Vec<Sibling> = group
            .iter()
            .filter_map(|id| sibling(rules, reading, *id, indicator))
            .collect();
        if siblings.len() < 2 {
            return None;
        }
        let stale = siblings.iter().filter(|sibling| sibling.is_stale).count();
        Some(Self {
            peers: peers(rules, &siblings),
            siblings: siblings.len() as u64,
            stale: stale as u64,
            positions: siblings.iter().map(|sibling| sibling.position).collect(),
        })
    }
}

fn sibling(
    rules: &Rules,
    reading: &Reading<'_>,
    id: LocalityId,
    indicator: &IndicatorCode,
) -> Option<Sibling> {
    let today = lag::day(reading.as_of().date(), None);
    let figures = reading.series(id, indicator);
    let quotas = reading.quotas(id, indicator);
    let yardstick = match quotas.first() {
        Some(quota) => Yardstick::of_quota(quota.fact),
        None => Yardstick::of_series(&figures)?,
    };
    let measured = Measured::by(yardstick, &figures);
    let newest = measured.reports.last()?;
    let quota = lag::Quota {
        denominator: denominator(yardstick),
        target_share: 1.0,
        start: None,
        deadline: None,
        milestones: Vec::new(),
        position: newest.position,
    };
    let mut standing = Standing::of(rules, &measured.reports, &quota, today)?;
    let is_stale = today - newest.at > rules.silent_after_days();
    if is_stale {
        standing.pace = None;
    }
    Some(Sibling {
        yardstick,
        standing,
        position: newest.position,
        is_stale,
    })
}

fn peers(rules: &Rules, siblings: &[Sibling]) -> Peers {
    let is_counted = |sibling: &&Sibling| sibling.yardstick != Yardstick::Share;
    let counted: Vec<Standing> = siblings
        .iter()
        .filter(is_counted)
        .map(|sibling| sibling.standing)
        .collect();
    if counted.is_empty() || counted.len() == siblings.len() {
        let all: Vec<Standing> = siblings.iter().map(|sibling| sibling.standing).collect();
        return Peers::of(rules, &all);
    }
    let shares = siblings
        .iter()
        .map(|s| s.standing.count / s.standing.denominator);
    let average = shares.sum::<f64>() / siblings.len() as f64;
    let average_share = average.is_finite().then_some(average);
    Peers {
        average_share,
        ..Peers::of(rules, &counted)
    }
}
