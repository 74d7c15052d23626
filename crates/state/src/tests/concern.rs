//! Who is told of an event: places, models and organisations that are watched.

use domain::event::{
    DirectiveIssued, Event, Extent, ModelStatus, PersonErased, Readiness, ReadinessReviewed, Role,
    Scope, WorkItemDefined,
};

use proptest::prelude::*;

use super::owners::{
    KHANH_HOA, MODEL, NEW_KHANH_HOA, NHA_TRANG, assigned, completed, khanh_hoa, leads, model_scope,
    succeeded, work_item,
};
use super::saved::saved;
use super::*;
use crate::Target;

const LOC_THO: &str = "22363@2023-04-10";
const CAM_RANH: &str = "569@2023-04-10";

/// A ledger that remembers what it was told, so that it can be asked again later.
struct Told {
    ledger: Ledger,
    events: Vec<(u64, Event)>,
}

impl Told {
    /// A province with two districts, a commune in one of them, a plan and a model.
    fn new() -> Self {
        let mut told = Self {
            ledger: khanh_hoa(),
            events: Vec::new(),
        };
        told.add(
            "2023-04-10",
            registered(CAM_RANH, "Cam Ranh", KHANH_HOA, false),
        );
        told.add(
            "2023-04-10",
            registered(LOC_THO, "Lộc Thọ", NHA_TRANG, false),
        );
        told
    }

    fn add(&mut self, effective: &str, body: Body) -> u64 {
        let position = self.ledger.add(effective, body.clone());
        self.events.push((position, event(moment(effective), body)));
        position
    }

    /// The positions of the events that concern a target.
    fn concerning(&self, target: &Target) -> Vec<u64> {
        let concerns = |(position, event): &&(u64, Event)| {
            self.ledger.state.concerns(target, *position, event)
        };
        let told = self.events.iter().filter(concerns);
        told.map(|(position, _)| *position).collect()
    }

    fn locality(&self, locality: &str) -> Vec<u64> {
        self.concerning(&Target::Locality(id(locality)))
    }

    fn within(&self, locality: &str) -> Vec<u64> {
        self.concerning(&Target::Within(id(locality)))
    }

    fn organisation(&self, name: &str) -> Vec<u64> {
        self.concerning(&Target::organisation(name))
    }
}

fn status(locality: &str) -> Body {
    owners::status(locality, MODEL, ModelStatus::Deployed)
}

fn order(locality: &str, addressees: &[&str]) -> Body {
    Body::DirectiveIssued(DirectiveIssued {
        locality: id(locality),
        document: Document::default(),
        addressees: addressees.iter().map(|name| (*name).to_owned()).collect(),
        text: vi("Tập trung cao điểm"),
        source: Source::default(),
    })
}

fn of(extent: Extent, locality: &str) -> Successor {
    let locality = id(locality);
    Successor { locality, extent }
}

/// The last position told of.
fn last(positions: &[u64]) -> u64 {
    positions.last().copied().unwrap()
}

#[test]
fn a_place_is_told_of_itself_of_what_holds_there_and_of_what_ends_into_it() {
    let mut told = Told::new();
    let [cam_ranh, loc_tho] = [6, 7];
    assert_eq!(told.locality(NHA_TRANG), [loc_tho], "a place below it");
    let own = told.add("2023-06-01", reported(NHA_TRANG, "eid", count(1)));
    let below = told.add("2023-06-01", reported(LOC_THO, "eid", count(1)));
    let beside = told.add("2023-06-01", reported(CAM_RANH, "eid", count(1)));
    let above = told.add("2023-06-01", reported(KHANH_HOA, "eid", count(2)));
    let ordered = told.add("2023-06-02", order(KHANH_HOA, &[]));
    let province = quota(KHANH_HOA, QuotaLayer::Central, 9, "100", "2023-06-30");
    let asked = told.add("2023-06-02", province);
    assert_eq!(told.locality(NHA_TRANG), [loc_tho, own, ordered, asked]);
    assert_eq!(told.locality(LOC_THO), [loc_tho, below, ordered, asked]);
    assert_eq!(
        told.within(NHA_TRANG),
        [loc_tho, own, below, ordered, asked]
    );
    let all = [cam_ranh, loc_tho, own, below, beside, above, ordered, asked];
    assert_eq!(told.within(KHANH_HOA), all);

    told.add(
        "2025-07-01",
        registered(NEW_KHANH_HOA, "Khánh Hòa", "", true),
    );
    let merged = told.add(
        "2025-07-01",
        ended(NHA_TRANG, vec![of(Extent::Full, NEW_KHANH_HOA)]),
    );
    let ward = "22366@2025-07-01";
    told.add(
        "2025-07-01",
        registered(ward, "Nha Trang", NEW_KHANH_HOA, true),
    );
    let into_the_ward = told.add("2025-07-01", ended(LOC_THO, vec![of(Extent::Full, ward)]));
    assert_eq!(last(&told.locality(ward)), into_the_ward);
    assert_eq!(
        last(&told.within(NEW_KHANH_HOA)),
        into_the_ward,
        "what ends into a place within it"
    );
    assert_eq!(told.locality(NEW_KHANH_HOA)[1..], [merged, merged + 1]);
    assert_eq!(last(&told.locality(NHA_TRANG)), merged);
    assert_eq!(
        told.locality(LOC_THO)[3..],
        [asked, into_the_ward],
        "the end of the place above is not its own"
    );
}

