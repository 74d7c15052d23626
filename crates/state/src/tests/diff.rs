//! What changed since: real work, a correction, another quota, or other boundaries?

use domain::event::{Extent, ProgressRetracted, QuotaSuspended};

use super::*;
use crate::{Diff, Events, Split, Term, View};

const PROVINCE: &str = "56@2023-04-10";
const NHA_TRANG: &str = "568@2023-04-10";
const VAN_THANH: &str = "22348@2023-04-10";
const TAN_TIEN: &str = "22366@2023-04-10";
const CAM_TAN: &str = "22435@2023-04-10";
const DIEN_KHANH: &str = "574@2023-04-10";
const NEW_PROVINCE: &str = "56@2025-07-01";
const NEW_WARD: &str = "22366@2025-07-01";

fn view(place: &str, as_of: &str, position: u64) -> View {
    View {
        as_of: moment(as_of),
        position,
        locality: id(place),
    }
}

/// Corrections, boundary changes, new work, quota changes.
fn terms(split: &Split) -> [i64; 4] {
    Term::ALL.map(|term| split.of(term))
}

fn ends(split: &Split) -> (Option<u64>, Option<u64>) {
    (split.from(), split.to())
}

fn listed(events: &Events) -> &[u64] {
    assert_eq!(events.count, events.newest.len());
    &events.newest
}

impl Ledger {
    fn places(&mut self, places: &[(&str, &str)]) {
        for (place, parent) in places {
            self.add("2023-04-10", registered(place, place, parent, false));
        }
    }

    fn says(&mut self, on: &str, place: &str, figure: Figure) -> u64 {
        self.add(on, reported(place, "eid", figure))
    }

    fn corrects(&mut self, on: &str, place: &str, wrong: u64, figure: Figure) -> u64 {
        self.add(on, corrected(place, "eid", wrong, figure))
    }

    fn retracts(&mut self, on: &str, place: &str, retracts: u64) -> u64 {
        let retraction = ProgressRetracted {
            retracts,
            locality: id(place),
            indicator: code("eid"),
            reason: "nhầm đơn vị".to_owned(),
        };
        self.add(on, Body::ProgressRetracted(retraction))
    }

    fn ends(&mut self, on: &str, place: &str, into: &[&str], extent: Extent) -> u64 {
        let into = into.iter().map(|place| Successor {
            locality: id(place),
            extent,
        });
        self.add(on, ended(place, into.collect()))
    }

    fn diff(&self, from: View, to: View) -> Diff<'_> {
        self.state.diff(&code("eid"), from, to).unwrap()
    }
}

#[test]
fn a_correction_is_told_from_work() {
    let mut ledger = Ledger::new();
    let wrong = ledger.says("2023-06-01", NHA_TRANG, count_of(1_000, 2_000));
    let right = ledger.corrects("2023-06-01", NHA_TRANG, wrong, count_of(900, 2_000));
    let work = ledger.says("2023-07-30", NHA_TRANG, count_of(1_500, 2_000));

    let change = ledger
        .diff(
            view(NHA_TRANG, "2023-06-02", wrong),
            view(NHA_TRANG, "2023-07-31", work),
        )
        .own;
    assert_eq!(ends(&change.count), (Some(1_000), Some(1_500)));
    assert_eq!(terms(&change.count), [-100, 0, 600, 0]);
    assert_eq!(ends(&change.share), (Some(5_000), Some(7_500)));
    assert_eq!(terms(&change.share), [-500, 0, 3_000, 0]);
    assert_eq!(listed(change.events(Term::Corrections)), [right]);
    assert_eq!(listed(change.events(Term::NewWork)), [work]);

    // Who knew of the correction on both days sees work alone.
    let known = ledger
        .diff(
            view(NHA_TRANG, "2023-06-02", work),
            view(NHA_TRANG, "2023-07-31", work),
        )
        .own;
    assert_eq!(terms(&known.count), [0, 0, 600, 0]);
    // Of one day, as it was known then and is known now, there is the correction alone.
    let known = ledger
        .diff(
            view(NHA_TRANG, "2023-06-02", wrong),
            view(NHA_TRANG, "2023-06-02", work),
        )
        .own;
    assert_eq!(terms(&known.count), [-100, 0, 0, 0]);
    assert!(listed(known.events(Term::NewWork)).is_empty());
}

