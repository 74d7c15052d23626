//! Rules of judgement.

use std::collections::BTreeSet;

use domain::event::{
    self as d, Body, DAYS_MAX, DUE_SOON_MAX, JUDGED_INDICATORS_MAX, REPORTS_MAX, Range, STEPS_MAX,
};
use domain::text::Decimal;
use domain::{Level, Reason};

use super::{At, Reference};
use crate::event::fields::Fields;
use crate::v1 as w;

const LEVELS: [Level; 3] = [Level::Province, Level::District, Level::Commune];

pub(super) fn rules_adopted(f: &mut Fields<'_>, m: &w::RulesAdopted, _: At<'_>) -> Option<Body> {
    let version = f.code("version", &m.version);
    let reason = f.text("reason", &m.reason);
    let thresholds = match &m.thresholds {
        None => f.refuse("thresholds", Reason::Required, "must be set"),
        Some(m) => thresholds(&mut f.below("thresholds"), m),
    };
    let judged = judged(
        &mut f.below("judged"),
        &m.judged.clone().unwrap_or_default(),
    );
    let steps = steps(f, &m.steps);
    let rules = d::RulesAdopted {
        version: version?,
        reason: reason?,
        thresholds: thresholds?,
        judged: judged?,
        steps: steps?,
    };
    f.refer("version", &Reference::RulesVersion(&rules));
    f.refer("thresholds", &Reference::Thresholds(&rules));
    Some(Body::RulesAdopted(rules))
}

fn thresholds(f: &mut Fields<'_>, m: &w::Thresholds) -> Option<d::Thresholds> {
    let window_days = decimal(f, "window_days", &m.window_days, Range::AboveZero);
    let beta = decimal(f, "beta", &m.beta, Range::FromZero);
    let average_factor = decimal(f, "average_factor", &m.average_factor, Range::Share);
    let early_reports = count(f, "early_reports", m.early_reports, 0..=REPORTS_MAX);
    let early_days = decimal(f, "early_days", &m.early_days, Range::FromZero);
    let plan_red = decimal(f, "plan_red", &m.plan_red, Range::Share);
    let plan_amber = decimal(f, "plan_amber", &m.plan_amber, Range::Share);
    not_below(f, "plan_amber", plan_amber, ("plan_red", plan_red));
    let cadence_days = decimal(f, "cadence_days", &m.cadence_days, Range::AboveZero);
    let p_open = decimal(f, "p_open", &m.p_open, Range::Share);
    let p_clear = decimal(f, "p_clear", &m.p_clear, Range::Share);
    not_below(f, "p_clear", p_clear, ("p_open", p_open));
    let consecutive = count(f, "consecutive", m.consecutive, 1..=REPORTS_MAX);
    let residuals_min = count(f, "residuals_min", m.residuals_min, 0..=REPORTS_MAX);
    let band_miss = decimal(f, "band_miss", &m.band_miss, Range::Share);
    let due_soon_days = due_soon_days(f, &m.due_soon_days);
    let stall_z = decimal(f, "stall_z", &m.stall_z, Range::Any);
    let funnel_z = decimal(f, "funnel_z", &m.funnel_z, Range::Any);
    let quantile = decimal(f, "declared_quantile", &m.declared_quantile, Range::Share);
    Some(d::Thresholds {
        window_days: window_days?,
        beta: beta?,
        average_factor: average_factor?,
        early_reports: early_reports?,
        early_days: early_days?,
        plan_red: plan_red?,
        plan_amber: plan_amber?,
        cadence_days: cadence_days?,
        p_open: p_open?,
        p_clear: p_clear?,
        consecutive: consecutive?,
        residuals_min: residuals_min?,
        band_miss: band_miss?,
        due_soon_days: due_soon_days?,
        stall_z: stall_z?,
        funnel_z: funnel_z?,
        declared_quantile: quantile?,
    })
}

fn decimal(f: &mut Fields<'_>, field: &str, raw: &str, range: Range) -> Option<Decimal> {
    let number: Decimal = match raw.trim() {
        "" => return f.refuse(field, Reason::Required, "must be set"),
        raw => match raw.parse() {
            Ok(number) => number,
            Err(error) => {
                let detail = format!("{error}");
                return f.refuse(field, Reason::NumberFormat, detail);
            }
        },
    };
    if f.resolver.trusted() || range.holds(number) {
        return Some(number);
    }
    let detail = format!("{number} is out of range; it must be {range}");
    f.refuse(field, Reason::ThresholdRange, detail)
}

