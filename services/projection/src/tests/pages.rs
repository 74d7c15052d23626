//! Lists that are read page by page, and the whole country in one question.

use domain::event::{self as e, Body, Successor};
use tonic::{Code, Request, Status};
use wire::v1;
use wire::v1::query_service_server::QueryService as _;

use super::{Service, count_of, defined, place, registered, reported};

const EID: &str = "eid.activated";

/// Two provinces with communes whose names are in another order than their codes, and figures of the first.
fn country() -> Service {
    let service = Service::new();
    service.take("2023-04-10", defined());
    for (code, name, parent) in [
        ("56", "Tỉnh Khánh Hòa", None),
        ("01", "Thành phố Hà Nội", None),
        ("00001", "Xã Vạn Thắng", Some("56")),
        ("00002", "Xã Đại Lãnh", Some("56")),
        ("00003", "Xã Diên An", Some("56")),
        ("00004", "Xã Cam Hòa", Some("56")),
        ("00005", "Xã Ba Vì", Some("01")),
        ("00006", "Xã Đại Lãnh", Some("01")),
    ] {
        service.take("2023-04-10", registered(code, name, parent));
    }
    for day in 1..=9 {
        let on = format!("2023-07-{day:02}");
        for code in ["00001", "00002", "00003"] {
            report(&service, &on, code, 100 * day, 1_000);
        }
    }
    service
}

fn report(service: &Service, on: &str, code: &str, count: u64, whole: u64) {
    service.take(on, reported(code, count_of(count, whole)));
}

async fn localities(
    service: &Service,
    request: &v1::ListLocalitiesRequest,
) -> Result<v1::ListLocalitiesResponse, Status> {
    let answer = service.api.list_localities(Request::new(request.clone()));
    answer.await.map(tonic::Response::into_inner)
}

async fn figures(
    service: &Service,
    request: &v1::ListFiguresRequest,
) -> Result<v1::ListFiguresResponse, Status> {
    let answer = service.api.list_figures(Request::new(request.clone()));
    answer.await.map(tonic::Response::into_inner)
}

async fn roll_up(service: &Service, code: &str, boundaries: &str) -> v1::RollUpIndicatorResponse {
    let request = v1::RollUpIndicatorRequest {
        indicator: EID.to_owned(),
        code: code.to_owned(),
        boundaries_on: boundaries.to_owned(),
        at: None,
    };
    let answer = service.api.roll_up_indicator(Request::new(request)).await;
    answer.unwrap().into_inner()
}

fn is_foreign(refused: &Status) -> bool {
    let violations = wire::status::refusal(refused).violations;
    let blamed = violations.iter().any(|one| one.field == "page_token");
    refused.code() == Code::InvalidArgument && blamed
}

#[tokio::test]
async fn pages_of_localities_of_any_size_are_the_list_in_the_order_of_its_names() {
    let service = country();
    let whole = v1::ListLocalitiesRequest::default();
    let all = localities(&service, &whole).await.unwrap();
    let names = all
        .localities
        .iter()
        .map(|head| head.name.clone().unwrap().vi);
    let expected = [
        "Thành phố Hà Nội",
        "Tỉnh Khánh Hòa",
        "Xã Ba Vì",
        "Xã Cam Hòa",
        "Xã Diên An",
        "Xã Đại Lãnh",
        "Xã Đại Lãnh",
        "Xã Vạn Thắng",
    ];
    assert_eq!(names.collect::<Vec<_>>(), expected);
    for sizes in [[1, 1, 1], [3, 1, 2], [7, 2, 1], [8, 8, 8]] {
        let mut request = whole.clone();
        let (mut paged, mut sizes) = (Vec::new(), sizes.into_iter().cycle());
        loop {
            request.page_size = sizes.next().unwrap();
            let page = localities(&service, &request).await.unwrap();
            assert_eq!(page.total_size, 8, "{request:?}");
            assert!(page.localities.len() <= request.page_size as usize);
            paged.extend(page.localities);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
            // Who is renamed meanwhile stays where it was on the first page.
            service.take("2023-04-10", registered("00003", "Xã An Diên", Some("56")));
        }
        assert_eq!(paged, all.localities);
        service.take("2023-04-10", registered("00003", "Xã Diên An", Some("56")));
    }
}

