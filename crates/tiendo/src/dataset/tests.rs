//! What the shipped data must hold.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Extent, OrganisationSucceeded, OwnerAssigned, Relation, Role, Scope};
use domain::text::find_personal_data;
use domain::{Level, LocalityCode, LocalityId};

use super::*;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn code(text: &str) -> LocalityCode {
    text.parse().unwrap()
}

/// The register folded for one day.
fn valid_on(on: Date) -> BTreeMap<LocalityCode, (LocalityId, String, Option<LocalityId>)> {
    let mut valid = BTreeMap::new();
    let mut ended = BTreeSet::new();
    for event in Set::Gazetteer.events().unwrap() {
        if event.effective.date() > on {
            continue;
        }
        match event.body {
            Body::LocalityRegistered(e) => {
                valid.insert(e.locality, (e.name.vi, e.parent));
            }
            Body::LocalityEnded(e) => assert!(ended.insert(e.locality), "{} ends once", e.locality),
            _ => {}
        }
    }
    assert!(ended.iter().all(|id| valid.contains_key(id)));
    let alive = valid.into_iter().filter(|(id, _)| !ended.contains(id));
    let mut by_code = BTreeMap::new();
    for (id, (name, parent)) in alive {
        assert!(
            by_code.insert(id.code, (id, name, parent)).is_none(),
            "{id} is not alone"
        );
    }
    by_code
}

fn count(register: &BTreeMap<LocalityCode, impl Sized>, level: Level) -> usize {
    register.keys().filter(|code| code.level() == level).count()
}

#[test]
fn the_register_has_the_units_of_both_lists() {
    let before = valid_on(day("2023-07-31"));
    let counts =
        |register| [Level::Province, Level::District, Level::Commune].map(|l| count(register, l));
    assert_eq!(counts(&before), [63, 705, 10_598]);
    let after = valid_on(day("2025-07-01"));
    assert_eq!(counts(&after), [34, 0, 3_321]);
    assert_eq!(before[&code("00004")].1, "Phường Trúc Bạch");
    assert_eq!(after[&code("00004")].1, "Phường Ba Đình");
    let ids: BTreeSet<_> = after.values().map(|(id, ..)| *id).collect();
    for (id, _, parent) in after.values() {
        assert_eq!(parent.is_none(), id.code.level() == Level::Province);
        assert!(
            parent.is_none_or(|parent| ids.contains(&parent)),
            "{id} is under nothing"
        );
    }
    assert_eq!(after[&code("01")].0.to_string(), "01@2023-04-10");
    assert_eq!(after[&code("56")].0.to_string(), "56@2025-07-01");
}

#[test]
fn khanh_hoa_took_in_ninh_thuan() {
    let before = valid_on(day("2025-06-30"));
    let communes = before.values().filter(|(id, _, parent)| {
        let province = parent
            .and_then(|parent| before[&parent.code].2)
            .map(|id| id.code);
        id.code.level() == Level::Commune
            && (province == Some(code("56")) || province == Some(code("58")))
    });
    let communes: BTreeSet<_> = communes.map(|(id, ..)| *id).collect();
    assert_eq!(communes.len(), 139 + 65);
    let after = valid_on(day("2025-07-01"));
    let province = after[&code("56")].0;
    assert_eq!(
        after
            .values()
            .filter(|(.., parent)| *parent == Some(province))
            .count(),
        65
    );

    let (mut mapped, mut split) = (0, 0);
    for event in Set::Gazetteer.events().unwrap() {
        let Body::LocalityEnded(end) = event.body else {
            continue;
        };
        if communes.contains(&end.locality) {
            mapped += usize::from(!end.successors.is_empty());
            split += usize::from(end.successors.iter().any(|s| s.extent == Extent::Partial));
        }
    }
    assert_eq!((mapped, split), (194, 8));
}

