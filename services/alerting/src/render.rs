//! Verdicts, cases and notifications in words and messages.

use domain::event::Name;
use domain::text::{Moment, Percent, collation_key, date, number};
use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use lag::{Basis, Counted, Facts, Status, Transition};
use wire::v1;

use crate::assess::Judged;
use crate::case::{CaseKey, Change};
use crate::family::Family;
use crate::judge::Judge;
use crate::notice;

/// Number of siblings with a figure, beside lag's own terms.
const TERM_PEERS: &str = "peers";
/// Number of those whose last figure is stale.
const TERM_PEERS_STALE: &str = "peers_stale";

/// Names as a sentence needs them.
struct Names {
    place: Name,
    indicator: Name,
    unit: Name,
}

impl Names {
    fn of(judge: &Judge, id: LocalityId, indicator: &IndicatorCode) -> Self {
        let everything = judge.state.latest(Moment::end_of(Date::MAX));
        let then = judge
            .reading()
            .and_then(|reading| reading.locality(id))
            .map(|l| l.name);
        let place = then.or_else(|| everything.life(id).map(|life| life.name));
        let place = place.cloned().unwrap_or_else(|| plain(id.code.to_string()));
        let definition = judge.definition(indicator);
        let named = definition.map(|definition| definition.name.clone());
        Self {
            place,
            indicator: named.unwrap_or_else(|| plain(indicator.to_string())),
            unit: definition
                .map(|definition| definition.unit.clone())
                .unwrap_or_default(),
        }
    }
}

fn plain(text: String) -> Name {
    Name {
        vi: text,
        en: String::new(),
    }
}

fn english(name: &Name) -> &str {
    if name.en.is_empty() {
        &name.vi
    } else {
        &name.en
    }
}

/// A name within a sentence: its first letter small, unless the first word is an acronym.
pub(crate) fn within(name: &str) -> String {
    let mut chars = name.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(chars).collect()
        }
        _ => name.to_owned(),
    }
}

/// A verdict as a message, compared with a family; `concern` is what it raises, or what the case is about.
pub(crate) fn verdict(
    judge: &Judge,
    id: LocalityId,
    indicator: &IndicatorCode,
    (judged, family): (&Judged, &Family),
    concern: Option<lag::Concern>,
) -> v1::Verdict {
    let names = Names::of(judge, id, indicator);
    let verdict = &judged.verdict;
    let mut positions = verdict.positions.clone();
    let mut terms = terms(&verdict.terms);
    let compared = verdict.terms.average.is_some() || verdict.terms.hazard_parent.is_some();
    if let Some(neighbours) = judged.neighbours.filter(|_| compared) {
        positions.extend(family.positions());
        positions.sort_unstable();
        positions.dedup();
        terms.push(term(TERM_PEERS, neighbours.siblings as f64));
        terms.push(term(TERM_PEERS_STALE, neighbours.stale as f64));
    }
    v1::Verdict {
        layer: judged.layer.map_or(0, wire::event::quota_layer),
        status: status(verdict.status) as i32,
        basis: verdict.basis.code().to_owned(),
        reasons: verdict
            .reasons
            .iter()
            .map(|reason| reason.code().to_owned())
            .collect(),
        concern: concern.map_or(0, |concern| self::concern(concern) as i32),
        sentence: Some(sentence(&names, judged)),
        terms,
        positions,
        counted: judged.counted && !names.unit.vi.is_empty(),
        ..frame(judge, id, indicator, &names)
    }
}

/// The verdict of a case whose series is not judged any more.
pub(crate) fn withdrawn(judge: &Judge, key: &CaseKey) -> v1::Verdict {
    let names = Names::of(judge, key.locality, &key.indicator);
    let ended = judge
        .reading()
        .and_then(|reading| reading.locality(key.locality)?.end);
    let (basis, vi, en) = match ended {
        Some(end) => (
            "LOCALITY_ENDED",
            format!(
                "{} không còn từ {}",
                names.place.vi,
                date::format_date_vi(end)
            ),
            format!(
                "{} ended on {}",
                english(&names.place),
                Moment::end_of(end).format_en()
            ),
        ),
        None => (
            "NOT_JUDGED",
            names.place.vi.clone(),
            english(&names.place).to_owned(),
        ),
    };
    let indicator = (
        within(&names.indicator.vi),
        within(english(&names.indicator)),
    );
    v1::Verdict {
        layer: key.layer.map_or(0, wire::event::quota_layer),
        status: v1::VerdictStatus::Unknown as i32,
        basis: basis.to_owned(),
        reasons: vec![basis.to_owned()],
        sentence: Some(v1::Name {
            vi: format!("{vi}; không còn đánh giá {}.", indicator.0),
            en: format!("{en}; {} is no longer judged there.", indicator.1),
        }),
        ..frame(judge, key.locality, &key.indicator, &names)
    }
}

