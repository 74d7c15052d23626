//! Stories of what may be said after what: each once against the record, and in one request with what it rests on.

use domain::event::{Scope, *};
use domain::finding::{Finding, Severity};
use domain::text::{Bound, Quantity};
use domain::{Actor, Check, Event, Reason};
use uuid::Uuid;

use super::*;

const HA_NOI: &str = "01";
const BA_DINH: &str = "001";
const EID: &str = "eid.activated";

/// What is recorded, and what the request in hand says.
struct Ledger {
    state: State,
    pending: Pending,
    now: Timestamp,
    office: &'static str,
}

impl Ledger {
    /// Hà Nội with one district, a plan with a group and a model, and two indicators.
    fn new() -> Self {
        let mut ledger = Self {
            state: State::new(),
            pending: Pending::default(),
            now: "2026-11-22T03:00:00Z".parse().unwrap(),
            office: "Tổ công tác",
        };
        let place = |code: &str, parent: Option<&str>| {
            Body::LocalityRegistered(LocalityRegistered {
                locality: id(code),
                name: vi(code),
                parent: parent.map(id),
                start_known: false,
                source: source(),
            })
        };
        let indicator = |code: &str| {
            Body::IndicatorDefined(IndicatorDefined {
                indicator: code.parse().unwrap(),
                name: vi(code),
                family: "eid".to_owned(),
                kind: IndicatorKind::Cumulative,
                unit: vi("tài khoản"),
                denominator: "quota".to_owned(),
            })
        };
        let plan = PlanAdopted {
            plan: "6559".parse().unwrap(),
            locality: id(HA_NOI),
            document: document(),
            summary: vi("Kế hoạch"),
        };
        for body in [
            place(HA_NOI, None),
            place(BA_DINH, Some(HA_NOI)),
            indicator(EID),
            indicator("eid.collected"),
            Body::PlanAdopted(plan),
            group("KH-1", 1),
            model("KH-1.01", "KH-1"),
        ] {
            ledger.says("2023-04-10", body);
        }
        ledger
    }

    fn event(&self, effective: &str, body: Body) -> Event {
        let office = self.office.to_owned();
        let organisation = "Công an thành phố".to_owned();
        Event {
            request_id: Uuid::from_u128(7),
            actor: Actor {
                organisation,
                office,
            },
            effective: effective.parse().unwrap(),
            body,
            confirmed: Vec::new(),
            findings: Vec::new(),
            traceparent: None,
        }
    }

    /// Takes an event into the request in hand, or tells why not.
    fn wants(&mut self, effective: &str, body: Body) -> Result<Event, Vec<Reason>> {
        let message = wire::event::encode(&self.event(effective, body));
        let on_record = OnRecord {
            state: &self.state,
            pending: &self.pending,
            now: self.now,
        };
        let read = wire::event::decode(&message, "event", &on_record, Uuid::nil());
        let event = read.map_err(|refused| {
            let reasons = refused.iter().map(|violation| violation.reason);
            reasons.collect::<Vec<_>>()
        })?;
        self.pending.add(&event);
        Ok(event)
    }

    fn record(&mut self, event: &Event) -> u64 {
        let position = self.state.position() + 1;
        self.state.apply(position, self.now, event).unwrap();
        position
    }

    /// Records an event in a request of its own, and tells its position.
    #[track_caller]
    fn says(&mut self, effective: &str, body: Body) -> u64 {
        self.pending.clear();
        let event = self.wants(effective, body).unwrap();
        self.pending.clear();
        self.record(&event)
    }

    /// An event in a request of its own is refused.
    #[track_caller]
    fn refuses(&mut self, effective: &str, body: Body, reason: Reason) {
        self.pending.clear();
        assert_eq!(self.wants(effective, body), Err(vec![reason]));
    }

    /// The last of some events is refused, in one request and after the others are recorded; `None` if it is taken.
    #[track_caller]
    fn ends<const N: usize>(mut self, story: [(&str, Body); N], reason: Option<Reason>) {
        self.pending.clear();
        let expected = |got: &Result<Event, Vec<Reason>>| match (got, reason) {
            (Ok(_), None) => true,
            (Err(refused), Some(reason)) => *refused == [reason],
            _ => false,
        };
        let (last, before) = story.split_last().unwrap();
        let mut events = Vec::new();
        for (effective, body) in before {
            events.push(self.wants(effective, body.clone()).unwrap());
        }
        let got = self.wants(last.0, last.1.clone());
        assert!(expected(&got), "in one request: {got:?}");
        self.pending.clear();
        for event in &events {
            self.record(event);
        }
        let got = self.wants(last.0, last.1.clone());
        assert!(expected(&got), "after the others: {got:?}");
    }
}

