//! Histories made up at random: several siblings, quotas, corrections, retractions, late and doubtful reports, localities that end or move.

use domain::event::{
    self as e, Actor, Body, Event, Figure, IndicatorKind, Name, QuotaLayer, Resolution, Source,
};
use domain::finding::{Check, Finding, Severity};
use domain::text::{Bound, Moment, Percent, Quantity};
use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::common::{against, day, place, quota_of};

/// Two provinces, and districts of the first.
const PLACES: [&str; 8] = ["01", "79", "268", "004", "250", "021", "016", "017"];
const INDICATORS: [(&str, IndicatorKind); 3] = [
    ("eid.activated", IndicatorKind::Cumulative),
    ("cccd.issued", IndicatorKind::Cumulative),
    ("campaign.completion", IndicatorKind::Level),
];
/// Units of everybody.
const EVERYBODY: u64 = 1_000;

/// What happens next, in small numbers: what, where, of which indicator, on which day, and two numbers more.
pub(crate) type Step = (u8, u8, u8, u8, u16, u8);

/// A history in the making.
struct History {
    events: Vec<(Timestamp, Event)>,
    now: Timestamp,
    /// Positions of figures, with their series.
    figures: Vec<(u64, LocalityId, IndicatorCode)>,
    /// Those somebody insisted on.
    doubtful: Vec<(u64, LocalityId)>,
}

/// The events of a history, and when each was taken.
pub(crate) fn events(steps: &[Step]) -> Vec<(Timestamp, Event)> {
    let mut history = History {
        events: Vec::new(),
        now: "2023-06-01T02:00:00Z".parse().unwrap(),
        figures: Vec::new(),
        doubtful: Vec::new(),
    };
    for (index, code) in PLACES.iter().enumerate() {
        history.register(index, (index > 1).then(|| place("01")));
        assert_eq!(
            place(code),
            history.events[index].1.body.locality().unwrap()
        );
    }
    for (code, kind) in INDICATORS {
        history.take(Moment::end_of(day("2023-04-10")), indicator(code, kind));
    }
    for step in steps {
        history.step(*step);
    }
    history.events
}

/// A quota of each of so many indicators for each of seventeen districts, all taken on 1 June.
pub(crate) fn asked_of(indicators: usize) -> Vec<(Timestamp, Event)> {
    let mut history = History {
        events: Vec::new(),
        now: "2023-06-01T02:00:00Z".parse().unwrap(),
        figures: Vec::new(),
        doubtful: Vec::new(),
    };
    let districts: Vec<String> = (1..=17).map(|number| format!("{number:03}")).collect();
    for code in &districts {
        history.register_as(code, Some(place("01")));
    }
    for number in 0..indicators {
        let code = format!("eid.of-{number}");
        let defined = indicator(&code, IndicatorKind::Cumulative);
        history.take(Moment::end_of(day("2023-04-10")), defined);
        for district in &districts {
            let quota = e::QuotaAssigned {
                indicator: code.parse().unwrap(),
                ..quota_of(district, against("quota", EVERYBODY), "90", None)
            };
            history.take(
                Moment::end_of(day("2023-06-01")),
                Body::QuotaAssigned(quota),
            );
        }
    }
    history.events
}

fn indicator(code: &str, kind: IndicatorKind) -> Body {
    Body::IndicatorDefined(e::IndicatorDefined {
        indicator: code.parse().unwrap(),
        name: name(code),
        family: "eid".to_owned(),
        kind,
        unit: name("tài khoản"),
        denominator: "quota".to_owned(),
    })
}

fn name(vi: &str) -> Name {
    Name {
        vi: vi.to_owned(),
        en: String::new(),
    }
}

