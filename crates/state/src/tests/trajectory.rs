//! What a plan is made of, exactly.

use domain::event::{Body, IndicatorDefined, IndicatorKind, Milestone, QuotaAssigned, QuotaLayer};
use domain::text::Moment;
use jiff::civil::date;

use super::{
    Ledger, code, corrected, count, count_of, day, id, percent, printed, quota, registered,
    reported, vi,
};
use crate::{Amount, NoPlan, PlanBasis, PlanPoint, Yardstick};

const PLACE: &str = "268@2023-04-10";

fn ledger(kind: IndicatorKind) -> Ledger {
    let mut ledger = Ledger::new();
    ledger.add("2023-04-10", registered(PLACE, "Hà Đông", "", false));
    let defined = IndicatorDefined {
        indicator: code("eid"),
        name: vi("Kích hoạt"),
        family: "eid".to_owned(),
        kind,
        unit: vi("tài khoản"),
        denominator: "quota".to_owned(),
    };
    // On a later day than what is asked about.
    ledger.add("2023-12-01", Body::IndicatorDefined(defined));
    ledger
}

/// 90 % of 1,000 from 1 to 30 June, or otherwise.
fn june(change: impl FnOnce(&mut QuotaAssigned)) -> Body {
    let assigned = quota(PLACE, QuotaLayer::Central, 1_000, "90", "2023-06-30");
    let Body::QuotaAssigned(mut assigned) = assigned else {
        panic!("it is a quota");
    };
    assigned.start = Some(day("2023-06-01"));
    change(&mut assigned);
    Body::QuotaAssigned(assigned)
}

/// On 31 July, as known at a position.
fn basis(ledger: &Ledger, position: u64) -> PlanBasis {
    let reading = ledger.state.at(Moment::end_of(date(2023, 7, 31)), position);
    let quotas = reading.quotas(id(PLACE), &code("eid"));
    assert_eq!(quotas.len(), 1);
    reading.plan_basis(&quotas[0], id(PLACE))
}

fn now(ledger: &Ledger) -> PlanBasis {
    basis(ledger, ledger.state.position())
}

fn start(numerator: u128, divisor: u64) -> Option<PlanPoint> {
    let moment = Moment::at_hour(date(2023, 6, 1), 0).unwrap();
    Some(PlanPoint {
        moment,
        amount: Amount { numerator, divisor },
    })
}

#[test]
fn a_plan_begins_with_what_was_on_record_by_its_first_moment() {
    let mut ledger = ledger(IndicatorKind::Cumulative);
    ledger.add("2023-05-01", june(|_| {}));
    assert_eq!(now(&ledger).no_plan, Some(NoPlan::NothingByStart));
    // The end of the first day is no beginning.
    ledger.add("2023-06-01", reported(PLACE, "eid", count(500)));
    assert_eq!(
        (now(&ledger).start, now(&ledger).no_plan),
        (None, Some(NoPlan::NothingByStart))
    );
    let wrong = ledger.add("2023-05-20", reported(PLACE, "eid", count(100)));
    ledger.add("2023-05-31", reported(PLACE, "eid", count(199)));
    ledger.add("2023-05-31", reported(PLACE, "eid", count(200)));
    assert_eq!(
        (now(&ledger).start, now(&ledger).no_plan),
        (start(200, 1), None)
    );
    assert_eq!(basis(&ledger, wrong).start, start(100, 1));
    let last = ledger.state.position();
    ledger.add("2023-05-31", corrected(PLACE, "eid", last, count(190)));
    assert_eq!(now(&ledger).start, start(190, 1));
    assert_eq!(basis(&ledger, last).start, start(200, 1));
    ledger.add("2023-06-01T00", reported(PLACE, "eid", count(210)));
    assert_eq!(now(&ledger).start, start(210, 1));
    // Whoever begins with the target has a plan too.
    for hundredths in ["89.9", "90", "95.5"] {
        ledger.add("2023-06-01T00", reported(PLACE, "eid", printed(hundredths)));
        let basis = now(&ledger);
        assert_eq!(basis.no_plan, None);
        let hundredths = u128::from(percent(hundredths).hundredths());
        assert_eq!(basis.start, start(hundredths * 1_000, 10_000));
    }
}

#[test]
fn why_there_is_no_plan_follows_from_quota_and_indicator() {
    let mut ledger = ledger(IndicatorKind::Cumulative);
    ledger.add("2023-05-31", reported(PLACE, "eid", count(200)));
    let milestone = Milestone {
        date: day("2023-06-15"),
        count: 500,
    };
    ledger.add("2023-05-01", june(|_| {}));
    assert_eq!(now(&ledger).no_plan, None);
    ledger.add("2023-05-02", june(|quota| quota.start = None));
    assert_eq!(now(&ledger).no_plan, Some(NoPlan::NoStart));
    ledger.add("2023-05-03", june(|quota| quota.deadline = None));
    assert_eq!(now(&ledger).no_plan, Some(NoPlan::NoDeadline));
    let bare = |quota: &mut QuotaAssigned| {
        (quota.start, quota.deadline) = (None, None);
        quota.milestones = vec![milestone.clone()];
    };
    ledger.add("2023-05-04", june(bare));
    let told = now(&ledger);
    assert_eq!(
        (told.no_plan, told.start, told.deadline),
        (None, None, None)
    );
    let point = PlanPoint {
        moment: Moment::end_of(date(2023, 6, 15)),
        amount: Amount::whole(500),
    };
    assert_eq!(told.milestones, [point]);
    for kind in [IndicatorKind::Level, IndicatorKind::Daily] {
        let mut ledger = self::ledger(kind);
        ledger.add("2023-05-31", reported(PLACE, "eid", count(200)));
        ledger.add(
            "2023-05-04",
            june(|quota| quota.milestones = vec![milestone.clone()]),
        );
        let told = now(&ledger);
        assert_eq!(told.no_plan, Some(NoPlan::NotCumulative));
        assert_eq!((told.start, told.milestones.len()), (None, 0));
    }
}

