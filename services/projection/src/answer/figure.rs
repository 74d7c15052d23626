//! Figures, and what checks of plausibility found about them.

use domain::LocalityId;
use domain::event::Denominator;
use state::{DenominatorRef, FigureEntry, FindingEntry, FindingState, Reading};
use wire::event as encode;
use wire::v1;

use super::recorded;

/// A figure on record, with what was found about it.
pub(crate) fn figure(reading: &Reading<'_>, id: LocalityId, entry: &FigureEntry<'_>) -> v1::Figure {
    let figure = entry.figure;
    let findings = reading.found(id, entry.recorded.position);
    v1::Figure {
        effective: entry.recorded.effective.to_string(),
        value: figure.value.as_ref().map(encode::quantity),
        denominator: figure.denominator.map(denominator),
        printed_percent: figure
            .percent
            .map(|percent| percent.to_string())
            .unwrap_or_default(),
        share_hundredths: figure.computed_hundredths(),
        source: Some(encode::source(figure.source)),
        note: entry.note.to_owned(),
        corrects: entry.corrects.unwrap_or(0),
        reason: entry.reason.to_owned(),
        corrected_by: entry.corrected_by.unwrap_or(0),
        recorded: Some(recorded(&entry.recorded)),
        retracted_by: entry.retracted_by.unwrap_or(0),
        retraction_reason: entry.retraction_reason.to_owned(),
        percent_bound: figure
            .percent
            .map_or(0, |_| encode::bound(figure.percent_bound)),
        findings: findings.iter().map(finding).collect(),
    }
}

/// What something is counted against.
pub(super) fn denominator(of: DenominatorRef<'_>) -> v1::Denominator {
    encode::denominator(&Denominator {
        kind: of.kind.to_owned(),
        value: of.value,
        derived: of.derived,
    })
}

/// A finding, and what became of it.
pub(crate) fn finding(entry: &FindingEntry<'_>) -> v1::FindingOnRecord {
    let (state, replaced_by, answer) = match entry.state {
        FindingState::Note => (v1::FindingState::Note, 0, None),
        FindingState::Open => (v1::FindingState::Open, 0, None),
        FindingState::Replaced(by) => (v1::FindingState::Replaced, by, None),
        FindingState::Resolved(answer) => {
            let answer = v1::FindingAnswer {
                resolution: encode::finding_resolved(answer.fact).resolution,
                reason: answer.reason.clone(),
                recorded: Some(recorded(&answer.recorded)),
            };
            (v1::FindingState::Resolved, 0, Some(answer))
        }
    };
    v1::FindingOnRecord {
        finding: encode::findings(std::slice::from_ref(entry.finding)).pop(),
        state: state as i32,
        replaced_by,
        answer,
    }
}
