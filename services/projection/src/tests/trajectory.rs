//! What was planned, and what was reached beside it.

use domain::event::{
    self as e, Body, Denominator, Document, Figure, IndicatorKind, Milestone, QuotaLayer,
};
use domain::text::{Moment, Percent};
use jiff::civil::{Date, date};
use prost_types::FieldMask;
use tonic::{Code, Request, Status};
use wire::status::refusal;
use wire::v1;
use wire::v1::query_service_server::QueryService as _;
use wire::v1::{NoPlanReason as Reason, PlanKind as Kind};

use super::{Service, count, count_of, defined, of_quota, place, registered, reported};

const INDICATOR: &str = "eid.activated";

/// A service with Nha Trang and an indicator; positions 1 to 3.
fn service() -> Service {
    let service = Service::new();
    service.take("2023-04-10", registered("56", "Tỉnh Khánh Hòa", None));
    service.take(
        "2023-04-10",
        registered("568", "Thành phố Nha Trang", Some("56")),
    );
    service.take("2023-04-10", defined());
    service
}

/// 90 % of 1,000 people, from 1 to 30 June.
fn june() -> e::QuotaAssigned {
    e::QuotaAssigned {
        locality: place("568"),
        indicator: INDICATOR.parse().unwrap(),
        layer: QuotaLayer::Central,
        denominator: of_quota(1_000),
        target: Percent::from_hundredths(9_000, 0).unwrap(),
        start: Some(date(2023, 6, 1)),
        deadline: Some(date(2023, 6, 30)),
        milestones: Vec::new(),
        document: Document::default(),
    }
}

fn milestones(said: &[(Date, u64)]) -> Vec<Milestone> {
    let said = said.iter();
    said.map(|(date, count)| Milestone {
        date: *date,
        count: *count,
    })
    .collect()
}

fn percent(hundredths: u32) -> Figure {
    Figure {
        percent: Percent::from_hundredths(hundredths, 2),
        ..Figure::default()
    }
}

fn of_percent() -> Denominator {
    Denominator {
        kind: "percent".to_owned(),
        value: 100,
        derived: true,
    }
}

impl Service {
    fn assign(&self, quota: e::QuotaAssigned) {
        self.take("2023-05-01", Body::QuotaAssigned(quota));
    }

    fn report(&self, effective: &str, figure: Figure) {
        self.take(effective, reported("568", figure));
    }

    /// The trajectory at two times; everything known on the day of the service, if they are empty.
    async fn drawn(&self, as_of: &str, known_at: &str) -> v1::GetTrajectoryResponse {
        let at = v1::ReadAt {
            as_of: as_of.to_owned(),
            known_at: known_at.to_owned(),
            ..Default::default()
        };
        let request = v1::GetTrajectoryRequest {
            code: "568".to_owned(),
            indicator: INDICATOR.to_owned(),
            at: Some(at),
            ..Default::default()
        };
        let answer = self.api.get_trajectory(Request::new(request)).await;
        answer.unwrap().into_inner()
    }

    /// The only quota's.
    async fn only(&self) -> v1::QuotaTrajectory {
        let mut answer = self.drawn("", "").await;
        assert_eq!(answer.quotas.len(), 1);
        answer.quotas.remove(0)
    }
}

fn curve(one: &v1::QuotaTrajectory) -> Vec<(&str, u64)> {
    let points = one.plan.iter();
    points
        .map(|point| (point.moment.as_str(), point.count))
        .collect()
}

fn points(one: &v1::QuotaTrajectory) -> Vec<(&str, Option<u64>, Option<u64>)> {
    let points = one.points.iter();
    points
        .map(|point| (point.effective.as_str(), point.count, point.planned))
        .collect()
}

/// Moment, count, planned, gap and days to a hundredth of the newest figure.
fn stands(one: &v1::QuotaTrajectory) -> Option<(&str, u64, u64, i64, f64)> {
    let standing = one.standing.as_ref()?;
    let days = (standing.days_behind? * 100.0).round() / 100.0;
    Some((
        &standing.effective,
        standing.count,
        standing.planned,
        standing.gap,
        days,
    ))
}

