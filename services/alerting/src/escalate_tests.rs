//! Stories of what is due: a book that is kept by hand, day by day.

use domain::LocalityId;
use jiff::civil::Date;
use wire::v1;
use wire::v1::alert_event::Body;

use super::{Round, Surroundings, hushed};
use crate::book::Book;
use crate::case::CaseKey;
use crate::notice;
use crate::rules::shipped_steps;
use crate::sight::Seen;

const HA_DONG: &str = "268@2023-04-10/eid.activated/central/overdue";
const HA_NOI: &str = "01@2023-04-10/eid.activated/central/overdue";
const LAGGING: &str = "268@2023-04-10/eid.activated/central/lagging";
const SILENT: &str = "268@2023-04-10/eid.activated/central/silent";

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn id(code: &str) -> LocalityId {
    LocalityId {
        code: code.parse().unwrap(),
        since: day("2023-04-10"),
    }
}

/// Hà Nội and Hà Đông on a day.
struct Place {
    day: Date,
    status: v1::VerdictStatus,
}

impl Place {
    fn on(day: &str) -> Self {
        Self {
            day: self::day(day),
            status: v1::VerdictStatus::Red,
        }
    }
}

impl Surroundings for Place {
    fn above(&self, place: LocalityId) -> Vec<(LocalityId, String)> {
        let above = (place == id("268")).then(|| (id("01"), "Thành phố Hà Nội".to_owned()));
        above.into_iter().collect()
    }

    fn verdict(&self, key: &CaseKey) -> v1::Verdict {
        v1::Verdict {
            locality: Some(wire::event::locality_ref(key.locality)),
            indicator: key.indicator.to_string(),
            status: self.status as i32,
            judged_for: self.day.to_string(),
            position: 7,
            ..v1::Verdict::default()
        }
    }

    fn position(&self) -> u64 {
        7
    }
}

/// A log of alerts that is folded while it is written.
#[derive(Default)]
struct Story {
    book: Book,
    entries: Vec<v1::AlertEvent>,
}

impl Story {
    fn take(&mut self, on: &str, body: Body) -> u64 {
        self.record(v1::AlertEvent {
            effective: on.to_owned(),
            position: 7,
            body: Some(body),
        })
    }

    fn record(&mut self, alert: v1::AlertEvent) -> u64 {
        let position = self.entries.len() as u64 + 1;
        self.book.fold(position, &alert);
        self.entries.push(alert);
        position
    }

    /// Opens a case as the desk does.
    fn open(&mut self, case: &str, on: &str) {
        let around = Place::on(on);
        let key = CaseKey::parse(case).unwrap();
        let verdict = around.verdict(&key);
        let withheld = hushed(&self.book, &around, &key, &verdict);
        self.take(
            on,
            Body::CaseOpened(v1::CaseOpened {
                case_id: case.to_owned(),
                verdict: Some(verdict.clone()),
            }),
        );
        let told = match withheld {
            Some(withheld) => Body::NotificationWithheld(withheld),
            None => Body::NotificationSent(v1::NotificationSent {
                notification: Some(notice::notice(case, &shipped_steps()[0], &verdict, &[])),
                verdict: Some(verdict),
            }),
        };
        self.take(on, told);
    }

    fn clear(&mut self, case: &str, on: &str) {
        let cleared = v1::CaseCleared {
            case_id: case.to_owned(),
            verdict: Some(Place::on(on).verdict(&CaseKey::parse(case).unwrap())),
            opened_position: 1,
        };
        self.take(on, Body::CaseCleared(cleared));
    }

    fn acknowledge(&mut self, case: &str, on: &str, until: &str) {
        let acknowledged = v1::CaseAcknowledged {
            case_id: case.to_owned(),
            until: until.to_owned(),
            ..v1::CaseAcknowledged::default()
        };
        self.take(on, Body::CaseAcknowledged(acknowledged));
    }

    fn silence(&mut self, name: &str, code: &str, on: &str, until: &str) {
        let set = v1::SilenceSet {
            silence_id: name.to_owned(),
            places: vec![v1::SilencedPlace {
                locality: Some(wire::event::locality_ref(id(code))),
                below: true,
            }],
            until: until.to_owned(),
            ..v1::SilenceSet::default()
        };
        self.take(on, Body::SilenceSet(set));
    }

