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
//! - `saved`: everything folded as bytes, and back
//! - `compare`: in which series two states differ
//! - `form`: how those bytes are written, and read strictly
//! - `reading`: the two times of a question, and the indicators
//! - `place`: localities: identity, hierarchy, search
//! - `names`: localities in the order of their names
//! - `content`: one hash over what was said, in whatever order
//! - `series`: the figures of one locality and indicator, as they are kept
//! - `point`: the numbers of a figure, in 15 bytes
//! - `detail`: what figures of one series have in common
//! - `figures`: the series of all places
//! - `merged`: lists that are each in order, read as one
//! - `origin`: who reported figures and from which document
//! - `memory`: what the figures of a state take
//! - `figure`: reported figures, their corrections, retractions and shares
//! - `around`: the figures that hold around a moment, for whoever judges a new one
//! - `followed`: a series found once, and its figures as bare numbers
//! - `finding`: what was implausible, and what was answered to it
//! - `quota`: quotas, declarations and the standing against them
//! - `yardstick`: figures in the units of what they are held against, exactly
//! - `trajectory`: the whole numbers that the planned trajectory of a quota is made of
//! - `rank`: localities ordered by share, each with the ranks that its size allows
//! - `reform`: whose territory a locality took over
//! - `ground`: where what undoes a figure or a locality stands
//! - `rollup`: sums of a locality's parts by the boundaries of any day
//! - `rules`: rules of judgement that were adopted
//! - `split`: a number in two views, and what each reason adds
//! - `diff`: what changed between two views of a locality
//! - `look`: what is counted in one look between two views
//! - `behind`: the events behind what changed
//! - `quality`: how good a locality's data are
//! - `succession`: who took over from whom, which campaigns go on, how indicators are related
//! - `programme`: plans, groups, models and what else is on record
//! - `owner`: who was appointed, and who took over from them
//! - `work`: work items
//! - `worklist`: which of them are asked for, by last day
//! - `concern`: whom an event concerns
//! - `organisation`: which organisations are on record
//! - `orphan`: what nobody holds any more
//! - `portfolio`: what one organisation holds, handed over or left behind
//! - `matrix`: the status of many models in many localities
//! - `missing`: who has not reported for longer than reports are apart

mod around;
mod behind;
mod compare;
mod concern;
mod content;
mod detail;
mod diff;
mod digest;
mod figure;
mod figures;
mod finding;
mod fold;
mod followed;
mod form;
mod ground;
mod intern;
mod look;
mod matrix;
mod memory;
mod merged;
mod missing;
mod names;
mod organisation;
mod origin;
mod orphan;
mod owner;
mod place;
mod point;
mod portfolio;
mod programme;
mod quality;
mod quota;
mod rank;
mod reading;
mod reform;
mod rollup;
mod rules;
mod saved;
mod series;
mod split;
mod state;
mod succession;
#[cfg(test)]
mod tests;
mod timeline;
mod trajectory;
mod work;
mod worklist;
mod yardstick;

pub use around::{Held, HeldSeries, Recognised};
pub use compare::{SeriesDifference, SeriesDifferences};
pub use concern::Target;
pub use diff::{Change, Diff, QuotaChange, View};
pub use digest::digest_of;
pub use figure::{DenominatorRef, FigureEntry, FigureRef};
pub use finding::{FindingEntry, FindingState, Which};
pub use followed::{Followed, Numbers, SeriesKey};
pub use form::LoadError;
pub use matrix::ModelCell;
pub use memory::FigureMemory;
pub use missing::{Expected, MissingReport, MissingReports};
pub use orphan::{OrphanedPlan, OrphanedRole, OrphanedWorkItem, Orphans};
pub use owner::{AppointmentEntry, Holders, OwnerEntry};
pub use place::{Life, LocalityEntry, Lookup};
pub use portfolio::{Holding, Portfolio, PortfolioItem, PortfolioRole, WorkDue};
pub use programme::{
    AssessmentEntry, CampaignEntry, DirectiveEntry, GroupEntry, ModelEntry, ModelStatusEntry,
    PlanEntry, ReviewEntry, SystemEntry,
};
pub use quality::{Fraction, Quality, QualityMeasure, QualityRules};
pub use quota::{DeclarationEntry, QuotaEntry, QuotaStanding};
pub use rank::{Ranked, Ranking, Span, wilson};
pub use reading::{IndicatorEntry, Reading};
pub use reform::{Continuity, Predecessor};
pub use rollup::{CountryRollUp, RollUp};
pub use rules::RulesEntry;
pub use saved::FOLD_VERSION;
pub use split::{Events, Split, Term};
pub use state::{ApplyError, Dataset, State};
pub use succession::{ClosingEntry, RelationEntry, SuccessionEntry};
pub use timeline::{Entry, Recorded};
pub use trajectory::{NoPlan, PlanBasis, PlanPoint};
pub use work::{WorkItemEntry, WorkItemStatus};
pub use worklist::{WorkListed, WorkWanted};
pub use yardstick::{Amount, Measured, PERCENT, Yardstick};