#[test]
fn every_event_names_only_what_came_before() {
    let mut registered = BTreeSet::new();
    for event in Set::Gazetteer.events().unwrap() {
        match event.body {
            Body::LocalityRegistered(e) => {
                assert!(e.parent.is_none_or(|parent| registered.contains(&parent)));
                registered.insert(e.locality);
            }
            Body::LocalityEnded(e) => {
                assert!(
                    e.successors
                        .iter()
                        .all(|s| registered.contains(&s.locality))
                );
            }
            _ => {}
        }
    }
}

#[test]
fn the_plan_has_31_models_with_owners() {
    let events = Set::Catalogue.events().unwrap();
    let mut models = BTreeMap::<_, usize>::new();
    let mut owners = BTreeSet::new();
    for event in &events {
        match &event.body {
            Body::ModelDefined(e) => {
                assert!(e.indicative && !e.basis.is_empty());
                *models.entry(e.group.to_string()).or_default() += 1;
            }
            Body::OwnerAssigned(e) if event.effective.date() == day("2023-07-04") => {
                assert_eq!(e.role == Role::Lead, !e.accountable_office.is_empty());
                assert!(!e.organisations.is_empty());
                assert_eq!(e.locality.to_string(), "56@2023-04-10");
                if let Scope::Model(model) = &e.scope {
                    assert!(owners.insert((model.clone(), e.role)));
                } else {
                    assert_eq!((e.role, e.organisations.len()), (Role::Focal, 5));
                }
            }
            _ => {}
        }
    }
    assert_eq!(models.into_values().collect::<Vec<_>>(), [3, 12, 9, 2, 5]);
    assert_eq!(owners.len(), 31 * 3);
    let moved = events
        .iter()
        .filter(|event| event.effective.to_string() == "2025-03")
        .count();
    assert_eq!(moved, 14);
}

#[test]
fn every_published_indicator_has_a_code() {
    let text = include_str!("../../data/figures.csv");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(records.len(), 74);
    for record in &records {
        assert!(indicator_by_alias(&record[3]).is_some(), "{}", &record[3]);
    }
    assert_eq!(
        indicator_by_alias("cccd_issued_14plus"),
        Some("cccd.issued")
    );
    assert_eq!(
        indicator_by_alias("eid.activated-l2"),
        Some("eid.activated-l2")
    );
    assert_eq!(indicator_by_alias(""), None);
}

#[test]
fn indicators_and_their_aliases_are_unique() {
    let text = include_str!("../../data/indicators.csv");
    let mut names = BTreeSet::new();
    for record in csv::Reader::from_reader(text.as_bytes()).records() {
        let record = record.unwrap();
        let aliases = record[8].split(';').filter(|alias| !alias.is_empty());
        for name in aliases.chain([&record[0]]) {
            assert!(names.insert(name.to_owned()), "{name} is there twice");
        }
    }
}

/// The line of the report of an indicator in a locality, for eyes: figure, denominator, percentage.
fn report(locality: &str, indicator: &str, on: &str) -> String {
    let events = Set::Sample.events().unwrap();
    let found = events.iter().find_map(|event| match &event.body {
        Body::ProgressReported(e)
            if e.locality.to_string() == locality
                && e.indicator.as_str() == indicator
                && event.effective.to_string() == on =>
        {
            let figure = &e.figure;
            let value = figure.value.map(|v| format!("{:?} {}", v.bound, v.value));
            let whole = figure
                .denominator
                .as_ref()
                .map(|d| format!("{} {}", d.value, d.kind));
            let percent = figure.percent.map(|percent| percent.to_string());
            Some(
                [value, whole, percent]
                    .map(Option::unwrap_or_default)
                    .join("; "),
            )
        }
        _ => None,
    });
    found.unwrap_or_default()
}