fn count(
    f: &mut Fields<'_>,
    field: &str,
    number: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Option<u32> {
    if f.resolver.trusted() || range.contains(&number) {
        return Some(number);
    }
    let (least, most) = range.into_inner();
    let detail = format!("{number} is out of range; it must be from {least} to {most}");
    f.refuse(field, Reason::ThresholdRange, detail)
}

/// Notes it if a threshold is below another.
fn not_below(
    f: &mut Fields<'_>,
    field: &str,
    number: Option<Decimal>,
    (other, least): (&str, Option<Decimal>),
) {
    if let (Some(number), Some(least), false) = (number, least, f.resolver.trusted())
        && number < least
    {
        let detail = format!("{number} is below {other}, which is {least}");
        f.refuse::<()>(field, Reason::ThresholdRange, detail);
    }
}

fn due_soon_days(f: &mut Fields<'_>, raw: &[u32]) -> Option<Vec<u32>> {
    at_most(f, "due_soon_days", raw.len(), DUE_SOON_MAX)?;
    let days = raw.iter().enumerate();
    let days = days.map(|(i, days)| count(f, &format!("due_soon_days[{i}]"), *days, 0..=DAYS_MAX));
    let days: Vec<Option<u32>> = days.collect();
    days.into_iter().collect()
}

fn judged(f: &mut Fields<'_>, m: &w::JudgedSeries) -> Option<d::Judged> {
    at_most(f, "indicators", m.indicators.len(), JUDGED_INDICATORS_MAX)?;
    let read = |(i, raw): (usize, &String)| f.indicator(&format!("indicators[{i}]"), raw);
    let indicators: Vec<_> = m.indicators.iter().enumerate().map(read).collect();
    let indicators: Option<Vec<_>> = indicators.into_iter().collect();
    let indicators = indicators.and_then(|indicators| once(f, "indicators", indicators));
    let levels = terms(f, "levels", &m.levels, &LEVELS);
    let layers = terms(f, "layers", &m.layers, d::QuotaLayer::ALL);
    Some(d::Judged {
        indicators: indicators?,
        levels: levels?,
        layers: layers?,
    })
}

/// Terms, each once.
fn terms<T: Copy + Ord>(f: &mut Fields<'_>, field: &str, raw: &[i32], all: &[T]) -> Option<Vec<T>> {
    let read = |(i, number): (usize, &i32)| f.term(&format!("{field}[{i}]"), *number, all);
    // More of them than there are is told once, as a repetition, and not one by one.
    let terms: Vec<Option<T>> = raw
        .iter()
        .enumerate()
        .take(all.len() + 1)
        .map(read)
        .collect();
    let terms: Option<Vec<T>> = terms.into_iter().collect();
    once(f, field, terms?)
}

fn once<T: Ord>(f: &mut Fields<'_>, field: &str, things: Vec<T>) -> Option<Vec<T>> {
    let different = things.iter().collect::<BTreeSet<_>>().len();
    if f.resolver.trusted() || different == things.len() {
        return Some(things);
    }
    f.refuse(
        field,
        Reason::TextFormat,
        "names something twice; each is named once",
    )
}

fn at_most(f: &mut Fields<'_>, field: &str, count: usize, most: usize) -> Option<()> {
    if f.resolver.trusted() || count <= most {
        return Some(());
    }
    let detail = format!("{count} entries, at most {most} are kept");
    f.refuse(field, Reason::TextFormat, detail)
}

fn steps(f: &mut Fields<'_>, raw: &[w::LadderStep]) -> Option<Vec<d::Step>> {
    if raw.is_empty() {
        return f.refuse("steps", Reason::Required, "must name at least one");
    }
    at_most(f, "steps", raw.len(), STEPS_MAX)?;
    let steps: Vec<Option<d::Step>> = raw
        .iter()
        .zip(1..)
        .map(|(m, number)| {
            let field = format!("steps[{}]", number - 1);
            step(&mut f.below(&field), m, number)
        })
        .collect();
    steps.into_iter().collect()
}

fn step(f: &mut Fields<'_>, m: &w::LadderStep, number: u32) -> Option<d::Step> {
    if m.number != number && !f.resolver.trusted() {
        let detail = format!(
            "is {}, where {number} comes next; steps are numbered from 1 without gaps",
            m.number
        );
        f.refuse::<()>("number", Reason::StepOrder, detail);
    }
    let name = f.name("name", m.name.as_ref());
    let after_days = count(f, "after_days", m.after_days, 0..=DAYS_MAX);
    let reply_days = count(f, "reply_days", m.reply_days, 0..=DAYS_MAX);
    if m.tells.is_empty() {
        f.refuse::<()>("tells", Reason::Required, "must name at least one");
    }
    let tells = terms(f, "tells", &m.tells, d::Recipient::ALL);
    let unit_alone = tells.as_deref() == Some(&[d::Recipient::Unit]);
    let is_read = after_days.is_some() && tells.as_ref().is_some_and(|tells| !tells.is_empty());
    if number == 1 && is_read && !(after_days == Some(0) && unit_alone) && !f.resolver.trusted() {
        let detail =
            "the first step is told when a case opens: after_days 0, and it tells the unit alone";
        f.refuse::<()>("after_days", Reason::StepOrder, detail);
    }
    if number > 1 && after_days == Some(0) && !f.resolver.trusted() {
        let detail = "is 0, but a case takes one step a day at most";
        f.refuse::<()>("after_days", Reason::StepOrder, detail);
    }
    Some(d::Step {
        number: m.number,
        name: name?,
        after_days: after_days?,
        reply_days: reply_days?,
        tells: tells?,
    })
}
