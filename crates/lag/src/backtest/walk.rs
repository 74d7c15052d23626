//! What was known on a day: paces, peers, hazards.

use super::{Figure, Past, quota};
use crate::pace::Pace;
use crate::{Peers, Report, Rules, Standing};

/// A place as it was known.
pub(super) struct Known<'a> {
    /// Its newest figure.
    pub(super) newest: &'a Figure,
    /// Its counts since the last bound by the denominator of the newest, or the newest alone; a
    /// position is the order among all, from 1.
    pub(super) reports: Vec<Report>,
    /// Its last window; none where it is stale, or where a bound stands for the count.
    pub(super) pace: Option<Pace>,
}

/// Every place as it was known on a day, and its siblings together.
pub(super) struct Day<'a> {
    /// `None` before the first figure.
    pub(super) places: Vec<Option<Known<'a>>>,
    peers: Vec<Option<Peers>>,
    family: Vec<usize>,
}

impl<'a> Day<'a> {
    /// Everything as known at a moment.
    pub(super) fn of(rules: &Rules, past: &'a Past, today: f64) -> Day<'a> {
        let (mut places, mut standings) = (Vec::new(), Vec::new());
        for place in &past.places {
            let found = known(rules, place.until(today), today);
            let (known, standing) = found.unzip();
            places.push(known);
            standings.push(standing);
        }
        let mut family = Vec::with_capacity(places.len());
        let mut peers = Vec::with_capacity(past.families.len());
        for (index, range) in past.families.iter().enumerate() {
            family.resize(range.end, index);
            let siblings = standings.get(range.clone()).unwrap_or(&[]);
            let siblings: Vec<Standing> = siblings.iter().copied().flatten().collect();
            // Nobody is his own peer; alerting holds it the same way.
            peers.push((siblings.len() >= 2).then(|| Peers::of(rules, &siblings)));
        }
        Day {
            places,
            peers,
            family,
        }
    }

    /// What is known of the siblings of a place.
    pub(super) fn peers(&self, place: usize) -> Option<&Peers> {
        let family = *self.family.get(place)?;
        self.peers.get(family)?.as_ref()
    }
}

fn known<'a>(rules: &Rules, figures: &'a [Figure], today: f64) -> Option<(Known<'a>, Standing)> {
    let newest = figures.last()?;
    let count = |figure: &Figure| {
        // Not share · D for the newest itself: its count stays whole.
        let scale = newest.denominator / figure.denominator;
        if figure.denominator == newest.denominator {
            figure.count
        } else {
            figure.count * scale
        }
    };
    // A count read from "more than 95 %" would be a pace that nobody reported.
    let earlier = figures.iter().rev().skip(1);
    let exact = earlier
        .take_while(|f| !f.is_bound && !newest.is_bound)
        .count()
        + 1;
    let reports: Vec<Report> = figures
        .iter()
        .zip(1..)
        .skip(figures.len() - exact)
        .map(|(figure, position)| Report {
            at: figure.at,
            count: count(figure),
            position,
        })
        .collect();
    let everybody = quota(newest.denominator, 1.0, None);
    let mut standing = Standing::of(rules, &reports, &everybody, today)?;
    if newest.is_bound || today - newest.at > rules.silent_after_days() {
        standing.pace = None;
    }
    let pace = standing.pace;
    let known = Known {
        newest,
        reports,
        pace,
    };
    Some((known, standing))
}
