//! Commands for the laws: any of those a caller can send, most of them possible, some wrong on purpose.

use domain::{Body as Recorded, Event};
use proptest::prelude::*;
use wire::v1;
use wire::v1::event::Body;
use wire::v1::owner_assigned::Scope;

use crate::writer_tests::{event, indicator, name, source};

/// Hà Nội, a district, two communes, and codes that nobody has or that are none.
const CODES: [&str; 12] = [
    "00001", "00001", "00001", "00001", "00001", "00001", "01", "01", "001", "00004", "79", "x",
];
const SINCES: [&str; 4] = ["2023-04-10", "2023-04-10", "2023-04-10", "2025-07-01"];
/// The last but one is ahead of the clock, the last no day at all.
const DAYS: [&str; 12] = [
    "2023-04-10",
    "2023-04-10",
    "2023-06-05",
    "2023-06-12",
    "2023-07",
    "2024-02-29T10",
    "2024-02-29",
    "2025-06",
    "2025-07-01",
    "2025-08-01",
    "2027-01-01",
    "2025-02-30",
];
const INDICATORS: [&str; 4] = ["eid", "eid", "eid.collected", "eid.unknown"];
const GROUPS: [&str; 4] = ["KH-1", "KH-1", "KH-1", "KH-2"];
const MODELS: [&str; 4] = ["KH-1.01", "KH-1.01", "KH-1.02", "KH-2.01"];
const ORGANISATIONS: [&str; 5] = ["Sở A", "Sở A", "Sở B", "Sở C", "Sở D"];
const ITEMS: [&str; 4] = ["w-1", "w-1", "w-2", "w-3"];

type Place = Option<v1::LocalityRef>;

/// What a command is about: each number picks one of what there is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Command {
    kind: usize,
    place: usize,
    day: usize,
    one: usize,
    other: usize,
    more: usize,
}

/// In whose company a command is sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Company {
    /// When everybody before it was answered.
    Alone,
    /// As one more event of the request before it.
    InOneBatch,
    /// Without waiting for the answer to the request before it.
    AtOnce,
}

/// What callers have learnt from the answers.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    figures: Vec<Figure>,
    /// Position, place and check.
    findings: Vec<(u64, v1::LocalityRef, i32)>,
}

#[derive(Debug)]
struct Figure {
    position: u64,
    locality: v1::LocalityRef,
    indicator: String,
    effective: String,
}

/// What every history begins with: places, a plan with a model that has a lead, indicators, a quota, a work item, a figure.
pub(crate) fn founding() -> Vec<v1::Event> {
    let place = |code: &str, parent: Option<&str>| {
        Body::LocalityRegistered(v1::LocalityRegistered {
            locality: at(code, SINCES[0]),
            name: name(code),
            parent: parent.and_then(|code| at(code, SINCES[0])),
            source: source(),
            ..Default::default()
        })
    };
    let plan = v1::PlanAdopted {
        plan: "6559".to_owned(),
        locality: at("01", ""),
        document: document(),
        summary: name("Kế hoạch"),
    };
    let begin = [
        place("01", None),
        place("001", Some("01")),
        place("00001", Some("001")),
        Body::PlanAdopted(plan),
        group("KH-1", 1),
        model("KH-1.01", "KH-1"),
        Body::OwnerAssigned(owner(
            Scope::Model("KH-1.01".to_owned()),
            at("01", ""),
            vec!["Sở A".to_owned()],
        )),
        Body::QuotaAssigned(quota(at("00001", ""), "eid".to_owned(), 1)),
        Body::WorkItemDefined(item("w-1".to_owned(), at("00001", ""), "Sở A".to_owned())),
        report(at("00001", ""), "eid".to_owned(), exactly(900)),
    ];
    let mut events = vec![indicator("eid", 1), indicator("eid.collected", 1)];
    events.extend(begin.map(|body| event("2023-04-10", body)));
    events
}

fn at(code: &str, since: &str) -> Place {
    Some(v1::LocalityRef {
        code: code.to_owned(),
        since: since.to_owned(),
    })
}

