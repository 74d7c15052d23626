//! What a verdict raises for a case.

use serde::{Deserialize, Serialize};

use crate::verdict::{Basis, Reason, Status, Verdict};

/// A cause for a case of a place and an indicator; each has its own [`crate::Ladder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Concern {
    /// The deadline passed with N < N\*.
    Overdue,
    /// Will miss the target by the forecast, or is far behind its plan.
    Lagging,
    /// Asked for and never reported.
    NoData,
    /// Reports have stopped.
    Silent,
    /// Far below the average, where no forecast can tell.
    BelowAverage,
}

impl Concern {
    /// Every concern, in the order in which [`concern`] looks for them.
    pub const ALL: [Concern; 5] = [
        Concern::Overdue,
        Concern::Lagging,
        Concern::NoData,
        Concern::Silent,
        Concern::BelowAverage,
    ];

    /// The stable name, as serialised.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Concern::Overdue => "OVERDUE",
            Concern::Lagging => "LAGGING",
            Concern::NoData => "NO_DATA",
            Concern::Silent => "SILENT",
            Concern::BelowAverage => "BELOW_AVERAGE",
        }
    }
}

/// Whether a verdict raises this concern.
///
/// Several may hold at once (overdue and silent); [`concern`] names the first.
#[must_use]
pub fn holds(concern: Concern, verdict: &Verdict) -> bool {
    match concern {
        Concern::Overdue => verdict.basis == Basis::Deadline,
        Concern::Lagging => verdict.status == Status::Red && verdict.basis != Basis::Deadline,
        Concern::NoData => verdict.basis == Basis::NoData,
        Concern::Silent => {
            verdict.has(Reason::Silent) && !matches!(verdict.basis, Basis::NoQuota | Basis::Done)
        }
        Concern::BelowAverage => {
            let compared = [Basis::Average, Basis::Plan, Basis::NoDeadline];
            verdict.has(Reason::BelowAverage) && compared.contains(&verdict.basis)
        }
    }
}

/// The concern a verdict raises, the gravest where several hold; `None` when there is no cause.
#[must_use]
pub fn concern(verdict: &Verdict) -> Option<Concern> {
    Concern::ALL
        .into_iter()
        .find(|concern| holds(*concern, verdict))
}
