//! One look, beside a desk that goes on: how far it reaches, whom it keeps waiting, and what is silenced.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use bytes::Bytes;
use domain::Event;
use domain::event::{self as e, Actor, Body};
use domain::text::Moment;
use event_log::{Append, Log, NewEvent, Options};
use host::{Readiness, SystemClock, Today};
use jiff::civil::date;
use tempfile::TempDir;
use uuid::Uuid;
use wire::v1;

use super::round::{self, Index, Round};
use super::*;
use crate::book::Book;
use crate::desk::{self, Asked, Decision, Desk};
use crate::facts::{name, place};
use crate::judge::Judge;

/// No condition takes longer than this.
const PATIENCE: Duration = Duration::from_secs(20);
/// More than are looked at while the judge is held.
const COMMUNES: u32 = 300;

const CONTACTS: &str = "[smtp]\nurl = \"smtp://localhost\"\nfrom = \"a@example.vn\"\n[[contact]]\nplace = \"01\"\nname = \"Tổ 06\"\nmail = \"to06@example.vn\"\nbelow = true\n";

/// A desk for 5 July over a log in a folder, and who is told.
struct Room {
    desk: Arc<Desk>,
    dispatch: Arc<Dispatch>,
    index: Index,
    log: Log,
    position: Arc<AtomicU64>,
    _readiness: Readiness,
    _folder: TempDir,
}

fn registered(code: &str, parent: Option<&str>) -> Body {
    Body::LocalityRegistered(e::LocalityRegistered {
        locality: place(code),
        name: name(code),
        parent: parent.map(place),
        start_known: false,
        source: e::Source::default(),
    })
}

/// 90 % of 1,000 by 8 July.
fn quota(code: &str) -> Body {
    Body::QuotaAssigned(e::QuotaAssigned {
        locality: place(code),
        indicator: "eid.activated".parse().unwrap(),
        layer: e::QuotaLayer::Central,
        denominator: e::Denominator {
            kind: "quota".to_owned(),
            value: 1_000,
            derived: false,
        },
        target: domain::text::parse_percent("90").unwrap(),
        start: None,
        deadline: Some(date(2023, 7, 8)),
        milestones: Vec::new(),
        document: e::Document::default(),
    })
}

/// Folds an event as the bus brings it.
fn fold(desk: &Desk, position: &AtomicU64, body: Body) {
    let position = position.fetch_add(1, Ordering::SeqCst) + 1;
    let event = Event {
        request_id: Uuid::from_u128(position.into()),
        actor: Actor {
            organisation: "Công an".to_owned(),
            office: "Tổ".to_owned(),
        },
        effective: Moment::parse("2023-06-20").unwrap(),
        body,
        confirmed: Vec::new(),
        findings: Vec::new(),
        traceparent: None,
    };
    let known = "2023-07-04T03:00:00Z".parse().unwrap();
    desk.fold((position, known), &event, Some(true)).unwrap();
}

impl Room {
    /// Caught up with a province, and a quota of each of its communes.
    async fn new(communes: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            origin: "tiendo/test".into(),
            ..Options::at(folder.path())
        };
        let log = Log::open(options, Arc::new(|| 1_688_500_000_000_000)).unwrap();
        let (readiness, clock) = (Readiness::new(), Arc::new(SystemClock));
        let today = Today::Pinned(date(2023, 7, 5));
        let desk = Arc::new(Desk::new(desk::Parts {
            judge: Judge::new(lag::Rules::standard(), today),
            book: Book::default(),
            log: log.clone(),
            today,
            clock: clock.clone(),
            log_component: readiness.component("log"),
            follower_component: readiness.component("follower"),
        }));
        let position = Arc::default();
        fold(&desk, &position, registered("01", None));
        let indicator = e::IndicatorDefined {
            indicator: "eid.activated".parse().unwrap(),
            name: name("Kích hoạt"),
            family: "eid".to_owned(),
            kind: e::IndicatorKind::Cumulative,
            unit: name("tài khoản"),
            denominator: "quota".to_owned(),
        };
        fold(&desk, &position, Body::IndicatorDefined(indicator));
        for code in 10_000..10_000 + communes {
            let code = code.to_string();
            fold(&desk, &position, registered(&code, Some("01")));
            fold(&desk, &position, quota(&code));
        }
        desk.caught_up().await;
        let contacts = Contacts::parse(CONTACTS, Exposure::Refused, &mut |_| Ok(String::new()));
        let contacts = contacts.unwrap();
        let index = Index::of(&contacts.recipients);
        let dispatch = Dispatch::new(Parts {
            settings: Settings {
                contacts,
                pace: Pace::standard(),
            },
            account: Account::default(),
            log: log.clone(),
            desk: Arc::clone(&desk),
            clock,
            today,
            ledger: "test-alerts".into(),
        });
        Self {
            desk,
            dispatch: Arc::new(dispatch),
            index,
            log,
            position,
            _readiness: readiness,
            _folder: folder,
        }
    }

    /// Nothing is sent about the province and all within it.
    async fn silence(&self) {
        let set = v1::alert_event::Body::SilenceSet(v1::SilenceSet {
            silence_id: "one".to_owned(),
            places: vec![v1::SilencedPlace {
                locality: Some(wire::event::locality_ref(place("01"))),
                below: true,
            }],
            until: "2023-07-31".to_owned(),
            ..v1::SilenceSet::default()
        });
        let asked = Asked {
            request_id: Uuid::from_u128(77),
            body: set.clone(),
        };
        let decide = move |_: &Book, _: &Judge| Ok(Decision::Record(Box::new(set)));
        self.desk.act(asked, decide).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_log_has_and_the_book_has_not_is_left_to_the_next_look() {
    let room = Room::new(0).await;
    room.silence().await;
    let seen = room.desk.book().position();
    assert_eq!(seen, room.log.head());
    // Durable, and not folded yet.
    let ahead = NewEvent {
        subject: "case".into(),
        expected_revision: None,
        payload: Bytes::from_static(b"ahead"),
        attribute: None,
    };
    let append = Append {
        request_id: [9; 16],
        events: vec![ahead],
    };
    room.log.append(append).await.unwrap();
    assert_eq!(room.log.head(), seen + 1);
    assert_eq!(Round::look(&room.dispatch, &room.index, 0).through, seen);
}

#[tokio::test]
async fn the_judge_goes_on_while_what_is_due_is_looked_for() {
    let room = Room::new(COMMUNES).await;
    let looks = AtomicU64::new(0);
    let goes_on = || {
        let number = looks.fetch_add(1, Ordering::SeqCst);
        let (dispatch, position) = (Arc::clone(&room.dispatch), Arc::clone(&room.position));
        let (folded, heard) = mpsc::channel();
        std::thread::spawn(move || {
            let code = (20_000 + number).to_string();
            fold(dispatch.desk(), &position, registered(&code, Some("01")));
            folded.send(()).unwrap();
        });
        heard.recv_timeout(PATIENCE).is_ok()
    };
    let mut due = round::due(&room.dispatch, &room.index, goes_on).unwrap();
    assert_eq!(looks.load(Ordering::SeqCst), 2);
    assert_eq!(due.len(), COMMUNES as usize);
    assert!(round::due(&room.dispatch, &room.index, || false).is_none());

    let silenced = |due: &[round::Heard<round::Due>]| {
        let silenced = due.iter().filter(|(due, _)| due.is_silenced);
        silenced.count()
    };
    round::hush(&room.dispatch, &mut due);
    assert_eq!(silenced(&due), 0);
    room.silence().await;
    round::hush(&room.dispatch, &mut due);
    assert_eq!(silenced(&due), due.len());
}