#[test]
fn a_quota_that_is_a_percentage_counts_hundredths_of_a_point() {
    let mut ledger = ledger(IndicatorKind::Cumulative);
    let in_percent = |quota: &mut QuotaAssigned| {
        quota.denominator.kind = "percent".to_owned();
        quota.denominator.value = 100;
        quota.milestones = vec![Milestone {
            date: day("2023-06-15"),
            count: 60,
        }];
    };
    ledger.add("2023-05-01", june(in_percent));
    ledger.add("2023-05-20", reported(PLACE, "eid", printed("55.5")));
    // A count of nobody knows how many says nothing of a share.
    ledger.add("2023-05-31", reported(PLACE, "eid", count(620)));
    let told = now(&ledger);
    assert_eq!(
        (told.yardstick, told.yardstick.denominator()),
        (Yardstick::Share, 10_000)
    );
    // 55.5 % are 5,550 of 10,000.
    assert_eq!(told.start, start(5_550 * 10_000, 10_000));
    let amount = told.milestones[0].amount;
    assert_eq!((amount.numerator, amount.divisor), (60 * 10_000, 100));
    // 1 of 3 is 3,333 1/3 hundredths of a point, and nothing is lost of it.
    ledger.add("2023-05-31", reported(PLACE, "eid", count_of(1, 3)));
    assert_eq!(now(&ledger).start, start(10_000, 3));
}

#[test]
fn a_quota_that_is_a_percentage_is_reached_by_the_share_alone() {
    let mut ledger = ledger(IndicatorKind::Cumulative);
    let in_percent = |quota: &mut QuotaAssigned| {
        quota.denominator.kind = "percent".to_owned();
        quota.denominator.value = 100;
        quota.target = percent("95");
    };
    ledger.add("2023-05-01", june(in_percent));
    let told = |ledger: &Ledger| {
        let reading = ledger.state.latest(Moment::end_of(date(2023, 7, 31)));
        let standing = reading.standing(&reading.quotas(id(PLACE), &code("eid"))[0], id(PLACE));
        let on = standing.reached_on;
        assert_eq!(on.is_some(), standing.reached);
        (
            standing.reached,
            standing.share_hundredths,
            standing.missing,
        )
    };
    assert_eq!(told(&ledger), (false, None, None));
    for (day, figure, expected) in [
        // 5,000 are more than 95, and half of 10,000 all the same.
        (
            "2023-06-01",
            count_of(5_000, 10_000),
            (false, Some(5_000), None),
        ),
        // Nearly 95 % read as 95,00 % and are not enough.
        (
            "2023-06-02",
            count_of(949_960, 1_000_000),
            (false, Some(9_500), None),
        ),
        ("2023-06-03", count(99), (false, None, None)),
        ("2023-06-04", printed("94.9"), (false, Some(9_490), None)),
        (
            "2023-06-05",
            count_of(95, 100),
            (true, Some(9_500), Some(0)),
        ),
        ("2023-06-06", printed("95"), (true, Some(9_500), Some(0))),
    ] {
        ledger.add(day, reported(PLACE, "eid", figure));
        assert_eq!(told(&ledger), expected, "{day}");
    }
    let reading = ledger.state.latest(Moment::end_of(date(2023, 7, 31)));
    let standing = reading.standing(&reading.quotas(id(PLACE), &code("eid"))[0], id(PLACE));
    assert_eq!(
        (standing.reached_on, standing.days_early),
        (Some(date(2023, 6, 5)), Some(25))
    );
}

#[test]
fn a_counted_quota_is_not_reached_by_a_rounded_share() {
    let mut ledger = ledger(IndicatorKind::Cumulative);
    ledger.add(
        "2023-05-01",
        june(|quota| {
            quota.denominator.value = 1_000_000;
            quota.target = percent("95");
        }),
    );
    for (done, reached, missing) in [(949_960, false, 40), (950_000, true, 0)] {
        ledger.add("2023-06-02", reported(PLACE, "eid", count(done)));
        let reading = ledger.state.latest(Moment::end_of(date(2023, 7, 31)));
        let standing = reading.standing(&reading.quotas(id(PLACE), &code("eid"))[0], id(PLACE));
        assert_eq!(
            (
                standing.reached,
                standing.missing,
                standing.share_hundredths
            ),
            (reached, Some(missing), Some(9_500))
        );
    }
}