#[test]
fn a_chain_of_corrections_is_followed_to_its_end() {
    let mut ledger = Ledger::new();
    let report = ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    let second = ledger.corrects("2023-06-01", NHA_TRANG, report, count(100));
    let third = ledger.corrects("2023-06-01", NHA_TRANG, second, count(1_010));
    let last = ledger.corrects("2023-06-01", NHA_TRANG, third, count(1_020));
    let (from, to) = (
        view(NHA_TRANG, "2023-06-02", report),
        view(NHA_TRANG, "2023-06-02", last),
    );
    let change = ledger.diff(from, to).own;
    assert_eq!(terms(&change.count), [20, 0, 0, 0]);
    assert_eq!(
        listed(change.events(Term::Corrections)),
        [last, third, second]
    );
}

#[test]
fn a_rival_corrected_step_by_step_names_every_step() {
    let mut ledger = Ledger::new();
    let rival = ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    let shown = ledger.says("2023-06-01", NHA_TRANG, count(1_200));
    let mut steps = vec![rival];
    for value in [1_010, 1_020, 1_030] {
        let wrong = steps[steps.len() - 1];
        steps.push(ledger.corrects("2023-06-01", NHA_TRANG, wrong, count(value)));
    }
    let change = ledger
        .diff(
            view(NHA_TRANG, "2023-06-02", shown),
            view(NHA_TRANG, "2023-06-02", 99),
        )
        .own;
    assert_eq!(terms(&change.count), [-170, 0, 0, 0]);
    assert!(
        listed(change.events(Term::Corrections))
            .iter()
            .eq(steps[1..].iter().rev())
    );
}

#[test]
fn what_lies_behind_the_figure_shown_is_not_named() {
    let mut ledger = Ledger::new();
    let old = ledger.says("2023-05-01", NHA_TRANG, count(700));
    let wrong = ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    ledger.corrects("2023-05-01", NHA_TRANG, old, count(710));
    let right = ledger.corrects("2023-06-01", NHA_TRANG, wrong, count(1_100));
    ledger.says("2023-05-15", NHA_TRANG, count(800));
    let work = ledger.says("2023-06-20", NHA_TRANG, count(1_500));
    let (from, to) = (
        view(NHA_TRANG, "2023-06-02", wrong),
        view(NHA_TRANG, "2023-06-30", work),
    );
    let change = ledger.diff(from, to).own;
    assert_eq!(terms(&change.count), [100, 0, 400, 0]);
    assert_eq!(listed(change.events(Term::Corrections)), [right]);
    assert_eq!(listed(change.events(Term::NewWork)), [work]);
}

#[test]
fn a_report_that_came_late_is_work() {
    let mut ledger = Ledger::new();
    let known = ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    let late = ledger.says("2023-06-02", NHA_TRANG, count(1_300));
    let right = ledger.corrects("2023-06-01", NHA_TRANG, known, count(1_100));
    let (from, to) = (
        view(NHA_TRANG, "2023-06-02", known),
        view(NHA_TRANG, "2023-06-02", right),
    );
    let change = ledger.diff(from, to).own;
    assert_eq!(terms(&change.count), [100, 0, 200, 0]);
    assert_eq!(listed(change.events(Term::NewWork)), [late]);
    assert_eq!(listed(change.events(Term::Corrections)), [right]);
}

#[test]
fn what_is_retracted_leaves_the_figure_before_it_or_none() {
    let mut ledger = Ledger::new();
    let first = ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    let second = ledger.says("2023-06-02", NHA_TRANG, count(1_300));
    let one = ledger.retracts("2023-06-05", NHA_TRANG, second);
    let other = ledger.retracts("2023-06-05", NHA_TRANG, first);
    let from = view(NHA_TRANG, "2023-06-10", second);

    let change = ledger.diff(from, view(NHA_TRANG, "2023-06-10", one)).own;
    assert_eq!(ends(&change.count), (Some(1_300), Some(1_000)));
    assert_eq!(terms(&change.count), [-300, 0, 0, 0]);
    assert_eq!(listed(change.events(Term::Corrections)), [one]);

    let change = ledger.diff(from, view(NHA_TRANG, "2023-06-10", other)).own;
    assert_eq!(ends(&change.count), (Some(1_300), None));
    assert!(change.count.takes(Term::Corrections));
    assert_eq!(change.to, None);
    assert_eq!(listed(change.events(Term::Corrections)), [other, one]);
}