/// What every verdict has.
fn frame(judge: &Judge, id: LocalityId, indicator: &IndicatorCode, names: &Names) -> v1::Verdict {
    v1::Verdict {
        locality: Some(wire::event::locality_ref(id)),
        locality_name: Some(wire::event::name(&names.place)),
        indicator: indicator.to_string(),
        indicator_name: Some(wire::event::name(&names.indicator)),
        judged_for: judge.day().map_or_else(String::new, |day| day.to_string()),
        rules_version: judge.rules.version.clone(),
        position: judge.position(),
        unit: Some(wire::event::name(&names.unit)),
        ..v1::Verdict::default()
    }
}

fn sentence(names: &Names, judged: &Judged) -> v1::Name {
    let (indicator_vi, indicator_en) = (
        within(&names.indicator.vi),
        within(english(&names.indicator)),
    );
    let counted = judged.counted && !names.unit.vi.is_empty();
    let facts = Facts {
        place_vi: &names.place.vi,
        place_en: english(&names.place),
        indicator_vi: &indicator_vi,
        indicator_en: &indicator_en,
        counted: counted.then(|| Counted {
            vi: &names.unit.vi,
            en: english(&names.unit),
        }),
    };
    if judged.layer.is_none() && judged.verdict.basis == Basis::Average {
        return compared(&facts, &judged.verdict);
    }
    let said = lag::sentence(&facts, &judged.verdict);
    v1::Name {
        vi: said.vi,
        en: said.en,
    }
}

/// A comparison without a quota, for which `lag` has no words.
fn compared(facts: &Facts<'_>, verdict: &lag::Verdict) -> v1::Name {
    let percent = |share: Option<f64>| {
        let hundredths = (share.unwrap_or(0.0) * 10_000.0).round().clamp(0.0, 1e7);
        Percent::from_hundredths(hundredths as u32, 1).unwrap_or(Percent::MAX)
    };
    let (share, average) = (percent(verdict.terms.share), percent(verdict.terms.average));
    let at = verdict
        .terms
        .figure_at
        .and_then(lag::date)
        .unwrap_or(Date::MIN);
    let (vi, en) = (number::format_percent_vi, number::format_percent_en);
    v1::Name {
        vi: format!(
            "{}, {}: đến {} đạt {}, thấp hơn nhiều so với bình quân {}; chưa có chỉ tiêu.",
            facts.place_vi,
            facts.indicator_vi,
            date::format_date_vi(at),
            vi(share),
            vi(average)
        ),
        en: format!(
            "{}, {}: {} by {}, far below the average of {}; no quota was set.",
            facts.place_en,
            facts.indicator_en,
            en(share),
            Moment::end_of(at).format_en(),
            en(average)
        ),
    }
}

/// The terms by the names they have in `lag`, those that were computed, by name.
fn terms(terms: &lag::Terms) -> Vec<v1::Term> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(terms) else {
        return Vec::new();
    };
    let numbers = fields
        .iter()
        .filter_map(|(name, value)| Some(term(name, value.as_f64()?)));
    numbers.filter(|term| term.value.is_finite()).collect()
}

fn term(name: &str, value: f64) -> v1::Term {
    v1::Term {
        name: name.to_owned(),
        value,
    }
}

fn status(status: Status) -> v1::VerdictStatus {
    match status {
        Status::Done => v1::VerdictStatus::Done,
        Status::Unknown => v1::VerdictStatus::Unknown,
        Status::Early => v1::VerdictStatus::Early,
        Status::Green => v1::VerdictStatus::Green,
        Status::Amber => v1::VerdictStatus::Amber,
        Status::Red => v1::VerdictStatus::Red,
    }
}

