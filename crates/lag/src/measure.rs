//! Every figure of a judgement, gathered into [`Terms`].

use crate::day::days_between;
use crate::forecast::{Band, Outlook};
use crate::pace::Pace;
use crate::plan::Plan;
use crate::series::Series;
use crate::target::Target;
use crate::verdict::Terms;
use crate::{Question, Report, Rules};

/// The figures, and what `judge` must know that is not a figure.
pub(crate) struct Measurement {
    pub(crate) terms: Terms,
    pub(crate) positions: Vec<u64>,
    pub(crate) target: Option<Target>,
    /// R̂(T) ≤ R\*.
    pub(crate) forecast_met: bool,
    /// N̂lin(T) ≥ N\*.
    pub(crate) linear_met: bool,
    pub(crate) declared_too_early: bool,
}

/// Only what can be reckoned with is a term.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn ratio(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b).and_then(finite)
}

/// Computes every term the question allows.
pub(crate) fn measure(rules: &Rules, question: &Question<'_>) -> Measurement {
    let series = Series::of(question);
    let target = question.quota.and_then(Target::of);
    // The quota's, that of the newest figure, of the first that met the target, and four of the pace.
    let mut positions = Vec::with_capacity(7);
    positions.extend(question.quota.map(|quota| quota.position));
    let mut found = Measurement {
        terms: Terms::default(),
        positions,
        target,
        forecast_met: false,
        linear_met: false,
        declared_too_early: false,
    };
    asked(&mut found.terms, rules, question);
    let newest = series.newest();
    reported(&mut found, question, series);
    if let (Some(newest), Some(target)) = (newest, target) {
        standing(&mut found, question, series, newest, &target);
        paced(&mut found, rules, question, series, newest, &target);
    }
    found.positions.sort_unstable();
    found.positions.dedup();
    found
}

/// What is asked for: target, deadline, declaration.
fn asked(terms: &mut Terms, rules: &Rules, question: &Question<'_>) {
    terms.today = finite(question.today);
    terms.declared = question.declared_completion.and_then(finite);
    terms.average = question
        .peers
        .and_then(|peers| peers.average_share)
        .and_then(finite);
    terms.residuals = question.residuals.iter().filter(|e| !e.is_nan()).count() as u64;
    let Some(quota) = question.quota else { return };
    terms.denominator = finite(quota.denominator);
    terms.target_share = finite(quota.target_share);
    if let Some(target) = Target::of(quota) {
        terms.required = finite(target.required);
        terms.left_allowed = finite(target.allowed);
    }
    terms.deadline = quota.deadline.and_then(finite);
    let due = terms
        .today
        .zip(terms.deadline)
        .and_then(|(from, to)| days_between(from, to));
    terms.due_in_days = due;
    terms.due_step_days = due.filter(|due| *due >= 0.0).and_then(|due| {
        let steps = rules.due_soon_days.iter().map(|step| f64::from(*step));
        steps.filter(|step| *step >= due).min_by(f64::total_cmp)
    });
}

/// What was reported, whatever is asked for.
fn reported(found: &mut Measurement, question: &Question<'_>, series: Series<'_>) {
    let terms = &mut found.terms;
    let newest = series.newest();
    let last = question
        .last_report
        .and_then(finite)
        .or(newest.map(|report| report.at));
    terms.report_age_days = last
        .and_then(|at| finite(question.today - at))
        .map(|a| a.max(0.0));
    let Some(newest) = newest else { return };
    terms.figure_at = Some(newest.at);
    terms.count = Some(newest.count);
    terms.reports = series.len() as u64;
    terms.reports_span_days = series
        .oldest()
        .and_then(|oldest| finite(newest.at - oldest.at));
    found.positions.push(newest.position);
}

