//! The models of many places, what an organisation holds, and who has not reported: asked over the wire's messages, page by page.

use domain::event::{
    self as e, Body, Document, ModelStatus, OrganisationChange, OwnerChange, QuotaLayer, Role,
    Scope, Source, WorkOrigin,
};
use domain::text::{Moment, Percent};
use jiff::civil::date;
use state::State;
use tonic::{Code, Status};
use wire::v1;

use super::{Ledger, name, of_quota, place};
use crate::freshness::Freshness;
use crate::grpc::list::Listed;
use crate::grpc::{matrix, missing, portfolio};
use crate::moment::At;

const MODEL: &str = "KH-2.07";
const POLICE: &str = "Công an TP Nha Trang";

/// The end of July 2023, as known at a position; everything without one.
fn july(position: Option<u64>) -> At {
    At {
        as_of: Moment::end_of(date(2023, 7, 31)),
        position,
    }
}

/// Of districts below Khánh Hòa: Nha Trang, Diên Khánh and Đam Rông, in another order than their codes.
fn districts() -> Ledger {
    let mut ledger = Ledger::new();
    ledger.register("571", "Huyện Diên Khánh", Some("56"));
    ledger.register("569", "Huyện Đam Rông", Some("56"));
    let plan = e::PlanAdopted {
        plan: "6559".parse().unwrap(),
        locality: place("56"),
        document: Document::default(),
        summary: name("31 mô hình"),
    };
    ledger.take("2023-07-04", Body::PlanAdopted(plan), &[]);
    let group = e::GroupDefined {
        group: "KH-2".parse().unwrap(),
        plan: "6559".parse().unwrap(),
        number: 2,
        name: name("Kinh tế xã hội"),
    };
    ledger.take("2023-07-04", Body::GroupDefined(group), &[]);
    for code in [MODEL, "KH-2.08"] {
        let model = e::ModelDefined {
            model: code.parse().unwrap(),
            group: "KH-2".parse().unwrap(),
            name: name(code),
            indicative: true,
            basis: String::new(),
            source: Source::default(),
        };
        ledger.take("2023-07-04", Body::ModelDefined(model), &[]);
    }
    ledger
}

fn assign(ledger: &mut Ledger, code: &str, scope: Scope, role: Role, organisation: &str) -> u64 {
    let assigned = e::OwnerAssigned {
        scope,
        locality: place(code),
        role,
        organisations: vec![organisation.to_owned()],
        accountable_office: "Giám đốc".to_owned(),
        source: Source::default(),
        person_commitment: None,
        change: OwnerChange::Assigned,
        from: Vec::new(),
        reason: String::new(),
    };
    ledger.take("2023-07-05", Body::OwnerAssigned(assigned), &[])
}

fn model() -> Scope {
    Scope::Model(MODEL.parse().unwrap())
}

fn plan() -> Scope {
    Scope::Plan("6559".parse().unwrap())
}

fn status(ledger: &mut Ledger, code: &str, effective: &str, status: ModelStatus) -> u64 {
    let changed = e::ModelStatusChanged {
        model: MODEL.parse().unwrap(),
        locality: place(code),
        status,
        note: String::new(),
    };
    ledger.take(effective, Body::ModelStatusChanged(changed), &[])
}

/// Where the first page was read, as the service reads a later one.
fn of_first(at: At, first: Option<u64>) -> At {
    let position = first.or(at.position);
    At { position, ..at }
}

/// A page of a list, as the service answers it.
fn list<L: Listed>(state: &State, at: At, request: L::Request) -> Result<L::Answer, Status> {
    let asked = L::read(request, at.as_of)?;
    let at = of_first(at, asked.page().position);
    asked.answer(state, Freshness::default(), at)
}

fn of_khanh_hoa() -> v1::GetModelMatrixRequest {
    v1::GetModelMatrixRequest {
        parent_code: "56".to_owned(),
        ..Default::default()
    }
}

