//! A case with a life: read, taken on, sent up the ladder, silenced, cleared; over the real service, which is stopped and started in between.

use std::collections::BTreeMap;

use futures::StreamExt;
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic::{Code, Streaming};
use wire::status::refusal;
use wire::v1;
use wire::v1::alert_event::Body;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::event::Body as Said;

use crate::common::{LEDGER, PATIENCE, Running, World, count, place};
use crate::story::{CASE, founding, report};

type Client = AlertingServiceClient<Channel>;

const READ_ID: &str = "018f6a00-0000-4000-8000-000000000001";
const TAKEN_ON_ID: &str = "018f6a00-0000-4000-8000-000000000002";
const SILENCE_ID: &str = "018f6a00-0000-4000-8000-000000000003";

pub(crate) fn office(office: &str) -> Option<v1::Actor> {
    Some(v1::Actor {
        organisation: "UBND Quận Hà Đông".to_owned(),
        office: office.to_owned(),
    })
}

async fn client(running: &Running<alerting::Error>) -> Client {
    AlertingServiceClient::new(running.channel().await)
}

async fn story(client: &mut Client, as_of: &str) -> v1::GetCaseResponse {
    let request = v1::GetCaseRequest {
        case_id: CASE.to_owned(),
        as_of: as_of.to_owned(),
        ..v1::GetCaseRequest::default()
    };
    client.get_case(request).await.unwrap().into_inner()
}

/// A story in a few words.
fn words(answer: &v1::GetCaseResponse) -> Vec<String> {
    let entries = answer.story.iter();
    let said = entries.map(|entry| match entry.alert.clone().unwrap().body.unwrap() {
        Body::CaseOpened(_) => "opened".to_owned(),
        Body::CaseCleared(_) => "cleared".to_owned(),
        Body::NotificationSent(e) => format!("told {}", e.notification.unwrap().step),
        Body::NotificationRead(e) => format!("read by {}", e.by.unwrap().office),
        Body::CaseAcknowledged(e) => format!("taken on until {}", e.until),
        Body::AcknowledgementEnded(_) => "acknowledgement ended".to_owned(),
        Body::CaseEscalated(e) => format!("step {}", e.step),
        Body::NotificationWithheld(e) => format!("withheld {}: {}", e.step, e.why),
        other => panic!("{other:?}"),
    });
    said.collect()
}

