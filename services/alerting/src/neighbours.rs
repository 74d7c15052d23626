//! The siblings a locality is compared with.
//!
//! Siblings are the localities of one level under one parent that have a figure of the same indicator.
//! Each stands by the strongest quota it has, or by its own denominator.
//! A sibling whose last figure is stale still counts in the average (a cumulative count does not fall, so its share is a lower bound), but its pace is old and says nothing about today's.
//! Where only percentages are known of some, the average is that of the shares, each weighing the same, and the pace is that of those who published counts.

use lag::{Peers, Rules, Standing};
use state::Yardstick;

use crate::assess::OnRecord;
use crate::figures::denominator;

/// What is known of the siblings, the judged locality among them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Neighbours {
    pub(crate) peers: Peers,
    /// How many have a figure.
    pub(crate) siblings: u64,
    /// How many of those have not reported for more than twice the cadence.
    pub(crate) stale: u64,
}

/// One sibling as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sibling {
    standing: Standing,
    /// Position of its newest figure.
    pub(crate) position: u64,
    /// Whether only its percentages are known.
    is_share: bool,
    is_stale: bool,
}

impl Sibling {
    /// How a series stands on a day; none without a figure that can be measured.
    pub(crate) fn of(rules: &Rules, today: f64, record: &OnRecord<'_>) -> Option<Self> {
        let (yardstick, measured) = record.measured.as_ref()?;
        let newest = measured.reports.last()?;
        let quota = lag::Quota {
            denominator: denominator(*yardstick),
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
        Some(Self {
            standing,
            position: newest.position,
            is_share: *yardstick == Yardstick::Share,
            is_stale,
        })
    }
}

impl Neighbours {
    /// Compares siblings, given by id; none if there are fewer than two.
    pub(crate) fn of(rules: &Rules, siblings: &[Sibling]) -> Option<Self> {
        if siblings.len() < 2 {
            return None;
        }
        let stale = siblings.iter().filter(|sibling| sibling.is_stale).count();
        Some(Self {
            peers: peers(rules, siblings),
            siblings: siblings.len() as u64,
            stale: stale as u64,
        })
    }
}

fn peers(rules: &Rules, siblings: &[Sibling]) -> Peers {
    let counted = siblings.iter().filter(|sibling| !sibling.is_share);
    let counted: Vec<Standing> = counted.map(|sibling| sibling.standing).collect();
    if counted.len() == siblings.len() {
        return Peers::of(rules, &counted);
    }
    if counted.is_empty() {
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