fn vi(head: Option<&v1::LocalityHead>) -> String {
    head.and_then(|head| head.name.clone()).unwrap().vi
}

/// Says of an error which field it blames.
fn blames(refused: &Status, code: Code, field: &str) -> bool {
    let violations = wire::status::refusal(refused).violations;
    refused.code() == code && violations.iter().any(|one| one.field == field)
}

#[test]
fn the_models_of_a_province_stand_district_by_district() {
    let mut ledger = districts();
    assign(&mut ledger, "56", model(), Role::Lead, "Sở GTVT");
    let planned = status(&mut ledger, "571", "2023-07-10", ModelStatus::NotStarted);
    let deployed = status(&mut ledger, "571", "2023-07-20", ModelStatus::Deployed);
    let answer = list::<matrix::Asked>(&ledger.state, july(None), of_khanh_hoa()).unwrap();
    let columns = answer.models.iter().map(|it| it.defined.clone().unwrap());
    let columns: Vec<_> = columns.map(|defined| defined.model).collect();
    assert_eq!(columns, [MODEL, "KH-2.08"]);
    let rows: Vec<_> = answer
        .rows
        .iter()
        .map(|row| vi(row.locality.as_ref()))
        .collect();
    // Đ is a letter of its own, after D.
    assert_eq!(
        rows,
        ["Huyện Diên Khánh", "Huyện Đam Rông", "Thành phố Nha Trang"]
    );
    let [first, second] = answer.rows[0].cells.as_slice() else {
        panic!("{:?}", answer.rows[0]);
    };
    assert_eq!(first.status(), v1::ModelStatus::Deployed);
    assert_eq!(first.status_since, "2023-07-20");
    assert_eq!(first.status_position, deployed);
    assert_eq!(first.organisations, ["Sở GTVT"]);
    assert_eq!(
        (first.role(), &*first.held_since),
        (v1::Role::Lead, "2023-07-05")
    );
    assert!(second.applies && second.organisations.is_empty());
    // Not reported is not the same as not begun.
    let silent = &answer.rows[1].cells[0];
    assert_eq!(silent.status(), v1::ModelStatus::Unspecified);
    assert!(silent.applies && silent.status_since.is_empty() && silent.status_position == 0);
    let then = list::<matrix::Asked>(&ledger.state, july(Some(planned)), of_khanh_hoa()).unwrap();
    assert_eq!(then.rows[0].cells[0].status(), v1::ModelStatus::NotStarted);
    assert_eq!(then.at.unwrap().position, planned);
    let one = v1::GetModelMatrixRequest {
        model: "KH-2.08".to_owned(),
        ..of_khanh_hoa()
    };
    let one = list::<matrix::Asked>(&ledger.state, july(None), one).unwrap();
    assert_eq!((one.models.len(), one.rows[0].cells.len()), (1, 1));
}

#[test]
fn pages_of_a_matrix_are_of_one_position_and_of_one_question() {
    let mut ledger = districts();
    let mut request = v1::GetModelMatrixRequest {
        page_size: 2,
        ..of_khanh_hoa()
    };
    let first = list::<matrix::Asked>(&ledger.state, july(None), request.clone()).unwrap();
    assert_eq!((first.rows.len(), first.total_size), (2, 3));
    // Somebody reports in between: the second page still shows what the first one knew.
    status(&mut ledger, "568", "2023-07-20", ModelStatus::Deployed);
    request.page_token = first.next_page_token.clone();
    let second = list::<matrix::Asked>(&ledger.state, july(None), request.clone()).unwrap();
    assert_eq!(second.rows.len(), 1);
    assert_eq!(
        second.rows[0].cells[0].status(),
        v1::ModelStatus::Unspecified
    );
    assert_eq!(second.next_page_token, "");
    assert_eq!(second.at.unwrap().position, first.at.unwrap().position);
    let changed = |change: fn(&mut v1::GetModelMatrixRequest)| {
        let mut request = request.clone();
        change(&mut request);
        list::<matrix::Asked>(&ledger.state, july(None), request).unwrap_err()
    };
    let token = "page_token";
    for refused in [
        changed(|r| r.parent_code.clear()),
        changed(|r| r.level = v1::Level::District as i32),
        changed(|r| r.group = "KH-2".to_owned()),
        changed(|r| r.model = MODEL.to_owned()),
    ] {
        assert!(
            blames(&refused, Code::InvalidArgument, token),
            "{refused:?}"
        );
    }
    let refused = changed(|r| r.page_size = -1);
    assert!(
        blames(&refused, Code::InvalidArgument, "page_size"),
        "{refused:?}"
    );
    let refused = changed(|r| (r.page_token, r.group) = (String::new(), "KH-9".to_owned()));
    assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    let other_day = At {
        as_of: Moment::end_of(date(2023, 7, 30)),
        position: None,
    };
    let refused = list::<matrix::Asked>(&ledger.state, other_day, request).unwrap_err();
    assert!(
        blames(&refused, Code::InvalidArgument, token),
        "{refused:?}"
    );
}