#[test]
fn the_founding_articles_are_on_record() {
    let khanh_hoa = "56@2023-04-10";
    let ha_noi = "01@2023-04-10";
    let ha_dong = "268@2023-04-10";
    for (locality, indicator, on, expected) in [
        (khanh_hoa, "cccd.issued", "2023-06-21", "; ; 100"),
        (
            khanh_hoa,
            "eid.collected-and-installed",
            "2023-07-31",
            "Exact 826025; ; 109",
        ),
        (
            khanh_hoa,
            "eid.activated-l2",
            "2023-07-31",
            "AtLeast 634327; ; 83.8",
        ),
        (
            ha_dong,
            "eid.collected",
            "2023-06-05",
            "Exact 257890; 269950 quota; 95.5",
        ),
        (
            ha_dong,
            "eid.activated",
            "2023-06-05",
            "Exact 199968; 269950 quota; 74.1",
        ),
        ("00670@2023-04-10", "cccd.issued", "2023-06", "; ; 100"),
        (
            ha_noi,
            "services.essential",
            "2022-12-31",
            "Exact 25; 25 list; 100",
        ),
        (ha_noi, "procedures.decisions", "2023-03-31", "Exact 71; ; "),
        (
            ha_noi,
            "procedures.announced",
            "2023-03-31",
            "Exact 1661; ; ",
        ),
        (ha_noi, "procedures.internal", "2023-05-24", "Exact 87; ; "),
        (ha_noi, "documents.accounts", "2023-06", "AtLeast 40400; ; "),
        (ha_noi, "documents.handled-online", "2023-06", "; ; 80"),
        (ha_noi, "tasks.overdue", "2025-11-14", "Exact 30; ; "),
        (ha_noi, "cccd.received", "2021-04-25", "Exact 3485629; ; 53"),
    ] {
        assert_eq!(
            report(locality, indicator, on),
            expected,
            "{indicator} of {locality}"
        );
    }
}

#[test]
fn what_the_articles_say_besides_is_on_record() {
    let events = Set::Sample.events().unwrap();
    let count = |is: fn(&Body) -> bool| events.iter().filter(|event| is(&event.body)).count();
    assert_eq!(
        count(|body| matches!(body, Body::ProgressReported(_))),
        45 + 11
    );
    assert_eq!(count(|body| matches!(body, Body::QuotaAssigned(_))), 11);
    assert_eq!(
        count(|body| matches!(body, Body::SystemCommissioned(e) if e.ready_to_connect)),
        4
    );
    assert_eq!(
        count(|body| matches!(body, Body::AssessmentPublished(_))),
        4
    );
    assert_eq!(count(|body| matches!(body, Body::DirectiveIssued(_))), 1);
    assert_eq!(count(|body| matches!(body, Body::WorkItemDefined(_))), 2);
    let campaign = |body: &Body| {
        matches!(body, Body::CampaignLaunched(e)
        if (e.days, e.working_groups, e.members.len()) == (15, 199, 4) && e.hours == "19:30–21:30")
    };
    assert!(events.iter().any(|event| campaign(&event.body)));
    let declared =
        |body: &Body| matches!(body, Body::CompletionDeclared(e) if e.by == day("2023-06-20"));
    assert!(events.iter().any(|event| declared(&event.body)));
}

#[test]
fn derived_quotas_follow_from_the_printed_percentages() {
    let derived = |indicator: &str| {
        let quota = Set::Sample
            .events()
            .unwrap()
            .into_iter()
            .find_map(|event| match event.body {
                Body::QuotaAssigned(e) if e.indicator.as_str() == indicator => Some(e),
                _ => None,
            });
        let quota = quota.unwrap();
        assert!(quota.denominator.derived && quota.document.title.contains("Suy ra"));
        quota.denominator.value
    };
    let percent = |text: &str| text.parse::<domain::text::Percent>().unwrap();
    assert!(!percent("109.00").contradicts(826_025, derived("eid.collected-and-installed")));
    assert!(!percent("83.80").contradicts(634_327, derived("eid.activated-l2")));
}

#[test]
fn no_printed_percentage_contradicts_its_numbers() {
    for event in Set::Sample.events().unwrap() {
        let Body::ProgressReported(report) = event.body else {
            continue;
        };
        let figure = report.figure;
        assert!(figure.value.is_some() || figure.percent.is_some());
        if let (Some(v), Some(d), Some(p)) = (figure.value, figure.denominator, figure.percent) {
            assert!(!p.contradicts(v.value, d.value), "{}", report.locality);
        }
    }
}

