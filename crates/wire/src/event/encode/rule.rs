//! Rules of judgement.

use domain::event as d;

use super::{level, name, number, quota_layer};
use crate::v1 as w;

/// [`d::RulesAdopted`] as a message.
#[must_use]
pub fn rules_adopted(e: &d::RulesAdopted) -> w::RulesAdopted {
    w::RulesAdopted {
        version: e.version.to_string(),
        reason: e.reason.clone(),
        thresholds: Some(thresholds(&e.thresholds)),
        judged: (!e.judged.is_all()).then(|| judged(&e.judged)),
        steps: e.steps.iter().map(step).collect(),
    }
}

fn thresholds(t: &d::Thresholds) -> w::Thresholds {
    w::Thresholds {
        window_days: t.window_days.to_string(),
        beta: t.beta.to_string(),
        average_factor: t.average_factor.to_string(),
        early_reports: t.early_reports,
        early_days: t.early_days.to_string(),
        plan_red: t.plan_red.to_string(),
        plan_amber: t.plan_amber.to_string(),
        cadence_days: t.cadence_days.to_string(),
        p_open: t.p_open.to_string(),
        p_clear: t.p_clear.to_string(),
        consecutive: t.consecutive,
        residuals_min: t.residuals_min,
        band_miss: t.band_miss.to_string(),
        due_soon_days: t.due_soon_days.clone(),
        stall_z: t.stall_z.to_string(),
        funnel_z: t.funnel_z.to_string(),
        declared_quantile: t.declared_quantile.to_string(),
    }
}

/// Which series are judged, as a message.
#[must_use]
pub fn judged(judged: &d::Judged) -> w::JudgedSeries {
    w::JudgedSeries {
        indicators: judged.indicators.iter().map(ToString::to_string).collect(),
        levels: judged.levels.iter().map(|l| level(*l)).collect(),
        layers: judged.layers.iter().map(|l| quota_layer(*l)).collect(),
    }
}

/// A step of a ladder as a message.
#[must_use]
pub fn step(step: &d::Step) -> w::LadderStep {
    w::LadderStep {
        number: step.number,
        name: Some(name(&step.name)),
        after_days: step.after_days,
        reply_days: step.reply_days,
        tells: step
            .tells
            .iter()
            .map(|told| number(*told as usize))
            .collect(),
    }
}