#[test]
fn a_place_that_moves_is_told_to_both_and_then_belongs_to_the_new_one() {
    let mut told = Told::new();
    let before = told.add("2024-01-01", reported(LOC_THO, "eid", count(1)));
    let moved = told.add(
        "2024-06-01",
        registered(LOC_THO, "Lộc Thọ", CAM_RANH, false),
    );
    let after = told.add("2024-07-01", reported(LOC_THO, "eid", count(2)));
    let late = told.add("2024-02-01", reported(LOC_THO, "eid", count(3)));
    assert_eq!(told.within(NHA_TRANG)[1..], [before, moved, late]);
    assert_eq!(told.within(CAM_RANH)[1..], [moved, after]);
}

#[test]
fn a_model_is_told_of_its_roles_statuses_reviews_and_work() {
    let mut told = Told::new();
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    let plan = Scope::Plan(code("6559"));
    told.add(
        "2023-07-04",
        assigned(KHANH_HOA, plan, Role::Focal, &["Sở GTVT"]),
    );
    let running = told.add("2023-08-01", status(NHA_TRANG));
    let review = ReadinessReviewed {
        scope: model_scope(),
        locality: id(NHA_TRANG),
        organisation: "Sở GTVT".to_owned(),
        present_state: String::new(),
        conditions: String::new(),
        readiness: Readiness::Ready,
    };
    let reviewed = told.add("2023-08-01", Body::ReadinessReviewed(review));
    let work = told.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    let Body::WorkItemDefined(defined) = work_item(NHA_TRANG, "W1", "Sở GTVT", &[]) else {
        panic!("a definition");
    };
    let elsewhere = WorkItemDefined {
        model: None,
        ..defined
    };
    let given_away = told.add("2023-09-01", Body::WorkItemDefined(elsewhere));
    told.add("2023-10-01", completed(NHA_TRANG, "W1"));
    let told_of = told.concerning(&Target::Model(code(MODEL)));
    assert_eq!(told_of, [led, running, reviewed, work, given_away]);
}

#[test]
fn an_organisation_is_told_however_its_name_is_spelled_and_after_successions() {
    let mut told = Told::new();
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT", "Công an tỉnh"]));
    let work = told.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    let other = told.add("2023-08-01", work_item(NHA_TRANG, "W2", "Công an", &[]));
    told.add("2023-08-02", reported(NHA_TRANG, "eid", count(1)));
    let running = told.add("2023-08-02", status(NHA_TRANG));
    let gone = told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở  gtvt", &["Sở Xây dựng"]),
    );
    let done = told.add("2025-04-01", completed(NHA_TRANG, "W1"));
    let deployed = told.add("2025-04-01", status(NHA_TRANG));
    let new = told.add("2025-05-01", work_item(NHA_TRANG, "W3", "Sở Xây dựng", &[]));
    // What the department was given stays its own; what its successor is given anew does not become so.
    let transport = [led, work, running, gone, done, deployed];
    assert_eq!(told.organisation("so gtvt"), transport);
    // The successor is told from the succession on, and of nothing that was before.
    assert_eq!(
        told.organisation("Sở Xây Dựng"),
        [gone, done, deployed, new]
    );
    assert_eq!(told.organisation("Công an"), [other]);
    assert_eq!(told.organisation("Công an tỉnh"), [led, running, deployed]);
}

