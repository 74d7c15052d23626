//! Counts across the reform of 2025, by old boundaries and by new ones.

use domain::event::Extent;
use domain::locality::{Level, LocalityId};
use domain::text::{Bound, Quantity};

use super::*;
use crate::{Continuity, RollUp};

const OLD: &str = "56@2023-04-10";
const NHA_TRANG: &str = "568@2023-04-10";
const VAN_THANH: &str = "22348@2023-04-10";
const TAN_TIEN: &str = "22366@2023-04-10";
const CAM_TAN: &str = "22435@2023-04-10";
const NEW: &str = "56@2025-07-01";
const NEW_NHA_TRANG: &str = "22366@2025-07-01";
const CAM_HIEP: &str = "22435@2025-07-01";
const CAM_LAM: &str = "22453@2025-07-01";

/// Two wards of Nha Trang went whole into one, a commune was split between two.
fn khanh_hoa() -> Ledger {
    let mut ledger = Ledger::new();
    let old = [
        (OLD, ""),
        (NHA_TRANG, OLD),
        (VAN_THANH, NHA_TRANG),
        (TAN_TIEN, NHA_TRANG),
        (CAM_TAN, NHA_TRANG),
    ];
    for (place, parent) in old {
        ledger.add("2023-04-10", registered(place, place, parent, false));
    }
    let new = [
        (NEW, ""),
        (NEW_NHA_TRANG, NEW),
        (CAM_HIEP, NEW),
        (CAM_LAM, NEW),
    ];
    for (place, parent) in new {
        ledger.add("2025-07-01", registered(place, place, parent, true));
    }
    let into = |places: &[&str], extent| {
        let into = places.iter().map(|place| Successor {
            locality: id(place),
            extent,
        });
        into.collect::<Vec<_>>()
    };
    let ends = [
        (OLD, into(&[NEW], Extent::Full)),
        (NHA_TRANG, Vec::new()),
        (VAN_THANH, into(&[NEW_NHA_TRANG], Extent::Full)),
        (TAN_TIEN, into(&[NEW_NHA_TRANG], Extent::Full)),
        (CAM_TAN, into(&[CAM_HIEP, CAM_LAM], Extent::Partial)),
    ];
    for (place, successors) in ends {
        ledger.add("2025-07-01", ended(place, successors));
    }
    ledger
}

impl Ledger {
    fn report(&mut self, on: &str, place: &str, figure: Figure) {
        self.add(on, reported(place, "eid", figure));
    }

    fn sum(&self, as_of: &str, place: &str, boundaries: &str) -> Option<RollUp<'_>> {
        let reading = self.state.latest(moment(as_of));
        reading.roll_up(&code("eid"), id(place), day(boundaries))
    }
}

fn exactly(value: u64) -> Option<Quantity> {
    let bound = Bound::Exact;
    Some(Quantity { bound, value })
}

fn at_least(value: u64) -> Option<Quantity> {
    let bound = Bound::AtLeast;
    Some(Quantity { bound, value })
}

#[test]
fn a_ward_that_went_whole_keeps_its_count() {
    let mut ledger = khanh_hoa();
    ledger.report("2025-06-20", VAN_THANH, count_of(4_000, 5_000));
    let lacking = ledger
        .sum("2025-07-15", NEW_NHA_TRANG, "2025-07-01")
        .unwrap();
    assert_eq!(
        (lacking.count, lacking.missing),
        (None, vec![id(NEW_NHA_TRANG)])
    );
    ledger.report("2025-06-25", TAN_TIEN, count_of(6_000, 7_000));

    let sum = ledger
        .sum("2025-07-15", NEW_NHA_TRANG, "2025-07-01")
        .unwrap();
    assert_eq!((sum.level, sum.count), (Level::Commune, exactly(10_000)));
    assert_eq!(sum.denominator.map(|against| against.value), Some(12_000));
    assert_eq!((sum.parts, sum.reported, sum.carried), (1, 0, 1));
    assert_eq!(sum.span, Some((moment("2025-06-20"), moment("2025-06-25"))));
    assert!(sum.is_complete());

    // Its own figure stands from the first one on.
    ledger.report("2025-07-20", NEW_NHA_TRANG, count_of(10_500, 12_000));
    let sum = ledger
        .sum("2025-07-31", NEW_NHA_TRANG, "2025-07-01")
        .unwrap();
    assert_eq!(
        (sum.count, sum.reported, sum.carried),
        (exactly(10_500), 1, 0)
    );
}

