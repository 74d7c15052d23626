//! The places and indicators that a file may name, as they are on record.
//!
//! The writer is asked for them between two commits: it lists, and all that takes longer is done elsewhere.

use domain::text::{Moment, collation_key};
use jiff::civil::{Date, date};
use sheet::{Indicators, Register};
use state::{Reading, State};
use tokio::sync::oneshot;
use tonic::Status;
use wire::event as encode;
use wire::v1;

use super::Import;
use crate::grpc;
use crate::writer::Refused;

/// A day on which every indicator defined so far is on record: a figure may be older than its indicator's definition.
const EVER: Date = date(2199, 12, 31);

/// What is on record of what a file may name.
pub(super) struct OnRecord {
    /// Since when the localities of a period are valid, and these.
    periods: Vec<(Date, Vec<v1::LocalityHead>)>,
    indicators: Vec<v1::IndicatorDefined>,
}

impl OnRecord {
    /// Lists the localities of the periods, each on its day.
    fn of(state: &State, periods: &[(Date, Date)]) -> Self {
        let places = |on: Date| heads(&state.latest(Moment::end_of(on)));
        let ever = state.latest(Moment::end_of(EVER));
        Self {
            periods: periods
                .iter()
                .map(|(from, on)| (*from, places(*on)))
                .collect(),
            indicators: ever
                .indicators()
                .iter()
                .map(|entry| encode::indicator_defined(entry.fact))
                .collect(),
        }
    }

    /// In the form that a file is read against.
    pub(super) fn read(self, aliases: &[v1::IndicatorAlias]) -> (Register, Indicators) {
        let mut register = Register::default();
        for (from, mut heads) in self.periods {
            // As lists of localities have them, so that candidates are told in the same order.
            heads.sort_by_cached_key(|head| {
                let name = head.name.as_ref().map_or("", |name| &name.vi);
                let code = head.r#ref.as_ref().map(|place| place.code.clone());
                (head.level, collation_key(name), code)
            });
            register.add(from, heads.into_iter().collect());
        }
        let indicators = Indicators::new(self.indicators, |_| None);
        let indicators = aliases.iter().fold(indicators, |indicators, alias| {
            indicators.with_alias(&alias.alias, &alias.indicator)
        });
        (register, indicators)
    }
}

/// The localities that exist.
fn heads(reading: &Reading<'_>) -> Vec<v1::LocalityHead> {
    let head = |entry: state::LocalityEntry<'_>| v1::LocalityHead {
        r#ref: Some(encode::locality_ref(entry.id)),
        level: encode::level(entry.level()),
        name: Some(encode::name(entry.name)),
        parent_code: entry
            .parent
            .map(|parent| parent.code.to_string())
            .unwrap_or_default(),
        ..v1::LocalityHead::default()
    };
    reading.localities().map(head).collect()
}

impl Import {
    /// Asks the writer what is on record.
    pub(super) async fn on_record(&self, periods: Vec<(Date, Date)>) -> Result<OnRecord, Status> {
        let (answer, answered) = oneshot::channel();
        let question = Box::new(move |state: &State| {
            // Whoever asked may have gone.
            let _ = answer.send(OnRecord::of(state, &periods));
        });
        let stopped = || grpc::status(Refused::Stopped);
        self.questions.send(question).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())
    }
}