#[test]
fn a_first_figure_is_new_work_and_says_that_it_is_the_first() {
    let mut ledger = Ledger::new();
    ledger.places(&[(NHA_TRANG, "")]);
    let (from, to) = (
        view(NHA_TRANG, "2023-06-01", 9),
        view(NHA_TRANG, "2023-06-02", 9),
    );
    assert_eq!(ledger.state.diff(&code("eid"), from, to), None);
    assert!(ledger.state.diffs(from, to).is_empty());

    let first = ledger.says("2023-06-02", NHA_TRANG, count_of(0, 2_000));
    let change = ledger.diff(from, to).own;
    assert_eq!(ends(&change.count), (None, Some(0)));
    assert_eq!(terms(&change.count), [0; 4]);
    assert!(change.count.brings(Term::NewWork) && change.share.brings(Term::NewWork));
    assert_eq!(listed(change.events(Term::NewWork)), [first]);
}

#[test]
fn a_revised_denominator_is_told_from_work() {
    let mut ledger = Ledger::new();
    ledger.says("2023-06-01", NHA_TRANG, count_of(1_000, 2_000));
    let quota_1 = ledger.add(
        "2023-06-01",
        quota(NHA_TRANG, QuotaLayer::Central, 4_000, "90", ""),
    );
    let last = ledger.says("2023-07-01", NHA_TRANG, count_of(1_200, 1_500));
    let quota_2 = ledger.add(
        "2023-07-01",
        quota(NHA_TRANG, QuotaLayer::Central, 3_000, "95", "2023-12-31"),
    );
    let (from, to) = (
        view(NHA_TRANG, "2023-06-02", 99),
        view(NHA_TRANG, "2023-07-31", 99),
    );
    let diff = ledger.diff(from, to);
    // 50 % of 2,000; 60 % of these would be 1,200; of 1,500 they are 80 %.
    assert_eq!(terms(&diff.own.share), [0, 0, 1_000, 2_000]);
    assert_eq!(terms(&diff.own.count), [0, 0, 200, 0]);
    assert_eq!(listed(diff.own.events(Term::QuotaChanges)), [last]);

    let [central] = &diff.quotas[..] else {
        panic!("one layer has a quota");
    };
    // 25 % of 4,000, then 30 %, and 40 % of 3,000.
    assert_eq!(ends(&central.own), (Some(2_500), Some(4_000)));
    assert_eq!(terms(&central.own), [0, 0, 500, 1_000]);
    let (old, new) = (central.from.unwrap(), central.to.unwrap());
    assert_eq!(
        (old.recorded.position, new.recorded.position),
        (quota_1, quota_2)
    );
    assert_eq!((old.target, new.target), (percent("90"), percent("95")));
    assert_eq!(
        (old.deadline, new.deadline),
        (None, Some(day("2023-12-31")))
    );
    assert!(central.is_changed());
    assert_eq!(listed(&central.events), [quota_2]);
}

#[test]
fn a_quota_that_comes_or_is_suspended_says_so() {
    let mut ledger = Ledger::new();
    ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    let assigned = ledger.add(
        "2023-06-05",
        quota(NHA_TRANG, QuotaLayer::Provincial, 2_000, "90", ""),
    );
    let suspension = QuotaSuspended {
        locality: id(NHA_TRANG),
        indicator: code("eid"),
        layer: QuotaLayer::Provincial,
        reason: "chờ rà soát".to_owned(),
        document: Document::default(),
    };
    let suspended = ledger.add("2023-06-08", Body::QuotaSuspended(suspension));
    let [before, under, after] =
        ["2023-06-02", "2023-06-06", "2023-06-09"].map(|day| view(NHA_TRANG, day, suspended));

    let came = &ledger.diff(before, under).quotas[0];
    assert_eq!(ends(&came.own), (None, Some(5_000)));
    assert!(came.own.brings(Term::QuotaChanges) && came.from.is_none());
    assert_eq!(listed(&came.events), [assigned]);
    let went = &ledger.diff(under, after).quotas[0];
    assert_eq!(ends(&went.own), (Some(5_000), None));
    assert!(went.own.takes(Term::QuotaChanges) && went.to.is_none());
    assert_eq!(went.suspended.unwrap().recorded.position, suspended);
    assert_eq!(listed(&went.events), [suspended]);
    assert!(ledger.diff(before, after).quotas.is_empty());
}

