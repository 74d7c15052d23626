//! Histories made up at random: several siblings, quotas, corrections, retractions, late and doubtful reports, localities that end or move, rules adopted, what is said today of a day to come, and days of which nobody says anything.
//!
//! The unit tests of the desk draw from it too.

use domain::event::{
    self as e, Actor, Body, Denominator, Event, Figure, IndicatorKind, Name, QuotaLayer,
    Resolution, Source,
};
use domain::finding::{Check, Finding, Severity};
use domain::text::{Bound, Decimal, Moment, Percent, Quantity};
use domain::{IndicatorCode, LocalityId};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use proptest::prelude::*;

/// The indicator of most stories.
pub(crate) const EID: &str = "eid.activated";

/// Two provinces, and districts of the first.
const PLACES: [&str; 8] = ["01", "79", "268", "004", "250", "021", "016", "017"];
const INDICATORS: [(&str, IndicatorKind); 3] = [
    ("eid.activated", IndicatorKind::Cumulative),
    ("cccd.issued", IndicatorKind::Cumulative),
    ("campaign.completion", IndicatorKind::Level),
];
/// Units of everybody.
const EVERYBODY: u64 = 1_000;

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn place(code: &str) -> LocalityId {
    LocalityId {
        code: code.parse().unwrap(),
        since: day("2023-04-10"),
    }
}

pub(crate) fn against(kind: &str, value: u64) -> Denominator {
    Denominator {
        kind: kind.to_owned(),
        value,
        derived: false,
    }
}

pub(crate) fn quota_of(
    code: &str,
    denominator: Denominator,
    percent: &str,
    deadline: Option<&str>,
) -> e::QuotaAssigned {
    let indicator: IndicatorCode = EID.parse().unwrap();
    e::QuotaAssigned {
        locality: place(code),
        indicator,
        layer: QuotaLayer::Central,
        denominator,
        target: domain::text::parse_percent(percent).unwrap(),
        start: None,
        deadline: deadline.map(day),
        milestones: Vec::new(),
        document: e::Document {
            issuer: "Bộ Công an".to_owned(),
            ..e::Document::default()
        },
    }
}

/// The shipped thresholds under another name.
pub(crate) fn rules(version: &str) -> e::RulesAdopted {
    let shipped = lag::Rules::standard();
    let decimal = |number: f64| -> Decimal { number.to_string().parse().unwrap() };
    e::RulesAdopted {
        version: version.parse().unwrap(),
        reason: "sau giao ban".to_owned(),
        thresholds: e::Thresholds {
            window_days: decimal(shipped.window_days),
            beta: decimal(shipped.beta),
            average_factor: decimal(shipped.average_factor),
            early_reports: u32::try_from(shipped.early_reports).unwrap(),
            early_days: decimal(shipped.early_days),
            plan_red: decimal(shipped.plan_red),
            plan_amber: decimal(shipped.plan_amber),
            cadence_days: decimal(shipped.cadence_days),
            p_open: decimal(shipped.p_open),
            p_clear: decimal(shipped.p_clear),
            consecutive: shipped.consecutive,
            residuals_min: u32::try_from(shipped.residuals_min).unwrap(),
            band_miss: decimal(shipped.band_miss),
            due_soon_days: shipped.due_soon_days,
            stall_z: decimal(shipped.stall_z),
            funnel_z: decimal(shipped.funnel_z),
            declared_quantile: decimal(shipped.declared_quantile),
        },
        judged: e::Judged::default(),
        steps: vec![e::Step {
            number: 1,
            name: e::Name {
                vi: version.to_owned(),
                en: String::new(),
            },
            after_days: 0,
            reply_days: 7,
            tells: vec![e::Recipient::Unit],
        }],
    }
}

/// What happens next, in small numbers: what, where, of which indicator, on which day, and two numbers more.
pub(crate) type Step = (u8, u8, u8, u8, u16, u8);