fn withdrawn() -> Body {
    owners::withdrawn(MODEL)
}

fn defined(name: &str) -> Body {
    owners::defined(MODEL, "KH-2", name)
}

#[test]
fn who_is_to_have_a_role_next_year_is_told_now_and_of_this_year_who_has_it() {
    let mut told = Told::new();
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    let ahead = told.add("2026-01-01", leads(KHANH_HOA, &["Công an tỉnh"]));
    let this_year = told.add("2025-11-15", status(NHA_TRANG));
    let next_year = told.add("2026-01-02", status(NHA_TRANG));
    assert_eq!(told.organisation("Sở GTVT"), [led, ahead, this_year]);
    assert_eq!(told.organisation("Công an tỉnh"), [ahead, next_year]);

    // So it is with a succession that is known before its day.
    let given = told.add("2025-11-20", work_item(NHA_TRANG, "W1", "Sở Y tế", &[]));
    let merged = told.add(
        "2026-01-01",
        succeeded(KHANH_HOA, "Sở Y tế", &["Sở Dân số"]),
    );
    let other = told.add("2025-11-21", work_item(NHA_TRANG, "W2", "Sở Y tế", &[]));
    let done = told.add("2025-12-01", completed(NHA_TRANG, "W1"));
    let late = told.add("2026-01-03", completed(NHA_TRANG, "W2"));
    assert_eq!(
        told.organisation("Sở Y tế"),
        [given, merged, other, done, late]
    );
    // It will have the second work item, and nothing else will tell it so.
    assert_eq!(told.organisation("Sở Dân số"), [merged, other, late]);
}

#[test]
fn who_has_it_only_for_a_while_is_told_of_what_is_recorded_late() {
    let mut told = Told::new();
    let first = told.add(
        "2024-01-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Công Thương"]),
    );
    let then = told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Xây dựng"]),
    );
    let on = told.add(
        "2026-01-01",
        succeeded(KHANH_HOA, "Sở Xây dựng", &["Sở Hạ tầng"]),
    );
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    // In 2024 one department has it, in 2025 another, and then a third for good.
    assert_eq!(told.organisation("Sở Công Thương"), [first, then, led]);
    assert_eq!(told.organisation("Sở Xây dựng"), [then, on, led]);
    assert_eq!(told.organisation("Sở Hạ tầng"), [on, led]);
    // Whoever had it only before the moment of an event is not told of that event.
    let anew = told.add("2025-06-01", leads(KHANH_HOA, &["Công an tỉnh"]));
    assert_eq!(told.organisation("Sở Công Thương"), [first, then, led]);
    assert_eq!(told.organisation("Sở Xây dựng"), [then, on, led, anew]);
    assert_eq!(told.organisation("Sở Hạ tầng"), [on, led, anew]);
}

#[test]
fn whoever_loses_something_is_told_although_nobody_names_it() {
    let mut told = Told::new();
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    let given = told.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    let merged = told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Xây dựng"]),
    );
    // The district's own lead takes the place of the province's there, and the work item goes to another.
    let own = told.add("2025-04-01", leads(NHA_TRANG, &["Công an Nha Trang"]));
    let moved = told.add("2025-04-02", work_item(NHA_TRANG, "W1", "Công an", &[]));
    let there = told.add("2025-04-03", status(NHA_TRANG));
    told.add("2025-04-03", completed(NHA_TRANG, "W1"));
    assert_eq!(told.organisation("Sở Xây dựng"), [merged, own, moved]);
    assert_eq!(
        told.organisation("Sở GTVT"),
        [led, given, merged, own, moved]
    );
    assert_eq!(told.organisation("Công an Nha Trang"), [own, there]);
    // Then it turns out that another department took over.
    let corrected = told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Công Thương"]),
    );
    assert_eq!(last(&told.organisation("Sở Xây dựng")), corrected);
    assert_eq!(told.organisation("Sở Công Thương"), [corrected]);
}

#[test]
fn what_is_recorded_late_is_told_to_who_has_it_by_now_and_a_statement_to_who_had_it_then() {
    let mut told = Told::new();
    let merged = told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Xây dựng"]),
    );
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    let given = told.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    let then = told.add("2023-09-01", status(NHA_TRANG));
    let ordered = told.add("2023-09-01", order(KHANH_HOA, &["Sở GTVT"]));
    let now = told.add("2025-04-01", status(NHA_TRANG));
    assert_eq!(told.organisation("Sở Xây dựng"), [merged, led, given, now]);
    assert_eq!(
        told.organisation("Sở GTVT"),
        [merged, led, given, then, ordered, now]
    );
}

