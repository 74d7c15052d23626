//! What a letter may say by the figures of now: a ledger of a few events, and a case as the book has it.

use domain::event::{self as e, Actor, Body, Event};
use domain::finding::{Check, Finding, Severity};
use domain::text::{Bound, Moment, Quantity, parse_percent};
use host::Today;
use wire::status::refusal;

use super::*;
use crate::facts::{name, place};

const EID: &str = "eid.activated";

/// A judge of 5 July, and what he has read.
struct Room {
    judge: Judge,
    position: u64,
}

/// A case of Hà Đông.
fn case(concern: &str) -> v1::Case {
    v1::Case {
        case_id: format!("268@2023-04-10/{EID}/central/{concern}"),
        ..v1::Case::default()
    }
}

impl Room {
    /// Four districts and an indicator.
    fn new() -> Self {
        let today = Today::Pinned("2023-07-05".parse().unwrap());
        let mut room = Self {
            judge: Judge::new(lag::Rules::standard(), today),
            position: 0,
        };
        for code in ["268", "004", "250", "016"] {
            let registered = e::LocalityRegistered {
                locality: place(code),
                name: name("Quận Hà Đông"),
                parent: None,
                start_known: false,
                source: e::Source::default(),
            };
            room.fold("2023-04-10", Body::LocalityRegistered(registered), false);
        }
        let indicator = e::IndicatorDefined {
            indicator: EID.parse().unwrap(),
            name: name("Kích hoạt"),
            family: "eid".to_owned(),
            kind: e::IndicatorKind::Cumulative,
            unit: name("tài khoản"),
            denominator: "quota".to_owned(),
        };
        room.fold("2023-04-10", Body::IndicatorDefined(indicator), false);
        room
    }

    /// 90 % of 1,000.
    fn asked(mut self, code: &str, deadline: Option<&str>) -> Self {
        let quota = e::QuotaAssigned {
            locality: place(code),
            indicator: EID.parse().unwrap(),
            layer: e::QuotaLayer::Central,
            denominator: e::Denominator {
                kind: "quota".to_owned(),
                value: 1_000,
                derived: false,
            },
            target: parse_percent("90").unwrap(),
            start: None,
            deadline: deadline.map(|day| day.parse().unwrap()),
            milestones: Vec::new(),
            document: e::Document::default(),
        };
        self.fold("2023-05-01", Body::QuotaAssigned(quota), false);
        self
    }

    fn reported(mut self, code: &str, on: &str, count: u64) -> Self {
        self.report(code, on, count, false);
        self
    }

    /// A figure that a check refuses and its reporter insists on.
    fn insisted(mut self, on: &str, count: u64) -> Self {
        self.report("268", on, count, true);
        self
    }

    fn report(&mut self, code: &str, on: &str, value: u64, is_blocked: bool) {
        let report = e::ProgressReported {
            locality: place(code),
            indicator: EID.parse().unwrap(),
            figure: e::Figure {
                value: Some(Quantity {
                    value,
                    bound: Bound::Exact,
                }),
                ..e::Figure::default()
            },
            note: String::new(),
        };
        self.fold(on, Body::ProgressReported(report), is_blocked);
    }

    /// The newest event, a report of Hà Đông, is taken back.
    fn taken_back(mut self) -> Self {
        let retracted = e::ProgressRetracted {
            retracts: self.position,
            locality: place("268"),
            indicator: EID.parse().unwrap(),
            reason: "nộp nhầm đơn vị".to_owned(),
        };
        self.fold("2023-07-05", Body::ProgressRetracted(retracted), false);
        self
    }

    fn fold(&mut self, on: &str, body: Body, is_blocked: bool) {
        let finding = Finding {
            check: Check::FactorOfTen,
            severity: Severity::Blocking,
            field: "value".to_owned(),
            detail: "ten times the figure before it".to_owned(),
            rule: "plausibility-1".to_owned(),
            position: None,
        };
        self.position += 1;
        let event = Event {
            request_id: uuid::Uuid::from_u128(u128::from(self.position)),
            actor: Actor {
                organisation: "Công an".to_owned(),
                office: "Tổ".to_owned(),
            },
            effective: Moment::parse(on).unwrap(),
            body,
            confirmed: is_blocked
                .then_some(Check::FactorOfTen)
                .into_iter()
                .collect(),
            findings: is_blocked.then_some(finding).into_iter().collect(),
            traceparent: None,
        };
        let known = "2023-07-05T03:00:00Z".parse().unwrap();
        self.judge.fold(self.position, known, &event).unwrap();
        self.judge.settle();
    }