/// Steps of every kind.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        any::<u8>(),
        any::<u8>(),
        prop_oneof![6 => Just(0_u8), 2 => Just(1), 1 => Just(2)],
        any::<u8>(),
        0..1_000_u16,
        any::<u8>(),
    );
    prop::collection::vec(step, 0..120)
}

/// Steps that come out the same on every machine.
pub(crate) fn drawn(seed: u64, length: usize) -> Vec<Step> {
    let mut state = seed;
    let mut draw = || {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        (state >> 33) as u32
    };
    let mut step = || {
        let (what, place, of) = (
            draw() as u8,
            draw() as u8,
            [0, 0, 0, 1, 2][draw() as usize % 5],
        );
        (
            what,
            place,
            of,
            draw() as u8,
            (draw() % 1_000) as u16,
            draw() as u8,
        )
    };
    (0..length).map(|_| step()).collect()
}

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
            traceparent: None,
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

    /// A day up to nine days ahead.
    fn ahead(&self, days: u8) -> Moment {
        let ahead = i64::from(1 + days % 9);
        Moment::end_of(self.today().checked_add(ahead.days()).unwrap())
    }

    /// Rules from today on or ahead: another rhythm, another average, another first step, and now and then fewer series.
    fn adopt(&mut self, on: u8, (number, more): (u16, u8)) {
        let mut rules = rules(&format!("r-{}", self.events.len()));
        rules.thresholds.cadence_days = Decimal::whole(i32::from(3 + number % 9));
        // Bands are shown that few forecasts speak for.
        rules.thresholds.residuals_min = 3;
        rules.thresholds.consecutive = 1 + u32::from(more % 3);
        rules.steps[0].reply_days = u32::from(on % 8);
        if more % 5 == 0 {
            rules.judged.indicators = vec![INDICATORS[0].0.parse().unwrap()];
        }
        if more % 7 == 0 {
            rules.judged.layers = vec![QuotaLayer::ALL[usize::from(number) % 2]];
        }
        let since = if more % 2 == 0 {
            self.on(1)
        } else {
            self.ahead(on)
        };
        self.take(since, Body::RulesAdopted(rules));
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
        match what % 28 {
            0..=11 => self.report(
                effective,
                (id, indicator),
                figure(50 - on % 50, number, more),
            ),
            12 => self.insist(effective, (id, indicator), figure(on % 50, number, more)),
            13 | 14 => self.now += SignedDuration::from_hours(24 * i64::from(1 + on % 9)),
            15..=17 => self.quota((id, indicator), self.on(40), (on, number, more)),
            18 => self.suspend((id, indicator), (self.on(1), more)),
            19 => self.declare((id, indicator), on),
            20 => self.take_back(number),
            21 => self.correct(number, figure(50, number, more)),
            22 => self.answer(number),
            24 => self.adopt(on, (number, more)),
            25 if more % 2 == 0 => self.end(id, self.ahead(on)),
            25 => self.suspend((id, indicator), (self.ahead(on), more)),
            26 => self.quota((id, indicator), self.ahead(on), (on, number, more)),
            // Days of which nobody says anything.
            27 => self.now += SignedDuration::from_hours(24 * i64::from(1 + on % 20)),
            _ if more % 4 == 0 => self.end(id, self.on(0)),
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
        since: Moment,
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
        self.take(since, Body::QuotaAssigned(quota));
    }

    fn suspend(
        &mut self,
        (id, indicator): (LocalityId, IndicatorCode),
        (since, more): (Moment, u8),
    ) {
        let layers = QuotaLayer::ALL;
        let suspended = e::QuotaSuspended {
            locality: id,
            indicator,
            layer: layers[usize::from(more) % layers.len()],
            reason: "chờ rà soát".to_owned(),
            document: e::Document::default(),
        };
        self.take(since, Body::QuotaSuspended(suspended));
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

    fn end(&mut self, id: LocalityId, on: Moment) {
        let ended = e::LocalityEnded {
            locality: id,
            successors: Vec::new(),
            source: Source::default(),
        };
        self.take(on, Body::LocalityEnded(ended));
    }
}
