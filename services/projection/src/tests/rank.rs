//! Rankings in pages, and among peers.

use domain::event::{self as e, Body, Denominator, Figure};
use domain::text::{Bound, Quantity};
use tonic::{Code, Request, Status};
use wire::v1;
use wire::v1::query_service_server::QueryService as _;

use super::{Service, defined, place, registered};

/// A province with so many communes, of which each has done a little less of a little more than the one before.
fn country(communes: u64) -> Service {
    let service = Service::new();
    service.take("2023-04-10", defined());
    service.take("2023-04-10", registered("56", "Tỉnh Khánh Hòa", None));
    for number in 1..=communes {
        let code = format!("{number:05}");
        service.take("2023-04-10", registered(&code, "Xã", Some("56")));
        let whole = 1_000 + 100 * number;
        report(&service, &code, whole - 40 * number, Some(whole));
    }
    service
}

fn report(service: &Service, code: &str, count: u64, whole: Option<u64>) {
    let figure = Figure {
        value: Some(Quantity {
            bound: Bound::Exact,
            value: count,
        }),
        denominator: whole.map(|value| Denominator {
            kind: "quota".to_owned(),
            value,
            derived: false,
        }),
        ..Figure::default()
    };
    let reported = Body::ProgressReported(e::ProgressReported {
        locality: place(code),
        indicator: "eid.activated".parse().unwrap(),
        figure,
        note: String::new(),
    });
    service.take("2023-07-10", reported);
}

fn request() -> v1::RankLocalitiesRequest {
    v1::RankLocalitiesRequest {
        indicator: "eid.activated".to_owned(),
        parent_code: "56".to_owned(),
        ..v1::RankLocalitiesRequest::default()
    }
}

async fn rank(
    service: &Service,
    request: v1::RankLocalitiesRequest,
) -> Result<v1::RankLocalitiesResponse, Status> {
    let answer = service.api.rank_localities(Request::new(request)).await;
    answer.map(tonic::Response::into_inner)
}

fn codes(answer: &v1::RankLocalitiesResponse) -> Vec<String> {
    let code = |ranked: &v1::RankedLocality| {
        let head = ranked.locality.clone().unwrap();
        head.r#ref.unwrap().code
    };
    answer.localities.iter().map(code).collect()
}

#[tokio::test]
async fn pages_of_a_ranking_cover_it_once_with_the_ranks_of_the_whole() {
    let service = country(23);
    let whole = rank(&service, request()).await.unwrap();
    assert_eq!((whole.localities.len(), whole.total_size), (23, 23));
    assert_eq!(whole.next_page_token, "");
    let mut request = v1::RankLocalitiesRequest {
        page_size: 10,
        ..request()
    };
    let (mut paged, mut sizes) = (Vec::new(), Vec::new());
    loop {
        let page = rank(&service, request.clone()).await.unwrap();
        assert_eq!(page.total_size, 23);
        sizes.push(page.localities.len());
        paged.extend(page.localities);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        // What is reported meanwhile changes nothing in the pages that follow.
        report(&service, "00023", 3_300, Some(3_300));
    }
    assert_eq!(sizes, [10, 10, 3]);
    assert_eq!(paged, whole.localities);
    let ranks: Vec<_> = paged.iter().map(|ranked| ranked.rank).collect();
    assert_eq!(ranks, (1..=23).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_ranked_commune_has_the_interval_of_its_share_and_of_its_rank() {
    let service = country(2);
    report(&service, "00002", 10, Some(10));
    let answer = rank(&service, request()).await.unwrap();
    assert_eq!(codes(&answer), ["00002", "00001"]);
    // 10 of 10 are 72.25 to 100 %, 1,060 of 1,100 are 95.09 to 97.32 %: either may be first.
    let spans = answer.localities.iter().map(|ranked| {
        let share = (ranked.share_low_hundredths, ranked.share_high_hundredths);
        (share, (ranked.rank_low, ranked.rank_high))
    });
    assert_eq!(
        spans.collect::<Vec<_>>(),
        [
            ((Some(7_225), Some(10_000)), (1, 2)),
            ((Some(9_509), Some(9_732)), (1, 2)),
        ]
    );
    report(&service, "00002", 11, Some(10));
    let answer = rank(&service, request()).await.unwrap();
    let beyond = &answer.localities[0];
    assert_eq!((beyond.rank, beyond.share_hundredths), (1, Some(11_000)));
    assert_eq!(beyond.share_low_hundredths, None);
    assert_eq!((beyond.rank_low, beyond.rank_high), (0, 0));
}

#[tokio::test]
async fn among_peers_a_commune_is_ranked_with_those_of_its_size() {
    let service = country(40);
    let peers_of = |code: &str| v1::RankLocalitiesRequest {
        peers_of_code: code.to_owned(),
        ..request()
    };
    // 1,100 people; its peers have up to 2,200, which is the twelfth.
    let answer = rank(&service, peers_of("00001")).await.unwrap();
    let expected: Vec<_> = (1..=12).map(|number| format!("{number:05}")).collect();
    assert_eq!(codes(&answer), expected);
    assert_eq!(answer.total_size, 12);
    let everywhere = v1::RankLocalitiesRequest {
        parent_code: String::new(),
        ..peers_of("00001")
    };
    let answer = rank(&service, everywhere).await.unwrap();
    assert_eq!(
        codes(&answer),
        expected,
        "communes, without a level asked for"
    );
    let of_provinces = v1::RankLocalitiesRequest {
        level: v1::Level::Province as i32,
        ..peers_of("00001")
    };
    let answer = rank(&service, of_provinces).await.unwrap();
    assert_eq!((answer.total_size, answer.without_figure), (0, 0));
    report(&service, "00001", 900, None);
    let refused = rank(&service, peers_of("00001")).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("00001"), "{refused}");
    let refused = rank(&service, peers_of("99999")).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound, "{refused}");
}

#[tokio::test]
async fn a_page_token_serves_only_the_ranking_it_was_given_for() {
    let service = country(12);
    let first = v1::RankLocalitiesRequest {
        page_size: 5,
        ..request()
    };
    let token = rank(&service, first.clone()).await.unwrap().next_page_token;
    let next = v1::RankLocalitiesRequest {
        page_token: token,
        ..first
    };
    assert_eq!(
        rank(&service, next.clone()).await.unwrap().localities.len(),
        5
    );
    let others = [
        v1::RankLocalitiesRequest {
            peers_of_code: "00001".to_owned(),
            ..next.clone()
        },
        v1::RankLocalitiesRequest {
            level: v1::Level::Commune as i32,
            ..next.clone()
        },
        v1::RankLocalitiesRequest {
            at: Some(v1::ReadAt {
                as_of: "2023-07-11".to_owned(),
                ..v1::ReadAt::default()
            }),
            ..next.clone()
        },
        v1::RankLocalitiesRequest {
            page_size: -1,
            ..next
        },
    ];
    for other in others {
        let refused = rank(&service, other).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
}