    /// The status of the verdict that a letter tells, or why there is none.
    fn told(&self, case: &v1::Case) -> Result<v1::VerdictStatus, String> {
        match told(&self.judge, case, 0) {
            Ok((verdict, step)) => {
                assert_eq!(step.is_none(), case.cleared.is_some(), "praise has no step");
                Ok(verdict.status())
            }
            Err(status) => {
                let refusal = refusal(&status);
                assert!(!refusal.vi.is_empty(), "{status}");
                Err(refusal.reason)
            }
        }
    }
}

const DEADLINE: Option<&str> = Some("2023-06-30");
const REFUTED: &str = "CASE_REFUTED";
const NOT_JUDGED: &str = "CASE_NOT_JUDGED";

#[test]
fn nobody_is_reproached_with_what_the_figures_of_now_do_not_say() {
    use v1::VerdictStatus::{Red, Unknown};
    let refused = |reason: &str| Err(reason.to_owned());
    let missed = || {
        Room::new()
            .asked("268", DEADLINE)
            .reported("268", "2023-07-03", 500)
    };
    assert_eq!(missed().told(&case("overdue")), Ok(Red));
    // Who has finished, though nobody has recorded yet that the case is cleared.
    let finished = missed().reported("268", "2023-07-04", 950);
    for concern in ["overdue", "lagging"] {
        let told = finished.told(&case(concern));
        assert_eq!(told, refused("CASE_IMPROVING"), "{concern}");
    }
    let blocked = missed().insisted("2023-07-04", 5_000);
    for concern in ["overdue", "lagging"] {
        let told = blocked.told(&case(concern));
        assert_eq!(told, refused(NOT_JUDGED), "{concern}");
    }
    // A report of the 5th of June is thirty days old: nobody knows how things stand, and that is what is written about.
    let later = Some("2023-07-31");
    let silent = Room::new()
        .asked("268", later)
        .reported("268", "2023-06-05", 500);
    assert_eq!(silent.told(&case("lagging")), refused(NOT_JUDGED));
    assert_eq!(silent.told(&case("silent")), Ok(Unknown));
    assert_eq!(Room::new().told(&case("overdue")), refused(NOT_JUDGED));
}

#[test]
fn far_below_the_average_without_a_deadline_is_known_all_the_same() {
    let mut room = Room::new();
    for (code, count) in [("268", 300), ("004", 800), ("250", 850), ("016", 800)] {
        room = room.asked(code, None).reported(code, "2023-07-03", count);
    }
    let case = case("below_average");
    assert_eq!(room.told(&case), Ok(v1::VerdictStatus::Unknown));
    let blocked = room.insisted("2023-07-04", 8_000);
    assert_eq!(blocked.told(&case), Err(NOT_JUDGED.to_owned()));
}

#[test]
fn praise_is_for_what_is_done_by_the_figures_of_now() {
    let missed = || {
        Room::new()
            .asked("268", DEADLINE)
            .reported("268", "2023-06-03", 500)
    };
    let done = || missed().reported("268", "2023-07-03", 950);
    let cleared = |room: &Room, concern: &str| {
        let case = case(concern);
        let key = CaseKey::parse(&case.case_id).unwrap();
        let verdict = room.judge.change(key, Transition::Cleared).verdict;
        assert_eq!(verdict.status(), v1::VerdictStatus::Done);
        v1::Case {
            cleared: Some(verdict),
            ..case
        }
    };
    let case = cleared(&done(), "lagging");
    assert_eq!(done().told(&case), Ok(v1::VerdictStatus::Done));
    // Told by the figures of now, not by those it was cleared with.
    let more = done().reported("268", "2023-07-04", 990);
    let (verdict, _) = told(&more.judge, &case, 0).unwrap();
    assert_eq!(verdict.position, more.position);
    // Five hundred by a report of after the deadline: the missed quota is another case now.
    let refuted = missed()
        .reported("268", "2023-07-02", 510)
        .reported("268", "2023-07-03", 950);
    let refuted = refuted.taken_back();
    assert_eq!(refuted.told(&case), Err(REFUTED.to_owned()));
    let blocked = done().insisted("2023-07-04", 9_900);
    assert_eq!(blocked.told(&case), Err(NOT_JUDGED.to_owned()));
}

#[test]
fn no_answer_is_asked_for_by_a_day_before_the_letters_own() {
    let ladder = crate::rules::shipped_steps();
    let step = &ladder[4];
    let told = v1::Notification {
        step: 5,
        reply_by: "2023-06-06".to_owned(),
        ..v1::Notification::default()
    };
    let case = v1::Case {
        notifications: vec![told],
        ..case("overdue")
    };
    let by = |day: &str| answer_by(&case, step, day.parse().unwrap());
    for day in ["2023-06-01", "2023-06-06"] {
        assert_eq!(by(day), "2023-06-06".parse().ok(), "as it was told");
    }
    let anew = reply_by(step, "2023-06-10".parse().unwrap());
    assert!(anew > "2023-06-10".parse().ok());
    assert_eq!(by("2023-06-10"), anew);
}
