//! What is to be done by when, the models, the indicators and what nobody holds: asked over the wire's messages, page by page.

use domain::event::{
    self as e, Body, Document, Extent, OrganisationChange, Source, Successor, WorkOrigin,
};
use jiff::civil::Date;
use tonic::{Code, Request, Status};
use wire::status::refusal;
use wire::v1;
use wire::v1::query_service_server::QueryService as _;

use super::parts::{ahead, hasty};
use super::{Service, defined, name, place, registered};

const MODEL: &str = "KH-2.07";
const POLICE: &str = "Công an TP Nha Trang";
const PROVINCIAL: &str = "Công an tỉnh";
const HEALTH: &str = "Sở Y tế";

/// Asks for all pages, each of another size, and gives what they list; `$between` happens after each.
macro_rules! paged {
    ($service:expr, $method:ident, $list:ident, $request:expr, $sizes:expr, $between:expr) => {{
        let (mut request, mut listed) = ($request, Vec::new());
        let (mut sizes, mut total) = ($sizes.into_iter().cycle(), None);
        loop {
            request.page_size = sizes.next().unwrap();
            let page = $service.api.$method(Request::new(request.clone())).await;
            let page = page.unwrap().into_inner();
            assert!(page.$list.len() <= request.page_size as usize);
            assert_eq!(*total.get_or_insert(page.total_size), page.total_size);
            listed.extend(page.$list);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
            $between;
        }
        assert_eq!(usize::try_from(total.unwrap()).unwrap(), listed.len());
        listed
    }};
}

/// A work item of 6 July.
fn item(code: &str, at: &str, due: &str, organisation: &str) -> e::WorkItemDefined {
    e::WorkItemDefined {
        work_item: code.parse().unwrap(),
        locality: place(at),
        model: None,
        content: name("Số hóa bến xe"),
        volume: None,
        unit: String::new(),
        expected_result: "Một bến xe".to_owned(),
        start: None,
        due: due.parse::<Date>().ok(),
        organisation: organisation.to_owned(),
        office: String::new(),
        origin: WorkOrigin::New,
        depends_on: Vec::new(),
    }
}

fn define(service: &Service, item: e::WorkItemDefined) {
    service.take("2023-07-06", Body::WorkItemDefined(item));
}

fn succeeded(organisation: &str, successors: &[&str]) -> Body {
    Body::OrganisationSucceeded(e::OrganisationSucceeded {
        locality: place("56"),
        organisation: organisation.to_owned(),
        successors: successors.iter().map(ToString::to_string).collect(),
        change: match successors {
            [] => OrganisationChange::Ended,
            _ => OrganisationChange::Merged,
        },
        document: None,
        source: Source::default(),
    })
}

/// Khánh Hòa with its plan and two models, Nha Trang and Diên Khánh.
fn province() -> Service {
    let service = Service::new();
    for (code, name, parent) in [
        ("56", "Tỉnh Khánh Hòa", None),
        ("568", "Thành phố Nha Trang", Some("56")),
        ("571", "Huyện Diên Khánh", Some("56")),
    ] {
        service.take("2023-04-10", registered(code, name, parent));
    }
    let plan = Body::PlanAdopted(e::PlanAdopted {
        plan: "6559".parse().unwrap(),
        locality: place("56"),
        document: Document::default(),
        summary: name("31 mô hình"),
    });
    let group = Body::GroupDefined(e::GroupDefined {
        group: "KH-2".parse().unwrap(),
        plan: "6559".parse().unwrap(),
        number: 2,
        name: name("Kinh tế xã hội"),
    });
    let models = [MODEL, "KH-2.08"].map(|code| {
        Body::ModelDefined(e::ModelDefined {
            model: code.parse().unwrap(),
            group: "KH-2".parse().unwrap(),
            name: name(code),
            indicative: true,
            basis: String::new(),
            source: Source::default(),
        })
    });
    for body in [plan, group].into_iter().chain(models) {
        service.take("2023-07-04", body);
    }
    service
}