#[tokio::test]
async fn an_even_plan_is_drawn_and_the_newest_figure_stands_against_it() {
    let service = service();
    service.assign(june());
    service.report("2023-05-31", count(200));
    service.report("2023-06-10", count(600));
    let one = service.only().await;
    assert_eq!((one.plan_kind(), one.no_plan_reason), (Kind::Even, 0));
    assert_eq!(one.unit(), v1::TrajectoryUnit::Count);
    // 800·8^(−t/30) are left t days after the start: 492.4, 303.1, 186.6, 114.9, 100.
    let weekly = [
        ("2023-06-01T00", 200),
        ("2023-06-08T00", 507),
        ("2023-06-15T00", 696),
        ("2023-06-22T00", 813),
        ("2023-06-29T00", 885),
        ("2023-06-30", 900),
    ];
    assert_eq!(curve(&one), weekly);
    // The end of 10 June is ten days after the start: 400 are left.
    assert_eq!(stands(&one), Some(("2023-06-10", 600, 600, 0, 0.0)));
    // What was before the start is a point, but nothing was planned for it.
    let both = [
        ("2023-05-31", Some(200), None),
        ("2023-06-10", Some(600), Some(600)),
    ];
    assert_eq!(points(&one), both);
    service.report("2023-06-20", count(600));
    let one = service.only().await;
    // The 601st was planned 10.036 days after the start, and 20 are over.
    assert_eq!(stands(&one), Some(("2023-06-20", 600, 800, -200, 9.96)));
    let quota = one.quota.clone().unwrap();
    assert_eq!((quota.required, quota.missing), (900, Some(300)));
    service.report("2023-06-20T12", count(950));
    service.report("2023-06-21", count(950));
    let one = service.only().await;
    // 21 days: 813 are planned, and nobody asks for more than 900, on day 30.
    assert_eq!(stands(&one), Some(("2023-06-21", 950, 813, 137, -9.0)));
}

#[tokio::test]
async fn a_long_plan_has_a_hundred_points_at_most() {
    let service = service();
    service.report("2020-12-31", count(0));
    for (deadline, points) in [
        (date(2021, 1, 1), 2),
        (date(2021, 1, 8), 2),
        (date(2021, 1, 9), 3),
        // 693 days are 99 weeks; of 694 every eighth day is drawn.
        (date(2022, 11, 25), 100),
        (date(2022, 11, 26), 88),
        (date(2050, 12, 31), 100),
    ] {
        service.assign(e::QuotaAssigned {
            start: Some(date(2021, 1, 1)),
            deadline: Some(deadline),
            ..june()
        });
        let one = service.only().await;
        assert_eq!(one.plan.len(), points, "{deadline}");
        let moments = one.plan.iter().map(|point| Moment::parse(&point.moment));
        let moments: Vec<_> = moments.map(Result::unwrap).collect();
        assert!(moments.is_sorted_by(|a, b| a < b), "{moments:?}");
        assert!(one.plan.is_sorted_by_key(|point| point.count));
        let last = one.plan.last().unwrap();
        assert_eq!(
            (last.moment.clone(), last.count),
            (deadline.to_string(), 900)
        );
    }
}

#[tokio::test]
async fn milestones_are_the_plan_with_start_and_target_around_them() {
    let service = service();
    service.report("2023-05-20", count(100));
    service.assign(e::QuotaAssigned {
        milestones: milestones(&[(date(2023, 6, 10), 400), (date(2023, 6, 20), 600)]),
        ..june()
    });
    let one = service.only().await;
    assert_eq!(one.plan_kind(), Kind::Milestones);
    let whole = [
        ("2023-06-01T00", 100),
        ("2023-06-10", 400),
        ("2023-06-20", 600),
        ("2023-06-30", 900),
    ];
    assert_eq!(curve(&one), whole);
    assert_eq!(stands(&one), None, "the figure is from before");
    service.report("2023-06-15", count(459));
    // Half way from 400 to 600; the 460th was planned three of ten days into it.
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-06-15", 459, 500, -41, 2.0)));
    // Neither a first nor a last day: the milestones alone, and nothing before them.
    service.assign(e::QuotaAssigned {
        start: None,
        deadline: None,
        milestones: milestones(&[(date(2023, 6, 10), 400), (date(2023, 6, 20), 600)]),
        ..june()
    });
    let one = service.only().await;
    assert_eq!(curve(&one), whole[1..3]);
    assert_eq!(points(&one)[0], ("2023-05-20", Some(100), None));
    service.report("2023-07-10", count(700));
    let one = service.only().await;
    let standing = one.standing.clone().unwrap();
    assert_eq!((standing.planned, standing.gap), (600, 100));
    assert_eq!(standing.days_behind, None, "700 are never asked for");
    // One beside the target: at the deadline the target is asked for.
    service.assign(e::QuotaAssigned {
        start: None,
        milestones: milestones(&[(date(2023, 6, 10), 950), (date(2023, 6, 30), 960)]),
        ..june()
    });
    let one = service.only().await;
    assert_eq!(curve(&one), [("2023-06-10", 900), ("2023-06-30", 900)]);
}

