//! Figures: quotas, reports, corrections, declared completion, judgements in public.

use domain::event::{self as d, Body};
use domain::text::Percent;
use domain::{Check, IndicatorCode, LocalityId, Reason};
use jiff::civil::Date;

use super::{At, Reference};
use crate::event::fields::Fields;
use crate::event::view;
use crate::v1 as w;

pub(super) fn quota_assigned(f: &mut Fields<'_>, m: &w::QuotaAssigned, at: At<'_>) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let layer = f.term("layer", m.layer, d::QuotaLayer::ALL);
    let denominator = f.denominator("denominator", m.denominator.as_ref());
    if m.denominator.is_none() {
        f.refuse::<()>(
            "denominator",
            Reason::Required,
            "must say how many there are to reach",
        );
    }
    let target = f.percent("target_percent", &m.target_percent);
    let start = f.optional_date("start", &m.start);
    let deadline = f.optional_date("deadline", &m.deadline);
    f.in_order("deadline", start.flatten(), deadline.flatten());
    let milestones = milestones(f, &m.milestones);
    if let (Some(milestones), false) = (&milestones, f.resolver.trusted()) {
        within(f, milestones, start.flatten(), deadline.flatten());
    }
    let document = f.document("document", m.document.as_ref());
    Some(Body::QuotaAssigned(d::QuotaAssigned {
        locality: locality?,
        indicator: indicator?,
        layer: layer?,
        denominator: denominator??,
        target: target?.unwrap_or(Percent::of(1, 1)?.rounded(0)),
        start: start?,
        deadline: deadline?,
        milestones: milestones?,
        document: document?,
    }))
}

fn milestones(f: &mut Fields<'_>, messages: &[w::Milestone]) -> Option<Vec<d::Milestone>> {
    let mut last = None;
    let milestones: Vec<Option<d::Milestone>> = messages
        .iter()
        .enumerate()
        .map(|(i, message)| {
            let field = format!("milestones[{i}]");
            let mut f = f.below(&field);
            let date = f.date("date", &message.date);
            let count = f.count("count", message.count.as_ref());
            f.in_order("date", last, date);
            last = date.or(last);
            Some(d::Milestone {
                date: date?,
                count: count?,
            })
        })
        .collect();
    milestones.into_iter().collect()
}

/// Whether milestones lie on the way from the first day to the last.
fn within(
    f: &mut Fields<'_>,
    milestones: &[d::Milestone],
    start: Option<Date>,
    deadline: Option<Date>,
) {
    for (i, milestone) in milestones.iter().enumerate() {
        let date = milestone.date;
        let outside = match (start, deadline) {
            (Some(start), _) if date < start => format!("{date} is before the first day, {start}"),
            (_, Some(deadline)) if date > deadline => {
                format!("{date} is after the last day, {deadline}")
            }
            _ => continue,
        };
        f.refuse::<()>(&format!("milestones[{i}].date"), Reason::DateOrder, outside);
    }
}

pub(super) fn quota_suspended(
    f: &mut Fields<'_>,
    m: &w::QuotaSuspended,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let layer = f.term("layer", m.layer, d::QuotaLayer::ALL);
    if let (Some(locality), Some(indicator), Some(layer), Some(at)) =
        (locality, &indicator, layer, at)
    {
        let quota = Reference::Quota {
            locality,
            indicator,
            layer,
            at,
        };
        f.refer("layer", &quota);
    }
    let reason = f.text("reason", &m.reason);
    let document = f.document("document", m.document.as_ref());
    Some(Body::QuotaSuspended(d::QuotaSuspended {
        locality: locality?,
        indicator: indicator?,
        layer: layer?,
        reason: reason?,
        document: document?,
    }))
}

/// The parts of a figure, as reports and corrections carry them.
struct FigureParts<'a> {
    value: Option<view::Quantity<'a>>,
    denominator: Option<view::Denominator<'a>>,
    percent: &'a str,
    percent_bound: i32,
    source: Option<view::Source<'a>>,
}

fn figure(f: &mut Fields<'_>, parts: &FigureParts<'_>) -> Option<d::Figure> {
    let value = f.quantity("value", parts.value);
    let denominator = f.denominator("denominator", parts.denominator);
    let percent = f.bounded_percent("percent", parts.percent, parts.percent_bound);
    if parts.value.is_none() && parts.percent.trim().is_empty() {
        f.refuse::<()>(
            "value",
            Reason::Required,
            "must be set, or a percentage given",
        );
    }
    let source = f.source("source", parts.source);
    let (percent_bound, percent) = percent?;
    Some(d::Figure {
        value: value?,
        denominator: denominator?,
        percent,
        percent_bound,
        source: source?,
    })
}

