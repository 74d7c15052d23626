//! A quota missed, told on the bus, and never told twice.

use futures::StreamExt;
use tokio::time::timeout;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::event::Body;

use crate::common::{LEDGER, PATIENCE, Running, World, cases, count, name, place, source};

pub(crate) const CASE: &str = "268@2023-04-10/eid.activated/central/overdue";

/// Hà Nội, Hà Đông, an indicator, and a quota that was missed on 30 June.
pub(crate) fn founding() -> Vec<(&'static str, Body)> {
    let place_of = |code: &str, vi: &str, level: v1::Level, parent: Option<v1::LocalityRef>| {
        let locality = Some(v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        });
        Body::LocalityRegistered(v1::LocalityRegistered {
            locality,
            level: level as i32,
            name: name(vi),
            parent,
            start_known: false,
            source: source(),
        })
    };
    vec![
        (
            "2023-04-10",
            place_of("01", "Thành phố Hà Nội", v1::Level::Province, None),
        ),
        (
            "2023-04-10",
            place_of("268", "Quận Hà Đông", v1::Level::District, place("01")),
        ),
        (
            "2023-04-10",
            Body::IndicatorDefined(v1::IndicatorDefined {
                indicator: "eid.activated".to_owned(),
                name: name("Kích hoạt tài khoản định danh điện tử"),
                family: "eid".to_owned(),
                kind: v1::IndicatorKind::Cumulative as i32,
                unit: name("tài khoản"),
                denominator: "quota".to_owned(),
            }),
        ),
        (
            "2023-06-05",
            Body::QuotaAssigned(v1::QuotaAssigned {
                locality: place("268"),
                indicator: "eid.activated".to_owned(),
                layer: v1::QuotaLayer::Central as i32,
                denominator: Some(v1::Denominator {
                    kind: "quota".to_owned(),
                    value: count(269_950),
                    derived: false,
                }),
                target_percent: "95".to_owned(),
                deadline: "2023-06-30".to_owned(),
                document: Some(v1::Document {
                    issuer: "Bộ Công an".to_owned(),
                    ..v1::Document::default()
                }),
                ..v1::QuotaAssigned::default()
            }),
        ),
        ("2023-06-30", report(250_000)),
    ]
}

pub(crate) fn report(people: i64) -> Body {
    Body::ProgressReported(v1::ProgressReported {
        locality: place("268"),
        indicator: "eid.activated".to_owned(),
        value: count(people),
        source: source(),
        ..v1::ProgressReported::default()
    })
}

/// The next alert as a subscriber gets it; heartbeats are none.
async fn alert(alerts: &mut async_nats::Subscriber) -> (String, serde_json::Value) {
    loop {
        let message = timeout(PATIENCE, alerts.next()).await.unwrap().unwrap();
        if !message.subject.ends_with(".sys.log.head") {
            let envelope = serde_json::from_slice(&message.payload).unwrap();
            return (message.subject.to_string(), envelope);
        }
    }
}

pub(crate) async fn read(running: &Running<alerting::Error>) -> Vec<v1::RecordedAlert> {
    let mut client = AlertingServiceClient::new(running.channel().await);
    let request = v1::ReadAlertsRequest {
        from_position: 0,
        follow: false,
    };
    let mut stream = client.read_alerts(request).await.unwrap().into_inner();
    let mut alerts = Vec::new();
    while let Some(response) = stream.message().await.unwrap() {
        alerts.extend(response.alerts);
    }
    alerts
}