#[test]
fn a_split_commune_shows_a_break() {
    let mut ledger = khanh_hoa();
    ledger.report("2025-06-20", VAN_THANH, count(4_000));
    ledger.report("2025-06-20", TAN_TIEN, count(6_000));
    ledger.report("2025-06-20", CAM_TAN, count(900));

    let reading = ledger.state.latest(moment("2025-07-15"));
    let continuity = |place: &str| reading.continuity(id(place));
    assert_eq!(
        continuity(NEW_NHA_TRANG),
        Continuity::Whole(vec![id(VAN_THANH), id(TAN_TIEN)])
    );
    let broken = Continuity::Broken {
        whole: Vec::new(),
        partial: vec![id(CAM_TAN)],
    };
    assert_eq!(
        (continuity(CAM_HIEP), continuity(CAM_LAM)),
        (broken.clone(), broken)
    );
    assert_eq!(continuity(VAN_THANH), Continuity::Same);
    let part = reading.predecessors(id(CAM_LAM))[0];
    assert_eq!(
        (part.extent, part.ended),
        (Extent::Partial, day("2025-07-01"))
    );

    // By the new boundaries nothing of it is counted; by the old ones all is.
    let new = ledger.sum("2025-07-15", NEW, "2025-07-01").unwrap();
    assert_eq!((new.count, new.carried), (at_least(10_000), 1));
    assert_eq!(
        (new.parts, new.broken),
        (3, vec![id(CAM_HIEP), id(CAM_LAM)])
    );
    let old = ledger.sum("2025-07-15", OLD, "2025-06-30").unwrap();
    assert_eq!(
        (old.count, old.parts, old.reported),
        (exactly(10_900), 3, 3)
    );
    // A place that is not there on the day has no sum.
    assert_eq!(ledger.sum("2025-07-15", OLD, "2025-07-01"), None);
    assert_eq!(ledger.sum("2025-07-15", NEW, "2025-06-30"), None);
    // Who did not know of the reform sees the old places go on.
    let before = ledger.state.at(moment("2025-07-15"), 5);
    assert_eq!(before.continuity(id(CAM_LAM)), Continuity::Same);
}

#[test]
fn a_sum_never_takes_missing_for_zero() {
    let mut ledger = khanh_hoa();
    assert_eq!(ledger.sum("2023-06-30", OLD, "2023-06-30"), None);
    // While nobody below reports, what the district says is the sum of the province.
    ledger.report("2023-06-01", NHA_TRANG, count(9_000));
    let districts = ledger.sum("2023-06-30", OLD, "2023-06-30").unwrap();
    assert_eq!(
        (districts.level, districts.count),
        (Level::District, exactly(9_000))
    );

    ledger.report("2023-06-02", VAN_THANH, count(4_000));
    ledger.report("2023-06-02", TAN_TIEN, printed("80"));
    let sum = ledger.sum("2023-06-30", OLD, "2023-06-30").unwrap();
    assert_eq!((sum.level, sum.count), (Level::Commune, at_least(4_000)));
    assert_eq!((sum.parts, sum.reported), (3, 1));
    assert_eq!(
        (&*sum.uncounted, &*sum.missing),
        (&[id(TAN_TIEN)][..], &[id(CAM_TAN)][..])
    );
    assert!(!sum.is_complete());
    // On the day before, nobody below had said anything.
    let before = ledger.sum("2023-06-01", OLD, "2023-06-30").unwrap();
    assert_eq!(before.level, Level::District);
}

#[test]
fn a_sum_is_as_vague_as_its_terms_and_has_a_denominator_if_all_have_the_same() {
    let mut ledger = khanh_hoa();
    let vague = |bound, value, kind: &str| Figure {
        value: Some(Quantity { bound, value }),
        denominator: Some(against(kind, 100)),
        ..Figure::default()
    };
    let summed = |ledger: &Ledger| {
        let sum = ledger.sum("2023-06-30", NHA_TRANG, "2023-06-30").unwrap();
        (
            sum.count.unwrap(),
            sum.denominator.map(|against| against.value),
        )
    };
    ledger.report("2023-06-01", VAN_THANH, vague(Bound::Exact, 10, "quota"));
    ledger.report("2023-06-01", TAN_TIEN, vague(Bound::AtLeast, 20, "quota"));
    ledger.report("2023-06-01", CAM_TAN, vague(Bound::AtLeast, 30, "quota"));
    assert_eq!(summed(&ledger), (at_least(60).unwrap(), Some(300)));
    ledger.report("2023-06-02", CAM_TAN, vague(Bound::AtMost, 30, "citizens"));
    let (bound, value) = (Bound::About, 60);
    assert_eq!(summed(&ledger), (Quantity { bound, value }, None));
}

#[test]
fn a_place_that_took_in_another_is_counted_with_it_until_it_reports_anew() {
    let mut ledger = Ledger::new();
    for place in [NHA_TRANG, VAN_THANH, TAN_TIEN] {
        let parent = if place == NHA_TRANG { "" } else { NHA_TRANG };
        ledger.add("2023-04-10", registered(place, place, parent, false));
    }
    let into: LocalityId = id(TAN_TIEN);
    let successor = Successor {
        locality: into,
        extent: Extent::Full,
    };
    ledger.add("2024-01-01", ended(VAN_THANH, vec![successor]));
    ledger.report("2023-12-01", TAN_TIEN, count(6_000));
    let sum = |ledger: &Ledger, as_of: &str, boundaries: &str| {
        let sum = ledger.sum(as_of, NHA_TRANG, boundaries).unwrap();
        (sum.count, sum.broken.len(), sum.missing.len())
    };
    // Its own figure is from before, and nobody knows the other's.
    assert_eq!(sum(&ledger, "2024-01-31", "2024-01-01"), (None, 1, 0));
    ledger.report("2023-12-15", VAN_THANH, count(4_000));
    assert_eq!(
        sum(&ledger, "2024-01-31", "2024-01-01"),
        (exactly(10_000), 0, 0)
    );
    assert_eq!(
        sum(&ledger, "2023-12-31", "2023-12-31"),
        (exactly(10_000), 0, 0)
    );
    ledger.report("2024-02-01", TAN_TIEN, count(10_200));
    assert_eq!(
        sum(&ledger, "2024-02-01", "2024-02-01"),
        (exactly(10_200), 0, 0)
    );
}
