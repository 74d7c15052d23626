//! The rules of judgement as they are listed.

use domain::text::Decimal;
use tonic::{Code, Request};
use wire::status::refusal;
use wire::v1::query_service_server::QueryService as _;

use super::*;

fn adopted(version: &str, reason: &str) -> Body {
    let number = Decimal::whole(1);
    Body::RulesAdopted(e::RulesAdopted {
        version: version.parse().unwrap(),
        reason: reason.to_owned(),
        thresholds: e::Thresholds {
            window_days: number,
            beta: number,
            average_factor: number,
            early_reports: 3,
            early_days: number,
            plan_red: number,
            plan_amber: number,
            cadence_days: number,
            p_open: "0.25".parse().unwrap(),
            p_clear: number,
            consecutive: 2,
            residuals_min: 100,
            band_miss: number,
            due_soon_days: vec![7, 3],
            stall_z: number,
            funnel_z: number,
            declared_quantile: number,
        },
        judged: e::Judged {
            layers: vec![e::QuotaLayer::Provincial],
            ..e::Judged::default()
        },
        steps: vec![e::Step {
            number: 1,
            name: name("nhắc"),
            after_days: 0,
            reply_days: 7,
            tells: vec![e::Recipient::Unit, e::Recipient::Province],
        }],
    })
}

/// Two versions and the first of them again, of which the last is to hold in August.
fn service() -> Service {
    let service = Service::new();
    service.take("2023-07-01", adopted("kh-1", "bắt đầu"));
    service.take("2023-07-10", adopted("kh-2", "chặt hơn"));
    service.take("2023-08-01", adopted("kh-1", "trở lại"));
    service
}

async fn list(service: &Service, request: v1::ListRulesRequest) -> v1::ListRulesResponse {
    let answer = service.api.list_rules(Request::new(request)).await;
    answer.unwrap().into_inner()
}

/// Versions, reasons, and which is in force.
fn told(answer: &v1::ListRulesResponse) -> Vec<(String, String, bool)> {
    let told = |entry: &v1::RulesOnRecord| {
        let adopted = entry.adopted.clone().unwrap();
        (adopted.version, adopted.reason, entry.in_force)
    };
    answer.rules.iter().map(told).collect()
}

fn at(as_of: &str, known_at: &str) -> Option<v1::ReadAt> {
    Some(v1::ReadAt {
        as_of: as_of.to_owned(),
        known_at: known_at.to_owned(),
        ..Default::default()
    })
}

#[tokio::test]
async fn the_rules_in_force_come_first_and_those_to_come_later() {
    let service = service();
    let one =
        |version: &str, reason: &str, in_force| (version.to_owned(), reason.to_owned(), in_force);
    let (first, second) = (
        one("kh-1", "bắt đầu", false),
        one("kh-2", "chặt hơn", false),
    );
    // The service's day is 31 July.
    let answer = list(&service, v1::ListRulesRequest::default()).await;
    assert_eq!(
        told(&answer),
        [one("kh-2", "chặt hơn", true), first.clone()]
    );
    let entry = &answer.rules[0];
    assert_eq!(entry.since, "2023-07-10");
    let recorded = entry.recorded.clone().unwrap();
    assert_eq!(
        (recorded.position, recorded.actor.unwrap().office.as_str()),
        (2, "Tổ Đề án 06")
    );
    let adopted = entry.adopted.clone().unwrap();
    let thresholds = adopted.thresholds.unwrap();
    assert_eq!(
        (thresholds.p_open.as_str(), thresholds.due_soon_days),
        ("0.25", vec![7, 3])
    );
    assert_eq!(
        adopted.judged.unwrap().layers,
        [v1::QuotaLayer::Provincial as i32]
    );
    assert_eq!(adopted.steps[0].tells, [1, 3]);
    let request = v1::ListRulesRequest {
        at: at("2023-08-01", ""),
        ..Default::default()
    };
    let last = one("kh-1", "trở lại", true);
    assert_eq!(told(&list(&service, request).await), [last, second, first]);
    // As it was known before, the first held.
    let request = v1::ListRulesRequest {
        at: at("2023-08-01", "1"),
        ..Default::default()
    };
    assert_eq!(
        told(&list(&service, request).await),
        [one("kh-1", "bắt đầu", true)]
    );
}

#[tokio::test]
async fn a_version_is_listed_with_all_its_adoptions_page_by_page() {
    let service = service();
    let of = |version: &str| v1::ListRulesRequest {
        version: version.to_owned(),
        at: at("2023-08-01", ""),
        page_size: 1,
        ..Default::default()
    };
    let page = list(&service, of("kh-1")).await;
    assert_eq!((told(&page).len(), page.total_size), (1, 2));
    service.take("2023-07-20", adopted("kh-1", "xen vào"));
    let next = v1::ListRulesRequest {
        page_token: page.next_page_token.clone(),
        ..of("kh-1")
    };
    let next = list(&service, next).await;
    assert_eq!(told(&next)[0].1, "bắt đầu");
    assert!(next.next_page_token.is_empty());
    assert!(list(&service, of("kh-9")).await.rules.is_empty());
    for (request, field) in [
        (of("quy tắc 1"), "version"),
        (
            v1::ListRulesRequest {
                page_token: page.next_page_token,
                ..of("kh-2")
            },
            "page_token",
        ),
    ] {
        let refused = service
            .api
            .list_rules(Request::new(request))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(refusal(&refused).violations[0].field, field);
    }
}