#[tokio::test]
async fn milestones_beside_the_target_bend_the_lines() {
    let service = service();
    service.report("2023-05-20", count(100));
    // From 400 to 1,000 in ten days the 900th is asked for after 8 1/3 of them.
    service.assign(e::QuotaAssigned {
        milestones: milestones(&[(date(2023, 6, 10), 400), (date(2023, 6, 20), 1_000)]),
        ..june()
    });
    let bent = [
        ("2023-06-01T00", 100),
        ("2023-06-10", 400),
        ("2023-06-19T08", 900),
        ("2023-06-20", 900),
        ("2023-06-30", 900),
    ];
    assert_eq!(curve(&service.only().await), bent);
    // Of the end of a day it is a day, and not told twice.
    service.assign(e::QuotaAssigned {
        milestones: milestones(&[
            (date(2023, 6, 10), 400),
            (date(2023, 6, 20), 900),
            (date(2023, 6, 25), 950),
        ]),
        ..june()
    });
    let drawn = service.only().await;
    let moments = drawn.plan.iter().map(|point| point.moment.as_str());
    let each = [
        "2023-06-01T00",
        "2023-06-10",
        "2023-06-20",
        "2023-06-25",
        "2023-06-30",
    ];
    assert_eq!(Vec::from_iter(moments), each);
    // From 100 to 790 in 30 days are 23 a day; the other 110 are asked for at the deadline.
    service.assign(e::QuotaAssigned {
        milestones: milestones(&[(date(2023, 6, 30), 790)]),
        ..june()
    });
    let jumps = [
        ("2023-06-01T00", 100),
        ("2023-06-30T23", 789),
        ("2023-06-30", 900),
    ];
    assert_eq!(curve(&service.only().await), jumps);
    service.assign(june());
    let even = service.only().await;
    assert_eq!(even.plan.len(), 6, "an even plan is no line");
}

#[tokio::test]
async fn who_begins_with_the_target_or_more_is_to_keep_to_it() {
    let service = service();
    service.assign(june());
    for already in [900, 1_200] {
        service.report("2023-06-01T00", count(already));
        let one = service.only().await;
        assert_eq!((one.plan_kind(), one.no_plan_reason), (Kind::Even, 0));
        assert!(one.plan.iter().all(|point| point.count == 900), "{one:?}");
        let gap = already as i64 - 900;
        assert_eq!(
            stands(&one),
            Some(("2023-06-01T00", already, 900, gap, 0.0))
        );
    }
    service.report("2023-06-13", count(120));
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-06-13", 120, 900, -780, 13.0)));
}

#[tokio::test]
async fn why_there_is_no_plan_is_said() {
    let service = service();
    let quotas = [
        (june(), Reason::NothingByStart),
        (
            e::QuotaAssigned {
                start: None,
                ..june()
            },
            Reason::NoStart,
        ),
        (
            e::QuotaAssigned {
                deadline: None,
                ..june()
            },
            Reason::NoDeadline,
        ),
        (
            e::QuotaAssigned {
                start: None,
                deadline: None,
                ..june()
            },
            Reason::NoDeadline,
        ),
    ];
    // A figure of the first day itself speaks of its end, which is later than its beginning.
    service.report("2023-06-01", count(100));
    for (quota, reason) in quotas {
        service.assign(quota);
        let one = service.only().await;
        assert_eq!(
            (one.plan_kind(), one.no_plan_reason()),
            (Kind::None, reason)
        );
        assert_eq!((stands(&one), curve(&one)), (None, Vec::new()));
        assert_eq!(points(&one), [("2023-06-01", Some(100), None)]);
    }
    service.assign(june());
    service.report("2023-06-01T00", count(50));
    let one = service.only().await;
    assert_eq!(curve(&one)[0], ("2023-06-01T00", 50));
    assert_eq!(points(&one)[0], ("2023-06-01T00", Some(50), Some(50)));
}

