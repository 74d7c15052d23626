//! Events folded into state, read as of a date and as known at a moment.
//!
//! Pure: no clock, no async, no network, no floats.
//! A [`State`] is what a log's events add up to; a [`Reading`] is what somebody sees of it who asks about one moment and knows the log up to one position.
//!
//! - `state`: the state, its position and the fold's entry
//! - `fold`: where each kind of event goes
//! - `timeline`: facts in the order of the moments they speak of, and who reported them when
//! - `intern`: texts, actors and sources kept once
//! - `digest`: one hash over everything folded
//! - `reading`: the two times of a question, and the indicators
//! - `place`: localities: identity, hierarchy, search
//! - `figure`: reported figures, their corrections and shares
//! - `quota`: quotas, declarations and the standing against them
//! - `rank`: localities ordered by share
//! - `programme`: plans, groups, models, owners, work items and what else is on record

mod digest;
mod figure;
mod fold;
mod intern;
mod place;
mod programme;
mod quota;
mod rank;
mod reading;
mod state;
#[cfg(test)]
mod tests;
mod timeline;

pub use figure::{DenominatorRef, FigureEntry, FigureRef};
pub use place::{Life, LocalityEntry, Lookup};
pub use programme::{
    AssessmentEntry, CampaignEntry, DirectiveEntry, GroupEntry, ModelEntry, ModelStatusEntry,
    OwnerEntry, PlanEntry, ReviewEntry, SystemEntry, WorkItemEntry,
};
pub use quota::{DeclarationEntry, QuotaEntry, QuotaStanding};
pub use rank::{Ranked, Ranking};
pub use reading::{IndicatorEntry, Reading};
pub use state::{ApplyError, Dataset, State};
pub use timeline::{Entry, Recorded};
