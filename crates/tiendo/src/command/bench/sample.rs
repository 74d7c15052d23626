//! Made-up figures of the sample kind.
//!
//! A document speaks of four indicators in 25 neighbouring communes; places are scattered by a hash, so they are the same
//! on every run. Only the request ids differ, since one that was seen before records nothing.
//! Every day the same share of those left is done, as the lag model expects of a programme that goes well: figures that
//! jump cost more, since each is then held against those of its neighbours.
//!
//! The benchmark of `event-log` makes bytes of the same kind by hand: that room may not know `wire`, not even there.

use domain::text::Moment;
use domain::{Body, Level, LocalityId};
use jiff::civil::{Date, date};
use uuid::Uuid;
use wire::v1;

use super::failed;
use crate::Failure;
use crate::dataset::Set;

/// Figures in one document.
const DOCUMENT_FIGURES: u64 = 100;
/// First day that the figures speak of; the communes of the reform exist from then on.
const FIRST_DAY: Date = date(2025, 7, 1);
/// Days that the figures speak of, over and over.
const DAYS: u64 = 90;
/// The share of a quota that is left on the first day.
pub(super) const LEFT_FIRST: f64 = 0.8;
/// The share of what is left that is done in a day.
const DONE_DAILY: f64 = 0.015;
const INDICATORS: [&str; 16] = [
    "cccd.issued",
    "cccd.received",
    "cccd.delivered",
    "cccd.undelivered",
    "eid.collected",
    "eid.activated",
    "eid.activated-l2",
    "eid.collected-and-installed",
    "services.essential",
    "services.filed-online",
    "social.accounts-opened",
    "social.paid-cash-free",
    "population.forms-collected",
    "data.records-fixed",
    "tasks.completed",
    "documents.signed",
];

/// Makes one event after the other.
pub(super) struct Sampler {
    communes: Vec<LocalityId>,
    events: u64,
}

impl Sampler {
    /// Figures of the communes that the gazetteer registers.
    ///
    /// # Errors
    /// What is wrong with the embedded tables, which tests exclude.
    pub(super) fn new() -> Result<Self, Failure> {
        let registered = Set::Gazetteer.events().map_err(failed)?.into_iter();
        let communes = registered.filter_map(|event| match event.body {
            Body::LocalityRegistered(e)
                if e.locality.since == FIRST_DAY && e.locality.code.level() == Level::Commune =>
            {
                Some(e.locality)
            }
            _ => None,
        });
        Ok(Self {
            communes: communes.collect(),
            events: 0,
        })
    }

    /// Codes of the communes.
    pub(super) fn communes(&self) -> impl Iterator<Item = String> + '_ {
        self.communes.iter().map(|id| id.code.to_string())
    }

    /// The next events, all of one request, as the log will keep them.
    pub(super) fn events(&mut self, request_id: Uuid, events: usize) -> Vec<v1::Event> {
        (0..events).map(|_| self.event(request_id)).collect()
    }

    fn event(&mut self, request_id: Uuid) -> v1::Event {
        let number = self.events;
        self.events += 1;
        let (document, figure) = (number / DOCUMENT_FIGURES, number % DOCUMENT_FIGURES);
        let of_document = hash(document ^ 0xd0c0);
        let place = (of_document + figure / 4) % self.communes.len().max(1) as u64;
        let family = (of_document >> 32) % 4;
        let indicator = (family * 4 + figure % 4) as usize;
        let day = FIRST_DAY.saturating_add(jiff::Span::new().days((document % DAYS) as i64));
        let reported = progress(self.communes[place as usize], indicator, document, day);
        v1::Event {
            request_id: request_id.to_string(),
            actor: Some(v1::Actor {
                organisation: "Công an tỉnh Khánh Hòa".to_owned(),
                office: "Tổ công tác Đề án 06".to_owned(),
            }),
            effective: Moment::end_of(day).to_string(),
            body: Some(v1::event::Body::ProgressReported(reported)),
            ..Default::default()
        }
    }
}

fn progress(
    commune: LocalityId,
    indicator: usize,
    document: u64,
    day: Date,
) -> v1::ProgressReported {
    let place = salt(&commune.code.to_string(), indicator as u64);
    let quota = 2_000 + place % 60_000;
    // Every document of a day says the same.
    let left = LEFT_FIRST * (1.0 - DONE_DAILY).powi((document % DAYS) as i32);
    let value = done(left, quota);
    let report = 1 + hash(document) % 9_000;
    v1::ProgressReported {
        locality: Some(wire::event::locality_ref(commune)),
        indicator: INDICATORS[indicator].to_owned(),
        value: Some(exactly(value)),
        denominator: Some(against("quota", quota)),
        percent: percent(value, quota),
        source: Some(source(report, day)),
        ..Default::default()
    }
}

/// What is done of a quota while a share of it is left.
pub(super) fn done(left: f64, quota: u64) -> u64 {
    ((1.0 - left) * quota as f64) as u64
}

/// An exact count.
pub(super) fn exactly(count: u64) -> v1::Quantity {
    v1::Quantity {
        number: Some(v1::quantity::Number::Count(count as i64)),
        bound: v1::Bound::Exact as i32,
    }
}

/// What a figure is counted against.
pub(super) fn against(kind: &str, count: u64) -> v1::Denominator {
    v1::Denominator {
        kind: kind.to_owned(),
        value: Some(exactly(count)),
        derived: false,
    }
}

/// The percentage that a report prints, with one digit behind the point; `of` is not 0.
pub(super) fn percent(value: u64, of: u64) -> String {
    let permille = (value * 2_000 + of) / (2 * of);
    format!("{}.{}", permille / 10, permille % 10)
}

/// A report that is nowhere published.
pub(super) fn source(report: u64, day: Date) -> v1::Source {
    let (year, month, day) = (day.year(), day.month(), day.day());
    v1::Source {
        title: format!(
            "Báo cáo số {report}/BC-TCT về tiến độ Đề án 06 (ngày {day}/{month}/{year})"
        ),
        url: format!("https://dean06.example.vn/bao-cao/{year}/{report}-bc-tct.html"),
    }
}

/// A number for a text, another one for every seed.
pub(super) fn salt(text: &str, seed: u64) -> u64 {
    text.bytes()
        .fold(seed, |sum, byte| hash(sum ^ u64::from(byte)))
}

/// SplitMix64's finish: scatters neighbouring numbers.
pub(super) fn hash(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;

    #[test]
    fn a_figure_is_what_the_log_would_keep() {
        let mut sampler = Sampler::new().unwrap();
        assert!(sampler.communes.len() > 3_000);
        let mut bytes = 0;
        for event in sampler.events(Uuid::from_u128(7), 1_000) {
            let logged = event.encode_to_vec();
            let read = wire::event::decode_logged(&logged).unwrap();
            assert_eq!(wire::event::to_bytes(&read), logged);
            bytes += logged.len();
        }
        // The figures of the shipped sample take 318 bytes on average.
        assert!((300_000..340_000).contains(&bytes), "{bytes} bytes");
    }
}