/// Five work items: of Nha Trang's police, which the province's take over on 15 July, and of the health department; the position before that.
fn work() -> (Service, u64) {
    let service = province();
    define(
        &service,
        e::WorkItemDefined {
            model: Some(MODEL.parse().unwrap()),
            ..item("W1", "568", "2023-07-20", POLICE)
        },
    );
    define(
        &service,
        e::WorkItemDefined {
            depends_on: vec!["W1".parse().unwrap()],
            ..item("W2", "568", "2023-08-14", POLICE)
        },
    );
    define(&service, item("W3", "571", "", HEALTH));
    define(&service, item("W4", "571", "2023-07-10", POLICE));
    define(&service, item("W5", "568", "2023-07-20", HEALTH));
    let moved = e::WorkItemRescheduled {
        work_item: "W4".parse().unwrap(),
        locality: place("571"),
        start: None,
        due: "2023-08-01".parse().unwrap(),
        reason: "chờ kinh phí".to_owned(),
        document: None,
    };
    service.take("2023-07-09", Body::WorkItemRescheduled(moved));
    let done = e::WorkItemCompleted {
        work_item: "W5".parse().unwrap(),
        locality: place("568"),
        evidence: "Biên bản".to_owned(),
    };
    service.take("2023-07-12", Body::WorkItemCompleted(done));
    let before = service.api.shared.position();
    service.take("2023-07-15", succeeded(POLICE, &[PROVINCIAL]));
    (service, before)
}

/// What makes a question another.
type Change = fn(&mut v1::ListWorkItemsRequest);

fn all() -> v1::ListWorkItemsRequest {
    v1::ListWorkItemsRequest::default()
}

fn on(as_of: &str) -> Option<v1::ReadAt> {
    Some(v1::ReadAt {
        as_of: as_of.to_owned(),
        ..Default::default()
    })
}

async fn ask(
    service: &Service,
    request: v1::ListWorkItemsRequest,
) -> Result<v1::ListWorkItemsResponse, Status> {
    let answer = service.api.list_work_items(Request::new(request)).await;
    answer.map(tonic::Response::into_inner)
}

fn codes(items: &[v1::ListedWorkItem]) -> Vec<String> {
    let defined = items.iter().map(|it| it.item.clone().unwrap().defined);
    defined.map(|it| it.unwrap().work_item).collect()
}

/// The codes of what is listed, which is all on one page.
async fn listed(service: &Service, request: v1::ListWorkItemsRequest) -> Vec<String> {
    let answer = ask(service, request).await.unwrap();
    let codes = codes(&answer.work_items);
    assert_eq!(answer.total_size as usize, codes.len());
    assert_eq!(answer.next_page_token, "");
    codes
}

#[tokio::test]
async fn work_is_told_by_last_day_with_where_it_is_and_who_has_it_today() {
    let (service, _) = work();
    let answer = ask(&service, all()).await.unwrap();
    // What was put off stands where its new last day is, and what has none stands last.
    assert_eq!(codes(&answer.work_items), ["W1", "W5", "W4", "W2", "W3"]);
    assert_eq!((answer.total_size, &*answer.next_page_token), (5, ""));
    assert_eq!(answer.at.unwrap().position, service.api.shared.position());
    let first = answer.work_items[0].clone();
    let head = first.locality.unwrap();
    assert_eq!(head.name.unwrap().vi, "Thành phố Nha Trang");
    assert_eq!((&*head.parent_code, &*head.ended), ("56", ""));
    let item = first.item.unwrap();
    assert_eq!(
        (item.status(), item.overdue_days),
        (v1::WorkItemStatus::Open, 11)
    );
    assert_eq!(item.responsible, [PROVINCIAL]);
    let moved = answer.work_items[2].item.clone().unwrap();
    assert_eq!((&*moved.due, moved.overdue_days), ("2023-08-01", 0));
    assert_eq!(moved.reschedulings.len(), 1);
    let read_mask = Some(prost_types::FieldMask {
        paths: vec!["work_items.item.due".to_owned()],
    });
    let part = ask(&service, v1::ListWorkItemsRequest { read_mask, ..all() })
        .await
        .unwrap();
    assert_eq!(part.total_size, 5);
    assert_eq!(part.work_items[2].locality, None);
    assert_eq!(
        part.work_items[2].item,
        Some(v1::WorkItem {
            due: moved.due,
            ..Default::default()
        })
    );
}