    /// Records what is due on a day, and says it.
    fn due(&mut self, on: &str) -> Vec<String> {
        self.due_at(&Place::on(on))
    }

    fn due_at(&mut self, around: &Place) -> Vec<String> {
        let round = Round {
            book: &self.book,
            around,
            ladder: &shipped_steps(),
            day: around.day,
        };
        let due: Vec<v1::AlertEvent> = self
            .book
            .open_cases()
            .flat_map(|kept| round.due(kept))
            .collect();
        let said = due.iter().map(said).collect();
        for alert in due {
            self.record(alert);
        }
        said
    }
}

/// An entry in a few words.
fn said(alert: &v1::AlertEvent) -> String {
    let places = |tells: &[v1::LocalityRef]| {
        let codes: Vec<&str> = tells.iter().map(|place| place.code.as_str()).collect();
        codes.join("+")
    };
    match alert.body.as_ref().unwrap() {
        Body::CaseEscalated(e) => format!("step {}", e.step),
        Body::NotificationSent(e) => {
            let told = e.notification.as_ref().unwrap();
            format!("told {} to {}", told.step, places(&told.tells))
        }
        Body::NotificationWithheld(e) => {
            format!("withheld {} from {}: {}", e.step, places(&e.tells), e.why)
        }
        Body::AcknowledgementEnded(e) => format!("acknowledgement ended after {}", e.until),
        other => panic!("{other:?}"),
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_open_case_goes_up_the_ladder_one_step_at_a_time_and_only_once() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    assert_eq!(story.due("2023-07-07"), NOTHING);
    let steps = [
        ("2023-07-08", 2, "268"),
        ("2023-07-15", 3, "268+01"),
        ("2023-07-22", 4, "268+01"),
        // The parent is the province: told once.
        ("2023-08-05", 5, "268+01"),
        ("2023-08-19", 6, "268+01"),
    ];
    for (on, step, tells) in steps {
        let told = format!("told {step} to {tells}");
        assert_eq!(story.due(on), [format!("step {step}"), told]);
        assert_eq!(story.due(on), NOTHING);
    }
    assert_eq!(story.due("2024-07-01"), NOTHING, "there is no seventh step");
    let kept = story.book.newest(HA_DONG).unwrap();
    let life = kept.life(&Seen::ALL);
    assert_eq!((life.step, life.told.len()), (6, 6));
    assert_eq!(life.told[1].1.reply_by, "2023-07-15");
}

#[test]
fn a_ladder_that_names_no_days_takes_one_step_a_day_all_the_same() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    let mut ladder = shipped_steps();
    ladder[1].after_days = 0;
    let kept = story.book.newest(HA_DONG).unwrap();
    let (_, on) = super::next(&ladder, &kept.life(&Seen::ALL), kept.opened_on()).unwrap();
    assert_eq!(on, day("2023-07-02"));
}

#[test]
fn who_wakes_late_takes_one_step() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    assert_eq!(story.due("2023-12-01"), ["step 2", "told 2 to 268"]);
    assert_eq!(story.due("2023-12-07"), NOTHING);
    assert_eq!(story.due("2023-12-08").len(), 2);
}

#[test]
fn a_day_that_went_back_goes_on_as_if_the_step_was_told_in_time() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    assert_eq!(story.due("2023-12-01"), ["step 2", "told 2 to 268"]);
    // In time is the 8th: on an earlier day it counts from that day, later from the 8th.
    assert_eq!(story.due("2023-07-05"), NOTHING);
    assert_eq!(story.due("2023-07-14"), NOTHING);
    assert_eq!(story.due("2023-07-15"), ["step 3", "told 3 to 268+01"]);
    assert_eq!(story.due("2023-07-15"), NOTHING);
    assert_eq!(story.due("2023-07-22").len(), 2);
}

