//! Figures: quotas, reports, corrections, declared completion, judgements in public.

use domain::Reason;
use domain::event::{self as d, Body};
use domain::text::{Bound, Percent};

use super::{At, Reference};
use crate::event::fields::Fields;
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

/// The parts of a figure, as reports and corrections carry them.
struct FigureParts<'a> {
    value: Option<&'a w::Quantity>,
    denominator: Option<&'a w::Denominator>,
    percent: &'a str,
    source: Option<&'a w::Source>,
}

fn figure(f: &mut Fields<'_>, parts: &FigureParts<'_>) -> Option<d::Figure> {
    let value = f.quantity("value", parts.value);
    let denominator = f.denominator("denominator", parts.denominator);
    let percent = f.percent("percent", parts.percent);
    if parts.value.is_none() && parts.percent.trim().is_empty() {
        f.refuse::<()>(
            "value",
            Reason::Required,
            "must be set, or a percentage given",
        );
    }
    if let (Some(Some(value)), Some(Some(denominator)), Some(Some(percent))) =
        (&value, &denominator, &percent)
        && value.bound == Bound::Exact
        && !f.resolver.trusted()
        && percent.contradicts(value.value, denominator.value)
    {
        let follows = Percent::of(value.value, denominator.value)
            .map_or_else(String::new, |follows| format!(", {follows} % follows"));
        let detail = format!(
            "{percent} % is printed for {} of {}{follows}",
            value.value, denominator.value
        );
        f.refuse::<()>("percent", Reason::PercentContradicts, detail);
    }
    let source = f.source("source", parts.source);
    Some(d::Figure {
        value: value?,
        denominator: denominator?,
        percent: percent?,
        source: source?,
    })
}

pub(super) fn progress_reported(
    f: &mut Fields<'_>,
    m: &w::ProgressReported,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let parts = FigureParts {
        value: m.value.as_ref(),
        denominator: m.denominator.as_ref(),
        percent: &m.percent,
        source: m.source.as_ref(),
    };
    let figure = figure(f, &parts);
    let note = f.optional_text("note", &m.note);
    Some(Body::ProgressReported(d::ProgressReported {
        locality: locality?,
        indicator: indicator?,
        figure: figure?,
        note: note?,
    }))
}

pub(super) fn progress_corrected(
    f: &mut Fields<'_>,
    m: &w::ProgressCorrected,
    at: At<'_>,
) -> Option<Body> {
    let locality = f.locality("locality", m.locality.as_ref(), at);
    let indicator = f.indicator("indicator", &m.indicator);
    let position = m.corrects;
    if position == 0 {
        f.refuse::<()>(
            "corrects",
            Reason::Required,
            "must be the position of a figure",
        );
    } else if let (Some(locality), Some(indicator), Some(at)) = (locality, &indicator, at) {
        f.refer(
            "corrects",
            &Reference::Figure {
                position,
                locality,
                indicator,
                at,
            },
        );
    }
    let parts = FigureParts {
        value: m.value.as_ref(),
        denominator: m.denominator.as_ref(),
        percent: &m.percent,
        source: m.source.as_ref(),
    };
    let figure = figure(f, &parts);
    let reason = f.text("reason", &m.reason);
    Some(Body::ProgressCorrected(d::ProgressCorrected {
        corrects: m.corrects,
        locality: locality?,
        indicator: indicator?,
        figure: figure?,
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
