//! Rules tried on the ledger that a real ingest keeps, beside the service that judges it.

use domain::text::date::date_in_vietnam;
use host::{Clock as _, SystemClock, Today};
use tokio::time::timeout;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;
use wire::v1::event::Body;

use crate::common::{PATIENCE, Running, World, cases, count, name, place, source};

const EID: &str = "eid.activated";

/// The day so many days before today, or after it if below zero.
fn ago(days: i64) -> String {
    let today = date_in_vietnam(SystemClock.now());
    let day = today.checked_sub(jiff::Span::new().days(days)).unwrap();
    day.to_string()
}

fn place_of(code: &str, vi: &str, level: v1::Level, parent: Option<v1::LocalityRef>) -> Body {
    Body::LocalityRegistered(v1::LocalityRegistered {
        locality: place(code),
        level: level as i32,
        name: name(vi),
        parent,
        start_known: false,
        source: source(),
    })
}

fn quota(code: &str, deadline: String) -> Body {
    Body::QuotaAssigned(v1::QuotaAssigned {
        locality: place(code),
        indicator: EID.to_owned(),
        layer: v1::QuotaLayer::Central as i32,
        denominator: Some(v1::Denominator {
            kind: "quota".to_owned(),
            value: count(1_000),
            derived: false,
        }),
        target_percent: "90".to_owned(),
        deadline,
        document: Some(v1::Document {
            issuer: "Bộ Công an".to_owned(),
            ..v1::Document::default()
        }),
        ..v1::QuotaAssigned::default()
    })
}

fn reported(code: &str, people: i64) -> Body {
    Body::ProgressReported(v1::ProgressReported {
        locality: place(code),
        indicator: EID.to_owned(),
        value: count(people),
        source: source(),
        ..v1::ProgressReported::default()
    })
}

/// Hà Nội with a place that is overdue, one that crawls towards a deadline in two months, and one that nobody hears of.
async fn founded(world: &World) -> u64 {
    let founding = [
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
            place_of("004", "Quận Long Biên", v1::Level::District, place("01")),
        ),
        (
            "2023-04-10",
            place_of("250", "Huyện Đông Anh", v1::Level::District, place("01")),
        ),
        (
            "2023-04-10",
            Body::IndicatorDefined(v1::IndicatorDefined {
                indicator: EID.to_owned(),
                name: name("Kích hoạt tài khoản định danh điện tử"),
                family: "eid".to_owned(),
                kind: v1::IndicatorKind::Cumulative as i32,
                unit: name("tài khoản"),
                denominator: "quota".to_owned(),
            }),
        ),
    ];
    world.record(founding.to_vec()).await;
    let asked = ago(60);
    let quotas = vec![
        (asked.as_str(), quota("268", ago(5))),
        (asked.as_str(), quota("004", ago(-60))),
        (asked.as_str(), quota("250", ago(-60))),
    ];
    world.record(quotas).await;
    let mut last = 0;
    for (days, overdue, crawls) in [
        (28, 300, 100),
        (21, 400, 110),
        (14, 500, 120),
        (7, 600, 130),
    ] {
        let day = ago(days);
        let reports = vec![
            (day.as_str(), reported("268", overdue)),
            (day.as_str(), reported("004", crawls)),
        ];
        last = world.record(reports).await;
    }
    last
}

/// What a backtest says, progress first.
async fn backtest(
    running: &Running<alerting::Error>,
    request: v1::RunBacktestRequest,
) -> (Vec<(u64, u64)>, v1::BacktestReport) {
    let mut client = AlertingServiceClient::new(running.channel().await);
    let mut answers = client.run_backtest(request).await.unwrap().into_inner();
    let (mut way, mut report) = (Vec::new(), None);
    while let Some(answer) = timeout(PATIENCE, answers.message()).await.unwrap().unwrap() {
        assert!(report.is_none(), "the report comes last");
        way.push((answer.position, answer.of));
        report = answer.report;
    }
    (way, report.expect("a report at the end"))
}

/// A case by its id, its opening and its clearing.
type Told = (String, String, u64, String, u64);

fn lived(cases: &[v1::Case]) -> Vec<Told> {
    let told = cases.iter().map(|case| {
        let opened = case.opened.clone().unwrap();
        let cleared = case.cleared.clone().unwrap_or_default();
        (
            case.case_id.clone(),
            opened.judged_for,
            opened.position,
            cleared.judged_for,
            cleared.position,
        )
    });
    let mut told: Vec<Told> = told.collect();
    told.sort();
    told
}