#[test]
fn what_was_taken_on_stands_still_until_its_day_and_goes_on_then() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    story.acknowledge(HA_DONG, "2023-07-02", "2023-07-20");
    assert_eq!(
        story.due("2023-07-08"),
        ["withheld 2 from 268: ACKNOWLEDGED"]
    );
    assert_eq!(story.due("2023-07-20"), NOTHING);
    assert_eq!(
        story.due("2023-07-21"),
        [
            "acknowledgement ended after 2023-07-20",
            "step 2",
            "told 2 to 268"
        ]
    );
    assert_eq!(story.due("2023-07-21"), NOTHING);
    // It ends with the case: nothing is due of one that is cleared.
    story.acknowledge(HA_DONG, "2023-07-22", "2023-07-25");
    story.clear(HA_DONG, "2023-07-23");
    assert_eq!(story.due("2023-08-30"), NOTHING);
    story.open(HA_DONG, "2023-09-01");
    let reopened = story.book.newest(HA_DONG).unwrap();
    assert!(reopened.life(&Seen::ALL).acknowledged.is_none());
}

#[test]
fn what_a_silence_withheld_is_told_once_when_it_runs_out_or_is_ended() {
    let mut story = Story::default();
    story.silence("one", "01", "2023-07-01", "2023-07-10");
    story.open(HA_DONG, "2023-07-02");
    let withheld = story.entries.last().unwrap();
    assert_eq!(said(withheld), "withheld 1 from 268: SILENCED");
    assert_eq!(story.due("2023-07-02"), NOTHING, "it is on record");
    assert_eq!(story.due("2023-07-10"), NOTHING);
    assert_eq!(story.due("2023-07-11"), ["told 1 to 268"]);
    assert_eq!(story.due("2023-07-11"), NOTHING);
    // The ladder counts from the day it was told.
    assert_eq!(story.due("2023-07-17"), NOTHING);
    story.silence("two", "268", "2023-07-17", "2023-08-17");
    assert_eq!(story.due("2023-07-18"), ["withheld 2 from 268: SILENCED"]);
    story.take(
        "2023-07-19",
        Body::SilenceEnded(v1::SilenceEnded {
            silence_id: "two".to_owned(),
            ..v1::SilenceEnded::default()
        }),
    );
    assert_eq!(story.due("2023-07-19"), ["step 2", "told 2 to 268"]);
}

#[test]
fn a_step_under_one_silence_after_another_is_withheld_once() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    for name in ["one", "two", "three"] {
        story.silence(name, "01", "2023-07-02", "2023-08-17");
    }
    assert_eq!(story.due("2023-07-08"), ["withheld 2 from 268: SILENCED"]);
    for name in ["one", "two"] {
        let ended = v1::SilenceEnded {
            silence_id: name.to_owned(),
            ..v1::SilenceEnded::default()
        };
        story.take("2023-07-09", Body::SilenceEnded(ended));
        assert_eq!(story.due("2023-07-09"), NOTHING, "{name}");
    }
    let ended = v1::SilenceEnded {
        silence_id: "three".to_owned(),
        ..v1::SilenceEnded::default()
    };
    story.take("2023-07-10", Body::SilenceEnded(ended));
    assert_eq!(story.due("2023-07-10"), ["step 2", "told 2 to 268"]);
}

#[test]
fn a_silence_is_about_its_indicator_and_concern_alone() {
    let mut story = Story::default();
    for (name, indicator, concern) in [
        ("other", "cccd.issued", 0),
        ("silent", "", v1::Concern::Silent as i32),
    ] {
        let set = v1::SilenceSet {
            silence_id: name.to_owned(),
            places: vec![v1::SilencedPlace {
                locality: Some(wire::event::locality_ref(id("268"))),
                below: false,
            }],
            indicator: indicator.to_owned(),
            concern,
            until: "2023-08-01".to_owned(),
            ..v1::SilenceSet::default()
        };
        story.take("2023-07-01", Body::SilenceSet(set));
    }
    story.open(HA_DONG, "2023-07-02");
    assert_eq!(said(story.entries.last().unwrap()), "told 1 to 268");
    story.open(SILENT, "2023-07-02");
    let last = story.entries.last().unwrap();
    assert_eq!(said(last), "withheld 1 from 268: SILENCED");
}

#[test]
fn a_silent_series_mutes_its_lagging_until_it_reports() {
    let mut story = Story::default();
    story.open(LAGGING, "2023-07-01");
    story.open(SILENT, "2023-07-05");
    assert_eq!(
        story.due("2023-07-08"),
        ["withheld 2 from 268: STALE"],
        "the silent case itself is not due before the 12th"
    );
    assert_eq!(story.due("2023-07-09"), NOTHING);
    story.clear(SILENT, "2023-07-10");
    assert_eq!(story.due("2023-07-10"), ["step 2", "told 2 to 268"]);
}