#[tokio::test]
async fn each_argument_leaves_out_what_is_not_asked_for() {
    let (service, _) = work();
    let of = |change: Change| {
        let mut request = all();
        change(&mut request);
        listed(&service, request)
    };
    assert_eq!(of(|r| r.code = "571".to_owned()).await, ["W4", "W3"]);
    assert_eq!(of(|r| r.code = "56".to_owned()).await.len(), 5);
    assert_eq!(of(|r| r.model = MODEL.to_owned()).await, ["W1"]);
    assert!(of(|r| r.model = "KH-2.08".to_owned()).await.is_empty());
    assert_eq!(of(|r| r.overdue_only = true).await, ["W1"]);
    use v1::WorkItemStatus::{Blocked, Cancelled, Completed, Open};
    for (statuses, overdue_only, expected) in [
        (&[Open][..], false, &["W1", "W4", "W3"][..]),
        (&[Blocked], false, &["W2"]),
        (&[Completed], false, &["W5"]),
        (&[Cancelled], false, &[]),
        // What is still to be done is one question.
        (&[Blocked, Open], false, &["W1", "W4", "W2", "W3"]),
        (
            &[Open, Blocked, Completed, Cancelled],
            false,
            &["W1", "W5", "W4", "W2", "W3"],
        ),
        (&[Open, Open], true, &["W1"]),
        // What is done is never overdue.
        (&[Completed, Cancelled], true, &[]),
    ] {
        let request = v1::ListWorkItemsRequest {
            statuses: statuses.iter().map(|one| *one as i32).collect(),
            overdue_only,
            ..all()
        };
        assert_eq!(listed(&service, request).await, expected, "{statuses:?}");
    }
    // Both days count, and each alone leaves the other side open; what has no last day is due on none.
    for (due_from, due_to, expected) in [
        ("2023-07-20", "1/8/2023", &["W1", "W5", "W4"][..]),
        ("2023-07-21", "2023-08-13", &["W4"]),
        ("2023-08-01", "2023-08-01", &["W4"]),
        ("2023-08-02", "", &["W2"]),
        ("", "2023-07-31", &["W1", "W5"]),
        ("2023-08-15", "", &[]),
    ] {
        let request = v1::ListWorkItemsRequest {
            due_from: due_from.to_owned(),
            due_to: due_to.to_owned(),
            ..all()
        };
        assert_eq!(
            listed(&service, request).await,
            expected,
            "{due_from} to {due_to}"
        );
    }
    let of_several = v1::ListWorkItemsRequest {
        code: "568".to_owned(),
        organisation: PROVINCIAL.to_owned(),
        due_to: "2023-12-31".to_owned(),
        ..all()
    };
    assert_eq!(listed(&service, of_several).await, ["W1", "W2"]);
}

#[tokio::test]
async fn work_is_that_of_whoever_took_over_and_stands_as_on_the_day_asked_about() {
    let (service, before) = work();
    let of = |organisation: &str, at: Option<v1::ReadAt>| {
        let organisation = organisation.to_owned();
        listed(
            &service,
            v1::ListWorkItemsRequest {
                organisation,
                at,
                ..all()
            },
        )
    };
    assert_eq!(of("cong an TINH", None).await, ["W1", "W4", "W2"]);
    assert!(of(POLICE, None).await.is_empty());
    // The day before, and by what was known before, the city's police still had it.
    assert_eq!(of(POLICE, on("2023-07-14")).await, ["W1", "W4", "W2"]);
    let known = Some(v1::ReadAt {
        known_at: before.to_string(),
        ..Default::default()
    });
    assert_eq!(of(POLICE, known).await, ["W1", "W4", "W2"]);
    // Before it was put off W4 was due first, and before it was done W5 was open.
    let as_of = |status: v1::WorkItemStatus, day| {
        let statuses = vec![status as i32];
        listed(
            &service,
            v1::ListWorkItemsRequest {
                statuses,
                at: on(day),
                ..all()
            },
        )
    };
    let open = v1::WorkItemStatus::Open;
    assert_eq!(as_of(open, "2023-07-08").await, ["W4", "W1", "W5", "W3"]);
    assert_eq!(as_of(open, "2023-07-11").await, ["W1", "W5", "W4", "W3"]);
    assert_eq!(as_of(open, "2023-07-12").await, ["W1", "W4", "W3"]);
    let done = v1::WorkItemStatus::Completed;
    assert!(as_of(done, "2023-07-11").await.is_empty());
    assert_eq!(as_of(done, "2023-07-12").await, ["W5"]);
    assert!(
        listed(
            &service,
            v1::ListWorkItemsRequest {
                at: on("2023-07-05"),
                ..all()
            }
        )
        .await
        .is_empty()
    );
    // A model that is defined only later has no work yet, but is no mistake.
    let early = v1::ListWorkItemsRequest {
        model: MODEL.to_owned(),
        at: on("2023-07-01"),
        ..all()
    };
    assert!(listed(&service, early).await.is_empty());
    // Nobody is left, and nobody but a list of all tells of it.
    service.take("2023-07-16", succeeded(PROVINCIAL, &[]));
    assert!(of(PROVINCIAL, None).await.is_empty());
    let left = ask(&service, all()).await.unwrap().work_items[0].clone();
    assert!(left.item.unwrap().responsible.is_empty());
}