/// Where the newest figure stands: against target, plan and average.
fn standing(
    found: &mut Measurement,
    question: &Question<'_>,
    series: Series<'_>,
    newest: &Report,
    target: &Target,
) {
    let terms = &mut found.terms;
    let count = newest.count;
    terms.share = ratio(count, target.denominator);
    terms.missing = finite(target.required - count);
    terms.left = finite(target.left(count));
    terms.average_ratio = terms
        .share
        .zip(question.peers)
        .and_then(|(share, peers)| peers.average_ratio(share));
    if let Some(first) = series.first_of_run(|count| target.is_met(count)) {
        terms.done_at = Some(first.at);
        terms.done_early_days = terms.deadline.and_then(|to| days_between(first.at, to));
        found.positions.push(first.position);
    }
    if let Some((quota, plan)) = question.quota.and_then(|it| Some((it, Plan::of(it)?))) {
        let standing = plan.standing(newest.at, quota.whole(count));
        terms.planned = standing.map(|standing| standing.planned as f64);
        terms.days_behind = standing.and_then(|it| it.days_behind).and_then(finite);
        terms.plan = plan.at(newest.at).and_then(finite);
        terms.plan_share = terms.plan.and_then(|planned| ratio(count, planned));
        terms.plan_gap = terms.plan.and_then(|planned| finite(count - planned));
    }
}

/// Pace, hazard, peers, and from them the forecasts.
fn paced(
    found: &mut Measurement,
    rules: &Rules,
    question: &Question<'_>,
    series: Series<'_>,
    newest: &Report,
    target: &Target,
) {
    let Some(measured) = Pace::measure(rules, series, target) else {
        return;
    };
    let pace = measured.pace;
    let read = measured.positions.into_iter().flatten().flatten();
    found.positions.extend(read);
    let terms = &mut found.terms;
    terms.window_days = finite(pace.window_days);
    terms.completed = finite(pace.completed);
    terms.pace = finite(pace.per_day());
    terms.exposure = finite(pace.exposure);
    terms.hazard_observed = pace.hazard_observed().and_then(finite);
    terms.hazard_parent = question.peers.and_then(|peers| peers.hazard());
    terms.hazard = pace.hazard(rules, question.peers).and_then(finite);
    if let Some(peers) = question.peers
        && pace.window_days >= rules.window_days
    {
        terms.funnel_z = peers.funnel(&pace);
        terms.stall_z = peers.stall(&pace);
    }
    let Some(hazard) = terms.hazard else { return };
    let outlook = Outlook {
        from: newest.at,
        count: newest.count,
        pace: &pace,
        hazard,
        target,
    };
    foreseen(found, rules, question, &outlook);
}

/// The forecasts; for a target already met there is nothing to foresee.
fn foreseen(
    found: &mut Measurement,
    rules: &Rules,
    question: &Question<'_>,
    outlook: &Outlook<'_>,
) {
    let target = outlook.target;
    if target.is_met(outlook.count) {
        return;
    }
    let band = Band::of(rules, question.residuals);
    let terms = &mut found.terms;
    terms.eta = outlook.eta();
    terms.eta_linear = outlook.eta_linear();
    if let Some(declared) = terms.declared {
        found.declared_too_early = outlook.is_too_early(rules, declared, band.as_ref());
    }
    let Some(until) = terms.deadline.filter(|until| *until >= outlook.from) else {
        return;
    };
    terms.hazard_needed = outlook.hazard_needed(until);
    terms.pace_needed = terms
        .missing
        .and_then(|missing| ratio(missing, until - outlook.from));
    terms.burden = terms
        .hazard_needed
        .and_then(|needed| ratio(needed, outlook.hazard));
    terms.forecast = finite(outlook.count(until));
    terms.forecast_share = terms.forecast.and_then(|n| ratio(n, target.denominator));
    terms.forecast_missing = terms.forecast.and_then(|n| finite(target.required - n));
    terms.linear = finite(outlook.linear(until));
    found.forecast_met = outlook.is_met(until);
    found.linear_met = outlook.linear(until) >= target.required;
    if let Some(band) = band {
        let left = outlook.left(until);
        let end = |q: f64| {
            let e = band.quantile(q)?;
            finite(target.ceiling - left * e.exp())
        };
        terms.p_hit = Some(band.hit(left, target.allowed));
        terms.forecast_low = end(1.0 - rules.band_miss / 2.0);
        terms.forecast_high = end(rules.band_miss / 2.0);
    }
}