#[test]
fn every_locality_exists_when_it_is_spoken_of() {
    let mut lives = BTreeMap::<LocalityId, Option<Date>>::new();
    for event in Set::Gazetteer.events().unwrap() {
        match event.body {
            Body::LocalityRegistered(e) => {
                lives.entry(e.locality).or_default();
            }
            Body::LocalityEnded(e) => {
                lives.insert(e.locality, Some(event.effective.date()));
            }
            _ => {}
        }
    }
    for set in [Set::Catalogue, Set::Sample, Set::Reform] {
        for event in set.events().unwrap() {
            let Some(locality) = event.body.locality() else {
                continue;
            };
            let end = lives[&locality];
            assert!(
                end.is_none_or(|end| event.effective.date() < end),
                "{locality}"
            );
        }
    }
}

fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => found.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[test]
fn no_text_holds_personal_data_and_every_subject_is_plain() {
    for set in Set::ALL {
        for event in set.events().unwrap() {
            let subject = event.body.subject();
            let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c);
            for token in [subject.topic, subject.event, &subject.detail] {
                assert!(!token.is_empty() && token.bytes().all(plain), "{token}");
            }
            let mut found = Vec::new();
            texts(&serde_json::to_value(&event.body).unwrap(), &mut found);
            for text in found {
                assert_eq!(find_personal_data(&text), None, "{text}");
                assert!(text.chars().count() <= 300, "{text}");
                assert_eq!(domain::text::nfc(&text), text);
            }
        }
    }
}

#[test]
fn batches_are_the_same_on_every_run() {
    let mut ids = BTreeSet::new();
    for set in Set::ALL {
        let batches = set.batches().unwrap();
        let again = serde_json::to_vec(&set.batches().unwrap()).unwrap();
        assert_eq!(serde_json::to_vec(&batches).unwrap(), again);
        for (batch, (id, events)) in batches.iter().enumerate() {
            assert!(ids.insert(*id));
            assert_eq!(*id, set.request_id(batch));
            assert!(!events.is_empty() && events.len() <= BATCH_EVENTS_MAX);
            assert!(events.iter().all(|event| event.request_id == *id));
        }
        let all: Vec<Event> = batches.into_iter().flat_map(|(_, events)| events).collect();
        assert_eq!(all, set.events().unwrap());
        let Some((
            Event {
                body: Body::DatasetLoaded(last),
                ..
            },
            before,
        )) = all.split_last()
        else {
            panic!("{set:?} has no end");
        };
        assert_eq!(last.events, before.len() as u64);
        assert_eq!(last.dataset.as_str(), set.dataset().code);
        assert_eq!(last.version, set.dataset().version);
    }
    assert_eq!(
        Set::Gazetteer.request_id(0).to_string(),
        "d26baa87-d303-55c9-9907-4165cba860ac",
        "ids are on record in every ledger and must never change"
    );
}

#[test]
fn the_sets_are_as_large_as_they_are_said_to_be() {
    let counts = Set::ALL.map(|set| set.events().unwrap().len());
    assert_eq!(counts, [25_957, 236, 81, 9, 19]);
}

fn successions() -> Vec<OrganisationSucceeded> {
    let of = |event: Event| match event.body {
        Body::OrganisationSucceeded(e) => Some(e),
        _ => None,
    };
    let events = Set::Reform.events().unwrap().into_iter();
    events.filter_map(of).collect()
}

fn appointments() -> Vec<(Moment, OwnerAssigned)> {
    let of = |event: Event| match event.body {
        Body::OwnerAssigned(e) => Some((event.effective, e)),
        _ => None,
    };
    let events = Set::Catalogue.events().unwrap().into_iter();
    events.filter_map(of).collect()
}