#[tokio::test]
async fn what_an_ended_place_left_is_listed_with_its_end_in_the_place_it_ended_into() {
    let (service, _) = work();
    let ended = Body::LocalityEnded(e::LocalityEnded {
        locality: place("571"),
        successors: vec![Successor {
            locality: place("568"),
            extent: Extent::Full,
        }],
        source: Source::default(),
    });
    service.take("2023-07-20", ended);
    let within = |code: &str, at| {
        let code = code.to_owned();
        ask(&service, v1::ListWorkItemsRequest { code, at, ..all() })
    };
    for code in ["568", "56", ""] {
        let answer = within(code, None).await.unwrap();
        assert_eq!(
            codes(&answer.work_items),
            ["W1", "W5", "W4", "W2", "W3"],
            "{code}"
        );
        let ended = answer
            .work_items
            .iter()
            .map(|it| &*it.locality.as_ref().unwrap().ended);
        let day = "2023-07-20";
        assert_eq!(ended.collect::<Vec<_>>(), ["", "", day, "", day]);
    }
    let day_before = within("568", on("2023-07-19")).await.unwrap();
    assert_eq!(codes(&day_before.work_items), ["W1", "W5", "W2"]);
    let of = v1::ListWorkItemsRequest {
        organisation: PROVINCIAL.to_owned(),
        ..all()
    };
    // By successions alone: a portfolio calls W4 orphaned.
    assert_eq!(listed(&service, of).await, ["W1", "W4", "W2"]);
    let of = v1::GetOwnerPortfolioRequest {
        organisation: PROVINCIAL.to_owned(),
        ..Default::default()
    };
    let portfolio = service.api.get_owner_portfolio(Request::new(of)).await;
    let items = portfolio.unwrap().into_inner().work_items;
    let holding = |code: &str| {
        let found = items.iter().find(|it| {
            let item = it.item.clone().unwrap();
            item.defined.unwrap().work_item == code
        });
        found.unwrap().holding()
    };
    assert_eq!(holding("W4"), v1::Holding::Orphaned);
    assert_eq!(holding("W1"), v1::Holding::Held);
    let refused = within("571", None).await.unwrap_err();
    assert_eq!(refusal(&refused).reason, "LOCALITY_NOT_VALID");
}