fn document() -> Option<v1::Document> {
    Some(v1::Document {
        issuer: "UBND".to_owned(),
        ..Default::default()
    })
}

fn reason() -> String {
    "theo quyết định".to_owned()
}

fn exactly(count: usize) -> Option<v1::Quantity> {
    Some(v1::Quantity {
        number: Some(v1::quantity::Number::Count(count.try_into().unwrap())),
        bound: 0,
    })
}

fn group(code: &str, number: u32) -> Body {
    Body::GroupDefined(v1::GroupDefined {
        group: code.to_owned(),
        plan: "6559".to_owned(),
        number,
        name: name(code),
    })
}

fn model(code: &str, group: &str) -> Body {
    Body::ModelDefined(v1::ModelDefined {
        model: code.to_owned(),
        group: group.to_owned(),
        name: name(code),
        source: source(),
        ..Default::default()
    })
}

fn owner(scope: Scope, locality: Place, organisations: Vec<String>) -> v1::OwnerAssigned {
    v1::OwnerAssigned {
        scope: Some(scope),
        locality,
        role: v1::Role::Lead as i32,
        organisations,
        accountable_office: "Văn phòng".to_owned(),
        source: source(),
        ..Default::default()
    }
}

fn quota(locality: Place, indicator: String, layer: i32) -> v1::QuotaAssigned {
    v1::QuotaAssigned {
        locality,
        indicator,
        layer,
        denominator: Some(v1::Denominator {
            kind: "quota".to_owned(),
            value: exactly(3_000),
            derived: false,
        }),
        document: document(),
        ..Default::default()
    }
}

fn item(work_item: String, locality: Place, organisation: String) -> v1::WorkItemDefined {
    v1::WorkItemDefined {
        work_item,
        locality,
        content: name("Rà soát"),
        organisation,
        office: "Văn phòng".to_owned(),
        origin: v1::WorkOrigin::New as i32,
        ..Default::default()
    }
}

fn report(locality: Place, indicator: String, value: Option<v1::Quantity>) -> Body {
    Body::ProgressReported(v1::ProgressReported {
        locality,
        indicator,
        value,
        source: source(),
        note: "đã kiểm tra".to_owned(),
        ..Default::default()
    })
}

/// One of several, whatever the number.
fn pick<const N: usize>(from: [&str; N], number: usize) -> String {
    from[number % N].to_owned()
}

impl Seen {
    /// Learns what was recorded at a position.
    pub(crate) fn note(&mut self, position: u64, event: &Event) {
        let Some(id) = event.body.locality() else {
            return;
        };
        let locality = wire::event::locality_ref(id);
        for finding in wire::event::findings(&event.findings) {
            let found = (position, locality.clone(), finding.check);
            self.findings.push(found);
        }
        let indicator = match &event.body {
            Recorded::ProgressReported(e) => &e.indicator,
            Recorded::ProgressCorrected(e) => &e.indicator,
            _ => return,
        };
        self.figures.push(Figure {
            position,
            locality,
            indicator: indicator.to_string(),
            effective: event.effective.to_string(),
        });
    }

    /// A figure on record.
    fn figure(&self, number: usize) -> &Figure {
        &self.figures[number % self.figures.len()]
    }
}

impl Company {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            3 => Just(Self::Alone),
            1 => Just(Self::InOneBatch),
            1 => Just(Self::AtOnce),
        ]
    }
}