#[test]
fn the_end_of_a_place_is_told_to_who_had_something_there() {
    let mut told = Told::new();
    let above = told.add("2023-07-04", leads(KHANH_HOA, &["Công an tỉnh"]));
    let role = told.add("2023-07-04", leads(NHA_TRANG, &["Công an Nha Trang"]));
    let open = told.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở Y tế", &[]));
    let shut = told.add("2023-08-01", work_item(NHA_TRANG, "W2", "Sở Du lịch", &[]));
    let done = told.add("2024-08-01", completed(NHA_TRANG, "W2"));
    let ended = told.add("2025-07-01", ended(NHA_TRANG, Vec::new()));
    assert_eq!(told.organisation("Công an Nha Trang"), [role, ended]);
    assert_eq!(told.organisation("Sở Y tế"), [open, ended]);
    assert_eq!(told.organisation("Sở Du lịch"), [shut, done]);
    // The province's role goes on; it had lost the district's to the police there.
    assert_eq!(told.organisation("Công an tỉnh"), [above, role]);
}

#[test]
fn a_model_that_is_withdrawn_or_comes_back_is_told_to_who_has_a_role_in_it() {
    let mut told = Told::new();
    let led = told.add("2023-07-04", leads(NHA_TRANG, &["Sở GTVT"]));
    told.add("2023-09-01", defined("Bến xe"));
    let gone = told.add("2023-10-01", withdrawn());
    told.add("2023-10-02", withdrawn());
    let back = told.add("2023-11-01", defined("Bến xe khách"));
    assert_eq!(told.organisation("Sở GTVT"), [led, gone, back]);
    // Once the district is no more, only those who have the role elsewhere are concerned, be it by a succession.
    let other = told.add("2024-01-01", leads(KHANH_HOA, &["Sở Y tế"]));
    told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở Y tế", &["Sở Dân số"]),
    );
    told.add("2025-07-01", ended(NHA_TRANG, Vec::new()));
    let again = told.add("2026-01-01", withdrawn());
    let before = told.organisation("Sở GTVT");
    assert!(other < again && !before.contains(&again), "{before:?}");
    let told_so = |told: &Told| {
        let heirs = ["Sở Y tế", "Sở Dân số"];
        heirs.map(|name| last(&told.organisation(name)))
    };
    assert_eq!(told_so(&told), [again; 2]);
    // A start from a snapshot tells the same.
    told.ledger.state = State::load(&*saved(&told.ledger.state)).unwrap();
    assert_eq!(told_so(&told), [again; 2]);
    assert_eq!(told.organisation("Sở GTVT"), before);
}

#[test]
fn an_erasure_is_told_to_who_was_appointed_with_that_person() {
    let mut told = Told::new();
    let led = told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    let merged = told.add(
        "2025-03-01",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Xây dựng"]),
    );
    let anew = told.add("2025-04-01", leads(KHANH_HOA, &["Công an tỉnh"]));
    let erased = told.add(
        "2025-05-01",
        Body::PersonErased(PersonErased {
            appointment: led,
            locality: id(KHANH_HOA),
            scope: model_scope(),
            reason: "theo đề nghị".to_owned(),
        }),
    );
    assert_eq!(told.organisation("Sở GTVT"), [led, merged, anew, erased]);
    assert_eq!(told.organisation("Sở Xây dựng"), [merged, anew, erased]);
    assert_eq!(told.organisation("Công an tỉnh"), [anew]);
}

