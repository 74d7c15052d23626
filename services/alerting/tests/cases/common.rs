//! A ledger in memory and its judge.

use alerting::{Change, Filter, Judge};
use domain::event::{self as e, Actor, Body, Event, Figure, IndicatorKind, Name, Source};
use domain::finding::{Check, Finding, Severity};
use domain::text::{Bound, Moment, Quantity, parse_percent};
use host::Today;
use jiff::Timestamp;
use lag::{Rules, Transition};
use wire::v1;

pub(crate) use crate::history::{EID, against, day, place, quota_of};

fn name(vi: &str, en: &str) -> Name {
    Name {
        vi: vi.to_owned(),
        en: en.to_owned(),
    }
}

/// A ledger that is judged while it is written.
pub(crate) struct Ledger {
    pub(crate) judge: Judge,
    events: Vec<(Timestamp, Event)>,
    /// When the next event is taken.
    pub(crate) now: Timestamp,
    request: uuid::Uuid,
    pub(crate) changes: Vec<Change>,
}

impl Ledger {
    /// Hà Nội and its districts, and three indicators.
    pub(crate) fn new(today: Today) -> Self {
        let mut ledger = Self {
            judge: Judge::new(Rules::standard(), today),
            events: Vec::new(),
            now: "2023-05-01T02:00:00Z".parse().unwrap(),
            request: uuid::Uuid::nil(),
            changes: Vec::new(),
        };
        ledger.place("01", "Thành phố Hà Nội", None);
        for (code, district) in [
            ("268", "Quận Hà Đông"),
            ("004", "Quận Long Biên"),
            ("250", "Huyện Đông Anh"),
            ("021", "Quận Bắc Từ Liêm"),
            ("016", "Huyện Sóc Sơn"),
        ] {
            ledger.place(code, district, Some("01"));
        }
        ledger.indicator(
            EID,
            "Kích hoạt tài khoản định danh điện tử",
            IndicatorKind::Cumulative,
        );
        ledger.indicator(
            "cccd.issued",
            "Cấp căn cước công dân",
            IndicatorKind::Cumulative,
        );
        ledger.indicator(
            "campaign.completion",
            "Mức hoàn thành",
            IndicatorKind::Level,
        );
        ledger
    }

    /// Takes an event at an instant of its own, and settles it.
    pub(crate) fn take(&mut self, effective: &str, body: Body) -> u64 {
        let position = self.within_request(effective, body);
        self.judge.settle();
        self.changes.extend(self.judge.take_changes());
        self.now += jiff::SignedDuration::from_secs(1);
        position
    }

    /// Takes a figure that a check refuses and its reporter insists on.
    pub(crate) fn insisted(&mut self, effective: &str, body: Body) -> u64 {
        let finding = Finding {
            check: Check::FactorOfTen,
            severity: Severity::Blocking,
            field: "value".to_owned(),
            detail: "ten times the figure before it".to_owned(),
            rule: "plausibility-1".to_owned(),
            position: None,
        };
        let position = self.fold(effective, body, vec![finding]);
        self.judge.settle();
        self.changes.extend(self.judge.take_changes());
        self.now += jiff::SignedDuration::from_secs(1);
        position
    }

    /// What follows is of another request, also where the log took both at one instant.
    pub(crate) fn another_request(&mut self) {
        self.request = uuid::Uuid::from_u128(self.request.as_u128() + 1);
    }

    /// Takes an event of the same request as those around it.
    pub(crate) fn within_request(&mut self, effective: &str, body: Body) -> u64 {
        self.fold(effective, body, Vec::new())
    }

    fn fold(&mut self, effective: &str, body: Body, findings: Vec<Finding>) -> u64 {
        let event = Event {
            request_id: self.request,
            actor: Actor {
                organisation: "Công an Hà Nội".to_owned(),
                office: "Tổ".to_owned(),
            },
            effective: Moment::parse(effective).unwrap(),
            body,
            confirmed: findings.iter().map(|finding| finding.check).collect(),
            findings,
            traceparent: None,
        };
        let position = self.events.len() as u64 + 1;
        self.judge.fold(position, self.now, &event).unwrap();
        self.changes.extend(self.judge.take_changes());
        self.events.push((self.now, event));
        position
    }

