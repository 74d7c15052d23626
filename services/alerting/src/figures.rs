//! Reported figures as the numbers that `lag` judges.
//!
//! [`Yardstick`] says how many units a figure is; here it becomes a number.
//! Numbers made from percentages are never shown as counts: see [`Measured::counted`].

use domain::text::Moment;
use state::{Amount, Numbers, PlanPoint, Yardstick};

/// Figures as reports.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measured {
    /// By moment, one for each.
    pub(crate) reports: Vec<lag::Report>,
    /// Whether every one of them was published as a count.
    pub(crate) counted: bool,
}

impl Measured {
    /// The figures that can be measured by a yardstick.
    pub(crate) fn by(yardstick: Yardstick, figures: &[Numbers<'_>]) -> Self {
        let mut reports = Vec::with_capacity(figures.len());
        // Also without a single figure: units of a share are no people.
        let mut counted = yardstick != Yardstick::Share;
        for figure in figures {
            if let Some(measured) = yardstick.measure_numbers(*figure) {
                counted &= !measured.is_from_percent;
                reports.push(report(*figure, measured.amount));
            }
        }
        Self { reports, counted }
    }

    /// Counts as they were published, for a series that nothing measures.
    pub(crate) fn bare_counts(figures: &[Numbers<'_>]) -> Self {
        let counts = figures.iter().filter_map(|figure| {
            let numerator = figure.count()?.into();
            let divisor = 1;
            Some(report(*figure, Amount { numerator, divisor }))
        });
        Self {
            reports: counts.collect(),
            counted: true,
        }
    }
}

/// A point of a plan as numbers.
pub(crate) fn point(point: PlanPoint) -> (f64, f64) {
    numbers(point.moment, point.amount)
}

/// How many units everybody is.
pub(crate) fn denominator(yardstick: Yardstick) -> f64 {
    yardstick.denominator() as f64
}

fn report(figure: Numbers<'_>, amount: Amount) -> lag::Report {
    let (at, count) = numbers(figure.moment(), amount);
    lag::Report {
        at,
        count,
        position: figure.position(),
    }
}

fn numbers(moment: Moment, amount: Amount) -> (f64, f64) {
    let on = (moment.date(), moment.hour());
    lag::point(on, (amount.numerator, amount.divisor))
}