fn work_item(ledger: &mut Ledger, item: &str, due: (i16, i8, i8), organisation: &str) -> u64 {
    let (year, month, day) = due;
    let defined = e::WorkItemDefined {
        work_item: item.parse().unwrap(),
        locality: place("568"),
        model: None,
        content: name("Số hóa bến xe"),
        volume: None,
        unit: String::new(),
        expected_result: "Một bến xe".to_owned(),
        start: None,
        due: Some(date(year, month, day)),
        organisation: organisation.to_owned(),
        office: String::new(),
        origin: WorkOrigin::New,
        depends_on: Vec::new(),
    };
    ledger.take("2023-07-06", Body::WorkItemDefined(defined), &[])
}

/// The police of Nha Trang with two roles and three work items, all of which the province's take over on 15 July.
fn taken_over() -> (Ledger, u64) {
    let mut ledger = districts();
    assign(&mut ledger, "56", model(), Role::Implementing, POLICE);
    assign(&mut ledger, "568", plan(), Role::Lead, POLICE);
    work_item(&mut ledger, "W1", (2023, 7, 20), POLICE);
    work_item(&mut ledger, "W2", (2023, 8, 14), POLICE);
    let before = work_item(&mut ledger, "W3", (2023, 8, 15), POLICE);
    let succeeded = e::OrganisationSucceeded {
        locality: place("56"),
        organisation: POLICE.to_owned(),
        successors: vec!["Công an tỉnh".to_owned()],
        change: OrganisationChange::Merged,
        document: None,
        source: Source::default(),
    };
    ledger.take("2023-07-15", Body::OrganisationSucceeded(succeeded), &[]);
    (ledger, before)
}

fn of(organisation: &str) -> v1::GetOwnerPortfolioRequest {
    v1::GetOwnerPortfolioRequest {
        organisation: organisation.to_owned(),
        ..Default::default()
    }
}