    fn place(&mut self, code: &str, vi: &str, parent: Option<&str>) {
        let body = Body::LocalityRegistered(e::LocalityRegistered {
            locality: place(code),
            name: name(vi, ""),
            parent: parent.map(place),
            start_known: false,
            source: Source::default(),
        });
        self.take("2023-04-10", body);
    }

    fn indicator(&mut self, code: &str, vi: &str, kind: IndicatorKind) {
        let body = Body::IndicatorDefined(e::IndicatorDefined {
            indicator: code.parse().unwrap(),
            name: name(vi, ""),
            family: "eid".to_owned(),
            kind,
            unit: name("tài khoản", "accounts"),
            denominator: "quota".to_owned(),
        });
        self.take("2023-04-10", body);
    }

    pub(crate) fn count(&mut self, code: &str, effective: &str, count: u64) -> u64 {
        self.take(effective, report(code, EID, Some(count), None, None))
    }

    pub(crate) fn percent(&mut self, code: &str, effective: &str, percent: &str) -> u64 {
        self.take(effective, report(code, EID, None, Some(percent), None))
    }

    /// The changes so far as `code concern opened|cleared`.
    pub(crate) fn story(&self) -> Vec<String> {
        self.changes.iter().map(told).collect()
    }

    /// What a replay of the same events says, batch by batch.
    pub(crate) fn replayed(&self, today: Today) -> (Vec<Change>, Vec<v1::Verdict>) {
        let mut judge = Judge::new(Rules::standard(), today);
        for (position, (known, event)) in (1..).zip(&self.events) {
            judge.fold(position, *known, event).unwrap();
        }
        if let Some(day) = self.judge.day() {
            judge.settle();
            judge.pass_days(day);
        }
        judge.settle();
        (judge.take_changes(), judge.verdicts(&Filter::default()))
    }

    pub(crate) fn verdicts(&self) -> Vec<v1::Verdict> {
        self.judge.verdicts(&Filter::default())
    }

    pub(crate) fn verdict(&self, code: &str) -> v1::Verdict {
        let filter = Filter {
            code: Some(code.parse().unwrap()),
            ..Filter::default()
        };
        let mut verdicts = self.judge.verdicts(&filter);
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        verdicts.remove(0)
    }
}

pub(crate) fn told(change: &Change) -> String {
    let how = match change.transition {
        Transition::Opened => "opened",
        Transition::Cleared => "cleared",
    };
    format!(
        "{} {} {how}",
        change.key.locality.code,
        change.key.concern.code()
    )
}

pub(crate) fn report(
    code: &str,
    indicator: &str,
    count: Option<u64>,
    percent: Option<&str>,
    denominator: Option<u64>,
) -> Body {
    Body::ProgressReported(e::ProgressReported {
        locality: place(code),
        indicator: indicator.parse().unwrap(),
        figure: Figure {
            value: count.map(|value| Quantity {
                value,
                bound: Bound::Exact,
            }),
            denominator: denominator.map(|value| against("quota", value)),
            percent: percent.map(|percent| parse_percent(percent).unwrap()),
            ..Figure::default()
        },
        note: String::new(),
    })
}

/// A quota of `percent` of so many accounts.
pub(crate) fn quota(code: &str, of: u64, percent: &str, deadline: Option<&str>) -> Body {
    Body::QuotaAssigned(quota_of(code, against("quota", of), percent, deadline))
}

pub(crate) fn declaration(code: &str, indicator: &str, by: &str) -> Body {
    Body::CompletionDeclared(e::CompletionDeclared {
        locality: place(code),
        indicator: indicator.parse().unwrap(),
        by: day(by),
        source: Source::default(),
    })
}

pub(crate) fn term(verdict: &v1::Verdict, name: &str) -> Option<f64> {
    verdict
        .terms
        .iter()
        .find(|term| term.name == name)
        .map(|term| term.value)
}

pub(crate) fn vi(verdict: &v1::Verdict) -> &str {
    verdict
        .sentence
        .as_ref()
        .map_or("", |sentence| &sentence.vi)
}
