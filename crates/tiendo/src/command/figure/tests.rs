//! What is asked for, and what is found out about an answer.

use clap::Parser as _;
use event_log::Record;
use prost::Message as _;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::ground::Said;

use super::proof::{is_in, rests_on};
use crate::cli::{Cli, Command, Figure};

const INDICATOR: &str = "eid.activated";

#[test]
fn a_number_is_the_figure_of_a_place_or_the_sum_within_it() {
    let asked = |line: &str| {
        let words = format!("tiendo figure explain {line}");
        match Cli::try_parse_from(words.split(' ')).unwrap().command {
            Command::Figure(Figure::Explain(wanted)) => wanted,
            other => panic!("{other:?}"),
        }
    };
    let own = asked("268 eid.activated --proofs --known-at 26303");
    assert_eq!(
        (own.code.as_str(), own.indicator.as_str()),
        ("268", INDICATOR)
    );
    assert!(own.proofs && own.boundaries.is_none());
    assert_eq!(own.at.known_at.as_deref(), Some("26303"));
    let sum = asked("56 eid.activated --boundaries 30/6/2025 --as-of 31/7/2025");
    assert_eq!(sum.boundaries.as_deref(), Some("30/6/2025"));
    assert_eq!(sum.at.as_of.as_deref(), Some("31/7/2025"));
    assert!(!sum.proofs);
    let alone = Cli::try_parse_from(["tiendo", "figure", "explain", "56"]);
    assert!(alone.is_err(), "a number is of an indicator");
}

/// An event of the log, and how an answer tells it.
fn reported() -> (Record, v1::Ground) {
    let place = v1::LocalityRef {
        code: "268".to_owned(),
        since: "2023-04-10".to_owned(),
    };
    let value = v1::Quantity {
        number: Some(v1::quantity::Number::Count(215_000)),
        bound: v1::Bound::Exact as i32,
    };
    let source = v1::Source {
        title: "Báo cáo Công an quận Hà Đông".to_owned(),
        url: String::new(),
    };
    let actor = v1::Actor {
        organisation: "Công an quận Hà Đông".to_owned(),
        office: "Đội QLHC".to_owned(),
    };
    let event = v1::Event {
        actor: Some(actor.clone()),
        effective: "2023-06-30".to_owned(),
        body: Some(Body::ProgressReported(v1::ProgressReported {
            locality: Some(place.clone()),
            indicator: INDICATOR.to_owned(),
            value: Some(value.clone()),
            source: Some(source.clone()),
            ..Default::default()
        })),
        ..Default::default()
    };
    let record = Record {
        position: 7,
        known_micros: 1_688_100_000_000_000,
        request_id: [7; 16],
        subject: "progress/268".into(),
        payload: event.encode_to_vec().into(),
    };
    let known = wire::time::to_wire(wire::time::of_micros(record.known_micros));
    let ground = v1::Ground {
        recorded: Some(v1::Recorded {
            position: 7,
            known: Some(known),
            actor: Some(actor),
        }),
        kind: v1::GroundKind::Holds as i32,
        effective: "2023-06-30".to_owned(),
        locality: Some(v1::LocalityHead {
            r#ref: Some(place),
            ..Default::default()
        }),
        said: Some(Said::Figure(v1::Figure {
            value: Some(value),
            source: Some(source),
            ..Default::default()
        })),
    };
    (record, ground)
}

#[test]
fn an_answer_that_tells_another_event_than_the_log_holds_is_found_out() {
    let (record, ground) = reported();
    assert!(is_in(&ground, INDICATOR, &record));
    assert!(!is_in(&ground, "eid.collected", &record));
    let changes: [fn(&mut v1::Ground); 9] = [
        |ground| ground.recorded.as_mut().unwrap().position = 8,
        |ground| ground.recorded.as_mut().unwrap().known = None,
        |ground| ground.recorded.as_mut().unwrap().actor = None,
        |ground| ground.effective = "2023-07-01".to_owned(),
        |ground| ground.locality = None,
        |ground| ground.said = None,
        |ground| {
            if let Some(Said::Figure(figure)) = &mut ground.said {
                figure.value.as_mut().unwrap().bound = v1::Bound::AtLeast as i32;
            }
        },
        |ground| {
            if let Some(Said::Figure(figure)) = &mut ground.said {
                figure.corrects = 3;
            }
        },
        |ground| {
            if let Some(Said::Figure(figure)) = &mut ground.said {
                figure.note = "đã rà soát".to_owned();
            }
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut changed = ground.clone();
        change(&mut changed);
        assert_ne!(changed, ground, "change {at}");
        assert!(!is_in(&changed, INDICATOR, &record), "change {at} passes");
    }
    let torn = Record {
        payload: vec![0xff; 9].into(),
        ..record
    };
    assert!(!is_in(&ground, INDICATOR, &torn));
}

#[test]
fn a_number_that_is_not_the_one_of_its_ground_is_found_out() {
    let (_, ground) = reported();
    let Some(Said::Figure(figure)) = ground.said.clone() else {
        panic!("{ground:?}");
    };
    let mut answer = v1::ExplainFigureResponse {
        figure: Some(figure),
        ..Default::default()
    };
    assert!(rests_on(&answer, &ground));
    let value = answer.figure.as_mut().unwrap().value.as_mut().unwrap();
    value.number = Some(v1::quantity::Number::Count(1));
    assert!(!rests_on(&answer, &ground));
    answer.figure = None;
    assert!(!rests_on(&answer, &ground));
    let quota = v1::Ground {
        said: Some(Said::Quota(v1::QuotaAssigned::default())),
        ..ground
    };
    assert!(!rests_on(&answer, &quota), "no such quota is told");
}