#[test]
fn whoever_took_over_is_told_what_is_late_and_what_is_due() {
    let (ledger, before) = taken_over();
    let state = &ledger.state;
    let answer = list::<portfolio::Asked>(state, july(None), of("cong an TINH")).unwrap();
    assert_eq!(answer.organisation, "Công an tỉnh");
    let counts = v1::PortfolioCounts {
        roles: 2,
        overdue: 1,
        due_soon: 1,
        open: 1,
        ..Default::default()
    };
    assert_eq!((answer.counts, answer.due_days), (Some(counts), 14));
    let dues: Vec<_> = answer.work_items.iter().map(|item| item.due()).collect();
    let expected = [v1::WorkDue::Overdue, v1::WorkDue::Soon, v1::WorkDue::Open];
    assert_eq!(dues, expected);
    let first = &answer.work_items[0];
    assert_eq!(first.item.clone().unwrap().overdue_days, 11);
    assert_eq!(first.succeeded_on, "2023-07-15");
    let role = answer.roles[0].owner.clone().unwrap();
    assert_eq!(
        (role.appointed, &*role.succeeded_on),
        (vec![POLICE.to_owned()], "2023-07-15")
    );
    let gone = list::<portfolio::Asked>(state, july(None), of(POLICE)).unwrap();
    let counts = v1::PortfolioCounts {
        handed_over_roles: 2,
        handed_over_work_items: 3,
        ..Default::default()
    };
    assert_eq!(gone.counts, Some(counts));
    assert_eq!(gone.roles[0].holding(), v1::Holding::HandedOver);
    // As known before, the police of the city still had everything.
    let then = list::<portfolio::Asked>(state, july(Some(before)), of(POLICE)).unwrap();
    let counts = then.counts.unwrap();
    assert_eq!(
        (counts.roles, counts.overdue, counts.handed_over_roles),
        (2, 1, 0)
    );
    // Within another district only what was given above it holds.
    let within = v1::GetOwnerPortfolioRequest {
        code: "571".to_owned(),
        ..of("Công an tỉnh")
    };
    let within = list::<portfolio::Asked>(state, july(None), within).unwrap();
    let roles = within.roles.iter().map(|role| vi(role.locality.as_ref()));
    assert_eq!(roles.collect::<Vec<_>>(), ["Tỉnh Khánh Hòa"]);
    assert!(within.work_items.is_empty());
    // On 31 July a work item of 15 August is due within 15 days.
    let soon = v1::GetOwnerPortfolioRequest {
        due_days: Some(15),
        ..of("Công an tỉnh")
    };
    let soon = list::<portfolio::Asked>(state, july(None), soon).unwrap();
    assert_eq!((soon.counts.unwrap().due_soon, soon.due_days), (2, 15));
}

#[test]
fn a_portfolio_comes_page_by_page_and_a_name_nobody_has_is_told() {
    let (ledger, _) = taken_over();
    let mut request = v1::GetOwnerPortfolioRequest {
        page_size: 3,
        ..of("Công an tỉnh")
    };
    let first = list::<portfolio::Asked>(&ledger.state, july(None), request.clone()).unwrap();
    assert_eq!((first.roles.len(), first.work_items.len()), (2, 1));
    request.page_token = first.next_page_token;
    let second = list::<portfolio::Asked>(&ledger.state, july(None), request.clone()).unwrap();
    assert_eq!((second.roles.len(), second.work_items.len()), (0, 2));
    assert_eq!(second.counts, first.counts);
    assert_eq!(second.next_page_token, "");
    let changed = |change: fn(&mut v1::GetOwnerPortfolioRequest)| {
        let mut request = request.clone();
        change(&mut request);
        list::<portfolio::Asked>(&ledger.state, july(None), request).unwrap_err()
    };
    for refused in [
        changed(|r| r.organisation = POLICE.to_owned()),
        changed(|r| r.code = "56".to_owned()),
        changed(|r| r.due_days = Some(0)),
    ] {
        assert!(
            blames(&refused, Code::InvalidArgument, "page_token"),
            "{refused:?}"
        );
    }
    let refused = changed(|r| r.page_size = -1);
    assert!(
        blames(&refused, Code::InvalidArgument, "page_size"),
        "{refused:?}"
    );
    let asked =
        |name: &str| list::<portfolio::Asked>(&ledger.state, july(None), of(name)).unwrap_err();
    let refused = asked(" ");
    assert!(
        blames(&refused, Code::InvalidArgument, "organisation"),
        "{refused:?}"
    );
    let refused = asked("cong an");
    assert_eq!(refused.code(), Code::NotFound);
    let offered =
        format!("nobody on record is called 'cong an'; did you mean Công an tỉnh, {POLICE}");
    assert_eq!(refused.message(), offered);
}

fn handed_over(ledger: &mut Ledger, effective: &str, from: &str, to: &str) -> u64 {
    let assigned = e::OwnerAssigned {
        scope: model(),
        locality: place("56"),
        role: Role::Implementing,
        organisations: vec![to.to_owned()],
        accountable_office: String::new(),
        source: Source::default(),
        person_commitment: None,
        change: OwnerChange::HandedOver,
        from: vec![from.to_owned()],
        reason: "Phân công lại".to_owned(),
    };
    ledger.take(effective, Body::OwnerAssigned(assigned), &[])
}