/// The cases without when they were recorded.
fn timeless(mut cases: Vec<v1::Case>) -> Vec<v1::Case> {
    for case in &mut cases {
        case.opened_known = None;
        case.cleared_known = None;
    }
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_quota_is_told_once_whatever_happens_in_between() {
    let world = World::start().await;
    let mut alerts = world
        .subscriber(&format!("tiendo.v1.{LEDGER}-alerts.>"))
        .await;
    let mut alerting = world.alerting("2023-07-05").await;
    let position = world.record(founding()).await;

    is_told(&mut alerts).await;
    let first = cases(&alerting, position).await;
    assert_eq!((first.len(), first[0].case_id.as_str()), (1, CASE));
    assert_eq!(first[0].notifications.len(), 1);
    assert_eq!(read(&alerting).await.len(), 2);

    // A start changes nothing; without its own log everything is rebuilt as it was.
    alerting.stop().await;
    alerting = world.alerting("2023-07-05").await;
    assert_eq!(cases(&alerting, position).await, first);
    alerting.stop().await;
    std::fs::remove_dir_all(world.alerts()).unwrap();
    alerting = world.alerting("2023-07-05").await;
    assert_eq!(
        timeless(cases(&alerting, position).await),
        timeless(first.clone())
    );
    let position = clears(&world, &mut alerting).await;
    let (subject, event) = alert(&mut alerts).await;
    assert_eq!(
        subject,
        "tiendo.v1.ha-noi-alerts.268.case.cleared.eid-activated"
    );
    assert_eq!(
        (
            &event["id"],
            &event["data"]["caseCleared"]["openedPosition"]
        ),
        (&"ha-noi-alerts:3".into(), &1.into())
    );
    let all = cases(&alerting, position).await;
    alerting.stop().await;
    std::fs::remove_dir_all(world.alerts()).unwrap();
    alerting = world.alerting("2023-07-05").await;
    assert_eq!(timeless(cases(&alerting, position).await), timeless(all));
    other_days(&world, alerting, position).await;
    world.stop().await;
}

/// The case and the reminder, as a subscriber gets them.
async fn is_told(alerts: &mut async_nats::Subscriber) {
    let (subject, opened) = alert(alerts).await;
    assert_eq!(
        subject,
        "tiendo.v1.ha-noi-alerts.268.case.opened.eid-activated"
    );
    assert_eq!(opened["specversion"], "1.0");
    assert_eq!(opened["id"], "ha-noi-alerts:1");
    assert_eq!(opened["type"], "vn.tiendo.case.opened.v1");
    assert_eq!(opened["subject"], "268");
    assert_eq!(opened["time"], "2023-07-05T16:59:59.999999999Z");
    assert_eq!(opened["data"]["effective"], "2023-07-05");
    let case = &opened["data"]["caseOpened"];
    assert_eq!(case["caseId"], CASE, "{opened}");
    assert_eq!(case["verdict"]["concern"], "CONCERN_OVERDUE");
    assert_eq!(case["verdict"]["status"], "VERDICT_STATUS_RED");
    let (subject, sent) = alert(alerts).await;
    assert_eq!(
        subject,
        "tiendo.v1.ha-noi-alerts.268.notification.sent.eid-activated"
    );
    let notification = &sent["data"]["notificationSent"]["notification"];
    assert_eq!(
        notification["addressee"],
        "Thủ trưởng đơn vị: Chủ tịch UBND quận Hà Đông"
    );
    let text = notification["text"]["vi"].as_str().unwrap();
    assert!(text.contains("thiếu 6.453 tài khoản"), "{text}");
    assert!(text.ends_with("(Đánh giá cho ngày 5/7/2023.)"), "{text}");
}

/// The target is reached, and whoever asks with the position of that report sees it.
async fn clears(world: &World, alerting: &mut Running<alerting::Error>) -> u64 {
    let position = world.record(vec![("2023-07-04", report(256_453))]).await;
    let cleared = cases(alerting, position).await;
    let verdict = cleared[0].cleared.as_ref().unwrap();
    assert_eq!(
        (verdict.position, verdict.status()),
        (position, v1::VerdictStatus::Done)
    );
    assert_eq!(
        (cleared[0].opened_position, cleared[0].cleared_position),
        (1, 3)
    );

    let mut client = AlertingServiceClient::new(alerting.channel().await);
    let begun = std::time::Instant::now();
    let status = loop {
        let mut ahead = tonic::Request::new(v1::ListVerdictsRequest {
            min_position: position + 1,
            ..v1::ListVerdictsRequest::default()
        });
        ahead.set_timeout(std::time::Duration::from_millis(1_000));
        let status = client.list_verdicts(ahead).await.unwrap_err();
        // On a machine with much else to do the answer may come too late for a caller of 1 s.
        if status.code() != tonic::Code::Cancelled || begun.elapsed() > PATIENCE {
            break status;
        }
    };
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");
    assert_eq!(wire::status::refusal(&status).reason, "NOT_CAUGHT_UP");
    let wrong = v1::ListVerdictsRequest {
        code: "Hà Đông".to_owned(),
        ..Default::default()
    };
    let status = client.list_verdicts(wrong).await.unwrap_err();
    assert_eq!(wire::status::refusal(&status).reason, "CODE_FORMAT");
    position
}

/// Started for another day, the book is made to agree with that day, once.
async fn other_days(world: &World, alerting: Running<alerting::Error>, position: u64) {
    alerting.stop().await;
    let earlier = world.alerting("2023-07-03").await;
    let now = cases(&earlier, position).await;
    assert_eq!(
        now.len(),
        2,
        "opened again, for on 3 July nobody knew of the figure of the 4th"
    );
    assert_eq!(now[0].opened.as_ref().unwrap().judged_for, "2023-07-03");
    earlier.stop().await;
    let later = world.alerting("2023-07-05").await;
    let open = |cases: &[v1::Case]| cases.iter().filter(|c| c.cleared_position == 0).count();
    let now = cases(&later, position).await;
    assert_eq!((now.len(), open(&now)), (2, 0));
    let entries = read(&later).await.len();
    later.stop().await;
    let again = world.alerting("2023-07-05").await;
    assert_eq!(cases(&again, position).await, now);
    assert_eq!(read(&again).await.len(), entries);
    again.stop().await;
}