#[test]
fn a_merger_is_no_work_and_counts_nothing_twice() {
    let mut ledger = Ledger::new();
    ledger.places(&[
        (NHA_TRANG, ""),
        (VAN_THANH, NHA_TRANG),
        (TAN_TIEN, NHA_TRANG),
        (CAM_TAN, NHA_TRANG),
    ]);
    ledger.says("2023-06-01", VAN_THANH, count_of(1_000, 2_000));
    ledger.says("2023-06-01", TAN_TIEN, count_of(2_000, 4_000));
    ledger.says("2023-06-01", CAM_TAN, count_of(500, 1_000));
    let merged = ledger.ends("2024-01-01", VAN_THANH, &[TAN_TIEN], Extent::Full);
    let work = ledger.says("2024-06-01", TAN_TIEN, count_of(3_600, 6_000));
    let from = view(NHA_TRANG, "2023-12-31", work);

    let diff = ledger.diff(from, view(NHA_TRANG, "2024-06-30", work));
    assert_eq!(ends(&diff.rolled_up.count), (Some(3_500), Some(4_100)));
    assert_eq!(terms(&diff.rolled_up.count), [0, 0, 600, 0]);
    assert_eq!(terms(&diff.rolled_up.share), [0, 0, 857, 0]);
    assert!(diff.is_comparable());
    assert_eq!(
        listed(diff.rolled_up.events(Term::BoundaryChanges)),
        [merged]
    );
    assert_eq!(listed(diff.rolled_up.events(Term::NewWork)), [work]);
    let sums = (diff.rolled_up.from.unwrap(), diff.rolled_up.to.unwrap());
    assert_eq!((sums.0.parts, sums.1.parts), (3, 2));
}

#[test]
fn a_split_takes_a_count_out_until_somebody_reports_it() {
    let mut ledger = Ledger::new();
    ledger.places(&[
        (NHA_TRANG, ""),
        (VAN_THANH, NHA_TRANG),
        (TAN_TIEN, NHA_TRANG),
        (CAM_TAN, NHA_TRANG),
    ]);
    ledger.says("2023-06-01", VAN_THANH, count(1_000));
    ledger.says("2023-06-01", TAN_TIEN, count(2_000));
    ledger.says("2023-06-01", CAM_TAN, count(500));
    let split = ledger.ends(
        "2024-01-01",
        VAN_THANH,
        &[TAN_TIEN, CAM_TAN],
        Extent::Partial,
    );
    let work = ledger.says("2024-06-01", TAN_TIEN, count(2_700));
    let change = ledger.diff(
        view(NHA_TRANG, "2023-12-31", work),
        view(NHA_TRANG, "2024-06-30", work),
    );
    // Neither count is that of its territory any more; one of them is reported anew.
    assert_eq!(ends(&change.rolled_up.count), (Some(3_500), Some(2_700)));
    assert_eq!(terms(&change.rolled_up.count), [0, -3_500, 2_700, 0]);
    assert!(change.rolled_up.count.takes(Term::BoundaryChanges));
    assert_eq!(
        listed(change.rolled_up.events(Term::BoundaryChanges)),
        [split]
    );
    assert_eq!(
        (&change.joined[..], change.is_comparable()),
        (&[id(TAN_TIEN)][..], false)
    );
    assert_eq!(change.rolled_up.to.unwrap().broken, [id(CAM_TAN)]);
}