/// A concern as a message has it.
pub(crate) fn concern(concern: lag::Concern) -> v1::Concern {
    match concern {
        lag::Concern::Overdue => v1::Concern::Overdue,
        lag::Concern::Lagging => v1::Concern::Lagging,
        lag::Concern::NoData => v1::Concern::NoData,
        lag::Concern::Silent => v1::Concern::Silent,
        lag::Concern::BelowAverage => v1::Concern::BelowAverage,
    }
}

/// Sorts verdicts: worst first, then by name in Vietnamese order, then by what tells them apart.
pub(crate) fn rank(verdict: &v1::Verdict) -> (u8, Vec<u8>, String, String, i32) {
    let raises = verdict.concern != 0;
    let severity = match (verdict.status(), raises) {
        (v1::VerdictStatus::Red, _) => 0,
        (v1::VerdictStatus::Unknown, true) => 1,
        (v1::VerdictStatus::Amber, _) => 2,
        (v1::VerdictStatus::Unknown, false) => 3,
        (v1::VerdictStatus::Early, _) => 4,
        (v1::VerdictStatus::Green, _) => 5,
        (v1::VerdictStatus::Done | v1::VerdictStatus::Unspecified, _) => 6,
    };
    let name = verdict
        .locality_name
        .as_ref()
        .map_or_else(Vec::new, |n| collation_key(&n.vi));
    let id = verdict
        .locality
        .as_ref()
        .map_or_else(String::new, |l| format!("{}@{}", l.code, l.since));
    (severity, name, id, verdict.indicator.clone(), verdict.layer)
}

/// What alerting's log records of a change.
///
/// `opened_position` is where the case was opened, `praises` whether any step was sent since and no other case speaks for it; `withheld` is why nobody is told anything.
/// Praise comes to those alone who were told before, and to nobody under a silence; what is not praised leaves no entry.
pub(crate) fn alerts(
    change: &Change,
    (opened_position, praises): (u64, bool),
    withheld: Option<v1::NotificationWithheld>,
) -> Vec<v1::AlertEvent> {
    use v1::alert_event::Body;
    let (case_id, verdict) = (change.key.to_string(), &change.verdict);
    let alert = |body| v1::AlertEvent {
        effective: verdict.judged_for.clone(),
        body: Some(body),
        ..v1::AlertEvent::default()
    };
    let sent = |notification| {
        alert(Body::NotificationSent(v1::NotificationSent {
            notification: Some(notification),
            verdict: Some(verdict.clone()),
        }))
    };
    match change.transition {
        Transition::Cleared => {
            let commendation = (praises && withheld.is_none())
                .then(|| notice::commendation(&case_id, change.key.concern, verdict))
                .flatten();
            let cleared = alert(Body::CaseCleared(v1::CaseCleared {
                case_id,
                verdict: Some(verdict.clone()),
                opened_position,
            }));
            std::iter::once(cleared)
                .chain(commendation.map(sent))
                .collect()
        }
        Transition::Opened => {
            let told = match withheld {
                None => {
                    let first = change.first.as_ref();
                    first.map(|first| sent(notice::notice(&case_id, first, verdict, &[])))
                }
                Some(withheld) => Some(v1::AlertEvent {
                    position: verdict.position,
                    ..alert(Body::NotificationWithheld(withheld))
                }),
            };
            let opened = alert(Body::CaseOpened(v1::CaseOpened {
                case_id,
                verdict: Some(verdict.clone()),
            }));
            std::iter::once(opened).chain(told).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_begins_small_within_a_sentence_unless_it_is_an_acronym() {
        assert_eq!(within("Kích hoạt tài khoản"), "kích hoạt tài khoản");
        assert_eq!(within("VNeID collected"), "VNeID collected");
        assert_eq!(within("Đối tượng"), "đối tượng");
        assert_eq!(within(""), "");
    }

    #[test]
    fn every_term_that_was_computed_is_told_and_no_other() {
        let computed = lag::Terms {
            share: Some(0.5),
            ..lag::Terms::default()
        };
        let named: Vec<_> = terms(&computed)
            .into_iter()
            .map(|t| (t.name, t.value))
            .collect();
        let expected = [("reports", 0.0), ("residuals", 0.0), ("share", 0.5)];
        assert_eq!(
            named,
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }
}
