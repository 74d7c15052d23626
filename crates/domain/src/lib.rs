//! What the programme is: localities, models, owners, indicators, quotas, work items, events.
//!
//! Pure: no clock, no network, no files, no async.
//!
//! - [`code`]: the codes by which things are known (`568`, `KH-1.01`, `eid.activated-l2`)
//! - [`event`]: everything that can happen, with the subject it happens to
//! - [`finding`]: what is implausible about an event, kept with it
//! - [`locality`]: dated identity of a place
//! - [`person`]: a person's name as a commitment, which can be checked but not read
//! - [`trace`]: the trace of its reporter that an event comes from
//! - [`violation`]: what is wrong with a request, field by field
//! - [`text`]: numbers, dates, names and free text as Vietnamese officials write them

pub mod code;
pub mod event;
pub mod finding;
pub mod locality;
pub mod person;
pub mod text;
pub mod trace;
pub mod violation;

pub use code::{
    CampaignCode, CodeError, DatasetCode, GroupCode, IndicatorCode, ModelCode, PlanCode,
    RulesVersion, SystemCode, WorkItemCode, WorkingGroupCode,
};
pub use event::{Actor, Body, Event};
pub use finding::{Check, Finding, Severity};
pub use locality::{Level, LocalityCode, LocalityId};
pub use person::PersonCommitment;
pub use trace::TraceParent;
pub use violation::{Reason, Violation};