#[test]
fn a_province_is_followed_across_the_reform() {
    let mut ledger = Ledger::new();
    ledger.places(&[
        (PROVINCE, ""),
        (NHA_TRANG, PROVINCE),
        (VAN_THANH, NHA_TRANG),
        (TAN_TIEN, NHA_TRANG),
    ]);
    ledger.says("2025-06-20", VAN_THANH, count(4_000));
    let wrong = ledger.says("2025-06-20", TAN_TIEN, count(6_000));
    let before = ledger.state.position();
    for (place, parent) in [(NEW_PROVINCE, ""), (NEW_WARD, NEW_PROVINCE)] {
        ledger.add("2025-07-01", registered(place, place, parent, true));
    }
    ledger.ends("2025-07-01", PROVINCE, &[NEW_PROVINCE], Extent::Full);
    ledger.ends("2025-07-01", NHA_TRANG, &[], Extent::Full);
    for ward in [VAN_THANH, TAN_TIEN] {
        ledger.ends("2025-07-01", ward, &[NEW_WARD], Extent::Full);
    }
    let right = ledger.corrects("2025-06-20", TAN_TIEN, wrong, count(5_900));
    ledger.says("2025-08-20", NEW_WARD, count(10_500));
    let now = ledger.state.position();

    let from = view(PROVINCE, "2025-06-30", before);
    let diff = ledger.diff(from, view(NEW_PROVINCE, "2025-08-31", now));
    assert_eq!(ends(&diff.rolled_up.count), (Some(10_000), Some(10_500)));
    assert_eq!(terms(&diff.rolled_up.count), [-100, 0, 600, 0]);
    assert_eq!(listed(diff.rolled_up.events(Term::Corrections)), [right]);
    assert_eq!(diff.rolled_up.events(Term::BoundaryChanges).count, 6);
    // Asked of the new identity alone, its sum begins with what was carried to it.
    let new = ledger.diff(
        view(NEW_PROVINCE, "2025-06-30", now),
        view(NEW_PROVINCE, "2025-08-31", now),
    );
    assert_eq!(terms(&new.rolled_up.count), [0, 9_900, 600, 0]);
    assert!(new.rolled_up.count.brings(Term::BoundaryChanges));
    assert_eq!(new.rolled_up.events(Term::BoundaryChanges).count, 6);
    // The old identity has no sum by the new boundaries.
    let old = ledger.diff(from, view(PROVINCE, "2025-08-31", now));
    assert!(old.rolled_up.count.takes(Term::BoundaryChanges));
    assert_eq!(ends(&old.rolled_up.count), (Some(10_000), None));
}

#[test]
fn a_difference_at_a_pinned_position_names_no_more_once_places_are_moved() {
    let mut ledger = Ledger::new();
    ledger.places(&[
        (NHA_TRANG, ""),
        (VAN_THANH, NHA_TRANG),
        (DIEN_KHANH, ""),
        (TAN_TIEN, DIEN_KHANH),
    ]);
    ledger.says("2023-06-01", VAN_THANH, count(1_000));
    let new = ledger.add(
        "2023-06-10",
        registered(CAM_TAN, CAM_TAN, DIEN_KHANH, false),
    );
    let ended = ledger.ends("2023-06-15", TAN_TIEN, &[CAM_TAN], Extent::Full);
    let boundaries = |ledger: &Ledger, known| {
        let (from, to) = (
            view(NHA_TRANG, "2023-06-02", known),
            view(NHA_TRANG, "2023-06-30", known),
        );
        let change = ledger.diff(from, to).rolled_up;
        listed(change.events(Term::BoundaryChanges)).to_vec()
    };
    assert_eq!(boundaries(&ledger, ended), [0; 0]);
    // Both are said to have been Nha Trang's, by somebody who says so later.
    ledger.add("2023-07-01", registered(CAM_TAN, CAM_TAN, NHA_TRANG, false));
    let into = ledger.ends("2023-06-15", TAN_TIEN, &[VAN_THANH], Extent::Full);
    assert_eq!(boundaries(&ledger, ended), [0; 0]);
    assert_eq!(boundaries(&ledger, into), [into, ended, new]);
}