impl Command {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        (
            0..32_usize,
            0..48_usize,
            0..24_usize,
            0..60_usize,
            0..60_usize,
            0..60_usize,
        )
            .prop_map(|(kind, place, day, one, other, more)| Self {
                kind,
                place,
                day,
                one,
                other,
                more,
            })
    }

    /// Now and then the sender expects a revision, and seldom rightly.
    pub(crate) fn expected_revision(&self) -> Option<u64> {
        (self.more % 12 == 11).then_some(self.one as u64 % 3)
    }

    /// The command as it is sent by somebody who has seen this much.
    pub(crate) fn event(&self, seen: &Seen) -> v1::Event {
        let mut sent = match self.kind {
            0..4 => self.of(self.place()),
            4..10 => self.of(self.programme()),
            10..13 => self.of(self.appointment()),
            13..15 => self.of(self.succession()),
            15..17 => self.of(self.quota()),
            17..23 => self.of(self.report()),
            23..25 => self.correction(seen.figure(self.one)),
            25 => self.retraction(seen.figure(self.one)),
            26 => self.answer(seen),
            _ => self.of(self.work()),
        };
        match (self.kind, self.more % 16) {
            // Somebody insists.
            (17..23, 1 | 2) => sent.confirmed_checks = vec!["CUMULATIVE_FALLS".to_owned()],
            (17..23, 3) => sent.confirmed_checks = vec!["FACTOR_OF_TEN".to_owned()],
            // Somebody sends rubbish.
            (_, 15) => sent.actor = None,
            _ => {}
        }
        if self.other % 2 == 1
            && let Some(actor) = &mut sent.actor
        {
            actor.office = "Tổ khác".to_owned();
        }
        sent
    }

    fn of(&self, body: Body) -> v1::Event {
        event(&pick(DAYS, self.day), body)
    }

    /// A place as most write it, by its code alone.
    fn here(&self) -> Place {
        let since = match self.place / CODES.len() {
            0 => pick(SINCES, self.one),
            _ => String::new(),
        };
        at(&pick(CODES, self.place), &since)
    }

    fn place(&self) -> Body {
        let identity =
            |number: usize| at(&pick(CODES, number), &pick(SINCES, number / CODES.len()));
        let locality = identity(self.place);
        if self.kind < 2 {
            let parent = match self.other % 4 {
                0 => None,
                1 => at("001", SINCES[0]),
                2 => at("01", SINCES[0]),
                _ => identity(self.other),
            };
            return Body::LocalityRegistered(v1::LocalityRegistered {
                locality,
                name: name(&format!("Phường {}", self.one)),
                parent,
                start_known: self.more % 2 == 1,
                source: source(),
                ..Default::default()
            });
        }
        let successor = |number: usize| v1::Successor {
            locality: identity(number),
            extent: 1 + (number % 2) as i32,
        };
        let successors = (0..self.more % 3).map(|n| successor(self.other + n));
        Body::LocalityEnded(v1::LocalityEnded {
            locality,
            successors: successors.collect(),
            source: source(),
        })
    }

    fn programme(&self) -> Body {
        let (code, of) = (pick(MODELS, self.one), pick(GROUPS, self.one));
        match self.kind {
            4 => group(&of, (self.other % 3) as u32),
            5 | 6 => model(&code, &of),
            7 if self.other.is_multiple_of(2) => Body::ModelWithdrawn(v1::ModelWithdrawn {
                model: code,
                reason: reason(),
                source: source(),
            }),
            7 => Body::GroupWithdrawn(v1::GroupWithdrawn {
                group: of,
                reason: reason(),
                source: source(),
            }),
            8 => Body::ModelStatusChanged(v1::ModelStatusChanged {
                model: code,
                locality: self.here(),
                status: (self.other % 9) as i32,
                note: String::new(),
            }),
            _ => Body::IndicatorRelated(v1::IndicatorRelated {
                indicator: pick(INDICATORS, self.one),
                relation: 1 + (self.more % 4) as i32,
                other: match self.more % 4 {
                    2 => String::new(),
                    _ => pick(INDICATORS, self.other),
                },
            }),
        }
    }

    fn appointment(&self) -> Body {
        let (first, second) = (
            pick(ORGANISATIONS, self.one),
            pick(ORGANISATIONS, self.other),
        );
        let scope = match self.more % 3 {
            0 => Scope::Plan("6559".to_owned()),
            _ => Scope::Model(pick(MODELS, self.more)),
        };
        let mut named = vec![first, second];
        named.truncate(1 + self.more % 2);
        let owner = owner(scope, self.here(), named);
        Body::OwnerAssigned(match self.kind {
            12 => v1::OwnerAssigned {
                change: 2 + (self.one % 2) as i32,
                from: vec![pick(ORGANISATIONS, self.other)],
                reason: reason(),
                ..owner
            },
            _ => v1::OwnerAssigned {
                role: 1 + (self.other % 3) as i32,
                ..owner
            },
        })
    }

    /// Mostly as many successors as the change leaves.
    fn succession(&self) -> Body {
        let change = 1 + self.more % 4;
        let count = [1, 1, 2, 0][change - 1];
        let successors = (1..=count).map(|n| pick(ORGANISATIONS, self.other + n));
        Body::OrganisationSucceeded(v1::OrganisationSucceeded {
            locality: self.here(),
            organisation: pick(ORGANISATIONS, self.one),
            successors: successors.collect(),
            change: change as i32,
            document: None,
            source: source(),
        })
    }

    fn quota(&self) -> Body {
        let (locality, indicator) = (self.here(), pick(INDICATORS, self.one));
        let layer = 1 + i32::from(self.other.is_multiple_of(4));
        match self.kind {
            15 => Body::QuotaAssigned(v1::QuotaAssigned {
                deadline: pick(DAYS, self.other),
                ..quota(locality, indicator, layer)
            }),
            _ => Body::QuotaSuspended(v1::QuotaSuspended {
                locality,
                indicator,
                layer,
                reason: reason(),
                document: document(),
            }),
        }
    }

    /// Most counts grow with the days.
    fn count(&self) -> Option<v1::Quantity> {
        exactly(1_000 + self.day % DAYS.len() * 100 + self.other)
    }

    fn report(&self) -> Body {
        let count = match self.more {
            0..4 => exactly(self.other),
            _ => self.count(),
        };
        report(self.here(), pick(INDICATORS, self.one), count)
    }

    /// The day of a figure, and now and then another.
    fn day_of(&self, figure: &Figure) -> String {
        match self.more {
            0..4 => pick(DAYS, self.day),
            _ => figure.effective.clone(),
        }
    }

    fn correction(&self, figure: &Figure) -> v1::Event {
        let body = v1::ProgressCorrected {
            corrects: figure.position,
            locality: Some(figure.locality.clone()),
            indicator: figure.indicator.clone(),
            value: self.count(),
            source: source(),
            reason: reason(),
            ..Default::default()
        };
        event(&self.day_of(figure), Body::ProgressCorrected(body))
    }

    fn retraction(&self, figure: &Figure) -> v1::Event {
        let body = v1::ProgressRetracted {
            retracts: figure.position,
            locality: Some(figure.locality.clone()),
            indicator: figure.indicator.clone(),
            reason: reason(),
        };
        event(&self.day_of(figure), Body::ProgressRetracted(body))
    }

    fn answer(&self, seen: &Seen) -> v1::Event {
        let found = &seen.findings[self.one % seen.findings.len()];
        let (position, locality, check) = found.clone();
        let body = v1::FindingResolved {
            position,
            locality: Some(locality),
            check,
            resolution: 1 + (self.more % 2) as i32,
            reason: reason(),
        };
        event("2026-11-01", Body::FindingResolved(body))
    }

    fn work(&self) -> Body {
        let (work_item, locality) = (pick(ITEMS, self.one), self.here());
        match self.kind {
            27 | 28 => Body::WorkItemDefined(v1::WorkItemDefined {
                depends_on: vec![pick(ITEMS, self.other); self.more % 2],
                ..item(work_item, locality, pick(ORGANISATIONS, self.more))
            }),
            29 => Body::WorkItemProgressed(v1::WorkItemProgressed {
                work_item,
                locality,
                done: self.count(),
                ..Default::default()
            }),
            30 if self.more.is_multiple_of(2) => Body::WorkItemCancelled(v1::WorkItemCancelled {
                work_item,
                locality,
                reason: reason(),
                document: None,
            }),
            30 => Body::WorkItemCompleted(v1::WorkItemCompleted {
                work_item,
                locality,
                evidence: "biên bản".to_owned(),
            }),
            _ => Body::WorkItemRescheduled(v1::WorkItemRescheduled {
                work_item,
                locality,
                due: pick(DAYS, self.other),
                reason: reason(),
                ..Default::default()
            }),
        }
    }
}