async fn how_many(client: &mut Client, filter: v1::ListCasesRequest) -> i32 {
    let answer = client.list_cases(filter).await.unwrap().into_inner();
    assert_eq!(answer.cases.len(), answer.total_size as usize);
    answer.total_size
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_has_one_story_whatever_happens_in_between() {
    let world = World::start().await;
    let subject = format!("tiendo.v1.{LEDGER}-alerts.>");
    let mut alerts = world.subscriber(&subject).await;
    let alerting = world.alerting("2023-07-05").await;
    let position = world.record(founding()).await;
    let mut asked = client(&alerting).await;
    let opened = crate::common::cases(&alerting, position).await;
    assert_eq!(opened[0].notification_positions, [2]);
    is_read_and_taken_on(&mut asked).await;
    is_refused(&mut asked).await;
    alerting.stop().await;

    // The day it was taken on until has passed, and so have seven days.
    for _ in 0..2 {
        let alerting = world.alerting("2023-07-15").await;
        let told = story(&mut client(&alerting).await, "").await;
        assert_eq!(
            words(&told)[4..],
            ["acknowledgement ended", "step 2", "told 2"],
            "and a second start adds nothing"
        );
        let case = told.case.unwrap();
        assert_eq!(
            (case.step, case.next_step, case.next_step_on.as_str()),
            (2, 3, "2023-07-22")
        );
        alerting.stop().await;
    }
    let alerting = world.alerting("2023-07-15").await;
    is_silenced(&mut client(&alerting).await).await;
    alerting.stop().await;

    let alerting = world.alerting("2023-07-25").await;
    speaks_again(&mut client(&alerting).await).await;
    let cleared = world.record(vec![("2023-07-20", report(256_453))]).await;
    is_over(&mut client(&alerting).await, cleared).await;
    is_published(&mut alerts).await;
    alerting.stop().await;

    // What people did lives in alerting's own log alone.
    std::fs::remove_dir_all(world.alerts()).unwrap();
    let alerting = world.alerting("2023-07-25").await;
    let rebuilt = story(&mut client(&alerting).await, "").await;
    assert_eq!(words(&rebuilt), ["opened", "told 1", "cleared", "told 0"]);
    alerting.stop().await;
    world.stop().await;
}

/// Whoever was told has read it, and takes the case on; repeated, neither is recorded again.
async fn is_read_and_taken_on(client: &mut Client) {
    let read = v1::MarkReadRequest {
        request_id: READ_ID.to_owned(),
        case_id: CASE.to_owned(),
        notification_position: 2,
        by: office("Văn phòng"),
    };
    for request_id in [READ_ID, READ_ID, ""] {
        let request_id = request_id.to_owned();
        let read = v1::MarkReadRequest {
            request_id,
            ..read.clone()
        };
        let told = client.mark_read(read).await.unwrap().into_inner();
        assert_eq!((told.position, told.case.unwrap().reads.len()), (3, 1));
    }
    let acknowledge = v1::AcknowledgeCaseRequest {
        request_id: TAKEN_ON_ID.to_owned(),
        case_id: CASE.to_owned(),
        by: office("Chủ tịch"),
        until: "10/7/2023".to_owned(),
        note: "đã giao tổ công tác rà soát".to_owned(),
    };
    for _ in 0..2 {
        let taken = client.acknowledge_case(acknowledge.clone()).await;
        let taken = taken.unwrap().into_inner();
        assert_eq!(taken.position, 4);
        let case = taken.case.unwrap();
        assert_eq!(case.acknowledgement.unwrap().until, "2023-07-10");
        assert_eq!(case.next_step_on, "2023-07-12", "seven days after the 5th");
    }
    let other = v1::AcknowledgeCaseRequest {
        note: "khác".to_owned(),
        ..acknowledge
    };
    let status = client.acknowledge_case(other).await.unwrap_err();
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(refusal(&status).reason, "REQUEST_ID_REUSED");
    let told = story(client, "").await;
    assert_eq!(
        words(&told),
        [
            "opened",
            "told 1",
            "read by Văn phòng",
            "taken on until 2023-07-10"
        ]
    );
}

/// Everything wrong is told at once, and nothing of it is recorded.
async fn is_refused(client: &mut Client) {
    let wrong = v1::AcknowledgeCaseRequest {
        request_id: "1".to_owned(),
        case_id: "268".to_owned(),
        by: office("anh Ba, 0912345678"),
        until: "2023-07-01".to_owned(),
        note: "CCCD 056203001234".to_owned(),
    };
    let status = client.acknowledge_case(wrong).await.unwrap_err();
    let told: Vec<(String, String)> = refusal(&status)
        .violations
        .into_iter()
        .map(|violation| (violation.field, violation.reason))
        .collect();
    let expected = [
        ("request_id", "REQUEST_ID_FORMAT"),
        ("case_id", "CODE_FORMAT"),
        ("by.office", "PERSONAL_DATA"),
        ("note", "PERSONAL_DATA"),
        ("until", "DATE_ORDER"),
    ];
    let expected = expected.map(|(field, reason)| (field.to_owned(), reason.to_owned()));
    assert_eq!(told, expected);
    let unknown = v1::AcknowledgeCaseRequest {
        case_id: CASE.replace("overdue", "lagging"),
        by: office("Chủ tịch"),
        until: "2023-07-10".to_owned(),
        ..v1::AcknowledgeCaseRequest::default()
    };
    let status = client.acknowledge_case(unknown.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(refusal(&status).reason, "UNKNOWN_CASE");
    let far = v1::AcknowledgeCaseRequest {
        case_id: CASE.to_owned(),
        until: "2023-12-31".to_owned(),
        ..unknown
    };
    let status = client.acknowledge_case(far).await.unwrap_err();
    assert_eq!(refusal(&status).reason, "DATE_IN_FUTURE");
    let nowhere = v1::SetSilenceRequest {
        places: vec![v1::SilencedPlace {
            locality: Some(v1::LocalityRef {
                code: "004".to_owned(),
                since: String::new(),
            }),
            below: false,
        }],
        indicator: "cccd.issued".to_owned(),
        author: office("Chủ tịch"),
        reason: "hệ thống bảo trì".to_owned(),
        until: "2023-07-10".to_owned(),
        ..v1::SetSilenceRequest::default()
    };
    let status = client.set_silence(nowhere).await.unwrap_err();
    let reasons = refusal(&status).violations.into_iter().map(|v| v.reason);
    let reasons: Vec<String> = reasons.collect();
    assert_eq!(reasons, ["UNKNOWN_LOCALITY", "UNKNOWN_INDICATOR"]);
}

/// A silence for the province and all within it.
async fn is_silenced(client: &mut Client) {
    let set = v1::SetSilenceRequest {
        request_id: SILENCE_ID.to_owned(),
        places: vec![v1::SilencedPlace {
            locality: Some(v1::LocalityRef {
                code: "01".to_owned(),
                since: String::new(),
            }),
            below: true,
        }],
        author: office("Tổ công tác"),
        reason: "hệ thống bảo trì".to_owned(),
        until: "2023-07-31".to_owned(),
        ..v1::SetSilenceRequest::default()
    };
    for _ in 0..2 {
        let silence = client.set_silence(set.clone()).await.unwrap().into_inner();
        let silence = silence.silence.unwrap();
        assert!(silence.in_force);
        // Since the 15th the place is silent too: a case and a reminder of their own.
        assert_eq!(silence.set_position, 10);
        assert_eq!(silence.set.unwrap().silence_id, SILENCE_ID);
    }
}

async fn next(watch: &mut Streaming<v1::WatchCasesResponse>) -> Vec<v1::Case> {
    let told = timeout(PATIENCE, watch.message()).await.unwrap().unwrap();
    told.unwrap().cases
}

/// The overdue case and the silent one, page by page.
async fn comes_in_pages(client: &mut Client) {
    let mut request = v1::ListCasesRequest {
        page_size: 1,
        ..v1::ListCasesRequest::default()
    };
    let first = client.list_cases(request.clone()).await.unwrap();
    let first = first.into_inner();
    assert_eq!((first.cases.len(), first.total_size), (1, 2));
    request.page_token = first.next_page_token;
    let second = client.list_cases(request.clone()).await.unwrap();
    let second = second.into_inner();
    assert_eq!(
        (second.cases.len(), second.next_page_token.as_str()),
        (1, "")
    );
    assert_ne!(second.cases[0].case_id, first.cases[0].case_id);
    request.include_cleared = true;
    let status = client.list_cases(request).await.unwrap_err();
    assert_eq!(refusal(&status).violations[0].field, "page_token");
}

/// What was withheld is told once the silence is ended, and whoever watches sees it.
async fn speaks_again(client: &mut Client) {
    let told = story(client, "").await;
    assert_eq!(words(&told)[7..], ["withheld 3: SILENCED"]);
    assert_eq!(told.silences.len(), 1);
    let filter = || v1::ListCasesRequest {
        concern: v1::Concern::Overdue as i32,
        ..v1::ListCasesRequest::default()
    };
    let is = |wanted: bool| Some(wanted);
    for (expected, filter) in [
        (
            1,
            v1::ListCasesRequest {
                silenced: is(true),
                ..filter()
            },
        ),
        (
            0,
            v1::ListCasesRequest {
                silenced: is(false),
                ..filter()
            },
        ),
        (
            0,
            v1::ListCasesRequest {
                acknowledged: is(true),
                ..filter()
            },
        ),
        (
            1,
            v1::ListCasesRequest {
                within: "01".to_owned(),
                ..filter()
            },
        ),
        (
            0,
            v1::ListCasesRequest {
                within: "268".to_owned(),
                step: 1,
                ..filter()
            },
        ),
        (
            1,
            v1::ListCasesRequest {
                step: 2,
                indicator: "eid.activated".to_owned(),
                ..filter()
            },
        ),
        (
            0,
            v1::ListCasesRequest {
                layer: v1::QuotaLayer::Commitment as i32,
                ..filter()
            },
        ),
    ] {
        assert_eq!(
            how_many(client, filter.clone()).await,
            expected,
            "{filter:?}"
        );
    }
    comes_in_pages(client).await;
    let silenced = v1::ListCasesRequest {
        silenced: is(true),
        ..filter()
    };
    let request = v1::WatchCasesRequest {
        filter: Some(silenced),
    };
    let mut watch = client.watch_cases(request).await.unwrap().into_inner();
    assert_eq!(next(&mut watch).await[0].silence_ids, [SILENCE_ID]);
    let end = v1::EndSilenceRequest {
        silence_id: SILENCE_ID.to_owned(),
        author: office("Tổ công tác"),
        ..v1::EndSilenceRequest::default()
    };
    let ended = client.end_silence(end.clone()).await.unwrap().into_inner();
    assert!(!ended.silence.unwrap().in_force);
    let no_longer = &next(&mut watch).await[0];
    assert!(no_longer.silence_ids.is_empty(), "{no_longer:?}");
    let status = client.end_silence(end).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(refusal(&status).reason, "SILENCE_ENDED");
    let escalated = v1::WatchCasesRequest {
        filter: Some(v1::ListCasesRequest {
            step: 3,
            ..filter()
        }),
    };
    let mut watch = client.watch_cases(escalated).await.unwrap().into_inner();
    let mut cases = next(&mut watch).await;
    if cases.is_empty() {
        cases = next(&mut watch).await;
    }
    let tells: Vec<&str> = cases[0].notifications[2]
        .tells
        .iter()
        .map(|place| place.code.as_str())
        .collect();
    assert_eq!(tells, ["268", "01"]);
    assert!(
        cases[0].notifications[2]
            .text
            .as_ref()
            .unwrap()
            .vi
            .starts_with("Giao ban: ")
    );
}

/// The target is reached: the case is cleared, the place commended, and the whole can be read for any day.
async fn is_over(client: &mut Client, position: u64) {
    let request = v1::GetCaseRequest {
        case_id: CASE.to_owned(),
        min_position: position,
        ..v1::GetCaseRequest::default()
    };
    let told = client.get_case(request).await.unwrap().into_inner();
    assert_eq!(
        words(&told),
        [
            "opened",
            "told 1",
            "read by Văn phòng",
            "taken on until 2023-07-10",
            "acknowledgement ended",
            "step 2",
            "told 2",
            "withheld 3: SILENCED",
            "step 3",
            "told 3",
            "cleared",
            "told 0",
        ]
    );
    let case = told.case.unwrap();
    let praise = case.notifications.last().unwrap().text.clone().unwrap();
    assert!(
        praise.vi.starts_with("Ghi nhận hoàn thành: "),
        "{}",
        praise.vi
    );
    assert_eq!((case.next_step, case.withheld.len()), (0, 1));
    let late = v1::AcknowledgeCaseRequest {
        case_id: CASE.to_owned(),
        by: office("Chủ tịch"),
        until: "2023-07-30".to_owned(),
        ..v1::AcknowledgeCaseRequest::default()
    };
    let status = client.acknowledge_case(late).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(refusal(&status).reason, "CASE_CLEARED");
    let then = story(client, "2023-07-10").await;
    assert_eq!(words(&then).len(), 4);
    let case = then.case.unwrap();
    assert!(case.cleared.is_none() && case.acknowledgement.is_some());
    assert_eq!(story(client, "2023-07-15").await.case.unwrap().step, 2);
}

/// Every act is on the bus, under the place that it is about.
async fn is_published(alerts: &mut async_nats::Subscriber) {
    let mut subjects: BTreeMap<String, u32> = BTreeMap::new();
    let last = format!("tiendo.v1.{LEDGER}-alerts.268.case.cleared.eid-activated");
    while !subjects.contains_key(&last) {
        let message = timeout(PATIENCE, alerts.next()).await.unwrap().unwrap();
        *subjects.entry(message.subject.to_string()).or_default() += 1;
    }
    let silence = format!("01.silence.set.{SILENCE_ID}");
    let ended = format!("01.silence.ended.{SILENCE_ID}");
    for (expected, rest) in [
        (1, "268.case.acknowledged.eid-activated"),
        (3, "268.case.escalated.eid-activated"),
        (2, "268.notification.withheld.eid-activated"),
        (1, "268.notification.read.eid-activated"),
        (1, "268.acknowledgement.ended.eid-activated"),
        (1, &silence),
        (1, &ended),
    ] {
        let subject = format!("tiendo.v1.{LEDGER}-alerts.{rest}");
        assert_eq!(subjects.get(&subject), Some(&expected), "{subjects:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parents_case_gathers_its_childrens_and_is_not_told_of_each() {
    let world = World::start().await;
    let mut events = founding();
    let of_parent = events.iter().filter_map(|(on, body)| match body {
        Said::QuotaAssigned(e) => Some((
            *on,
            Said::QuotaAssigned(v1::QuotaAssigned {
                locality: place("01"),
                ..e.clone()
            }),
        )),
        Said::ProgressReported(e) => Some((
            *on,
            Said::ProgressReported(v1::ProgressReported {
                locality: place("01"),
                value: count(200_000),
                ..e.clone()
            }),
        )),
        _ => None,
    });
    let of_parent: Vec<_> = of_parent.collect();
    events.extend(of_parent);
    let parents = CASE.replace("268@", "01@");
    let alerting = world.alerting("2023-07-05").await;
    let position = world.record(events).await;
    assert_eq!(crate::common::cases(&alerting, position).await.len(), 2);
    let mut asked = client(&alerting).await;
    let request = v1::GetCaseRequest {
        case_id: parents.clone(),
        ..v1::GetCaseRequest::default()
    };
    let parent = asked
        .get_case(request)
        .await
        .unwrap()
        .into_inner()
        .case
        .unwrap();
    assert_eq!(parent.gathers, [CASE]);
    assert_eq!(
        story(&mut asked, "").await.case.unwrap().gathered_by,
        parents
    );
    alerting.stop().await;
    for day in ["2023-07-12", "2023-07-19"] {
        world.alerting(day).await.stop().await;
    }
    let alerting = world.alerting("2023-07-19").await;
    let told = story(&mut client(&alerting).await, "").await;
    assert_eq!(
        words(&told)[2..],
        [
            "step 2",
            "told 2",
            "step 3",
            "told 3",
            "withheld 3: GATHERED"
        ]
    );
    let case = told.case.unwrap();
    assert_eq!(case.notifications[2].tells.len(), 1, "the unit alone");
    assert_eq!(
        (&case.withheld[0].by, &case.withheld[0].tells[0].code[..]),
        (&parents, "01")
    );
    alerting.stop().await;
    world.stop().await;
}