#[test]
fn every_lead_of_2023_that_lost_its_model_in_march_2025_was_merged_or_is_there_still() {
    let successors: BTreeMap<String, Vec<String>> = successions()
        .into_iter()
        .map(|e| (e.organisation, e.successors))
        .collect();
    let mut leads = BTreeMap::<_, Vec<OwnerAssigned>>::new();
    for (_, owner) in appointments() {
        if let (Scope::Model(model), Role::Lead) = (&owner.scope, owner.role) {
            leads.entry(model.clone()).or_default().push(owner);
        }
    }
    let mut kept = Vec::new();
    let mut merged = 0;
    for (model, leads) in leads.iter().filter(|(_, leads)| leads.len() > 1) {
        let (before, after) = (&leads[0].organisations[0], &leads[1]);
        match successors.get(before) {
            None => kept.push((model.as_str(), before.as_str())),
            // Who leads now is the successor itself, or had it from the successor.
            Some(successor) => {
                let had_it = after
                    .source
                    .title
                    .ends_with(&format!("nhận từ {}", successor[0]));
                assert!(after.organisations == *successor || had_it, "{model}");
                merged += 1;
            }
        }
    }
    assert_eq!(merged, 13);
    assert_eq!(kept, [("KH-3.02", "Sở Tư pháp")]);
}

#[test]
fn every_merger_is_of_somebody_who_owned_something() {
    let holds = |name: &str| {
        let mut owners = appointments().into_iter();
        owners.any(|(at, owner)| {
            at.date() == day("2023-07-04") && owner.organisations.iter().any(|held| held == name)
        })
    };
    let successions = successions();
    assert_eq!(successions.len(), 8);
    for succession in &successions {
        assert!(
            holds(&succession.organisation),
            "{}",
            succession.organisation
        );
        assert_eq!(succession.successors.len(), 1, "a merger has one successor");
        assert_eq!(succession.locality.to_string(), "56@2023-04-10");
    }
}

#[test]
fn relations_name_indicators_of_the_catalogue_and_no_published_count_breaks_them() {
    let mut counts = BTreeMap::new();
    for event in Set::Sample.events().unwrap() {
        if let Body::ProgressReported(e) = event.body
            && let Some(value) = e.figure.value
        {
            let key = (
                e.indicator.to_string(),
                e.locality,
                event.effective.to_string(),
            );
            counts.insert(key, value.value);
        }
    }
    let mut compared = 0;
    for event in Set::Relations.events().unwrap() {
        let Body::IndicatorRelated(e) = event.body else {
            continue;
        };
        for code in [Some(&e.indicator), e.other.as_ref()].into_iter().flatten() {
            assert_eq!(indicator_by_alias(code.as_str()), Some(code.as_str()));
        }
        let Some(other) = e.other else {
            assert_eq!(e.relation, Relation::Sum);
            continue;
        };
        for ((indicator, place, at), count) in &counts {
            let whole = (other.to_string(), *place, at.clone());
            if let (true, Some(whole)) = (indicator == e.indicator.as_str(), counts.get(&whole)) {
                assert!(count <= whole, "{indicator} of {place} on {at}");
                compared += 1;
            }
        }
    }
    // Hà Đông's accounts and dossiers, and Hà Nội's dossiers sent, and cards returned.
    assert_eq!(compared, 3);
}

/// Takes every identity as it is written, but looks at every text.
struct Strict;

impl wire::event::Resolver for Strict {
    fn locality(
        &self,
        code: LocalityCode,
        since: Option<Date>,
        _: &Moment,
    ) -> Result<LocalityId, (domain::Reason, String)> {
        Ok(LocalityId {
            code,
            since: since.unwrap_or(Date::MIN),
        })
    }
}

#[test]
fn what_is_sent_to_ingest_is_read_there_as_it_was_meant() {
    for set in Set::ALL {
        for event in set.events().unwrap() {
            let message = wire::event::encode(&event);
            let read = wire::event::decode(&message, "event", &Strict, event.request_id);
            assert_eq!(read.as_ref(), Ok(&event));
        }
    }
}
