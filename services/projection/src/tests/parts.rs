//! What all lists have in common: their pages, and the parts of an answer that a caller wants.

use tonic::{Code, Request, Status};
use wire::status::refusal;
use wire::v1;
use wire::v1::query_service_server::QueryService as _;

use super::{Service, registered};

/// Two provinces.
fn provinces() -> Service {
    let service = Service::new();
    for (code, name) in [("56", "Tỉnh Khánh Hòa"), ("01", "Thành phố Hà Nội")] {
        service.take("2023-04-10", registered(code, name, None));
    }
    service
}

/// For pages of one province, of which these parts are wanted.
fn wanted(paths: &[&str]) -> v1::ListLocalitiesRequest {
    let paths = paths.iter().map(ToString::to_string).collect();
    v1::ListLocalitiesRequest {
        page_size: 1,
        read_mask: Some(prost_types::FieldMask { paths }),
        ..Default::default()
    }
}

async fn ask(
    service: &Service,
    request: v1::ListLocalitiesRequest,
) -> Result<v1::ListLocalitiesResponse, Status> {
    let answer = service.api.list_localities(hasty(request)).await;
    answer.map(tonic::Response::into_inner)
}

/// A request of somebody who waits for what does not come for no long time.
pub(super) fn hasty<T>(request: T) -> Request<T> {
    let mut request = Request::new(request);
    let waits = "100m".parse().unwrap();
    request.metadata_mut().insert("grpc-timeout", waits);
    request
}

/// A position that is far ahead.
pub(super) fn ahead() -> Option<v1::ReadAt> {
    Some(v1::ReadAt {
        min_position: 999,
        ..Default::default()
    })
}

