//! Everything that can happen in the programme.
//!
//! An [`Event`] is immutable: corrections, rival figures, revised quotas, succeeded owners and redrawn boundaries are new events.
//! Its JSON form (serde) is what subscribers get as CloudEvents data; its protobuf form is what the log keeps.

mod bodies;
mod named;
mod rules;
mod subject;
mod terms;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::code::{ModelCode, PlanCode};
use crate::finding::{Check, Finding};
use crate::locality::LocalityId;
use crate::text::{Bound, Moment, Percent, Quantity};
use crate::trace::TraceParent;

pub use bodies::*;
pub use rules::*;
pub use subject::*;
pub(crate) use terms::terms;
pub use terms::*;

/// One fact about the programme, as it was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The request that brought it.
    pub request_id: Uuid,
    /// Who reported it.
    pub actor: Actor,
    /// The moment it speaks of, Vietnam time.
    pub effective: Moment,
    /// What happened.
    #[serde(flatten)]
    pub body: Body,
    /// The checks that the reporter insists on although they refuse the figure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirmed: Vec<Check>,
    /// What was implausible about it when it was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// The trace of its reporter that it comes from; it stands beside the JSON form, in the CloudEvent.
    #[serde(skip)]
    pub traceparent: Option<TraceParent>,
}

/// Who acts: an organisation and the office within it, never a person's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Actor {
    /// The organisation, for example `Công an tỉnh Khánh Hòa`.
    pub organisation: String,
    /// The office or post.
    pub office: String,
}

/// A name in both languages; `en` may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Name {
    /// Vietnamese, NFC.
    pub vi: String,
    /// English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub en: String,
}

/// Where a figure or a name comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The document, report or article.
    pub title: String,
    /// Its address, if it has one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// An issued document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its number, for example `6559/KH-UBND`; empty if not published.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub number: String,
    /// Its date, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Who issued it.
    pub issuer: String,
    /// What it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
}

/// What a figure is counted against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Denominator {
    /// What the people or things are: `quota`, `citizens-14-plus`, `dossiers-approved`, …
    pub kind: String,
    /// How many there are, above zero.
    pub value: u64,
    /// True if the number was not published but follows from a count and a printed percentage.
    #[serde(default)]
    pub derived: bool,
}

/// What a role or a review is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Scope {
    /// One model.
    Model(ModelCode),
    /// A whole plan.
    Plan(PlanCode),
}

impl Scope {
    fn token(&self) -> String {
        match self {
            Self::Model(code) => code.token(),
            Self::Plan(code) => code.token(),
        }
    }
}

/// A locality that took over territory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Successor {
    /// The successor.
    pub locality: LocalityId,
    /// Whether the whole territory went there.
    pub extent: Extent,
}

/// A count to be reached on the way to a quota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Milestone {
    /// The day.
    pub date: Date,
    /// The count.
    pub count: u64,
}

/// A figure: a count, a percentage, or both, each with what it is counted against.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Figure {
    /// The count, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
    /// What it is counted against, if published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denominator: Option<Denominator>,
    /// The percentage as printed, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// How the percentage is meant.
    #[serde(default, skip_serializing_if = "Bound::is_exact")]
    pub percent_bound: Bound,
    /// Where it comes from.
    pub source: Source,
}
