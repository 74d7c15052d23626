//! What a subscriber is given: from places and kinds to the filters of its consumer.

use std::collections::BTreeSet;

use bus::subject::{self, is_token};
use bus::subscriber::{Start, Wanted};

use super::wrong::Wrong;
use crate::cli::SubscriberAdd;

/// Kinds of the ledger, as `docs/bus` has them.
pub(super) const KINDS: [&str; 35] = [
    "assessment.published",
    "campaign.closed",
    "campaign.group-formed",
    "campaign.launched",
    "completion.declared",
    "dataset.loaded",
    "directive.issued",
    "finding.resolved",
    "group.defined",
    "group.withdrawn",
    "indicator.defined",
    "indicator.related",
    "ledger.taken-over",
    "locality.ended",
    "locality.registered",
    "model.defined",
    "model.status-changed",
    "model.withdrawn",
    "organisation.succeeded",
    "owner.assigned",
    "owner.person-erased",
    "plan.adopted",
    "progress.corrected",
    "progress.reported",
    "progress.retracted",
    "quota.assigned",
    "quota.suspended",
    "readiness.reviewed",
    "rule.adopted",
    "system.commissioned",
    "work-item.cancelled",
    "work-item.completed",
    "work-item.defined",
    "work-item.progressed",
    "work-item.rescheduled",
];

/// Kinds of the ledger of alerts.
pub(super) const ALERT_KINDS: [&str; 12] = [
    "acknowledgement.ended",
    "case.acknowledged",
    "case.cleared",
    "case.escalated",
    "case.opened",
    "delivery.failed",
    "delivery.recorded",
    "notification.read",
    "notification.sent",
    "notification.withheld",
    "silence.ended",
    "silence.set",
];

/// Most filters of a subscriber; the server looks at each for each message.
const FILTERS_MAX: usize = 300;
/// Names that stand for something else in the configuration or on the command line.
const RESERVED: [&str; 7] = [
    "ingest",
    "projection",
    "alerting",
    "operator",
    "system",
    "leaf",
    "tiendo",
];

/// Checks a name. The services' own consumers begin with `_`, as inboxes do.
pub(super) fn name(name: &str) -> Result<(), Wrong> {
    if is_token(name) && !name.starts_with('_') && !RESERVED.contains(&name) {
        return Ok(());
    }
    Err(Wrong::Name(name.to_owned()))
}

/// The ledger of the streams: that of alerts if told so, or if the kinds are its own.
pub(super) fn ledger(ledger: &str, alerts: bool, kinds: &[String]) -> Result<String, Wrong> {
    // That of its alerts is asked for by `--alerts` or by kinds.
    if !is_token(ledger) || ledger.ends_with("-alerts") {
        return Err(Wrong::Ledger(ledger.to_owned()));
    }
    let of = |kinds: &[&str], wanted: &str| {
        kinds
            .iter()
            .any(|kind| *kind == wanted || topic(kind) == wanted)
    };
    let (mut of_ledger, mut of_alerts) = (None, alerts.then(|| "--alerts".to_owned()));
    for kind in kinds {
        if of(&KINDS, kind) {
            of_ledger = Some(kind.clone());
        } else if of(&ALERT_KINDS, kind) {
            of_alerts = Some(kind.clone());
        } else {
            return Err(Wrong::Kind(kind.clone(), nearest(kind)));
        }
    }
    match (of_ledger, of_alerts) {
        (Some(one), Some(other)) => Err(Wrong::TwoLedgers(one, other)),
        (None, Some(_)) => Ok(format!("{ledger}-alerts")),
        (_, None) => Ok(ledger.to_owned()),
    }
}

/// What is asked for, checked.
pub(super) fn wanted(asked: &SubscriberAdd, of: &str) -> Result<Wanted, Wrong> {
    name(&asked.name)?;
    let ledger = ledger(of, asked.bus.alerts, &asked.kinds)?;
    Ok(Wanted {
        stream: subject::stream_name(&ledger),
        name: asked.name.clone(),
        filters: filters(&ledger, &asked.localities, &asked.kinds)?,
        start: start(&asked.start)?,
    })
}

fn filters(ledger: &str, localities: &[String], kinds: &[String]) -> Result<Vec<String>, Wrong> {
    let mut places = BTreeSet::new();
    for code in localities {
        let is_code = [2, 3, 5].contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
        if !is_code && code != "vn" && code != "sys" {
            return Err(Wrong::Locality(code.clone()));
        }
        places.insert(code.clone());
    }
    // A topic takes all its kinds, and no two filters may take the same subject.
    let topics: BTreeSet<&str> = kinds
        .iter()
        .map(String::as_str)
        .filter(|kind| !kind.contains('.'))
        .collect();
    let mut said: BTreeSet<String> = topics.iter().map(|topic| format!("{topic}.*")).collect();
    said.extend(
        kinds
            .iter()
            .filter(|kind| kind.contains('.') && !topics.contains(topic(kind)))
            .cloned(),
    );
    if places.is_empty() {
        places.insert("*".to_owned());
    }
    if said.is_empty() {
        said.insert("*.*".to_owned());
    }
    let count = places.len() * said.len();
    if count > FILTERS_MAX {
        return Err(Wrong::Filters(count, FILTERS_MAX));
    }
    let filter = |place: &String| {
        let place = place.clone();
        said.iter()
            .map(move |kind| format!("tiendo.v1.{ledger}.{place}.{kind}.*"))
            .collect::<Vec<_>>()
    };
    Ok(places.iter().flat_map(filter).collect())
}