/// A count that mostly grows with the days, or a percentage.
fn figure(day: u8, number: u16, more: u8) -> Figure {
    let share = u64::from(number) * (4 + u64::from(day)) / 50;
    let count = Quantity {
        value: share.min(2 * EVERYBODY),
        bound: Bound::Exact,
    };
    let percent = Percent::from_hundredths(u32::from(number) * 10, 2);
    Figure {
        value: Some(count).filter(|_| !more.is_multiple_of(4)),
        denominator: Some(against("quota", EVERYBODY)).filter(|_| !more.is_multiple_of(3)),
        percent: percent.filter(|_| more.is_multiple_of(4)),
        ..Figure::default()
    }
}

impl History {
    fn take(&mut self, effective: Moment, body: Body) -> u64 {
        self.found(effective, body, Vec::new())
    }

    fn found(&mut self, effective: Moment, body: Body, findings: Vec<Finding>) -> u64 {
        let event = Event {
            request_id: uuid::Uuid::nil(),
            actor: Actor {
                organisation: "Công an Hà Nội".to_owned(),
                office: "Tổ".to_owned(),
            },
            effective,
            body,
            confirmed: findings.iter().map(|finding| finding.check).collect(),
            findings,
        };
        self.events.push((self.now, event));
        self.events.len() as u64
    }

    fn register(&mut self, index: usize, parent: Option<LocalityId>) {
        self.register_as(PLACES[index], parent);
    }

    fn register_as(&mut self, code: &str, parent: Option<LocalityId>) {
        let body = Body::LocalityRegistered(e::LocalityRegistered {
            locality: place(code),
            name: name(code),
            parent,
            start_known: false,
            source: Source::default(),
        });
        let today = self.today();
        self.take(Moment::end_of(today), body);
    }

    fn today(&self) -> Date {
        domain::text::date::date_in_vietnam(self.now)
    }

    /// A day up to seven weeks before tomorrow.
    fn on(&self, days: u8) -> Moment {
        let back = i64::from(days % 50);
        Moment::end_of(self.today().checked_sub((back - 1).days()).unwrap())
    }

    fn step(&mut self, (what, at, of, on, number, more): Step) {
        let index = usize::from(at) % PLACES.len();
        let id = place(PLACES[index]);
        let (code, _) = INDICATORS[usize::from(of) % INDICATORS.len()];
        let indicator: IndicatorCode = code.parse().unwrap();
        let effective = self.on(if what % 3 == 0 { on } else { on % 4 });
        // A third comes within the same request as what was before.
        if more % 3 != 1 {
            self.now += SignedDuration::from_mins(7);
        }
        match what % 24 {
            0..=11 => self.report(
                effective,
                (id, indicator),
                figure(50 - on % 50, number, more),
            ),
            12 => self.insist(effective, (id, indicator), figure(on % 50, number, more)),
            13 | 14 => self.now += SignedDuration::from_hours(24 * i64::from(1 + on % 9)),
            15..=17 => self.quota((id, indicator), (on, number, more)),
            18 => self.suspend((id, indicator), more),
            19 => self.declare((id, indicator), on),
            20 => self.take_back(number),
            21 => self.correct(number, figure(50, number, more)),
            22 => self.answer(number),
            _ if more % 4 == 0 => self.end(id),
            _ if index > 1 => self.register(index, Some(place(PLACES[usize::from(more % 2)]))),
            _ => {}
        }
    }

    fn report(&mut self, at: Moment, (id, indicator): (LocalityId, IndicatorCode), figure: Figure) {
        let body = Body::ProgressReported(e::ProgressReported {
            locality: id,
            indicator: indicator.clone(),
            figure,
            note: String::new(),
        });
        let position = self.take(at, body);
        self.figures.push((position, id, indicator));
    }

    fn insist(&mut self, at: Moment, (id, indicator): (LocalityId, IndicatorCode), figure: Figure) {
        let finding = Finding {
            check: Check::FactorOfTen,
            severity: Severity::Blocking,
            field: "value".to_owned(),
            detail: "ten times the figure before it".to_owned(),
            rule: "plausibility-1".to_owned(),
            position: None,
        };
        let body = Body::ProgressReported(e::ProgressReported {
            locality: id,
            indicator: indicator.clone(),
            figure,
            note: String::new(),
        });
        let position = self.found(at, body, vec![finding]);
        self.doubtful.push((position, id));
        self.figures.push((position, id, indicator));
    }