#[tokio::test]
async fn levels_and_daily_figures_have_no_plan() {
    let service = service();
    service.report("2023-05-31", count(200));
    service.assign(e::QuotaAssigned {
        milestones: milestones(&[(date(2023, 6, 10), 400)]),
        ..june()
    });
    let Body::IndicatorDefined(cumulative) = defined() else {
        panic!("it is a definition");
    };
    for kind in [IndicatorKind::Level, IndicatorKind::Daily] {
        let level = e::IndicatorDefined {
            kind,
            ..cumulative.clone()
        };
        service.take("2023-04-10", Body::IndicatorDefined(level));
        let one = service.only().await;
        assert_eq!(one.no_plan_reason(), Reason::NotCumulative);
        assert_eq!((one.plan_kind(), curve(&one)), (Kind::None, Vec::new()));
    }
}

#[tokio::test]
async fn a_quota_in_percent_counts_hundredths_of_a_point() {
    let service = service();
    service.assign(e::QuotaAssigned {
        denominator: of_percent(),
        target: Percent::from_hundredths(9_500, 0).unwrap(),
        milestones: milestones(&[(date(2023, 6, 10), 60)]),
        ..june()
    });
    service.report("2023-05-31", percent(5_000));
    // 250 of 400 are 62.5 %; of a count alone nobody knows the share.
    service.report("2023-06-10", count_of(250, 400));
    let one = service.only().await;
    assert_eq!(one.unit(), v1::TrajectoryUnit::HundredthsOfPoint);
    let whole = [
        ("2023-06-01T00", 5_000),
        ("2023-06-10", 6_000),
        ("2023-06-30", 9_500),
    ];
    assert_eq!(curve(&one), whole);
    // 6,250 are asked for 250/3,500 of 20 days later.
    assert_eq!(stands(&one), Some(("2023-06-10", 6_250, 6_000, 250, -1.43)));
    assert!(one.points[0].from_percent && !one.points[1].from_percent);
    service.report("2023-06-11", count(260));
    let one = service.only().await;
    assert_eq!(points(&one)[2], ("2023-06-11", None, Some(6_175)));
    assert_eq!(stands(&one).unwrap().0, "2023-06-10");
}

#[tokio::test]
async fn a_percentage_that_reaches_a_quota_is_enough_of_it() {
    let service = service();
    service.report("2023-05-31", count(10));
    service.assign(e::QuotaAssigned {
        denominator: of_quota(101),
        target: Percent::from_hundredths(8_380, 1).unwrap(),
        ..june()
    });
    // 83.8 % of 101 are 84.638, and 85 are asked for; 83.7 % are not enough.
    service.report("2023-06-30", percent(8_370));
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-06-30", 84, 85, -1, 0.0)));
    service.report("2023-07-01", percent(8_380));
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-07-01", 85, 85, 0, 0.0)));
    assert!(one.points[2].from_percent && one.quota.as_ref().unwrap().reached);
}

#[tokio::test]
async fn everybody_can_be_reached_early_and_late() {
    let service = service();
    service.report("2023-05-31", count(200));
    service.assign(e::QuotaAssigned {
        target: Percent::from_hundredths(10_000, 0).unwrap(),
        ..june()
    });
    service.report("2023-06-20", count(1_000));
    let one = service.only().await;
    let standing = one.standing.clone().unwrap();
    assert_eq!(standing.days_behind, Some(-10.0));
    assert_eq!(curve(&one).last(), Some(&("2023-06-30", 1_000)));
    service.report("2023-06-30", count(999));
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-06-30", 999, 1_000, -1, 0.0)));
    service.report("2023-07-04", count(999));
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-07-04", 999, 1_000, -1, 4.0)));
    service.report("2023-07-05", count(1_000));
    let one = service.only().await;
    assert_eq!(stands(&one), Some(("2023-07-05", 1_000, 1_000, 0, 0.0)));
}