/// Where it begins, as somebody types it.
pub(super) fn start(text: &str) -> Result<Start, Wrong> {
    match text {
        "beginning" => return Ok(Start::Beginning),
        "new" => return Ok(Start::New),
        _ => {}
    }
    if let Ok(position) = text.parse::<u64>() {
        return match position {
            0 => Err(Wrong::Start(text.to_owned())),
            position => Ok(Start::Position(position)),
        };
    }
    // A day is none: whether its first or its last moment is meant is not said.
    text.parse::<jiff::Timestamp>()
        .map(|instant| Start::Time(instant.to_string()))
        .map_err(|_| Wrong::Start(text.to_owned()))
}

fn topic(kind: &str) -> &str {
    kind.split('.').next().unwrap_or(kind)
}

/// The kinds and topics that look most like this.
fn nearest(kind: &str) -> Vec<&'static str> {
    let known: BTreeSet<&'static str> = KINDS
        .iter()
        .chain(&ALERT_KINDS)
        .flat_map(|kind| [*kind, kind.split('.').next().unwrap_or(kind)])
        .collect();
    let mut by_distance: Vec<_> = known
        .into_iter()
        .map(|known| (distance(kind, known), known))
        .collect();
    by_distance.sort_unstable();
    by_distance
        .into_iter()
        .take(3)
        .map(|(_, known)| known)
        .collect()
}

/// How many letters differ (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let substituted = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = substituted.min(before + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_kinds_are_those_of_the_contract() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bus/asyncapi.json");
        let document: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder).unwrap()).unwrap();
        let channels = document["channels"].as_object().unwrap();
        let mut found = [Vec::new(), Vec::new()];
        for (name, channel) in channels {
            // Where a request is answered has no address of its own.
            let address = channel["address"].as_str().unwrap_or_default();
            if address.split('.').count() == 7 {
                found[usize::from(address.contains("-alerts"))].push(name.as_str());
            }
        }
        found.iter_mut().for_each(|kinds| kinds.sort_unstable());
        assert_eq!(found[0], KINDS);
        assert_eq!(found[1], ALERT_KINDS);
    }

    #[test]
    fn no_two_filters_take_the_same_subject() {
        let kinds = owned(&["progress.reported", "progress", "quota.assigned"]);
        let places = owned(&["568", "56", "568"]);
        let filters = filters("khanh-hoa", &places, &kinds).unwrap();
        assert_eq!(
            filters,
            [
                "tiendo.v1.khanh-hoa.56.progress.*.*",
                "tiendo.v1.khanh-hoa.56.quota.assigned.*",
                "tiendo.v1.khanh-hoa.568.progress.*.*",
                "tiendo.v1.khanh-hoa.568.quota.assigned.*",
            ]
        );
        let all = super::filters("khanh-hoa", &[], &[]).unwrap();
        assert_eq!(all, ["tiendo.v1.khanh-hoa.*.*.*.*"]);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let kind = ledger("khanh-hoa", false, &owned(&["progress.report"]));
        let Err(Wrong::Kind(_, nearest)) = kind else {
            panic!("{kind:?}");
        };
        assert_eq!(nearest[0], "progress.reported");
        let both = ledger("khanh-hoa", false, &owned(&["case", "progress"]));
        assert!(matches!(both, Err(Wrong::TwoLedgers(..))));
        let alerts = ledger("khanh-hoa", false, &owned(&["case.opened"]));
        assert_eq!(alerts.unwrap(), "khanh-hoa-alerts");
        for bad in ["Sở", "a.b", "", "ingest", "*", "_inbox_ingest-follow"] {
            assert!(name(bad).is_err(), "{bad}");
        }
        for bad in ["0", "-1", "gần đây", "2026-07-01"] {
            assert!(start(bad).is_err(), "{bad}");
        }
        let places = filters("khanh-hoa", &owned(&["Nha Trang"]), &[]);
        assert!(matches!(places, Err(Wrong::Locality(_))));
        let many: Vec<String> = (10_000..10_301).map(|code| code.to_string()).collect();
        assert!(matches!(
            filters("khanh-hoa", &many, &[]),
            Err(Wrong::Filters(301, 300))
        ));
    }
}
