//! How good the figures of localities are.

use domain::LocalityId;
use state::{Fraction, QualityMeasure, QualityRules, Reading};
use wire::v1;

use super::head;

/// The quality of each locality's figures, with what is measured; without the times of the answer.
pub(crate) fn quality(reading: &Reading<'_>, ids: &[LocalityId]) -> v1::GetDataQualityResponse {
    let rules = QualityRules::of_2026_11();
    let measures = QualityMeasure::ALL.iter().map(|one| v1::QualityMeasure {
        measure: one.as_str().to_owned(),
        name: name(one.vi().to_owned(), one.as_str().to_owned()),
        definition: name(one.definition_vi(&rules), one.definition_en(&rules)),
    });
    v1::GetDataQualityResponse {
        localities: ids.iter().map(|id| of(reading, *id, &rules)).collect(),
        measures: measures.collect(),
        rule: rules.version.clone(),
        at: None,
    }
}

fn of(reading: &Reading<'_>, id: LocalityId, rules: &QualityRules) -> v1::LocalityQuality {
    let quality = reading.quality(id, rules);
    v1::LocalityQuality {
        locality: reading.locality(id).as_ref().map(head),
        completeness: part(quality.completeness),
        timeliness: part(quality.timeliness),
        consistency: part(quality.consistency),
        liveness: part(quality.liveness),
    }
}

fn part(fraction: Fraction) -> Option<v1::Part> {
    Some(v1::Part {
        count: fraction.good,
        of: fraction.of,
        share_hundredths: fraction.hundredths(),
    })
}

fn name(vi: String, en: String) -> Option<v1::Name> {
    Some(v1::Name { vi, en })
}