#[test]
fn a_sum_that_gains_a_part_is_no_revised_denominator_and_says_who_joined() {
    let mut ledger = Ledger::new();
    ledger.places(&[
        (NHA_TRANG, ""),
        (VAN_THANH, NHA_TRANG),
        (TAN_TIEN, NHA_TRANG),
    ]);
    let wrong = ledger.says("2023-06-01", VAN_THANH, count_of(500, 1_000));
    let first = ledger.says("2023-07-01", TAN_TIEN, count_of(100, 1_000));
    let (from, to) = (
        view(NHA_TRANG, "2023-06-02", wrong),
        view(NHA_TRANG, "2023-07-31", 99),
    );
    let diff = ledger.diff(from, to);
    assert_eq!(terms(&diff.rolled_up.count), [0, 0, 100, 0]);
    assert_eq!(terms(&diff.rolled_up.share), [0, 0, -2_000, 0]);
    assert_eq!(
        (&diff.joined[..], &diff.left[..]),
        (&[id(TAN_TIEN)][..], &[][..])
    );
    assert!(!diff.is_comparable());
    let (before, after) = (diff.rolled_up.from.unwrap(), diff.rolled_up.to.unwrap());
    assert_eq!((before.reported, before.parts), (1, 2));
    assert_eq!((after.reported, after.parts), (2, 2));
    assert!(diff.own.count.is_empty());

    // A figure taken back leaves the sum.
    ledger.retracts("2023-08-01", VAN_THANH, wrong);
    let diff = ledger.diff(view(NHA_TRANG, "2023-07-31", first), to);
    assert_eq!(terms(&diff.rolled_up.count), [-500, 0, 0, 0]);
    assert_eq!(
        (&diff.joined[..], &diff.left[..]),
        (&[][..], &[id(VAN_THANH)][..])
    );
}

#[test]
fn asked_the_other_way_round_every_sign_turns() {
    let mut ledger = Ledger::new();
    let wrong = ledger.says("2023-06-01", NHA_TRANG, count(1_000));
    ledger.corrects("2023-06-01", NHA_TRANG, wrong, count(900));
    let last = ledger.says("2023-07-30", NHA_TRANG, count(1_500));
    let (early, late) = (
        view(NHA_TRANG, "2023-06-02", wrong),
        view(NHA_TRANG, "2023-07-31", last),
    );
    let (there, back) = (ledger.diff(early, late).own, ledger.diff(late, early).own);
    assert_eq!(ends(&back.count), (Some(1_500), Some(1_000)));
    assert_eq!(terms(&back.count), terms(&there.count).map(|term| -term));
    assert_eq!((back.from, back.to), (there.to, there.from));
}

#[test]
fn of_many_events_the_newest_hundred_are_listed() {
    let mut ledger = Ledger::new();
    let first = ledger.says("2023-06-01", NHA_TRANG, count(1));
    for value in 2..=151 {
        ledger.says("2023-06-02", NHA_TRANG, count(value));
    }
    let (from, to) = (
        view(NHA_TRANG, "2023-06-01", 999),
        view(NHA_TRANG, "2023-06-02", 999),
    );
    let change = ledger.diff(from, to).own;
    assert_eq!(terms(&change.count), [0, 0, 150, 0]);
    let events = change.events(Term::NewWork);
    assert_eq!(
        (events.count, events.newest.len()),
        (150, Events::LISTED_MAX)
    );
    assert_eq!(events.newest.first(), Some(&(first + 150)));
}

#[test]
fn every_indicator_of_a_locality_and_its_parts_is_told_by_code() {
    let mut ledger = Ledger::new();
    ledger.places(&[(NHA_TRANG, ""), (VAN_THANH, NHA_TRANG)]);
    ledger.add("2023-06-01", reported(VAN_THANH, "eid", count(10)));
    ledger.add("2023-06-01", reported(NHA_TRANG, "cccd", count(20)));
    ledger.add("2023-06-01", reported(PROVINCE, "health", count(30)));
    let (from, to) = (
        view(NHA_TRANG, "2023-05-31", 99),
        view(NHA_TRANG, "2023-06-02", 99),
    );
    let diffs = ledger.state.diffs(from, to);
    let told: Vec<_> = diffs.iter().map(|diff| diff.indicator.as_str()).collect();
    assert_eq!(told, ["cccd", "eid"]);
}