pub(super) fn progress_reported(
    f: &mut Fields<'_>,
    m: view::Reported<'_>,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality, at);
    let indicator = f.indicator("indicator", m.indicator);
    let parts = FigureParts {
        value: m.value,
        denominator: m.denominator,
        percent: m.percent,
        percent_bound: m.percent_bound,
        source: m.source,
    };
    let figure = figure(f, &parts);
    let note = f.optional_text("note", m.note);
    Some(Body::ProgressReported(d::ProgressReported {
        locality: locality?,
        indicator: indicator?,
        figure: figure?,
        note: note?,
    }))
}

pub(super) fn progress_corrected(
    f: &mut Fields<'_>,
    m: view::Corrected<'_>,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality, at);
    let indicator = f.indicator("indicator", m.indicator);
    on_record(f, "corrects", m.corrects, locality, indicator.as_ref(), at);
    let parts = FigureParts {
        value: m.value,
        denominator: m.denominator,
        percent: m.percent,
        percent_bound: m.percent_bound,
        source: m.source,
    };
    let figure = figure(f, &parts);
    let reason = f.text("reason", m.reason);
    Some(Body::ProgressCorrected(d::ProgressCorrected {
        corrects: m.corrects,
        locality: locality?,
        indicator: indicator?,
        figure: figure?,
        reason: reason?,
    }))
}

/// The figure that a correction or a retraction names.
fn on_record(
    f: &mut Fields<'_>,
    field: &str,
    position: u64,
    locality: Option<LocalityId>,
    indicator: Option<&IndicatorCode>,
    at: At<'_>,
) {
    if position == 0 {
        f.refuse::<()>(field, Reason::Required, "must be the position of a figure");
    } else if let (Some(locality), Some(indicator), Some(at)) = (locality, indicator, at) {
        let figure = Reference::Figure {
            position,
            locality,
            indicator,
            at,
        };
        f.refer(field, &figure);
    }
}

pub(super) fn progress_retracted(
    f: &mut Fields<'_>,
    m: &w::ProgressRetracted,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    on_record(f, "retracts", m.retracts, locality, indicator.as_ref(), at);
    let reason = f.text("reason", &m.reason);
    Some(Body::ProgressRetracted(d::ProgressRetracted {
        retracts: m.retracts,
        locality: locality?,
        indicator: indicator?,
        reason: reason?,
    }))
}

pub(super) fn finding_resolved(
    f: &mut Fields<'_>,
    m: &w::FindingResolved,
    at: At<'_>,
    actor: Option<&d::Actor>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let check = f.term("check", m.check, Check::ALL);
    let position = m.position;
    if position == 0 {
        f.refuse::<()>("position", Reason::Required, "must name a position");
    } else if let (Some(locality), Some(check), Some(actor)) = (locality, check, actor) {
        let finding = Reference::Finding {
            position,
            locality,
            check,
            actor,
        };
        f.refer("position", &finding);
    }
    let resolution = f.term("resolution", m.resolution, d::Resolution::ALL);
    let reason = f.text("reason", &m.reason);
    Some(Body::FindingResolved(d::FindingResolved {
        position,
        locality: locality?,
        check: check?,
        resolution: resolution?,
        reason: reason?,
    }))
}

pub(super) fn completion_declared(
    f: &mut Fields<'_>,
    m: &w::CompletionDeclared,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let by = f.date("by", &m.by);
    if !f.resolver.trusted() {
        f.in_order("by", at.map(|at| at.date()), by);
    }
    let source = f.source("source", m.source.as_ref());
    Some(Body::CompletionDeclared(d::CompletionDeclared {
        locality: locality?,
        indicator: indicator?,
        by: by?,
        source: source?,
    }))
}

pub(super) fn assessment_published(
    f: &mut Fields<'_>,
    m: &w::AssessmentPublished,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.optional("indicator", &m.indicator, Fields::indicator);
    let assessment = f.term("assessment", m.assessment, d::Assessment::ALL);
    let text = f.name("text", m.text.as_ref());
    let source = f.source("source", m.source.as_ref());
    Some(Body::AssessmentPublished(d::AssessmentPublished {
        locality: locality?,
        indicator: indicator?,
        assessment: assessment?,
        text: text?,
        source: source?,
    }))
}