#[tokio::test]
async fn each_point_is_the_figure_of_its_own_moment() {
    let service = service();
    service.assign(june());
    service.report("2023-05", count(200));
    service.report("2023-06-10T08", count(550));
    service.report("2023-06-10T20", count(590));
    service.report("2023-06-10", count(595));
    // Of two for one moment the later report holds.
    service.report("2023-06-10T20", count(580));
    let answer = service.drawn("", "").await;
    let one = &answer.quotas[0];
    assert_eq!(curve(one)[0], ("2023-06-01T00", 200));
    // 9 days and 8 hours, and 9 days and 20 hours after the start: 418.9 and 404.6 are left.
    let own = [
        ("2023-05", Some(200), None),
        ("2023-06-10T08", Some(550), Some(581)),
        ("2023-06-10T20", Some(580), Some(595)),
        ("2023-06-10", Some(595), Some(600)),
    ];
    assert_eq!(points(one), own);
    let positions = one.points.iter().map(|point| point.position);
    let figures = answer.figures.iter();
    let recorded = figures.map(|figure| figure.recorded.as_ref().unwrap().position);
    assert_eq!(Vec::from_iter(positions), [5, 6, 9, 8]);
    assert_eq!(Vec::from_iter(recorded), [5, 6, 9, 8]);
    let standing = one.standing.clone().unwrap();
    assert_eq!(
        (standing.effective.as_str(), standing.position),
        ("2023-06-10", 8)
    );
}

#[tokio::test]
async fn each_layer_in_force_has_its_own_plan() {
    let service = service();
    service.report("2023-05-31", count(200));
    service.report("2023-06-10", count(500));
    service.assign(e::QuotaAssigned {
        layer: QuotaLayer::Commitment,
        milestones: milestones(&[(date(2023, 6, 10), 480)]),
        ..june()
    });
    service.assign(june());
    let answer = service.drawn("", "").await;
    let layers = answer.quotas.iter().map(|one| {
        let quota = one.quota.clone().unwrap().quota.unwrap();
        (quota.layer(), one.plan_kind(), stands(one).unwrap().3)
    });
    let both = [
        (v1::QuotaLayer::Central, Kind::Even, -100),
        (v1::QuotaLayer::Commitment, Kind::Milestones, 20),
    ];
    assert_eq!(Vec::from_iter(layers), both);
    let suspended = e::QuotaSuspended {
        locality: place("568"),
        indicator: INDICATOR.parse().unwrap(),
        layer: QuotaLayer::Central,
        reason: "tạm dừng".to_owned(),
        document: Document::default(),
    };
    service.take("2023-06-15", Body::QuotaSuspended(suspended));
    let one = service.only().await;
    assert_eq!(one.plan_kind(), Kind::Milestones);
    let before = service.drawn("2023-06-14", "").await;
    assert_eq!(before.quotas.len(), 2);
    let none = service.drawn("2023-04-30", "").await;
    assert_eq!((none.quotas.len(), none.figure_count), (0, 0));
}

#[tokio::test]
async fn it_is_as_of_a_day_and_as_known_at_a_position() {
    let service = service();
    service.assign(june());
    service.report("2023-05-31", count(300));
    service.report("2023-06-10", count(600));
    service.report("2023-06-20", count(700));
    let corrected = e::ProgressCorrected {
        corrects: 5,
        locality: place("568"),
        indicator: INDICATOR.parse().unwrap(),
        figure: count(200),
        reason: "nhầm kỳ".to_owned(),
    };
    service.take("2023-05-31", Body::ProgressCorrected(corrected));
    let now = service.drawn("2023-06-15", "").await;
    assert_eq!(curve(&now.quotas[0])[0].1, 200);
    assert_eq!(
        stands(&now.quotas[0]).unwrap(),
        ("2023-06-10", 600, 600, 0, 0.0)
    );
    assert_eq!(now.quotas[0].points.len(), 2);
    // With the figure that was on record then, 700·7^(−10/30) = 365.9 are left on the tenth day.
    let then = service.drawn("2023-06-15", "7").await;
    assert_eq!(curve(&then.quotas[0])[0].1, 300);
    let standing = then.quotas[0].standing.clone().unwrap();
    assert_eq!((standing.planned, standing.gap), (634, -34));
    assert_eq!(then.at.unwrap().position, 7);
    let early = service.drawn("", "6").await;
    assert_eq!(points(&early.quotas[0]).len(), 2);
    // A plan that has not begun is drawn by what is on record by now.
    let before = service.drawn("2023-05-31", "").await;
    assert_eq!(before.quotas[0].plan_kind(), Kind::Even);
    assert_eq!(before.quotas[0].standing, None);
}