#[tokio::test]
async fn only_what_is_wanted_is_given_on_every_page() {
    let service = provinces();
    let mut request = wanted(&["localities.name.vi", "localities.level"]);
    let mut names = Vec::new();
    loop {
        let page = ask(&service, request.clone()).await.unwrap();
        assert_eq!((page.total_size, page.at.unwrap().position), (2, 2));
        let [head] = page.localities.as_slice() else {
            panic!("{:?}", page.localities);
        };
        assert_eq!((head.level(), &head.r#ref), (v1::Level::Province, &None));
        names.push(head.name.clone().unwrap().vi);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        // The same parts, said otherwise.
        let again = wanted(&["localities.*.level", "localities.name.vi", "at"]);
        request.read_mask = again.read_mask;
    }
    assert_eq!(names, ["Thành phố Hà Nội", "Tỉnh Khánh Hòa"]);
}

#[tokio::test]
async fn all_pages_are_of_the_same_parts() {
    let service = provinces();
    let first = ask(&service, wanted(&["localities.name"])).await.unwrap();
    for other in [&[][..], &["*"], &["localities"]] {
        let next = v1::ListLocalitiesRequest {
            page_token: first.next_page_token.clone(),
            ..wanted(other)
        };
        let refused = ask(&service, next).await.unwrap_err();
        assert_eq!(refusal(&refused).violations[0].field, "page_token");
    }
}

#[tokio::test]
async fn a_part_that_there_is_not_is_refused_by_name_before_anything_is_waited_for() {
    let service = provinces();
    let request = v1::ListLocalitiesRequest {
        at: ahead(),
        ..wanted(&["localities.name", "localities.nom"])
    };
    let refused = refusal(&ask(&service, request).await.unwrap_err());
    assert_eq!(refused.reason, "UNKNOWN_FIELD_PATH");
    assert_eq!(refused.violations[0].field, "read_mask.paths[1]");
    assert!(refused.violations[0].detail.contains("localities.nom"));
}

#[tokio::test]
async fn whoever_asks_for_no_such_part_of_a_long_list_does_not_wait_to_be_told() {
    let api = provinces().api;
    let read_mask = wanted(&["nom"]).read_mask;
    let matrix = v1::GetModelMatrixRequest {
        read_mask: read_mask.clone(),
        at: ahead(),
        ..Default::default()
    };
    let missing = v1::ListMissingReportsRequest {
        indicator: "eid".to_owned(),
        read_mask: read_mask.clone(),
        at: ahead(),
        ..Default::default()
    };
    let portfolio = v1::GetOwnerPortfolioRequest {
        organisation: "Sở Y tế".to_owned(),
        read_mask,
        at: ahead(),
        ..Default::default()
    };
    let no_code = v1::GetModelMatrixRequest {
        model: "KH 2".to_owned(),
        read_mask: None,
        ..matrix.clone()
    };
    let no_level = v1::ListMissingReportsRequest {
        level: 9,
        read_mask: None,
        ..missing.clone()
    };
    let rank = v1::RankLocalitiesRequest {
        indicator: "eid".to_owned(),
        read_mask: missing.read_mask.clone(),
        at: ahead(),
        ..Default::default()
    };
    let of_no_level = v1::RankLocalitiesRequest {
        level: 9,
        read_mask: None,
        ..rank.clone()
    };
    let of_nobody = v1::GetOwnerPortfolioRequest {
        organisation: " ".to_owned(),
        read_mask: None,
        ..portfolio.clone()
    };
    let part = "read_mask.paths[0]";
    for (refused, field) in [
        (api.get_model_matrix(hasty(matrix)).await.err(), part),
        (api.list_missing_reports(hasty(missing)).await.err(), part),
        (api.get_owner_portfolio(hasty(portfolio)).await.err(), part),
        (api.rank_localities(hasty(rank)).await.err(), part),
        (api.rank_localities(hasty(of_no_level)).await.err(), "level"),
        (
            api.get_owner_portfolio(hasty(of_nobody)).await.err(),
            "organisation",
        ),
        (api.get_model_matrix(hasty(no_code)).await.err(), "model"),
        (
            api.list_missing_reports(hasty(no_level)).await.err(),
            "level",
        ),
    ] {
        let refused = refusal(&refused.unwrap());
        let fields = refused.violations.iter().map(|one| &one.field);
        assert_eq!(fields.collect::<Vec<_>>(), [field], "{refused:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_question_is_refused_before_anything_is_waited_for() {
    let service = provinces();
    let first = ask(&service, wanted(&[])).await.unwrap();
    let (api, page_token, at) = (service.api, first.next_page_token, ahead());
    macro_rules! refused {
        ($method:ident, $request:ident { $($field:ident: $value:expr),* }) => {{
            let request = v1::$request {
                page_token: page_token.clone(),
                at: at.clone(),
                $($field: $value,)*
                ..Default::default()
            };
            api.$method(hasty(request)).await.err().unwrap()
        }};
    }
    for refused in [
        refused!(
            list_localities,
            ListLocalitiesRequest {
                include_ended: true
            }
        ),
        refused!(list_figures, ListFiguresRequest {}),
        refused!(list_findings, ListFindingsRequest {}),
        refused!(
            rank_localities,
            RankLocalitiesRequest {
                indicator: "eid".to_owned()
            }
        ),
        refused!(get_model_matrix, GetModelMatrixRequest {}),
        refused!(
            get_owner_portfolio,
            GetOwnerPortfolioRequest {
                organisation: "Sở Y tế".to_owned()
            }
        ),
        refused!(
            list_missing_reports,
            ListMissingReportsRequest {
                indicator: "eid".to_owned()
            }
        ),
        refused!(list_work_items, ListWorkItemsRequest {}),
        refused!(list_models, ListModelsRequest {}),
        refused!(list_indicators, ListIndicatorsRequest {}),
        refused!(list_rules, ListRulesRequest {}),
        refused!(
            list_orphans,
            ListOrphansRequest {
                code: "56".to_owned()
            }
        ),
    ] {
        let refused = refusal(&refused);
        let fields = refused.violations.iter().map(|one| &one.field);
        assert_eq!(fields.collect::<Vec<_>>(), ["page_token"], "{refused:?}");
    }
}

#[tokio::test]
async fn no_times_and_empty_ones_are_the_same_question() {
    let service = provinces();
    let first = ask(&service, wanted(&[])).await.unwrap();
    let next = v1::ListLocalitiesRequest {
        page_token: first.next_page_token,
        at: Some(v1::ReadAt::default()),
        ..wanted(&[])
    };
    assert_eq!(ask(&service, next).await.unwrap().localities.len(), 1);
}

#[tokio::test]
async fn a_page_goes_on_where_the_service_was_and_not_where_it_has_come_to_since() {
    let service = provinces();
    let first = ask(&service, wanted(&[])).await.unwrap();
    let next = v1::ListLocalitiesRequest {
        page_token: first.next_page_token,
        ..wanted(&[])
    };
    // It was started again from a snapshot, and has folded one of the two.
    let restarted = Service::new();
    restarted.take("2023-04-10", registered("56", "Tỉnh Khánh Hòa", None));
    let refused = ask(&restarted, next.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    assert_eq!(refusal(&refused).reason, "NOT_CAUGHT_UP");
    restarted.take("2023-04-10", registered("01", "Thành phố Hà Nội", None));
    let page = ask(&restarted, next).await.unwrap();
    assert_eq!(page.at.unwrap().position, 2);
    assert_eq!(page.localities[0].r#ref.clone().unwrap().code, "56");
}

#[tokio::test]
async fn a_later_page_waits_for_nothing_that_the_first_did_not_have() {
    let service = provinces();
    // All that is known by an hour to come: the first page has everything there is.
    let as_known = |page_token| v1::ListLocalitiesRequest {
        page_token,
        at: Some(v1::ReadAt {
            known_at: "2199-01-01".to_owned(),
            ..Default::default()
        }),
        ..wanted(&[])
    };
    let first = ask(&service, as_known(String::new())).await.unwrap();
    service.api.shared.hear(50);
    let next = hasty(as_known(first.next_page_token));
    let next = service.api.list_localities(next).await.unwrap();
    assert_eq!(next.into_inner().at.unwrap().position, 2);
    let anew = hasty(as_known(String::new()));
    let refused = service.api.list_localities(anew).await.unwrap_err();
    assert_eq!(refusal(&refused).reason, "NOT_CAUGHT_UP");
}

#[tokio::test]
async fn a_rebuild_names_the_field_that_holds_no_day() {
    let request = v1::RebuildLocalityRequest {
        code: "56".to_owned(),
        as_of: "hôm nào đó".to_owned(),
        position: 1,
    };
    let service = provinces();
    let refused = service.api.rebuild_locality(Request::new(request)).await;
    let refused = refusal(&refused.unwrap_err());
    assert_eq!(refused.violations[0].field, "as_of");
}