#[tokio::test]
async fn pages_of_work_cover_it_once_and_in_order_whatever_is_recorded_meanwhile() {
    let expected = ["W1", "W5", "W4", "W2", "W3"];
    for sizes in [[1, 1], [2, 1], [3, 2], [5, 5], [1_000, 1]] {
        let (service, _) = work();
        let mut number = 0;
        let found = paged!(service, list_work_items, work_items, all(), sizes, {
            number += 1;
            define(
                &service,
                item(&format!("X{number}"), "568", "2023-07-01", HEALTH),
            );
        });
        assert_eq!(codes(&found), expected, "{sizes:?}");
    }
    let (service, _) = work();
    let first = v1::ListWorkItemsRequest {
        page_size: 2,
        ..all()
    };
    let first = ask(&service, first).await.unwrap();
    let next = v1::ListWorkItemsRequest {
        page_token: first.next_page_token,
        ..all()
    };
    assert_eq!(
        ask(&service, next.clone()).await.unwrap().work_items.len(),
        3
    );
    let changes: [Change; 9] = [
        |r| r.code = "56".to_owned(),
        |r| r.organisation = HEALTH.to_owned(),
        |r| r.model = MODEL.to_owned(),
        |r| r.statuses = vec![v1::WorkItemStatus::Open as i32],
        |r| r.due_from = "2023-07-01".to_owned(),
        |r| r.due_to = "2023-07-01".to_owned(),
        |r| r.overdue_only = true,
        |r| r.at = on("2023-07-30"),
        |r| {
            r.read_mask = Some(prost_types::FieldMask {
                paths: vec!["at".to_owned()],
            })
        },
    ];
    for change in changes {
        let mut other = next.clone();
        change(&mut other);
        let refused = ask(&service, other.clone()).await.unwrap_err();
        assert_eq!(
            refusal(&refused).violations[0].field,
            "page_token",
            "{other:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_asked_for_is_refused_before_anything_is_waited_for() {
    let (service, _) = work();
    let changes: [(Change, &[(&str, &str)]); 10] = [
        (
            |r| r.code = "năm sáu".to_owned(),
            &[("code", "CODE_FORMAT")],
        ),
        (
            |r| r.organisation = " ".to_owned(),
            &[("organisation", "REQUIRED")],
        ),
        (|r| r.model = "KH 2".to_owned(), &[("model", "CODE_FORMAT")]),
        (
            |r| r.statuses = vec![0, 1, 9],
            &[
                ("statuses[0]", "VALUE_UNSPECIFIED"),
                ("statuses[2]", "VALUE_UNSPECIFIED"),
            ],
        ),
        (
            |r| r.statuses = vec![1; 5],
            &[("statuses", "VALUE_UNSPECIFIED")],
        ),
        (
            |r| r.due_to = "hôm nào đó".to_owned(),
            &[("due_to", "DATE_FORMAT")],
        ),
        (
            |r| (r.due_from, r.due_to) = ("31/6/2023".to_owned(), "mai".to_owned()),
            &[("due_from", "DATE_FORMAT"), ("due_to", "DATE_FORMAT")],
        ),
        (
            |r| (r.due_from, r.due_to) = ("2023-08-02".to_owned(), "1/8/2023".to_owned()),
            &[("due_from", "DATE_ORDER")],
        ),
        (|r| r.page_size = -1, &[("page_size", "COUNT_BELOW_ZERO")]),
        (
            |r| r.page_token = "zz".to_owned(),
            &[("page_token", "CODE_FORMAT")],
        ),
    ];
    for (change, expected) in changes {
        let mut request = v1::ListWorkItemsRequest {
            at: ahead(),
            ..all()
        };
        change(&mut request);
        let refused = service.api.list_work_items(hasty(request.clone())).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        let violations = refusal(&refused).violations;
        let blamed = violations.iter().map(|it| (&*it.field, &*it.reason));
        assert_eq!(blamed.collect::<Vec<_>>(), expected, "{request:?}");
        if expected[0].1 == "DATE_ORDER" {
            let detail = &violations[0].detail;
            assert!(
                detail.contains("2023-08-02 is after due_to 2023-08-01"),
                "{detail}"
            );
        }
    }
    let unknown = |change: Change| {
        let mut request = all();
        change(&mut request);
        ask(&service, request)
    };
    let refused = unknown(|r| r.organisation = "cong an".to_owned())
        .await
        .unwrap_err();
    assert_eq!(refusal(&refused).reason, "UNKNOWN_ORGANISATION");
    let offered =
        format!("nobody on record is called 'cong an'; did you mean {PROVINCIAL}, {POLICE}");
    assert_eq!(
        (refused.code(), refused.message()),
        (Code::NotFound, &*offered)
    );
    let refused = unknown(|r| r.model = "KH-9.99".to_owned())
        .await
        .unwrap_err();
    assert_eq!(refusal(&refused).reason, "UNKNOWN_MODEL");
    let refused = unknown(|r| r.code = "99".to_owned()).await.unwrap_err();
    assert_eq!(refusal(&refused).reason, "UNKNOWN_LOCALITY");
}

#[tokio::test]
async fn models_and_indicators_come_page_by_page_as_of_the_first() {
    for sizes in [[1, 1], [2, 1], [9, 9]] {
        let service = province();
        let mut number = 8;
        let request = v1::ListModelsRequest {
            group: "KH-2".to_owned(),
            ..Default::default()
        };
        let models = paged!(service, list_models, models, request, sizes, {
            number += 1;
            let defined = e::ModelDefined {
                model: format!("KH-2.0{number}").parse().unwrap(),
                group: "KH-2".parse().unwrap(),
                name: name("Mô hình mới"),
                indicative: true,
                basis: String::new(),
                source: Source::default(),
            };
            service.take("2023-07-04", Body::ModelDefined(defined));
        });
        let codes = models.into_iter().map(|it| it.defined.unwrap().model);
        assert_eq!(codes.collect::<Vec<_>>(), [MODEL, "KH-2.08"]);
        let indicator = |code: &str| {
            let Body::IndicatorDefined(of) = defined() else {
                panic!("an indicator");
            };
            let indicator = code.parse().unwrap();
            Body::IndicatorDefined(e::IndicatorDefined { indicator, ..of })
        };
        for code in ["eid.b", "eid.c", "eid.a"] {
            service.take("2023-04-10", indicator(code));
        }
        let request = v1::ListIndicatorsRequest::default();
        let indicators = paged!(service, list_indicators, indicators, request, sizes, {
            service.take("2023-04-10", indicator("eid.0"));
        });
        let codes = indicators.into_iter().map(|it| it.indicator);
        assert_eq!(codes.collect::<Vec<_>>(), ["eid.a", "eid.b", "eid.c"]);
    }
    let service = province();
    let first = v1::ListModelsRequest {
        page_size: 1,
        ..Default::default()
    };
    let first = service.api.list_models(Request::new(first)).await.unwrap();
    let page_token = first.into_inner().next_page_token;
    let at = ahead();
    for (code, group, page_size, field) in [
        ("56", "", 0, "page_token"),
        ("", "KH-2", 0, "page_token"),
        ("", "", -1, "page_size"),
    ] {
        let request = v1::ListModelsRequest {
            code: code.to_owned(),
            group: group.to_owned(),
            page_size,
            page_token: page_token.clone(),
            at: at.clone(),
            ..Default::default()
        };
        let refused = service.api.list_models(hasty(request)).await.unwrap_err();
        assert_eq!(refusal(&refused).violations[0].field, field);
    }
}

#[tokio::test]
async fn what_nobody_holds_comes_page_by_page_kind_by_kind() {
    for sizes in [[1, 1], [2, 3], [4, 1], [1_000, 1]] {
        let (service, _) = work();
        service.take("2023-07-16", succeeded(HEALTH, &[]));
        let request = v1::ListOrphansRequest {
            code: "56".to_owned(),
            ..Default::default()
        };
        let orphans = paged!(service, list_orphans, orphans, request, sizes, {
            service.take("2023-07-17", succeeded(PROVINCIAL, &[]));
        });
        let told = orphans.iter().map(|it| (it.kind(), &*it.code));
        let expected = [
            (v1::OrphanKind::Model, MODEL),
            (v1::OrphanKind::Model, "KH-2.08"),
            (v1::OrphanKind::WorkItem, "W3"),
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected, "{sizes:?}");
    }
    let (service, _) = work();
    let request = v1::ListOrphansRequest {
        code: "56".to_owned(),
        page_size: 1,
        ..Default::default()
    };
    let first = service
        .api
        .list_orphans(Request::new(request.clone()))
        .await;
    let next = v1::ListOrphansRequest {
        code: "571".to_owned(),
        page_token: first.unwrap().into_inner().next_page_token,
        at: ahead(),
        ..request.clone()
    };
    let refused = service.api.list_orphans(hasty(next)).await.unwrap_err();
    assert_eq!(refusal(&refused).violations[0].field, "page_token");
    let no_code = v1::ListOrphansRequest {
        code: "năm sáu".to_owned(),
        at: ahead(),
        ..request
    };
    let refused = service.api.list_orphans(hasty(no_code)).await.unwrap_err();
    assert_eq!(refusal(&refused).violations[0].field, "code");
}
