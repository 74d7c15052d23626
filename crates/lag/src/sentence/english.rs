//! The English wording.

use super::{Due, Writer};
use crate::verdict::{Basis, Reason, Status};

const POINTS: &str = "percentage points";

pub(super) fn write(w: &Writer<'_>) -> String {
    let (place, indicator) = (w.facts.place_en, w.facts.indicator_en);
    match w.verdict.basis {
        Basis::NoData => {
            format!(
                "{place} has never reported on {indicator}; {}, so it cannot be judged.",
                due(w)
            )
        }
        Basis::Silence => silence(w),
        Basis::NoQuota => format!("{place}, {indicator}: {}", no_quota(w)),
        Basis::Done => format!("{place}, {indicator}: {}", done(w)),
        Basis::Check => format!(
            "{place}, {indicator}: the figure to {} ({}) awaits verification, so it is not judged.",
            w.at(),
            w.figure()
        ),
        Basis::Deadline => format!("{place}, {indicator}: {}", deadline(w)),
        Basis::NoDeadline => format!("{place}, {indicator}: {}", no_deadline(w)),
        Basis::Plan => format!("{place}, {indicator}: {}", plan(w)),
        Basis::Average => format!(
            "{place}, {indicator}: {} by {}{}; too few reports to forecast whether {} will be met.",
            w.figure(),
            w.at(),
            below_average(w),
            w.deadline()
        ),
        Basis::Early => format!(
            "{place}, {indicator}: {} by {}; {}, too few to forecast whether {} will be met.",
            w.figure(),
            w.at(),
            reports(w),
            w.deadline()
        ),
        Basis::Hazard => format!("{place}, {indicator}: {}", hazard(w)),
    }
}

fn days(w: &Writer<'_>, days: f64) -> String {
    let unit = if days == 1.0 { "day" } else { "days" };
    format!("{} {unit}", w.language.count(days))
}

fn reports(w: &Writer<'_>) -> String {
    match w.terms.reports {
        1 => "1 report so far".to_owned(),
        many => format!("{many} reports so far"),
    }
}

fn due(w: &Writer<'_>) -> String {
    let deadline = w.deadline();
    match w.due() {
        Due::None => "no deadline is set".to_owned(),
        Due::In(left) => format!("the deadline of {deadline} is {} away", days(w, left)),
        Due::Today => format!("the deadline of {deadline} is today"),
        Due::Past(past) => format!("the deadline of {deadline} passed {} ago", days(w, past)),
    }
}

fn window(w: &Writer<'_>) -> String {
    match w.terms.window_days {
        Some(14.0) => "the last two weeks".to_owned(),
        Some(7.0) => "the last week".to_owned(),
        window => format!("the last {}", days(w, window.unwrap_or(0.0).round())),
    }
}

fn left(w: &Writer<'_>) -> String {
    w.noun().map_or_else(
        || "what is left".to_owned(),
        |noun| format!("the remaining {noun}"),
    )
}

fn silence(w: &Writer<'_>) -> String {
    let (place, indicator) = (w.facts.place_en, w.facts.indicator_en);
    let (date, age) = w.last_report();
    format!(
        "{place} has not reported on {indicator} since {date} ({}); the last figure was {}, {}, so \
         it cannot be judged.",
        days(w, age),
        w.figure(),
        due(w)
    )
}

fn no_quota(w: &Writer<'_>) -> String {
    if w.terms.count.is_none() {
        return "no target and no figures.".to_owned();
    }
    if w.verdict.has(Reason::NoDenominator) {
        return "the target's denominator is not valid, so it cannot be judged.".to_owned();
    }
    let Some(noun) = w.noun() else {
        return "no target is set, so it cannot be judged.".to_owned();
    };
    let count = w.number(w.terms.count);
    format!(
        "{count} {noun} by {}; no target is set, so it cannot be judged.",
        w.at()
    )
}

fn done(w: &Writer<'_>) -> String {
    let against = match w.terms.done_early_days {
        None => String::new(),
        Some(0.0) => format!(", on the deadline of {}", w.deadline()),
        Some(early) => {
            let word = if early > 0.0 { "ahead of" } else { "after" };
            format!(
                ", {} {word} the deadline of {}",
                days(w, early.abs()),
                w.deadline()
            )
        }
    };
    format!(
        "completed on {}{against} ({}).",
        w.date(w.terms.done_at),
        w.figure()
    )
}

fn deadline(w: &Writer<'_>) -> String {
    let passed = match w.due() {
        Due::Past(past) => format!("{} past the deadline of {}", days(w, past), w.deadline()),
        _ => format!("past the deadline of {}", w.deadline()),
    };
    let (figure, at, target) = (w.figure(), w.at(), w.target());
    let missing = w.shortfall(w.terms.missing, POINTS);
    let eta = w.eta_ahead().map_or_else(String::new, |eta| {
        format!(" At the present pace {target} is reached about {eta}.")
    });
    format!("{passed}, only {figure} by {at}, {missing} short of {target}.{eta}")
}

fn no_deadline(w: &Writer<'_>) -> String {
    format!(
        "{} by {}{}; the target of {} has no deadline, so it cannot be judged.",
        w.figure(),
        w.at(),
        below_average(w),
        w.target()
    )
}

fn below_average(w: &Writer<'_>) -> String {
    if !w.verdict.has(Reason::BelowAverage) {
        return String::new();
    }
    format!(", far below the average of {}", w.percent(w.terms.average))
}

fn plan(w: &Writer<'_>) -> String {
    let (figure, at, planned) = (w.figure(), w.at(), w.planned());
    let until = w.deadline();
    if w.verdict.status == Status::Early {
        return format!(
            "{figure} by {at}, keeping to the plan ({planned}){}; {}, too few to forecast for \
             {until}.",
            below_average(w),
            reports(w)
        );
    }
    let late = w
        .terms
        .days_behind
        .filter(|late| *late >= 0.5)
        .map_or_else(String::new, |late| {
            format!(", about {} behind", days(w, late.round()))
        });
    let risk = if w.verdict.status == Status::Red {
        "at risk of missing"
    } else {
        "must speed up to meet"
    };
    format!("{figure} by {at} where the plan asks for {planned}{late}; {risk} {until}.")
}

fn hazard(w: &Writer<'_>) -> String {
    let (until, target) = (w.deadline(), w.target());
    if w.terms.hazard_needed.is_none() {
        let missing = w.shortfall(w.terms.missing, POINTS);
        return format!(
            "only {} at the deadline of {until}, {missing} short.",
            w.figure()
        );
    }
    let (left, window) = (left(w), window(w));
    let (needed, observed) = (
        w.weekly(w.terms.hazard_needed),
        w.weekly(w.terms.hazard_observed),
    );
    let pace = format!(
        "must finish {needed} of {left} each week to meet {until}; {window} gave {observed}."
    );
    let forecast = format!(
        "Forecast for {until}: {}",
        w.percent(w.terms.forecast_share)
    );
    let missing = w.shortfall(w.terms.forecast_missing, POINTS);
    let eta = w.eta().map_or_else(
        || format!("no day in sight for {target}"),
        |eta| format!("{target} about {eta}"),
    );
    match w.verdict.status {
        Status::Green => format!("on course; {pace} {forecast}; {eta}."),
        Status::Amber => format!(
            "{pace} {forecast}, {missing} short; met only by keeping up the {} a day of {window}.",
            w.shortfall(w.terms.pace, POINTS)
        ),
        _ => format!("{pace} {forecast}, {missing} short; {eta}."),
    }
}
