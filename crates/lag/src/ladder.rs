//! When a case opens and clears.
//!
//! A case that rests on a forecast opens after two consecutive *reports* that speak for it and
//! clears after two that speak against it; a report is known by its position, so judging the same
//! report again changes nothing.
//! A case that rests on a fact (a deadline, silence, a plan, an average) opens when the fact holds
//! and clears when it no longer does.
//! Whatever cannot be judged freezes: no case clears on missing data. DONE clears at once.

use serde::{Deserialize, Serialize};

use crate::Rules;
use crate::concern::{Concern, holds};
use crate::verdict::{Basis, Reason, Status, Verdict};

/// A change of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Transition {
    /// The case opened.
    Opened,
    /// The case cleared.
    Cleared,
}

/// The state of one case: one place, one indicator, one quota layer, one concern.
///
/// Small and serialisable, so that it can be kept and replayed: the same verdicts in the same
/// order give the same states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    concern: Concern,
    open: bool,
    /// Consecutive reports that spoke for opening.
    against: u32,
    /// Consecutive reports that spoke for clearing.
    favour: u32,
    /// The position of the last report that was counted or that changed the case.
    counted: Option<u64>,
}

/// What a verdict says about a concern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// Holds, as a fact.
    Yes,
    /// Does not hold, as a fact.
    No,
    /// Cannot be told now.
    Mute,
    /// A forecast speaks for opening.
    Against,
    /// A forecast speaks for clearing.
    Favour,
    /// A forecast speaks for neither.
    Between,
}

impl Ladder {
    /// A closed case.
    #[must_use]
    pub fn new(concern: Concern) -> Ladder {
        Ladder {
            concern,
            open: false,
            against: 0,
            favour: 0,
            counted: None,
        }
    }

    /// The concern this case is about.
    #[must_use]
    pub fn concern(&self) -> Concern {
        self.concern
    }

    /// Whether the case is open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Takes one verdict; `newest_report` is the position of the newest report it was judged by,
    /// `None` without any.
    ///
    /// Returns at most one change, and for a lagging case at most one per report unless it is
    /// DONE.
    pub fn step(
        &mut self,
        rules: &Rules,
        verdict: &Verdict,
        newest_report: Option<u64>,
    ) -> Option<Transition> {
        if verdict.status == Status::Done {
            return self.turn(false, newest_report);
        }
        let voice = voice(self.concern, rules, verdict);
        let is_new = newest_report > self.counted;
        match voice {
            Voice::Mute => None,
            Voice::Yes | Voice::No if self.concern == Concern::Lagging && !is_new => None,
            Voice::Yes => self.turn(true, newest_report),
            Voice::No => self.turn(false, newest_report),
            Voice::Against | Voice::Favour | Voice::Between if !is_new => None,
            Voice::Against | Voice::Favour | Voice::Between => {
                self.count(rules, voice, newest_report)
            }
        }
    }

    /// Counts one report of a forecast.
    fn count(&mut self, rules: &Rules, voice: Voice, report: Option<u64>) -> Option<Transition> {
        self.counted = report;
        self.against = if voice == Voice::Against {
            self.against.saturating_add(1)
        } else {
            0
        };
        self.favour = if voice == Voice::Favour {
            self.favour.saturating_add(1)
        } else {
            0
        };
        let enough = rules.consecutive.max(1);
        if !self.open && self.against >= enough {
            return self.turn(true, report);
        }
        if self.open && self.favour >= enough {
            return self.turn(false, report);
        }
        None
    }

    /// Opens or clears, if that is a change.
    fn turn(&mut self, open: bool, report: Option<u64>) -> Option<Transition> {
        if self.open == open {
            // A fact that confirms the state ends a streak of forecasts for the other one.
            self.against = 0;
            self.favour = 0;
            return None;
        }
        *self = Ladder {
            open,
            counted: report.max(self.counted),
            ..Ladder::new(self.concern)
        };
        Some(if open {
            Transition::Opened
        } else {
            Transition::Cleared
        })
    }
}

fn voice(concern: Concern, rules: &Rules, verdict: &Verdict) -> Voice {
    let fact = if holds(concern, verdict) {
        Voice::Yes
    } else {
        Voice::No
    };
    let unknown = verdict.status == Status::Unknown;
    match concern {
        Concern::Lagging => match verdict.basis {
            Basis::Hazard => forecast(rules, verdict),
            Basis::Plan => fact,
            // Overdue takes over; a lagging case stays until the work is done.
            _ => Voice::Mute,
        },
        // A deadline moved into the future is no missing data: the case clears.
        Concern::Overdue if unknown && verdict.has(Reason::DeadlinePassed) => Voice::Mute,
        Concern::BelowAverage if unknown && verdict.basis != Basis::NoDeadline => Voice::Mute,
        Concern::BelowAverage if verdict.terms.average_ratio.is_none() => Voice::Mute,
        Concern::Overdue | Concern::Silent | Concern::NoData | Concern::BelowAverage => fact,
    }
}

/// By the probability to hit; without it by the forecasts themselves.
fn forecast(rules: &Rules, verdict: &Verdict) -> Voice {
    match (verdict.terms.p_hit, verdict.status) {
        (Some(p), _) if p < rules.p_open => Voice::Against,
        (Some(p), _) if p > rules.p_clear => Voice::Favour,
        (None, Status::Red) => Voice::Against,
        (None, Status::Green) => Voice::Favour,
        _ => Voice::Between,
    }
}