#[tokio::test]
async fn of_very_many_figures_the_newest_are_shown_and_all_are_counted() {
    let service = service();
    service.assign(june());
    let hours = (0..1_100_u32).map(|hour| {
        let on = date(2023, 5, 10)
            .checked_add(jiff::Span::new().days(i64::from(hour / 24)))
            .unwrap();
        format!("{on}T{:02}", hour % 24)
    });
    for (hour, value) in hours.zip(0_u64..) {
        service.report(&hour, count(value.min(850)));
    }
    let answer = service.drawn("", "").await;
    assert_eq!((answer.figure_count, answer.figures.len()), (1_100, 1_000));
    let one = &answer.quotas[0];
    assert_eq!(one.points.len(), 1_000);
    assert_eq!(points(one)[0], ("2023-05-14T04", Some(100), None));
    // 22 days after 10 May: the 528th hour, which is left in, as is that of the newest figure.
    assert_eq!(curve(one)[0], ("2023-06-01T00", 528));
    assert_eq!(stands(one).unwrap().0, "2023-06-24T19");
}

#[tokio::test]
async fn what_there_is_not_is_refused_and_what_is_wrong_is_not_waited_for() {
    let service = service();
    service.assign(june());
    let asked = |code: &str, indicator: &str, paths: &[&str], known_at: &str| {
        let at = v1::ReadAt {
            known_at: known_at.to_owned(),
            ..Default::default()
        };
        let paths = paths.iter().map(ToString::to_string).collect();
        let mut request = Request::new(v1::GetTrajectoryRequest {
            code: code.to_owned(),
            indicator: indicator.to_owned(),
            at: Some(at),
            read_mask: Some(FieldMask { paths }),
        });
        let waits = "100m".parse().unwrap();
        request.metadata_mut().insert("grpc-timeout", waits);
        service.api.get_trajectory(request)
    };
    let told = |refused: &Status| {
        let refusal = refusal(refused);
        let field = refusal.violations.first().map(|one| one.field.clone());
        (refused.code(), refusal.reason, field.unwrap_or_default())
    };
    let (wrong, missing) = (Code::InvalidArgument, Code::NotFound);
    for (question, code, reason, field) in [
        (
            asked("Nha Trang", INDICATOR, &[], "99"),
            wrong,
            "CODE_FORMAT",
            "code",
        ),
        (
            asked("", INDICATOR, &[], "99"),
            wrong,
            "CODE_FORMAT",
            "code",
        ),
        (
            asked("568", "", &[], "99"),
            wrong,
            "CODE_FORMAT",
            "indicator",
        ),
        (
            asked("568", INDICATOR, &["quotas.plans"], "99"),
            wrong,
            "UNKNOWN_FIELD_PATH",
            "read_mask.paths[0]",
        ),
        (
            asked("568", INDICATOR, &[], "hôm nào"),
            wrong,
            "DATE_FORMAT",
            "at.known_at",
        ),
        (
            asked("568", INDICATOR, &[], "99"),
            Code::Unavailable,
            "NOT_CAUGHT_UP",
            "",
        ),
        (
            asked("999", INDICATOR, &[], ""),
            missing,
            "UNKNOWN_LOCALITY",
            "",
        ),
        (
            asked("568", "khong.co", &[], ""),
            missing,
            "UNKNOWN_INDICATOR",
            "",
        ),
    ] {
        let refused = question.await.unwrap_err();
        let expected = (code, reason.to_owned(), field.to_owned());
        assert_eq!(told(&refused), expected, "{refused}");
    }
    let part = asked("568", INDICATOR, &["quotas.quota.required"], "").await;
    let part = part.unwrap().into_inner();
    assert_eq!((part.locality, part.indicator), (None, None));
    let quota = part.quotas[0].quota.clone().unwrap();
    assert_eq!((quota.required, quota.quota), (900, None));
}
