//! From the figures to a status, with every reason.
//!
//! The rules are asked in the order of [`Basis`]; the first that applies decides.
//!
//! Three choices the model leaves open:
//!
//! - A deadline that passed with N < N\* is RED when the figure is fresh or speaks of a moment
//!   not before the deadline.
//!   If the last report is stale *and* from before the deadline, nobody knows whether the target
//!   was met in the meantime: UNKNOWN, with SILENT and DEADLINE_PASSED; the case to open is the
//!   silence.
//! - DONE wins over an open check too, since a refused figure never gets here; the check is still
//!   among the reasons.
//! - BELOW_AVERAGE is said of every fresh figure, but decides only where neither forecast nor plan
//!   can, and never gives more than AMBER.

use crate::measure::{Measurement, measure};
use crate::verdict::{Basis, Reason, Status, Verdict};
use crate::{Question, Rules};

/// Judges one place, one indicator and one quota.
///
/// Pure and total: any input, including NaN, zero denominators and unsorted reports, gives a
/// verdict without NaN; what cannot be computed is left out and, where it matters, a reason.
/// The work grows with the length of the reports, the forecast looks at the last two windows.
#[must_use]
pub fn judge(rules: &Rules, question: &Question<'_>) -> Verdict {
    let found = measure(rules, question);
    let signs = Signs::of(rules, question, &found);
    let (status, basis) = decide(rules, &found, &signs);
    Verdict {
        status,
        basis,
        reasons: reasons(rules, question, &found, &signs, basis),
        terms: found.terms,
        rules_version: rules.version.clone(),
        positions: found.positions,
    }
}

/// Yes or no, as read from the figures.
struct Signs {
    reported: bool,
    asked: bool,
    done: bool,
    blocked: bool,
    stale: bool,
    /// Today is after the deadline.
    overdue: bool,
    /// The newest figure speaks of a moment not before the deadline.
    beyond: bool,
    early: bool,
    far_below_average: bool,
}

impl Signs {
    fn of(rules: &Rules, question: &Question<'_>, found: &Measurement) -> Signs {
        let terms = &found.terms;
        let after = |a: Option<f64>, b: Option<f64>| a.zip(b).is_some_and(|(a, b)| a > b);
        let met = found
            .target
            .zip(terms.count)
            .is_some_and(|(target, n)| target.is_met(n));
        let stale = terms
            .report_age_days
            .is_some_and(|age| age > rules.silent_after_days());
        let span = terms.reports_span_days.unwrap_or(0.0);
        let below = terms
            .average_ratio
            .is_some_and(|ratio| ratio < rules.average_factor);
        Signs {
            reported: terms.count.is_some(),
            asked: question.quota.is_some() || question.declared_completion.is_some(),
            done: met,
            blocked: question.blocking_finding,
            stale,
            overdue: after(terms.today, terms.deadline),
            beyond: !after(terms.deadline, terms.figure_at),
            early: terms.reports < rules.early_reports as u64 || span < rules.early_days,
            far_below_average: below && !met && !stale && !question.blocking_finding,
        }
    }
}

fn decide(rules: &Rules, found: &Measurement, signs: &Signs) -> (Status, Basis) {
    if !signs.reported {
        let basis = if signs.asked {
            Basis::NoData
        } else {
            Basis::NoQuota
        };
        return (Status::Unknown, basis);
    }
    if found.target.is_none() {
        return (Status::Unknown, Basis::NoQuota);
    }
    // First: a figure that nobody answers for can finish nothing either.
    if signs.blocked {
        return (Status::Unknown, Basis::Check);
    }
    if signs.done {
        return (Status::Done, Basis::Done);
    }
    if signs.overdue && (!signs.stale || signs.beyond) {
        return (Status::Red, Basis::Deadline);
    }
    if signs.stale {
        return (Status::Unknown, Basis::Silence);
    }
    if found.terms.deadline.is_none() {
        return (Status::Unknown, Basis::NoDeadline);
    }
    // Without a forecast (nothing left to measure a window by) the plan has to do as well.
    if signs.early || found.terms.forecast.is_none() {
        return early(rules, found, signs);
    }
    let status = match (found.forecast_met, found.linear_met) {
        (true, _) => Status::Green,
        (false, true) => Status::Amber,
        (false, false) => Status::Red,
    };
    (status, Basis::Hazard)
}

/// Few reports: against the plan only; without a plan against the average.
fn early(rules: &Rules, found: &Measurement, signs: &Signs) -> (Status, Basis) {
    match found.terms.plan_share {
        Some(share) if share < rules.plan_red => (Status::Red, Basis::Plan),
        Some(share) if share < rules.plan_amber => (Status::Amber, Basis::Plan),
        Some(_) => (Status::Early, Basis::Plan),
        None if signs.far_below_average => (Status::Amber, Basis::Average),
        None => (Status::Early, Basis::Early),
    }
}

/// Every reason that applies, in the order of [`Reason`].
fn reasons(
    rules: &Rules,
    question: &Question<'_>,
    found: &Measurement,
    signs: &Signs,
    basis: Basis,
) -> Vec<Reason> {
    let terms = &found.terms;
    let open = !signs.done;
    let fresh = signs.reported && open && !signs.stale && !signs.blocked;
    let quota = question.quota.is_some();
    let below = |z: Option<f64>, bound: f64| z.is_some_and(|z| z < bound);
    let short = match basis {
        Basis::Hazard => !found.forecast_met,
        Basis::Deadline => true,
        _ => false,
    };
    let over = found
        .target
        .zip(terms.count)
        .is_some_and(|(target, n)| n > target.denominator);
    let applies = [
        (Reason::NoQuota, !quota),
        (Reason::NoDenominator, quota && found.target.is_none()),
        (Reason::NoData, !signs.reported),
        (Reason::CheckOpen, signs.blocked),
        (Reason::Silent, signs.reported && signs.stale),
        (Reason::DeadlinePassed, open && signs.overdue),
        (Reason::NoDeadline, quota && terms.deadline.is_none()),
        (
            Reason::DueSoon,
            open && !signs.overdue && terms.due_step_days.is_some(),
        ),
        (Reason::ShortOfTarget, short),
        (
            Reason::BehindPlan,
            fresh && below(terms.plan_share, rules.plan_amber),
        ),
        (Reason::BelowAverage, signs.far_below_average),
        (
            Reason::Stalled,
            fresh && below(terms.stall_z, rules.stall_z),
        ),
        (
            Reason::SlowAgainstPeers,
            fresh && below(terms.funnel_z, rules.funnel_z),
        ),
        (
            Reason::DeclaredTooEarly,
            fresh && !signs.early && found.declared_too_early,
        ),
        (Reason::FewReports, signs.reported && open && signs.early),
        (
            Reason::NoBand,
            basis == Basis::Hazard && terms.p_hit.is_none(),
        ),
        (Reason::OverDenominator, over),
    ];
    applies
        .into_iter()
        .filter_map(|(reason, yes)| yes.then_some(reason))
        .collect()
}