fn tried(run: &v1::BacktestRun) -> Vec<Told> {
    let told = run.cases.iter().map(|case| {
        (
            case.case_id.clone(),
            case.opened.clone(),
            case.opened_position,
            case.cleared.clone(),
            case.cleared_position,
        )
    });
    let mut told: Vec<Told> = told.collect();
    told.sort();
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_in_the_ledger_is_what_the_service_told() {
    let world = World::start().await;
    let alerting = world.alerting_on(Today::Real).await;
    let first = founded(&world).await;
    let open = cases(&alerting, first).await;
    let (way, report) = backtest(&alerting, v1::RunBacktestRequest::default()).await;
    assert_eq!(way.last(), Some(&(first, first)));
    assert!(way.is_sorted(), "{way:?}");
    let run = report.tried.clone().unwrap();
    assert_eq!(report.in_force, None, "those in force were tried");
    assert_eq!((report.from_position, report.to_position), (1, first));
    assert_eq!(
        (report.to_day.as_str(), report.known_position),
        (ago(0).as_str(), first)
    );
    assert_eq!(tried(&run), lived(&open));
    let ids: Vec<&str> = run.cases.iter().map(|case| case.case_id.as_str()).collect();
    for expected in [
        "268@2023-04-10/eid.activated/central/overdue",
        "004@2023-04-10/eid.activated/central/lagging",
    ] {
        assert!(ids.contains(&expected), "no {expected} among {ids:?}");
    }
    // Who was told is who would have been.
    let recipients: Vec<&str> = run
        .notices
        .iter()
        .map(|row| row.recipient.as_str())
        .collect();
    let told = open.iter().flat_map(|case| &case.notifications);
    for notification in told {
        let addressee = notification.addressee.as_str();
        assert!(
            recipients.contains(&addressee),
            "no {addressee} among {recipients:?}"
        );
    }
    // Nobody was told anew, and nothing was recorded.
    assert_eq!(cases(&alerting, first).await, open);

    // The overdue one is done; the crawling one is corrected.
    let (done, day) = (ago(6), ago(0));
    let last = world
        .record(vec![(done.as_str(), reported("268", 1_000))])
        .await;
    let last = world
        .record(vec![(day.as_str(), reported("004", 980))])
        .await
        .max(last);
    let all = cases(&alerting, last).await;
    assert!(all.iter().any(|case| case.cleared_position > 0));
    let (_, whole) = backtest(&alerting, v1::RunBacktestRequest::default()).await;
    assert_eq!(tried(&whole.tried.unwrap()), lived(&all));

    // What came later changes nothing of what is found up to there.
    let to = v1::RunBacktestRequest {
        to: first.to_string(),
        ..v1::RunBacktestRequest::default()
    };
    let (_, again) = backtest(&alerting, to).await;
    let again = again.tried.unwrap();
    assert_eq!((&again.cases, &again.notices), (&run.cases, &run.notices));

    other_rules(&alerting, &all, first).await;
    alerting.stop().await;
    world.stop().await;
}

/// By rules that wait for more reports the crawling place is not told, and those in force stand beside them.
async fn other_rules(alerting: &Running<alerting::Error>, all: &[v1::Case], first: u64) {
    let request = v1::RunBacktestRequest {
        rules: r#"{"version":"patient-1","consecutive":9}"#.to_owned(),
        codes: vec!["01".to_owned()],
        ..v1::RunBacktestRequest::default()
    };
    let (_, report) = backtest(alerting, request.clone()).await;
    let (patient, in_force) = (report.tried.unwrap(), report.in_force.unwrap());
    assert_eq!(
        (
            patient.rules_version.as_str(),
            in_force.rules_version.as_str()
        ),
        ("patient-1", "standard-1")
    );
    assert_eq!(tried(&in_force), lived(all));
    let lagging = |run: &v1::BacktestRun| {
        let is_lagging = |case: &&v1::BacktestCase| case.concern() == v1::Concern::Lagging;
        run.cases.iter().filter(is_lagging).count()
    };
    assert_eq!((lagging(&patient), lagging(&in_force)), (0, 1));
    // Of a place alone, from a position on.
    let (_, one) = backtest(
        alerting,
        v1::RunBacktestRequest {
            from: (first + 1).to_string(),
            codes: vec!["268".to_owned()],
            ..request.clone()
        },
    )
    .await;
    let one = one.in_force.unwrap();
    assert!(
        one.cases
            .iter()
            .all(|case| case.case_id.starts_with("268@"))
    );
    assert!(one.open_before > 0 && one.cases.iter().all(|case| case.cleared_position > first));
    let mut client = AlertingServiceClient::new(alerting.channel().await);
    let wrong = v1::RunBacktestRequest {
        rules: r#"{"version":"x","windw_days":1}"#.to_owned(),
        ..request
    };
    let status = client.run_backtest(wrong).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert_eq!(wire::status::refusal(&status).reason, "RULES_FORMAT");
}