#[test]
fn past_the_deadline_the_overdue_case_of_the_quota_tells_and_the_lagging_one_waits() {
    let mut story = Story::default();
    story.open(LAGGING, "2023-07-01");
    // A quota of another layer says nothing of this one.
    story.open(&HA_DONG.replace("central", "provincial"), "2023-07-02");
    assert_eq!(story.due("2023-07-08"), ["step 2", "told 2 to 268"]);
    story.open(HA_DONG, "2023-07-10");
    let due = |story: &mut Story, on: &str| -> Vec<String> {
        let due = story.due(on).into_iter();
        due.filter(|said| !said.starts_with("step")).collect()
    };
    due(&mut story, "2023-07-14");
    assert_eq!(
        due(&mut story, "2023-07-15"),
        ["withheld 3 from 268: OVERDUE"]
    );
    assert_eq!(due(&mut story, "2023-07-17"), ["told 2 to 268"]);
    let withheld = story.entries.iter().filter_map(|alert| match &alert.body {
        Some(Body::NotificationWithheld(e)) => Some((e.case_id.as_str(), e.by.as_str())),
        _ => None,
    });
    assert_eq!(withheld.collect::<Vec<_>>(), [(LAGGING, HA_DONG)]);
    // The deadline was moved: the lagging case goes on where it stood.
    story.clear(HA_DONG, "2023-07-18");
    assert_eq!(due(&mut story, "2023-07-18"), ["told 3 to 268+01"]);
}

#[test]
fn an_overdue_case_that_nobody_was_told_of_speaks_for_no_other() {
    let mut story = Story::default();
    story.open(LAGGING, "2023-07-01");
    let set = v1::SilenceSet {
        silence_id: "overdue".to_owned(),
        places: vec![v1::SilencedPlace {
            locality: Some(wire::event::locality_ref(id("268"))),
            below: false,
        }],
        concern: v1::Concern::Overdue as i32,
        until: "2023-08-01".to_owned(),
        ..v1::SilenceSet::default()
    };
    story.take("2023-07-01", Body::SilenceSet(set));
    story.open(HA_DONG, "2023-07-02");
    let last = said(story.entries.last().unwrap());
    assert_eq!(last, "withheld 1 from 268: SILENCED");
    assert_eq!(story.due("2023-07-08"), ["step 2", "told 2 to 268"]);
}

#[test]
fn a_parent_with_a_case_of_its_own_is_not_told_of_each_child() {
    let mut story = Story::default();
    story.open(HA_NOI, "2023-07-14");
    story.open(HA_DONG, "2023-07-01");
    story.due("2023-07-08");
    assert_eq!(
        story.due("2023-07-15"),
        ["step 3", "told 3 to 268", "withheld 3 from 01: GATHERED"]
    );
    let key = CaseKey::parse(HA_DONG).unwrap();
    let around = Place::on("2023-07-15");
    let gatherer = super::gatherer(&story.book, &around, &key, &Seen::ALL).unwrap();
    assert_eq!(gatherer.case.case_id, HA_NOI);
}

#[test]
fn who_is_on_the_way_to_be_cleared_is_not_sent_further_up() {
    let mut story = Story::default();
    story.open(LAGGING, "2023-07-01");
    let mut green = Place::on("2023-07-08");
    green.status = v1::VerdictStatus::Green;
    assert_eq!(story.due_at(&green), ["withheld 2 from 268: IMPROVING"]);
    assert_eq!(story.due_at(&green), NOTHING);
    assert_eq!(story.due("2023-07-09"), ["step 2", "told 2 to 268"]);
}

#[test]
fn an_entry_of_a_later_version_changes_nothing() {
    let mut story = Story::default();
    story.open(HA_DONG, "2023-07-01");
    story.record(v1::AlertEvent {
        effective: "2023-07-02".to_owned(),
        ..v1::AlertEvent::default()
    });
    assert_eq!(story.due("2023-07-08"), ["step 2", "told 2 to 268"]);
    assert_eq!(story.book.position(), 5);
}