fn id(code: &str) -> LocalityId {
    LocalityId {
        code: code.parse().unwrap(),
        since: Date::constant(2023, 4, 10),
    }
}

fn vi(text: &str) -> Name {
    Name {
        vi: text.to_owned(),
        en: String::new(),
    }
}

fn source() -> Source {
    Source {
        title: "Báo cáo".to_owned(),
        url: String::new(),
    }
}

fn document() -> Document {
    Document {
        issuer: "UBND thành phố".to_owned(),
        ..Document::default()
    }
}

fn reason() -> String {
    "theo quyết định".to_owned()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn group(code: &str, number: u32) -> Body {
    Body::GroupDefined(GroupDefined {
        group: code.parse().unwrap(),
        plan: "6559".parse().unwrap(),
        number,
        name: vi("Nhóm"),
    })
}

fn group_withdrawn(code: &str) -> Body {
    Body::GroupWithdrawn(GroupWithdrawn {
        group: code.parse().unwrap(),
        reason: reason(),
        source: source(),
    })
}

fn model(code: &str, group: &str) -> Body {
    Body::ModelDefined(ModelDefined {
        model: code.parse().unwrap(),
        group: group.parse().unwrap(),
        name: vi("Mô hình"),
        indicative: false,
        basis: String::new(),
        source: source(),
    })
}

fn model_withdrawn(code: &str) -> Body {
    Body::ModelWithdrawn(ModelWithdrawn {
        model: code.parse().unwrap(),
        reason: reason(),
        source: source(),
    })
}

fn owner(organisation: &str, change: OwnerChange, from: &[&str]) -> Body {
    Body::OwnerAssigned(OwnerAssigned {
        scope: Scope::Model("KH-1.01".parse().unwrap()),
        locality: id(HA_NOI),
        role: Role::Lead,
        organisations: names(&[organisation]),
        accountable_office: "Giám đốc".to_owned(),
        source: source(),
        person_commitment: None,
        change,
        from: names(from),
        reason: if from.is_empty() {
            String::new()
        } else {
            reason()
        },
    })
}

fn assigned(organisation: &str) -> Body {
    owner(organisation, OwnerChange::Assigned, &[])
}

fn handed_over(from: &str, to: &str) -> Body {
    owner(to, OwnerChange::HandedOver, &[from])
}

fn merged(place: &str, organisation: &str, into: &str) -> Body {
    Body::OrganisationSucceeded(OrganisationSucceeded {
        locality: id(place),
        organisation: organisation.to_owned(),
        successors: names(&[into]),
        change: OrganisationChange::Merged,
        document: None,
        source: source(),
    })
}

fn item(code: &str, depends_on: &[&str]) -> Body {
    Body::WorkItemDefined(WorkItemDefined {
        work_item: code.parse().unwrap(),
        locality: id(HA_NOI),
        model: None,
        content: vi("Lắp máy"),
        volume: None,
        unit: String::new(),
        expected_result: String::new(),
        start: None,
        due: None,
        organisation: "Sở".to_owned(),
        office: "Phòng".to_owned(),
        origin: WorkOrigin::New,
        depends_on: depends_on.iter().map(|on| on.parse().unwrap()).collect(),
    })
}

fn item_completed(code: &str) -> Body {
    Body::WorkItemCompleted(WorkItemCompleted {
        work_item: code.parse().unwrap(),
        locality: id(HA_NOI),
        evidence: "biên bản".to_owned(),
    })
}

fn item_cancelled(code: &str) -> Body {
    Body::WorkItemCancelled(WorkItemCancelled {
        work_item: code.parse().unwrap(),
        locality: id(HA_NOI),
        reason: reason(),
        document: None,
    })
}

fn item_progressed(code: &str) -> Body {
    Body::WorkItemProgressed(WorkItemProgressed {
        work_item: code.parse().unwrap(),
        locality: id(HA_NOI),
        done: Some(Quantity {
            bound: Bound::Exact,
            value: 3,
        }),
        percent: None,
        note: String::new(),
    })
}

fn quota() -> Body {
    Body::QuotaAssigned(QuotaAssigned {
        locality: id(BA_DINH),
        indicator: EID.parse().unwrap(),
        layer: QuotaLayer::Provincial,
        denominator: Denominator {
            kind: "quota".to_owned(),
            value: 10,
            derived: false,
        },
        target: "90".parse().unwrap(),
        start: None,
        deadline: None,
        milestones: Vec::new(),
        document: document(),
    })
}

fn quota_suspended(layer: QuotaLayer) -> Body {
    Body::QuotaSuspended(QuotaSuspended {
        locality: id(BA_DINH),
        indicator: EID.parse().unwrap(),
        layer,
        reason: reason(),
        document: document(),
    })
}

fn reported(value: u64) -> Body {
    Body::ProgressReported(ProgressReported {
        locality: id(BA_DINH),
        indicator: EID.parse().unwrap(),
        figure: figure(value),
        note: String::new(),
    })
}

fn figure(value: u64) -> Figure {
    Figure {
        value: Some(Quantity {
            bound: Bound::Exact,
            value,
        }),
        source: source(),
        ..Figure::default()
    }
}

fn corrected(corrects: u64) -> Body {
    Body::ProgressCorrected(ProgressCorrected {
        corrects,
        locality: id(BA_DINH),
        indicator: EID.parse().unwrap(),
        figure: figure(8),
        reason: reason(),
    })
}

fn retracted(retracts: u64) -> Body {
    Body::ProgressRetracted(ProgressRetracted {
        retracts,
        locality: id(BA_DINH),
        indicator: EID.parse().unwrap(),
        reason: reason(),
    })
}

fn ended() -> Body {
    Body::LocalityEnded(LocalityEnded {
        locality: id(BA_DINH),
        successors: Vec::new(),
        source: source(),
    })
}

fn launched(place: &str) -> Body {
    Body::CampaignLaunched(CampaignLaunched {
        campaign: "c-15".parse().unwrap(),
        locality: id(place),
        name: vi("15 ngày đêm"),
        start: None,
        end: None,
        days: 15,
        working_groups: 0,
        members: Vec::new(),
        hours: String::new(),
        source: source(),
    })
}

fn closed(place: &str) -> Body {
    Body::CampaignClosed(CampaignClosed {
        campaign: "c-15".parse().unwrap(),
        locality: id(place),
        outcome: "xong".to_owned(),
        source: source(),
    })
}

fn working_group(place: &str) -> Body {
    Body::WorkingGroupFormed(WorkingGroupFormed {
        campaign: "c-15".parse().unwrap(),
        group: "to-3".parse().unwrap(),
        locality: id(place),
        name: vi("Tổ số 3"),
        members: names(&["Công an"]),
        area: String::new(),
        source: source(),
    })
}

fn related(indicator: &str, other: &str) -> Body {
    Body::IndicatorRelated(IndicatorRelated {
        indicator: indicator.parse().unwrap(),
        relation: Relation::AtMost,
        other: Some(other.parse().unwrap()),
    })
}

fn resolved(position: u64, check: Check) -> Body {
    Body::FindingResolved(FindingResolved {
        position,
        locality: id(BA_DINH),
        check,
        resolution: Resolution::Confirmed,
        reason: reason(),
    })
}

#[test]
fn nothing_is_said_of_a_withdrawn_model_until_it_is_defined_again() {
    let withdrawn = || ("2024-05-01", model_withdrawn("KH-1.01"));
    let gone = Some(Reason::ModelWithdrawn);
    Ledger::new().ends([withdrawn(), ("2024-05-01", assigned("Sở"))], gone);
    Ledger::new().ends(
        [withdrawn(), ("2024-06-01", model_withdrawn("KH-1.01"))],
        gone,
    );
    Ledger::new().ends([withdrawn(), ("2024-04-30", assigned("Sở"))], None);
    Ledger::new().ends(
        [
            withdrawn(),
            ("2024-06-01", model("KH-1.01", "KH-1")),
            ("2024-06-01", assigned("Sở")),
        ],
        None,
    );
    Ledger::new().refuses(
        "2024-05-01",
        model_withdrawn("KH-9.01"),
        Reason::UnknownModel,
    );
}

#[test]
fn a_group_is_withdrawn_after_its_models_and_takes_no_more() {
    let at = "2024-05-01";
    Ledger::new().ends([(at, group_withdrawn("KH-1"))], Some(Reason::GroupInUse));
    let empty = || (at, model_withdrawn("KH-1.01"));
    Ledger::new().ends([empty(), (at, group_withdrawn("KH-1"))], None);
    // Moved to another group is as good.
    Ledger::new().ends(
        [
            (at, group("KH-2", 2)),
            (at, model("KH-1.01", "KH-2")),
            (at, group_withdrawn("KH-1")),
        ],
        None,
    );
    // A model that is only to come counts as well.
    Ledger::new().ends(
        [
            empty(),
            ("2026-12-01", model("KH-1.02", "KH-1")),
            (at, group_withdrawn("KH-1")),
        ],
        Some(Reason::GroupInUse),
    );
    let withdrawn = || (at, group_withdrawn("KH-1"));
    let gone = Some(Reason::GroupWithdrawn);
    Ledger::new().ends([empty(), withdrawn(), (at, model("KH-1.03", "KH-1"))], gone);
    Ledger::new().ends([empty(), withdrawn(), withdrawn()], gone);
}

#[test]
fn no_two_groups_of_a_plan_have_one_number() {
    let at = "2024-05-01";
    let taken = Some(Reason::NumberTaken);
    Ledger::new().ends([(at, group("KH-2", 1))], taken);
    Ledger::new().ends([(at, group("KH-6", 6)), (at, group("KH-7", 6))], taken);
    Ledger::new().ends(
        [(at, group("KH-6", 6)), ("2023-05-01", group("KH-7", 6))],
        taken,
    );
    // Renumbered, or withdrawn, the number is free.
    Ledger::new().ends([(at, group("KH-1", 9)), (at, group("KH-2", 1))], None);
    Ledger::new().ends(
        [
            (at, model_withdrawn("KH-1.01")),
            (at, group_withdrawn("KH-1")),
            (at, group("KH-2", 1)),
        ],
        None,
    );
}

#[test]
fn a_role_is_handed_over_by_whoever_holds_it_then() {
    let (then, now) = ("2023-07-04", "2025-04-01");
    let not = Some(Reason::NotTheHolder);
    let police = || handed_over("Sở GTVT", "Công an thành phố");
    Ledger::new().ends([(now, police())], not);
    Ledger::new().ends([(then, assigned("Sở GTVT")), (now, police())], None);
    Ledger::new().ends([(then, assigned("sở  gtvt")), (now, police())], None);
    Ledger::new().ends([(then, assigned("Sở Tư pháp")), (now, police())], not);
    // Before it was assigned nobody held it.
    Ledger::new().ends([(now, assigned("Sở GTVT")), (then, police())], not);
    Ledger::new().ends(
        [
            (then, assigned("Sở GTVT")),
            (now, police()),
            (now, police()),
        ],
        not,
    );
}

#[test]
fn whoever_took_over_from_the_holder_hands_over() {
    let then = || ("2023-07-04", assigned("Sở GTVT"));
    let merger = || ("2025-03-01", merged(HA_NOI, "Sở GTVT", "Sở Xây dựng"));
    let by = |organisation| handed_over(organisation, "Công an thành phố");
    let not = Some(Reason::NotTheHolder);
    Ledger::new().ends([then(), merger(), ("2025-04-01", by("Sở Xây dựng"))], None);
    Ledger::new().ends([then(), merger(), ("2025-04-01", by("Sở GTVT"))], None);
    Ledger::new().ends([then(), merger(), ("2025-02-01", by("Sở Xây dựng"))], not);
    // Assigned anew after the merger, it is held under the name that was said.
    let anew = ("2025-03-15", assigned("Sở GTVT"));
    let after = [then(), merger(), anew, ("2025-04-01", by("Sở Xây dựng"))];
    Ledger::new().ends(after, not);
}

#[test]
fn no_organisation_succeeds_itself_however_far_on() {
    let (one, two) = ("2025-03-01", "2025-07-01");
    let circle = Some(Reason::SuccessionCycle);
    Ledger::new().ends([(one, merged(HA_NOI, "Sở A", "sở a"))], circle);
    Ledger::new().ends(
        [
            (one, merged(HA_NOI, "A", "B")),
            (one, merged(HA_NOI, "B", "C")),
            (two, merged(HA_NOI, "C", "A")),
        ],
        circle,
    );
    // What happened within a locality is read together with what happened above it.
    Ledger::new().ends(
        [
            (one, merged(BA_DINH, "A", "B")),
            (two, merged(HA_NOI, "B", "A")),
        ],
        circle,
    );
    // Said anew, it replaces what was said.
    Ledger::new().ends(
        [
            (one, merged(HA_NOI, "A", "B")),
            (one, merged(HA_NOI, "A", "C")),
            (two, merged(HA_NOI, "B", "A")),
        ],
        None,
    );
}

#[test]
fn a_work_item_ends_once() {
    let defined = || ("2024-01-01", item("KH-01", &[]));
    let done = || ("2024-03-01", item_completed("KH-01"));
    let closed = Some(Reason::WorkItemClosed);
    Ledger::new().ends([done()], Some(Reason::UnknownWorkItem));
    Ledger::new().ends([defined(), done()], None);
    Ledger::new().ends([defined(), done(), done()], closed);
    Ledger::new().ends(
        [defined(), done(), ("2024-02-01", item_cancelled("KH-01"))],
        closed,
    );
    Ledger::new().ends(
        [defined(), done(), ("2024-03-01", item_progressed("KH-01"))],
        closed,
    );
    // What was done before the end may be told later.
    Ledger::new().ends(
        [defined(), done(), ("2024-02-01", item_progressed("KH-01"))],
        None,
    );
    let cancelled = ("2024-03-01", item_cancelled("KH-01"));
    Ledger::new().ends([defined(), cancelled, done()], closed);
}

#[test]
fn no_work_item_waits_for_itself_however_far_on() {
    let at = "2024-01-01";
    let circle = Some(Reason::DependencyCycle);
    Ledger::new().ends([(at, item("A", &["A"]))], circle);
    Ledger::new().ends([(at, item("A", &["B"]))], Some(Reason::UnknownWorkItem));
    let chain = || {
        [
            (at, item("A", &[])),
            (at, item("B", &["A"])),
            (at, item("C", &["B"])),
        ]
    };
    let [a, b, c] = chain();
    Ledger::new().ends([a, b, c, (at, item("A", &["C"]))], circle);
    let [a, b, c] = chain();
    let loose = (at, item("B", &[]));
    Ledger::new().ends([a, b, c, loose, (at, item("A", &["C"]))], None);
}

#[test]
fn a_quota_is_suspended_while_it_is_in_force() {
    let suspended = |layer| ("2024-05-01", quota_suspended(layer));
    let provincial = || suspended(QuotaLayer::Provincial);
    let assigned = || ("2024-01-01", quota());
    let unknown = Some(Reason::UnknownQuota);
    Ledger::new().ends([provincial()], unknown);
    Ledger::new().ends([assigned(), provincial()], None);
    Ledger::new().ends([assigned(), suspended(QuotaLayer::Central)], unknown);
    Ledger::new().ends([assigned(), provincial(), provincial()], unknown);
    Ledger::new().ends([("2024-06-01", quota()), provincial()], unknown);
    let again = ("2024-05-01", quota());
    Ledger::new().ends([assigned(), provincial(), again, provincial()], None);
}

#[test]
fn a_campaign_goes_on_from_its_launch_to_its_end_and_within_the_place() {
    let launch = || ("2024-01-01", launched(HA_NOI));
    let close = || ("2024-02-01", closed(HA_NOI));
    let unknown = Some(Reason::UnknownCampaign);
    let over = Some(Reason::CampaignClosed);
    let group = |on| (on, working_group(BA_DINH));
    Ledger::new().ends([group("2024-01-15")], unknown);
    Ledger::new().ends([launch(), group("2024-01-15")], None);
    Ledger::new().ends([launch(), group("2023-12-31")], unknown);
    Ledger::new().ends([launch(), close(), group("2024-02-01")], over);
    Ledger::new().ends([launch(), close(), group("2024-01-31")], None);
    Ledger::new().ends([launch(), close(), close()], over);
    Ledger::new().ends(
        [
            launch(),
            close(),
            ("2024-03-01", launched(HA_NOI)),
            group("2024-03-01"),
        ],
        None,
    );
    // The district is done, the city is not.
    let district = || ("2024-01-20", closed(BA_DINH));
    Ledger::new().ends([launch(), district(), group("2024-01-25")], over);
    let city = ("2024-01-25", working_group(HA_NOI));
    Ledger::new().ends([launch(), district(), city], None);
    let of_district = ("2024-01-01", launched(BA_DINH));
    Ledger::new().ends(
        [of_district, ("2024-01-25", working_group(HA_NOI))],
        unknown,
    );
}

#[test]
fn no_indicator_is_related_to_itself_however_far_on() {
    let at = "2024-01-01";
    let circle = Some(Reason::RelationCycle);
    Ledger::new().ends([(at, related(EID, EID))], circle);
    let there = || (at, related(EID, "eid.collected"));
    Ledger::new().ends([there(), (at, related("eid.collected", EID))], circle);
    Ledger::new().ends([there(), there()], None);
    Ledger::new().ends(
        [(at, related(EID, "eid.printed"))],
        Some(Reason::UnknownIndicator),
    );
}

#[test]
fn a_figure_is_replaced_or_taken_back_once() {
    let mut ledger = Ledger::new();
    let first = ledger.says("2023-06-05", reported(7));
    let second = ledger.says("2023-06-06", reported(8));
    ledger.refuses("2023-06-06", retracted(first), Reason::UnknownFigure);
    // In one request, and by two of one commit.
    ledger.wants("2023-06-05", retracted(first)).unwrap();
    for body in [retracted(first), corrected(first)] {
        let refused = ledger.wants("2023-06-05", body).unwrap_err();
        assert_eq!(refused, [Reason::AlreadyCorrected]);
    }
    ledger.says("2023-06-05", retracted(first));
    ledger.refuses("2023-06-05", retracted(first), Reason::AlreadyRetracted);
    ledger.refuses("2023-06-05", corrected(first), Reason::AlreadyRetracted);
    let right = ledger.says("2023-06-06", corrected(second));
    ledger.refuses("2023-06-06", retracted(second), Reason::AlreadyCorrected);
    ledger.says("2023-06-06", retracted(right));
}

#[test]
fn a_locality_with_figures_after_a_day_cannot_end_on_it() {
    let mut ledger = Ledger::new();
    let last = ledger.says("2025-07-15", reported(7));
    let outside = Reason::FiguresOutsideLife;
    ledger.refuses("2025-07-01", ended(), outside);
    ledger.refuses("2025-07-15", ended(), outside);
    // Taken back in the same request, it is in nobody's way.
    ledger.pending.clear();
    ledger.wants("2025-07-15", retracted(last)).unwrap();
    ledger.wants("2025-07-01", ended()).unwrap();
    ledger.says("2025-07-16", ended());
    Ledger::new().ends(
        [("2025-07-15", reported(7)), ("2025-07-01", ended())],
        Some(outside),
    );
}

#[test]
fn a_first_day_is_not_after_the_first_figure() {
    let dated = || {
        Body::LocalityRegistered(LocalityRegistered {
            locality: id(BA_DINH),
            name: vi("Quận Ba Đình"),
            parent: Some(id(HA_NOI)),
            start_known: true,
            source: source(),
        })
    };
    let early = ("2023-04-09", reported(7));
    let outside = Some(Reason::FiguresOutsideLife);
    Ledger::new().ends([early, ("2023-04-10", dated())], outside);
    Ledger::new().ends([("2023-04-10", reported(7)), ("2023-04-10", dated())], None);
}

#[test]
fn successors_are_on_record_before_they_take_over() {
    let into = |code: &str| {
        Body::LocalityEnded(LocalityEnded {
            locality: id(BA_DINH),
            successors: vec![Successor {
                locality: id(code),
                extent: Extent::Full,
            }],
            source: source(),
        })
    };
    let mut ledger = Ledger::new();
    ledger.refuses("2025-07-01", into("00004"), Reason::UnknownLocality);
    ledger.refuses("2025-07-01", into(BA_DINH), Reason::SuccessionCycle);
    ledger.says("2025-07-01", into(HA_NOI));
}

#[test]
fn a_blocking_finding_is_confirmed_by_another_office_and_once() {
    let mut ledger = Ledger::new();
    let finding = |check, severity| Finding {
        check,
        severity,
        field: "value".to_owned(),
        detail: "x".to_owned(),
        rule: "2026-11".to_owned(),
        position: None,
    };
    let doubtful = |ledger: &mut Ledger| {
        let event = Event {
            findings: vec![
                finding(Check::FactorOfTen, Severity::Blocking),
                finding(Check::RivalFigure, Severity::Warning),
                finding(Check::VagueFigure, Severity::Note),
            ],
            ..ledger.event("2023-06-05", reported(7))
        };
        ledger.record(&event)
    };
    let at = doubtful(&mut ledger);
    let on = "2023-06-06";
    ledger.refuses(on, resolved(at, Check::FactorOfTen), Reason::SameOffice);
    ledger.refuses(on, resolved(at, Check::Jump), Reason::UnknownFinding);
    ledger.refuses(on, resolved(at, Check::VagueFigure), Reason::UnknownFinding);
    ledger.refuses(
        on,
        resolved(at + 1, Check::FactorOfTen),
        Reason::UnknownFinding,
    );
    // A warning may be answered by whoever knows.
    ledger.says(on, resolved(at, Check::RivalFigure));
    ledger.office = "Thanh tra";
    ledger.wants(on, resolved(at, Check::FactorOfTen)).unwrap();
    let twice = ledger.wants(on, resolved(at, Check::FactorOfTen));
    assert_eq!(twice, Err(vec![Reason::FindingClosed]));
    ledger.says(on, resolved(at, Check::FactorOfTen));
    ledger.refuses(on, resolved(at, Check::FactorOfTen), Reason::FindingClosed);
    // A corrected figure asks for no answer.
    let other = doubtful(&mut ledger);
    ledger.says("2023-06-05", corrected(other));
    ledger.refuses(
        on,
        resolved(other, Check::FactorOfTen),
        Reason::FindingClosed,
    );
}

#[test]
fn what_is_decided_before_it_takes_effect_may_lie_ahead() {
    let ahead = "2026-12-01";
    let mut ledger = Ledger::new();
    ledger.says("2024-01-01", item("KH-01", &[]));
    let rescheduled = Body::WorkItemRescheduled(WorkItemRescheduled {
        work_item: "KH-01".parse().unwrap(),
        locality: id(HA_NOI),
        start: None,
        due: Date::constant(2027, 1, 31),
        reason: reason(),
        document: None,
    });
    for body in [
        quota(),
        quota_suspended(QuotaLayer::Provincial),
        launched(HA_NOI),
        rescheduled,
        merged(HA_NOI, "A", "B"),
        model_withdrawn("KH-1.01"),
        group_withdrawn("KH-1"),
    ] {
        ledger.says(ahead, body);
    }
    ledger.refuses(ahead, reported(7), Reason::DateInFuture);
    ledger.refuses(ahead, item_completed("KH-01"), Reason::DateInFuture);
}

/// Two requests of one commit do not see each other, so what narrows the other waits.
#[test]
fn what_narrows_what_others_may_say_stands_in_a_commit_of_its_own() {
    let mut ledger = Ledger::new();
    let apart = |ledger: &mut Ledger, first: Body, second: Body| {
        ledger.pending.clear();
        ledger.wants("2024-05-01", first).unwrap();
        assert!(!ledger.pending.stands_apart(), "the first of a commit");
        ledger.pending.keep(["of the first"].into_iter());
        ledger.pending.begin();
        ledger.wants("2024-05-01", second).unwrap();
        ledger.pending.stands_apart()
    };
    assert!(!apart(&mut ledger, reported(7), quota()));
    assert!(apart(&mut ledger, reported(7), ended()));
    assert!(apart(&mut ledger, ended(), quota()));
    assert!(apart(
        &mut ledger,
        model_withdrawn("KH-1.01"),
        assigned("Sở")
    ));
}

/// The shipped thresholds, with one of them given, for an indicator if one is given.
fn rules(version: &str, p_open: &str, indicator: Option<&str>) -> RulesAdopted {
    let shipped = lag::Rules::standard();
    let decimal = |number: f64| number.to_string().parse().unwrap();
    let indicators = indicator.map(|code| code.parse().unwrap());
    RulesAdopted {
        version: version.parse().unwrap(),
        reason: "sau giao ban".to_owned(),
        thresholds: Thresholds {
            window_days: decimal(shipped.window_days),
            beta: decimal(shipped.beta),
            average_factor: decimal(shipped.average_factor),
            early_reports: u32::try_from(shipped.early_reports).unwrap(),
            early_days: decimal(shipped.early_days),
            plan_red: decimal(shipped.plan_red),
            plan_amber: decimal(shipped.plan_amber),
            cadence_days: decimal(shipped.cadence_days),
            p_open: p_open.parse().unwrap(),
            p_clear: decimal(shipped.p_clear),
            consecutive: shipped.consecutive,
            residuals_min: u32::try_from(shipped.residuals_min).unwrap(),
            band_miss: decimal(shipped.band_miss),
            due_soon_days: shipped.due_soon_days,
            stall_z: decimal(shipped.stall_z),
            funnel_z: decimal(shipped.funnel_z),
            declared_quantile: decimal(shipped.declared_quantile),
        },
        judged: Judged {
            indicators: indicators.into_iter().collect(),
            ..Judged::default()
        },
        steps: vec![Step {
            number: 1,
            name: vi("nhắc"),
            after_days: 0,
            reply_days: 7,
            tells: vec![Recipient::Unit],
        }],
    }
}

#[test]
fn a_version_of_the_rules_says_one_thing_for_ever() {
    let adopts = |on, p_open| (on, Body::RulesAdopted(rules("kh-1", p_open, None)));
    let taken = Some(Reason::VersionTaken);
    Ledger::new().ends([adopts("2026-11-01", "0.3")], None);
    // Adopted again it says the same, for another reason if need be.
    let mut again = rules("kh-1", "0.30", None);
    again.reason = "trở lại quy tắc cũ".to_owned();
    let again = ("2026-11-10", Body::RulesAdopted(again));
    Ledger::new().ends([adopts("2026-11-01", "0.3"), again], None);
    Ledger::new().ends(
        [adopts("2026-11-01", "0.3"), adopts("2026-11-10", "0.2")],
        taken,
    );
    // It does not matter of which day it was said first.
    Ledger::new().ends(
        [adopts("2026-12-01", "0.3"), adopts("2026-11-10", "0.2")],
        taken,
    );
    let mut other = rules("kh-1", "0.3", None);
    other.steps[0].reply_days = 3;
    let other = ("2026-11-10", Body::RulesAdopted(other));
    Ledger::new().ends([adopts("2026-11-01", "0.3"), other], taken);
    let version = lag::Rules::standard().version;
    let shipped = Body::RulesAdopted(rules(&version, "0.3", None));
    Ledger::new().ends([("2026-11-01", shipped)], taken);
}

#[test]
fn rules_judge_indicators_that_are_defined() {
    let of = |code| {
        (
            "2026-11-01",
            Body::RulesAdopted(rules("kh-1", "0.3", Some(code))),
        )
    };
    Ledger::new().ends([of(EID)], None);
    Ledger::new().ends([of("eid.unheard-of")], Some(Reason::UnknownIndicator));
}

#[test]
fn the_lag_model_reads_every_threshold_as_it_was_adopted() {
    let adopted = rules("kh-1", "0.25", None);
    let thresholds = &adopted.thresholds;
    let read = |number: &dyn Fn(&str) -> Option<f64>| {
        lag::Rules::named("kh-1", number, &thresholds.due_soon_days)
    };
    let shipped = lag::Rules {
        version: "kh-1".to_owned(),
        ..lag::Rules::standard()
    };
    let found = read(&|name| thresholds.number(name));
    assert_eq!(
        found,
        lag::Rules {
            p_open: 0.25,
            ..shipped.clone()
        }
    );
    // No name is passed over: with any of them changed the rules are others.
    for (name, shipped_number) in rules("kh-1", "0.3", None).thresholds.numbers() {
        let other = read(&|asked| (asked == name).then_some(shipped_number + 1.0));
        assert_ne!(other, shipped, "{name} is not read");
    }
}

#[test]
fn the_ranges_of_a_request_are_those_of_the_lag_model() {
    let on_record = |rules: &RulesAdopted| rule::thresholds(rules);
    assert_eq!(on_record(&rules("kh-1", "0.6", None)), Ok(()));
    let refused = on_record(&rules("kh-1", "0.7", None)).unwrap_err();
    assert_eq!(refused.0, Reason::ThresholdRange);
    assert!(
        refused.1.contains("p_clear must be at least p_open"),
        "{}",
        refused.1
    );
    for (p_open, is_usable) in [("0", true), ("-0.1", false), ("1.1", false)] {
        let found = on_record(&rules("kh-1", p_open, None));
        assert_eq!(found.is_ok(), is_usable, "{p_open}: {found:?}");
    }
}