#[test]
fn a_role_handed_over_is_told_to_who_gave_it_and_to_who_has_it() {
    let (mut ledger, _) = taken_over();
    let position = handed_over(&mut ledger, "2023-07-20", "Công an tỉnh", "Sở Y tế");
    let state = &ledger.state;
    let of = |name: &str| list::<portfolio::Asked>(state, july(None), of(name)).unwrap();
    for (name, holding, counts) in [
        ("Công an tỉnh", v1::Holding::HandedOver, (1, 1)),
        ("Sở Y tế", v1::Holding::Held, (1, 0)),
        // It came to the giver by a succession.
        (POLICE, v1::Holding::HandedOver, (0, 2)),
    ] {
        let answer = of(name);
        let found = answer.counts.unwrap();
        assert_eq!((found.roles, found.handed_over_roles), counts, "{name}");
        let is_it = |role: &&v1::PortfolioRole| !role.hand_overs.is_empty();
        let role = answer.roles.iter().find(is_it).unwrap();
        assert_eq!(role.holding(), holding, "{name}");
        assert_eq!(role.owner.clone().unwrap().organisations, ["Sở Y tế"]);
        let expected = v1::HandOver {
            from: vec!["Công an tỉnh".to_owned()],
            to: vec!["Sở Y tế".to_owned()],
            on: "2023-07-20".to_owned(),
            position,
            change: v1::OwnerChange::HandedOver as i32,
            reason: "Phân công lại".to_owned(),
        };
        assert_eq!(role.hand_overs, [expected], "{name}");
    }
}

#[test]
fn every_row_of_a_portfolio_is_counted_once_across_the_reform_and_a_dissolution() {
    let mut ledger = districts();
    assign(&mut ledger, "568", model(), Role::Implementing, POLICE);
    assign(&mut ledger, "571", model(), Role::Implementing, POLICE);
    assign(&mut ledger, "56", plan(), Role::Lead, POLICE);
    for item in ["W1", "W2", "W3"] {
        work_item(&mut ledger, item, (2023, 7, 20), POLICE);
    }
    let done = e::WorkItemCompleted {
        work_item: "W1".parse().unwrap(),
        locality: place("568"),
        evidence: "Biên bản".to_owned(),
    };
    ledger.take("2023-07-10", Body::WorkItemCompleted(done), &[]);
    let cancelled = e::WorkItemCancelled {
        work_item: "W2".parse().unwrap(),
        locality: place("568"),
        reason: "trùng lặp".to_owned(),
        document: None,
    };
    ledger.take("2023-07-11", Body::WorkItemCancelled(cancelled), &[]);
    let ended = e::LocalityEnded {
        locality: place("571"),
        successors: Vec::new(),
        source: Source::default(),
    };
    ledger.take("2023-07-12", Body::LocalityEnded(ended), &[]);
    let counts = |ledger: &Ledger| {
        let answer = list::<portfolio::Asked>(&ledger.state, july(None), of(POLICE));
        let answer = answer.unwrap();
        let c = answer.counts.unwrap();
        let roles = c.roles + c.orphaned_roles + c.handed_over_roles + c.ended_roles;
        assert_eq!(roles as usize, answer.roles.len());
        let held = c.overdue + c.due_soon + c.open + c.done + c.cancelled;
        let items = held + c.orphaned_work_items + c.handed_over_work_items + c.ended_work_items;
        assert_eq!(items as usize, answer.work_items.len());
        c
    };
    let expected = v1::PortfolioCounts {
        roles: 2,
        ended_roles: 1,
        overdue: 1,
        done: 1,
        cancelled: 1,
        ..Default::default()
    };
    assert_eq!(counts(&ledger), expected);
    let dissolved = e::OrganisationSucceeded {
        locality: place("56"),
        organisation: POLICE.to_owned(),
        successors: Vec::new(),
        change: OrganisationChange::Ended,
        document: None,
        source: Source::default(),
    };
    ledger.take("2023-07-15", Body::OrganisationSucceeded(dissolved), &[]);
    let expected = v1::PortfolioCounts {
        orphaned_roles: 2,
        ended_roles: 1,
        orphaned_work_items: 1,
        ended_work_items: 2,
        ..Default::default()
    };
    assert_eq!(counts(&ledger), expected);
}