#[tokio::test]
async fn a_token_of_another_list_or_of_nobody_is_refused() {
    let service = country();
    let mut request = v1::ListLocalitiesRequest {
        page_size: 3,
        ..Default::default()
    };
    let token = localities(&service, &request)
        .await
        .unwrap()
        .next_page_token;
    let parts: Vec<_> = token.split('-').collect();
    let [position, _, total, arguments] = parts[..] else {
        panic!("{token}");
    };
    for token in [
        format!("{position}-{arguments}"),
        format!("{position}-3-{arguments}"),
        format!("{position}-ffffffff-{total}-{arguments}"),
        format!("{position}-0-{total}-0"),
    ] {
        request.page_token = token;
        let refused = localities(&service, &request).await.unwrap_err();
        assert!(is_foreign(&refused), "{refused}");
    }
    let figure = v1::ListFiguresRequest {
        page_token: token,
        ..Default::default()
    };
    assert!(is_foreign(&figures(&service, &figure).await.unwrap_err()));
}

#[tokio::test]
async fn pages_of_figures_of_any_size_are_the_whole_history() {
    let service = country();
    for (code, parent_code, count) in [
        ("00002", "", 9),
        ("", "56", 27),
        ("", "", 27),
        ("", "01", 0),
    ] {
        let whole = v1::ListFiguresRequest {
            code: code.to_owned(),
            parent_code: parent_code.to_owned(),
            ..Default::default()
        };
        let all = figures(&service, &whole).await.unwrap().figures;
        assert_eq!(all.len(), count);
        for sizes in [[1, 1, 1], [2, 5, 1], [9, 9, 9], [26, 1, 1], [27, 1, 1]] {
            let mut request = whole.clone();
            let (mut paged, mut sizes) = (Vec::new(), sizes.into_iter().cycle());
            loop {
                request.page_size = sizes.next().unwrap();
                let page = figures(&service, &request).await.unwrap();
                assert!(page.figures.len() <= request.page_size as usize);
                paged.extend(page.figures);
                request.page_token = page.next_page_token;
                if request.page_token.is_empty() {
                    break;
                }
                assert!(paged.len() < count, "a page follows the last figure");
            }
            assert_eq!(paged, all);
        }
    }
}

#[tokio::test]
async fn the_country_is_asked_for_at_once_and_tells_its_provinces() {
    let service = country();
    let country = roll_up(&service, "", "").await;
    assert_eq!(country.locality, None);
    assert_eq!(country.level(), v1::Level::Commune);
    // Three of four communes of Khánh Hòa, and nobody of Hà Nội.
    assert_eq!(
        (country.parts, country.reported, country.carried),
        (5, 3, 0)
    );
    assert!(country.missing.is_empty() && country.broken.is_empty());
    let value = country.value.unwrap();
    assert_eq!(value.number, Some(v1::quantity::Number::Count(2_700)));
    assert_eq!(value.bound(), v1::Bound::AtLeast);
    assert_eq!(country.share_hundredths, Some(9_000));
    let [hanoi, khanh_hoa] = &country.provinces[..] else {
        panic!("{:?}", country.provinces);
    };
    assert_eq!((hanoi.parts, hanoi.missing), (1, 1));
    assert_eq!((hanoi.level(), &hanoi.value), (v1::Level::Province, &None));
    let alone = roll_up(&service, "56", "").await;
    assert_eq!(khanh_hoa.locality, alone.locality);
    assert_eq!(
        (&khanh_hoa.value, &khanh_hoa.denominator),
        (&alone.value, &alone.denominator)
    );
    assert_eq!(
        (khanh_hoa.parts, khanh_hoa.reported),
        (alone.parts, alone.reported)
    );
    assert_eq!(khanh_hoa.missing as usize, alone.missing.len());
    assert_eq!((&country.first, &country.last), (&alone.first, &alone.last));

    // A province that only reports as a whole is in the sum with what it says.
    report(&service, "2023-07-12", "01", 5_000, 8_000);
    let country = roll_up(&service, "", "").await;
    assert_eq!(country.level(), v1::Level::Unspecified);
    assert_eq!((country.parts, country.reported), (5, 4));
    assert_eq!(
        country.value.unwrap().number,
        Some(v1::quantity::Number::Count(7_700))
    );
}

#[tokio::test]
async fn the_country_has_the_provinces_of_the_day_of_the_boundaries() {
    let service = country();
    report(&service, "2023-07-12", "01", 5_000, 8_000);
    let ended = Body::LocalityEnded(e::LocalityEnded {
        locality: place("01"),
        successors: vec![Successor {
            locality: place("56"),
            extent: e::Extent::Full,
        }],
        source: e::Source::default(),
    });
    service.take("2023-07-20", ended);
    let after = roll_up(&service, "", "").await;
    let before = roll_up(&service, "", "2023-07-19").await;
    assert_eq!((before.provinces.len(), after.provinces.len()), (2, 1));
    assert_eq!(after.boundaries_on, "2023-07-31");
    assert_eq!((before.reported, after.reported), (4, 3));
}