#[test]
fn what_concerned_whom_does_not_change_with_what_comes_later() {
    let mut told = Told::new();
    told.add("2023-07-04", leads(KHANH_HOA, &["Sở GTVT"]));
    told.add("2023-08-01", work_item(NHA_TRANG, "W1", "Sở GTVT", &[]));
    told.add("2023-08-02", status(LOC_THO));
    told.add("2023-08-03", completed(NHA_TRANG, "W1"));
    told.add("2023-08-04", reported(LOC_THO, "eid", count(1)));
    let targets = [
        Target::Within(id(NHA_TRANG)),
        Target::Within(id(CAM_RANH)),
        Target::Model(code(MODEL)),
        Target::organisation("Sở GTVT"),
        Target::organisation("Sở Xây dựng"),
        Target::organisation("Công an"),
    ];
    let before: Vec<_> = targets.iter().map(|t| told.concerning(t)).collect();
    let until = told.ledger.state.position();
    // A move, a succession and a new definition that speak of days before all of that.
    told.add(
        "2023-04-11",
        registered(LOC_THO, "Lộc Thọ", CAM_RANH, false),
    );
    told.add(
        "2023-07-05",
        succeeded(KHANH_HOA, "Sở GTVT", &["Sở Xây dựng"]),
    );
    told.add("2023-09-01", work_item(NHA_TRANG, "W1", "Công an", &[]));
    for (target, before) in targets.iter().zip(before) {
        let mut after = told.concerning(target);
        after.retain(|position| *position <= until);
        assert_eq!(after, before, "{target:?}");
    }
}

/// Places that move, organisations that take over from each other, and work that changes hands.
fn bodies() -> impl Strategy<Value = Body> {
    let place = || prop::sample::select(&[KHANH_HOA, NHA_TRANG, CAM_RANH, LOC_THO][..]);
    let above = || prop::sample::select(&["", KHANH_HOA, NHA_TRANG, CAM_RANH][..]);
    let one = || prop::sample::select(&["a", "b", "c"][..]);
    let some = || prop::sample::subsequence(&["a", "b", "c"][..], 0..3);
    let item = || prop::sample::select(&["W1", "W2"][..]);
    prop_oneof![
        (place(), above()).prop_map(|(place, up)| registered(place, place, up, false)),
        (place(), some()).prop_map(|(place, names)| leads(place, &names)),
        (place(), one(), some()).prop_map(|(place, name, names)| succeeded(place, name, &names)),
        (place(), item(), one()).prop_map(|(place, item, name)| work_item(place, item, name, &[])),
        (place(), item()).prop_map(|(place, item)| completed(place, item)),
        place().prop_map(status),
        place().prop_map(|place| reported(place, "eid", count(1))),
        (place(), place()).prop_map(|(place, into)| ended(place, vec![of(Extent::Full, into)])),
        Just(withdrawn()),
        Just(defined("Bến xe")),
    ]
}

proptest! {
    #[test]
    fn who_reads_the_log_again_is_told_what_was_told_when_it_came(
        history in prop::collection::vec((1..=28_i8, bodies()), 1..40)
    ) {
        let mut targets = vec![Target::Model(code(MODEL))];
        targets.extend(["a", "b", "c"].map(Target::organisation));
        for place in [KHANH_HOA, NHA_TRANG, CAM_RANH, LOC_THO] {
            targets.extend([Target::Locality(id(place)), Target::Within(id(place))]);
        }
        let mut told = Told { ledger: Ledger::new(), events: Vec::new() };
        let mut came: Vec<Vec<u64>> = vec![Vec::new(); targets.len()];
        for (day, body) in history {
            let position = told.add(&Date::constant(2023, 6, day).to_string(), body);
            let (_, event) = told.events.last().unwrap();
            for (target, came) in targets.iter().zip(&mut came) {
                if told.ledger.state.concerns(target, position, event) {
                    came.push(position);
                }
            }
        }
        for (target, came) in targets.iter().zip(came) {
            prop_assert_eq!(told.concerning(target), came, "{:?}", target);
        }
    }

    #[test]
    fn whatever_concerns_a_place_concerns_all_it_is_within(
        history in prop::collection::vec((1..=28_i8, bodies()), 1..40)
    ) {
        let mut told = Told { ledger: Ledger::new(), events: Vec::new() };
        for (day, body) in history {
            told.add(&Date::constant(2023, 6, day).to_string(), body);
        }
        let state = &told.ledger.state;
        for (position, event) in &told.events {
            for place in [KHANH_HOA, NHA_TRANG, CAM_RANH, LOC_THO].map(id) {
                if !state.concerns(&Target::Locality(place), *position, event) {
                    continue;
                }
                for above in state.at(event.effective, *position).lineage(place) {
                    let is_told = state.concerns(&Target::Within(above), *position, event);
                    prop_assert!(is_told, "{} of {} at {}", above, place, position);
                }
            }
        }
    }
}
