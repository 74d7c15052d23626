//! Reported figures as the numbers that `lag` judges.
//!
//! A count is taken as it is.
//! A figure of which only the percentage was published becomes `percent · D`; a quota that is itself a percentage (nobody published its people) is judged in ten-thousandths, so that 83,8 % is 8,380 of 10,000.
//! Numbers made from percentages are never shown as counts: see [`Measured::counted`].

use state::{FigureEntry, FigureRef};

/// D of a series known only in percent: a hundredth of a percentage point is one.
pub(crate) const SHARE_DENOMINATOR: f64 = 10_000.0;

/// Kind of the denominator of a quota that is itself a percentage.
const PERCENT: &str = "percent";

/// What figures are measured against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Yardstick {
    /// Counts of so many people or things.
    Count(f64),
    /// Shares only.
    Share,
}

/// Figures as reports.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// By moment, one for each.
    pub(crate) reports: Vec<lag::Report>,
    /// Whether every one of them was published as a count.
    pub(crate) counted: bool,
}

impl Yardstick {
    /// The yardstick of a quota.
    pub(crate) fn of_quota(quota: &domain::event::QuotaAssigned) -> Self {
        if quota.denominator.kind == PERCENT {
            Self::Share
        } else {
            Self::Count(quota.denominator.value as f64)
        }
    }

    /// The yardstick a series brings itself; none if it says of no figure what it is a share of.
    pub(crate) fn of_series(figures: &[FigureEntry<'_>]) -> Option<Self> {
        let newest = figures.last()?.figure;
        let counted = figures.iter().all(|entry| entry.figure.value.is_some());
        match newest.denominator {
            Some(against) if counted => Some(Self::Count(against.value as f64)),
            _ => share(&newest).map(|_| Self::Share),
        }
    }

    /// D.
    pub(crate) fn denominator(self) -> f64 {
        match self {
            Self::Count(denominator) => denominator,
            Self::Share => SHARE_DENOMINATOR,
        }
    }

    /// The figures that can be measured by it.
    pub(crate) fn measure(self, figures: &[FigureEntry<'_>]) -> Measured {
        let mut measured = Measured {
            reports: Vec::with_capacity(figures.len()),
            counted: true,
        };
        for entry in figures {
            let Some((count, counted)) = self.count(&entry.figure) else {
                continue;
            };
            measured.counted &= counted;
            measured.reports.push(report(entry, count));
        }
        measured
    }

    fn count(self, figure: &FigureRef<'_>) -> Option<(f64, bool)> {
        match (self, figure.value) {
            (Self::Count(_), Some(count)) => Some((count.value as f64, true)),
            (Self::Count(denominator), None) => {
                let percent = figure.percent?;
                Some((
                    f64::from(percent.hundredths()) / 10_000.0 * denominator,
                    false,
                ))
            }
            (Self::Share, _) => Some((share(figure)?, false)),
        }
    }
}

/// Counts as they were published, for a series that nothing measures.
pub(crate) fn bare_counts(figures: &[FigureEntry<'_>]) -> Measured {
    let counts = figures.iter().filter_map(|entry| {
        let count = entry.figure.value?;
        Some(report(entry, count.value as f64))
    });
    Measured {
        reports: counts.collect(),
        counted: true,
    }
}

/// A share in ten-thousandths: the computed one, not rounded, else the printed one.
fn share(figure: &FigureRef<'_>) -> Option<f64> {
    match (figure.value, figure.denominator) {
        (Some(count), Some(against)) if against.value > 0 => {
            Some(count.value as f64 / against.value as f64 * SHARE_DENOMINATOR)
        }
        _ => figure
            .percent
            .map(|percent| f64::from(percent.hundredths())),
    }
}

fn report(entry: &FigureEntry<'_>, count: f64) -> lag::Report {
    let moment = entry.recorded.effective;
    lag::Report {
        at: lag::day(moment.date(), Some(moment.hour())),
        count,
        position: entry.recorded.position,
    }
}
