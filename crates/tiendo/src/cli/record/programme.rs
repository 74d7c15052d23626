//! The programme: plans, groups, models, indicators, readiness reviews.

use clap::{Args, Subcommand};
use wire::v1;

use super::{
    Documented, Fact, IndicatorKindName, ModelStatusName, Named, ReadinessName, RelationName,
    Sourced, locality,
};

/// Plans.
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Put a plan on record as adopted.
    Adopt(PlanAdopt),
}

/// A plan.
#[derive(Debug, Clone, Args)]
pub struct PlanAdopt {
    /// Its code.
    pub plan: String,
    /// The province it is for: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// What it says, in a sentence.
    #[arg(long)]
    pub summary: String,
    /// The same in English.
    #[arg(
        long,
        value_name = "SUMMARY",
        default_value = "",
        hide_default_value = true
    )]
    pub summary_en: String,
    /// The document.
    #[command(flatten)]
    pub document: Documented,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// Groups of models.
#[derive(Debug, Subcommand)]
pub enum Group {
    /// Define a group, or revise it.
    Define(GroupDefine),
    /// Withdraw a group, once no model is in it.
    Withdraw(Withdraw),
}

/// A group.
#[derive(Debug, Clone, Args)]
pub struct GroupDefine {
    /// Its code.
    pub group: String,
    /// The plan it belongs to.
    #[arg(long, value_name = "CODE")]
    pub plan: String,
    /// Its number in the plan, from 1.
    #[arg(long)]
    pub number: u32,
    /// Its name.
    #[command(flatten)]
    pub name: Named,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// What to withdraw.
#[derive(Debug, Clone, Args)]
pub struct Withdraw {
    /// Its code.
    pub code: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// What is recorded of models.
#[derive(Debug, Subcommand)]
pub enum ModelRecording {
    /// Define a model, or revise it.
    Define(ModelDefine),
    /// Withdraw a model; its history stays.
    Withdraw(Withdraw),
    /// Record how far a model has come in a locality.
    Status(ModelStatus),
}

/// A model.
#[derive(Debug, Clone, Args)]
pub struct ModelDefine {
    /// Its code.
    pub model: String,
    /// Its group.
    #[arg(long, value_name = "CODE")]
    pub group: String,
    /// Its name.
    #[command(flatten)]
    pub name: Named,
    /// The official name is not published; this one is indicative.
    #[arg(long)]
    pub indicative: bool,
    /// What the name rests on.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub basis: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// A model's standing in a locality.
#[derive(Debug, Clone, Args)]
pub struct ModelStatus {
    /// The model.
    pub model: String,
    /// Its status.
    pub status: ModelStatusName,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Why or how, in a sentence.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub note: String,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// What is recorded of indicators.
#[derive(Debug, Subcommand)]
pub enum IndicatorRecording {
    /// Define an indicator, or revise it.
    Define(IndicatorDefine),
    /// Relate an indicator to another, or its places to the place above them.
    Relate(IndicatorRelate),
}

/// An indicator.
#[derive(Debug, Clone, Args)]
pub struct IndicatorDefine {
    /// Its code.
    pub indicator: String,
    /// Its name.
    #[command(flatten)]
    pub name: Named,
    /// Its family: `eid`, `cccd`, …
    #[arg(long)]
    pub family: String,
    /// How it is counted.
    #[arg(long)]
    pub kind: IndicatorKindName,
    /// What is counted.
    #[arg(long)]
    pub unit: String,
    /// The same in English.
    #[arg(
        long,
        value_name = "UNIT",
        default_value = "",
        hide_default_value = true
    )]
    pub unit_en: String,
    /// What it is counted against unless a figure says otherwise.
    #[arg(long, value_name = "KIND", default_value = "quota")]
    pub denominator: String,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// A relation.
#[derive(Debug, Clone, Args)]
pub struct IndicatorRelate {
    /// The indicator.
    pub indicator: String,
    /// How it is related.
    pub relation: RelationName,
    /// The other indicator; none for a sum.
    pub other: Option<String>,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// A model or a plan.
#[derive(Debug, Clone, Args)]
pub struct Scope {
    /// The model.
    #[arg(long, value_name = "CODE", required_unless_present = "plan")]
    pub model: Option<String>,
    /// The plan, as a whole.
    #[arg(long, value_name = "CODE", conflicts_with = "model")]
    pub plan: Option<String>,
}

/// Readiness.
#[derive(Debug, Subcommand)]
pub enum Readiness {
    /// Record a review of the present state and the conditions.
    Review(ReadinessReview),
}

/// A review.
#[derive(Debug, Clone, Args)]
pub struct ReadinessReview {
    /// For what.
    #[command(flatten)]
    pub scope: Scope,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// The organisation that reviewed.
    #[arg(long, value_name = "ORGANISATION")]
    pub reviewed_by: String,
    /// What is there.
    #[arg(long)]
    pub present_state: String,
    /// What is needed.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub conditions: String,
    /// The outcome.
    #[arg(long)]
    pub outcome: ReadinessName,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}