#[test]
fn whoever_is_named_anywhere_has_a_portfolio_be_it_an_empty_one() {
    let mut ledger = districts();
    let order = e::DirectiveIssued {
        locality: place("56"),
        document: Document::default(),
        addressees: vec!["Sở Tài chính".to_owned()],
        text: name("Tập trung cao điểm"),
        source: Source::default(),
    };
    ledger.take("2023-07-10", Body::DirectiveIssued(order), &[]);
    let request = of("so tai chinh");
    let answer = list::<portfolio::Asked>(&ledger.state, july(None), request).unwrap();
    assert_eq!(answer.organisation, "Sở Tài chính");
    assert_eq!(answer.counts, Some(v1::PortfolioCounts::default()));
}

fn of_activated() -> v1::ListMissingReportsRequest {
    v1::ListMissingReportsRequest {
        indicator: "eid.activated".to_owned(),
        parent_code: "56".to_owned(),
        ..Default::default()
    }
}

/// Of the localities that are asked for it.
fn of_asked() -> v1::ListMissingReportsRequest {
    v1::ListMissingReportsRequest {
        asked_only: true,
        ..of_activated()
    }
}

/// Expected, reported, never reported, and too new.
fn counts(answer: &v1::ListMissingReportsResponse) -> [u32; 4] {
    [
        answer.expected_count,
        answer.reported_count,
        answer.never_count,
        answer.too_new_count,
    ]
}

/// The districts, of which Diên Khánh is asked from 5 July on, and the positions of the two reports that Nha Trang gave.
fn reporting() -> (Ledger, [u64; 2]) {
    let mut ledger = districts();
    assign(&mut ledger, "56", plan(), Role::Focal, "Công an tỉnh");
    let quota = e::QuotaAssigned {
        locality: place("571"),
        indicator: "eid.activated".parse().unwrap(),
        layer: QuotaLayer::Central,
        denominator: of_quota(1_000),
        target: "100".parse::<Percent>().unwrap(),
        start: None,
        deadline: None,
        milestones: Vec::new(),
        document: Document::default(),
    };
    ledger.take("2023-07-05", Body::QuotaAssigned(quota), &[]);
    let old = ledger.count("2023-07-15", 9_000, &[]);
    let new = ledger.count("2023-07-24", 9_900, &[]);
    (ledger, [old, new])
}

#[test]
fn who_has_not_reported_is_told_with_since_when_and_whom_to_ask() {
    let (ledger, [old, _]) = reporting();
    let answer = list::<missing::Asked>(&ledger.state, july(None), of_activated()).unwrap();
    let names: Vec<_> = answer
        .missing
        .iter()
        .map(|one| vi(one.locality.as_ref()))
        .collect();
    assert_eq!(names, ["Huyện Diên Khánh", "Huyện Đam Rông"]);
    assert_eq!((counts(&answer), answer.cadence_days), ([3, 1, 2, 0], 7));
    let never = &answer.missing[0];
    assert_eq!(
        (&*never.last, never.silent_days, &never.recorded),
        ("", None, &None)
    );
    assert!(never.asked && !never.silent && !answer.missing[1].asked);
    let responsible = never.responsible.clone().unwrap();
    assert_eq!(responsible.organisations, ["Công an tỉnh"]);
    assert_eq!(responsible.role(), v1::Role::Focal);
    // As known before the newest figure came, Nha Trang was silent for more than twice the cadence.
    let then = list::<missing::Asked>(&ledger.state, july(Some(old)), of_activated()).unwrap();
    assert_eq!(counts(&then), [3, 0, 2, 0]);
    let last = then.missing.last().unwrap();
    assert_eq!(vi(last.locality.as_ref()), "Thành phố Nha Trang");
    assert_eq!((&*last.last, last.silent_days), ("2023-07-15", Some(16)));
    assert!(last.silent);
    assert_eq!(last.recorded.clone().unwrap().position, old);
}

