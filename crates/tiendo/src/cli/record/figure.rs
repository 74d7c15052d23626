//! Figures: reports, corrections, retractions, quotas, declared completion, answers to findings.

use clap::{Args, Subcommand};
use wire::v1;

use super::term::{check, refusing_check};
use super::{Documented, Fact, LayerName, Request, ResolutionName, Sourced, locality, written};
use crate::cli::FindingList;

/// A figure's parts.
#[derive(Debug, Clone, Args)]
pub struct FigureParts {
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// The count, as officials write it: `269.950`, `trên 12.600`.
    #[arg(long, value_parser = written, allow_hyphen_values = true)]
    pub value: Option<v1::Quantity>,
    /// What it is counted against.
    #[arg(long, value_name = "COUNT", value_parser = written, allow_hyphen_values = true)]
    pub denominator: Option<v1::Quantity>,
    /// What that is: `quota`, `citizens-14-plus`, …
    #[arg(long, value_name = "KIND", default_value = "quota")]
    pub denominator_kind: String,
    /// The percentage as printed: `83,8%`, `gần 90%`.
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub percent: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// Insist against a check that refuses the figure; once for each. It is recorded with a finding, and no verdict rests on it until another office confirms it.
    #[arg(long, value_name = "CHECK", value_parser = refusing_check())]
    pub confirm: Vec<String>,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// A report.
#[derive(Debug, Clone, Args)]
pub struct Report {
    /// The indicator.
    pub indicator: String,
    /// The figure.
    #[command(flatten)]
    pub figure: FigureParts,
    /// Anything to add, without personal data; with --confirm, why the figure is right.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub note: String,
}

/// A correction.
#[derive(Debug, Clone, Args)]
pub struct Correct {
    /// Position of the figure that was wrong; `locality history` shows it.
    pub position: u64,
    /// The indicator.
    #[arg(long)]
    pub indicator: String,
    /// The right figure.
    #[command(flatten)]
    pub figure: FigureParts,
    /// Why it was wrong.
    #[arg(long)]
    pub reason: String,
}

/// A retraction.
#[derive(Debug, Clone, Args)]
pub struct Retract {
    /// Position of the figure; `locality history` shows it. What it is of is read there.
    pub position: u64,
    /// Why it is taken back.
    #[arg(long)]
    pub reason: String,
    /// By whom.
    #[command(flatten)]
    pub request: Request,
}

/// What checks found.
#[derive(Debug, Subcommand)]
pub enum Finding {
    /// What checks found, those that wait for an answer.
    List(FindingList),
    /// Answer for what a check found in an event that stays as it is.
    Resolve(FindingResolve),
}

/// An answer.
#[derive(Debug, Clone, Args)]
pub struct FindingResolve {
    /// Position of the event.
    pub position: u64,
    /// The check.
    #[arg(value_parser = check())]
    pub check: v1::Check,
    /// The answer.
    #[arg(long)]
    pub resolution: ResolutionName,
    /// What it rests on.
    #[arg(long)]
    pub reason: String,
    /// By whom; for what blocks verdicts, another office than the one that reported.
    #[command(flatten)]
    pub request: Request,
}

/// Quotas.
#[derive(Debug, Subcommand)]
pub enum Quota {
    /// Assign or revise a quota.
    Assign(QuotaAssign),
    /// Suspend a quota: nobody is asked for it until it is assigned again.
    Suspend(QuotaSuspend),
}

/// Which quota.
#[derive(Debug, Clone, Args)]
pub struct QuotaKey {
    /// The indicator.
    pub indicator: String,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Who set it.
    #[arg(long, default_value = "provincial")]
    pub layer: LayerName,
    /// The document that says so.
    #[command(flatten)]
    pub document: Documented,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// A quota to assign.
#[derive(Debug, Clone, Args)]
pub struct QuotaAssign {
    /// Which.
    #[command(flatten)]
    pub quota: QuotaKey,
    /// The people or things to be reached.
    #[arg(long, value_name = "COUNT", value_parser = written, allow_hyphen_values = true)]
    pub denominator: v1::Quantity,
    /// What they are.
    #[arg(long, value_name = "KIND", default_value = "quota")]
    pub denominator_kind: String,
    /// The share of them to be reached.
    #[arg(long, value_name = "PERCENT", default_value = "100%")]
    pub target: String,
    /// First day of the work.
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    pub start: String,
    /// Last day.
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    pub deadline: String,
    /// A count to be reached on the way: `30/6/2023=150.000`; once for each, in order.
    #[arg(long = "milestone", value_name = "DATE=COUNT", value_parser = milestone)]
    pub milestones: Vec<v1::Milestone>,
}

/// A quota to suspend.
#[derive(Debug, Clone, Args)]
pub struct QuotaSuspend {
    /// Which.
    #[command(flatten)]
    pub quota: QuotaKey,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

fn milestone(text: &str) -> Result<v1::Milestone, String> {
    let (date, count) = text
        .split_once('=')
        .ok_or("cần NGÀY=SỐ, ví dụ / DATE=COUNT is needed, for example 30/6/2023=150.000")?;
    Ok(v1::Milestone {
        date: date.to_owned(),
        count: Some(written(count)?),
    })
}

/// Declared completion.
#[derive(Debug, Subcommand)]
pub enum Completion {
    /// Record the day by which a locality says it will be done.
    Declare(CompletionDeclare),
}

/// A declaration.
#[derive(Debug, Clone, Args)]
pub struct CompletionDeclare {
    /// The indicator.
    pub indicator: String,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// The last day it gives itself.
    #[arg(long, value_name = "DATE")]
    pub by: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}