    fn quota(
        &mut self,
        (id, indicator): (LocalityId, IndicatorCode),
        (on, number, more): (u8, u16, u8),
    ) {
        let layers = QuotaLayer::ALL;
        let date = |days: u8| self.on(days).date();
        let quota = e::QuotaAssigned {
            locality: id,
            indicator,
            layer: layers[usize::from(more) % layers.len()],
            denominator: match more % 5 {
                0 => against("percent", 10_000),
                1 => against("quota", 2 * EVERYBODY),
                _ => against("quota", EVERYBODY),
            },
            target: Percent::from_hundredths(6_000 + u32::from(number) * 4, 2).unwrap(),
            start: Some(date(49 - on % 8)).filter(|_| more % 2 == 0),
            deadline: date(on % 50)
                .checked_add(20.days())
                .ok()
                .filter(|_| more % 7 != 0),
            milestones: Vec::new(),
            document: e::Document::default(),
        };
        let since = self.on(40);
        self.take(since, Body::QuotaAssigned(quota));
    }

    fn suspend(&mut self, (id, indicator): (LocalityId, IndicatorCode), more: u8) {
        let layers = QuotaLayer::ALL;
        let suspended = e::QuotaSuspended {
            locality: id,
            indicator,
            layer: layers[usize::from(more) % layers.len()],
            reason: "chờ rà soát".to_owned(),
            document: e::Document::default(),
        };
        let on = self.on(1);
        self.take(on, Body::QuotaSuspended(suspended));
    }

    fn declare(&mut self, (id, indicator): (LocalityId, IndicatorCode), on: u8) {
        let declared = e::CompletionDeclared {
            locality: id,
            indicator,
            by: self.on(on % 50).date().checked_add(20.days()).unwrap(),
            source: Source::default(),
        };
        let since = self.on(9);
        self.take(since, Body::CompletionDeclared(declared));
    }

    fn take_back(&mut self, number: u16) {
        let Some(which) = usize::from(number).checked_rem(self.figures.len()) else {
            return;
        };
        let (retracts, locality, indicator) = self.figures.swap_remove(which);
        let reason = "nộp nhầm đơn vị".to_owned();
        let effective = self.events[retracts as usize - 1].1.effective;
        let retracted = e::ProgressRetracted {
            retracts,
            locality,
            indicator,
            reason,
        };
        self.take(effective, Body::ProgressRetracted(retracted));
    }

    fn correct(&mut self, number: u16, figure: Figure) {
        let Some(which) = usize::from(number).checked_rem(self.figures.len()) else {
            return;
        };
        let (corrects, locality, indicator) = self.figures.swap_remove(which);
        let effective = self.events[corrects as usize - 1].1.effective;
        let corrected = e::ProgressCorrected {
            corrects,
            locality,
            indicator: indicator.clone(),
            figure,
            reason: "gõ nhầm".to_owned(),
        };
        let position = self.take(effective, Body::ProgressCorrected(corrected));
        self.figures.push((position, locality, indicator));
    }

    fn answer(&mut self, number: u16) {
        let Some(which) = usize::from(number).checked_rem(self.doubtful.len()) else {
            return;
        };
        let (position, locality) = self.doubtful.swap_remove(which);
        let resolved = e::FindingResolved {
            position,
            locality,
            check: Check::FactorOfTen,
            resolution: Resolution::Confirmed,
            reason: "đã đối chiếu với hồ sơ gốc".to_owned(),
        };
        let on = self.on(1);
        self.take(on, Body::FindingResolved(resolved));
    }

    fn end(&mut self, id: LocalityId) {
        let ended = e::LocalityEnded {
            locality: id,
            successors: Vec::new(),
            source: Source::default(),
        };
        let on = self.on(0);
        self.take(on, Body::LocalityEnded(ended));
    }
}