#[test]
fn who_is_asked_may_report_all_through_the_day_on_which_that_is_due() {
    let (ledger, [_, new]) = reporting();
    // Diên Khánh alone is asked, and its first report is due a week after that.
    let on = |day| {
        let at = At {
            as_of: Moment::end_of(date(2023, 7, day)),
            position: None,
        };
        list::<missing::Asked>(&ledger.state, at, of_asked()).unwrap()
    };
    assert_eq!(counts(&on(5)), [0, 0, 0, 1]);
    assert_eq!(counts(&on(12)), [0, 0, 0, 1]);
    let late = on(13);
    assert_eq!(counts(&late), [1, 0, 1, 0]);
    assert_eq!(vi(late.missing[0].locality.as_ref()), "Huyện Diên Khánh");
    // Every six days is more often than Nha Trang reports.
    let often = v1::ListMissingReportsRequest {
        cadence_days: 6,
        ..of_activated()
    };
    let often = list::<missing::Asked>(&ledger.state, july(None), often).unwrap();
    let last = often.missing.last().unwrap();
    assert_eq!(
        (last.silent_days, last.silent, often.cadence_days),
        (Some(7), false, 6)
    );
    assert_eq!(last.recorded.clone().unwrap().position, new);
}

#[test]
fn missing_reports_come_page_by_page() {
    let ledger = districts();
    let mut request = v1::ListMissingReportsRequest {
        page_size: 2,
        ..of_activated()
    };
    let first = list::<missing::Asked>(&ledger.state, july(None), request.clone()).unwrap();
    request.page_token = first.next_page_token;
    let second = list::<missing::Asked>(&ledger.state, july(None), request.clone()).unwrap();
    let all = first.missing.iter().chain(&second.missing);
    let names: Vec<_> = all.map(|one| vi(one.locality.as_ref())).collect();
    assert_eq!(
        names,
        ["Huyện Diên Khánh", "Huyện Đam Rông", "Thành phố Nha Trang"]
    );
    assert_eq!((second.expected_count, &*second.next_page_token), (3, ""));
    let changed = |change: fn(&mut v1::ListMissingReportsRequest)| {
        let mut request = request.clone();
        change(&mut request);
        list::<missing::Asked>(&ledger.state, july(None), request).unwrap_err()
    };
    for refused in [
        changed(|r| r.parent_code.clear()),
        changed(|r| r.level = v1::Level::Commune as i32),
        changed(|r| r.cadence_days = 30),
        changed(|r| r.asked_only = true),
        changed(|r| r.indicator = "eid.collected".to_owned()),
    ] {
        assert!(
            blames(&refused, Code::InvalidArgument, "page_token"),
            "{refused:?}"
        );
    }
    let refused = changed(|r| r.page_size = -7);
    assert!(
        blames(&refused, Code::InvalidArgument, "page_size"),
        "{refused:?}"
    );
    let refused = changed(|r| (r.page_token, r.indicator) = (String::new(), "eid.x".to_owned()));
    assert_eq!(refused.code(), Code::NotFound, "{refused:?}");
    // The days written out are the same question.
    request.cadence_days = 7;
    assert!(list::<missing::Asked>(&ledger.state, july(None), request).is_ok());
    // Of the whole country, that is its provinces.
    let country = v1::ListMissingReportsRequest {
        parent_code: String::new(),
        ..of_activated()
    };
    let country = list::<missing::Asked>(&ledger.state, july(None), country).unwrap();
    assert_eq!(country.expected_count, 1);
}
