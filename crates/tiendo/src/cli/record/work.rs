//! Work: work items, campaigns, working groups.

use clap::{Args, Subcommand};
use wire::v1;

use super::{Fact, MaybeDocumented, Named, OriginName, Sourced, locality, written};

/// What is recorded of work items.
#[derive(Debug, Subcommand)]
pub enum WorkItemRecording {
    /// Define a work item, or revise it.
    Define(WorkItemDefine),
    /// Record how much of it is done.
    Progress(WorkItemProgress),
    /// Give it other days, with the reason.
    Reschedule(WorkItemReschedule),
    /// Record that it is completed, with what shows it.
    Complete(WorkItemComplete),
    /// Record that it will not be done.
    Cancel(WorkItemCancel),
}

/// Which work item.
#[derive(Debug, Clone, Args)]
pub struct Item {
    /// Code of the work item.
    pub work_item: String,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
}

/// A work item.
#[derive(Debug, Clone, Args)]
pub struct WorkItemDefine {
    /// Which.
    #[command(flatten)]
    pub item: Item,
    /// What is to be done.
    #[arg(long)]
    pub content: String,
    /// The same in English.
    #[arg(
        long,
        value_name = "CONTENT",
        default_value = "",
        hide_default_value = true
    )]
    pub content_en: String,
    /// The model it serves.
    #[arg(
        long,
        value_name = "CODE",
        default_value = "",
        hide_default_value = true
    )]
    pub model: String,
    /// How much of it.
    #[arg(long, value_name = "COUNT", value_parser = written, allow_hyphen_values = true)]
    pub volume: Option<v1::Quantity>,
    /// In which unit.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub unit: String,
    /// What will be there at the end; without it nothing can be counted, which is flagged.
    #[arg(
        long,
        value_name = "RESULT",
        default_value = "",
        hide_default_value = true
    )]
    pub expected_result: String,
    /// First day.
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
    pub due: String,
    /// The responsible organisation.
    #[arg(long, value_name = "ORGANISATION")]
    pub responsible: String,
    /// The responsible office.
    #[arg(long, value_name = "OFFICE")]
    pub responsible_office: String,
    /// Where it comes from.
    #[arg(long)]
    pub origin: OriginName,
    /// A work item of the same locality that must be done before it; once for each.
    #[arg(long, value_name = "CODE")]
    pub depends_on: Vec<String>,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// How much of a work item is done.
#[derive(Debug, Clone, Args)]
pub struct WorkItemProgress {
    /// Which.
    #[command(flatten)]
    pub item: Item,
    /// How much is done so far, in its unit.
    #[arg(
        long,
        value_name = "COUNT",
        value_parser = written,
        allow_hyphen_values = true,
        required_unless_present = "percent"
    )]
    pub done: Option<v1::Quantity>,
    /// How much is done so far, in percent.
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        allow_hyphen_values = true
    )]
    pub percent: String,
    /// Anything to add, without personal data.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub note: String,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// Other days for a work item.
#[derive(Debug, Clone, Args)]
pub struct WorkItemReschedule {
    /// Which.
    #[command(flatten)]
    pub item: Item,
    /// The new first day; default it stays as it was.
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    pub start: String,
    /// The new last day.
    #[arg(long, value_name = "DATE")]
    pub due: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The document.
    #[command(flatten)]
    pub document: MaybeDocumented,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// The completion of a work item.
#[derive(Debug, Clone, Args)]
pub struct WorkItemComplete {
    /// Which.
    #[command(flatten)]
    pub item: Item,
    /// What shows it.
    #[arg(long)]
    pub evidence: String,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// The cancellation of a work item.
#[derive(Debug, Clone, Args)]
pub struct WorkItemCancel {
    /// Which.
    #[command(flatten)]
    pub item: Item,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The document.
    #[command(flatten)]
    pub document: MaybeDocumented,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// Campaigns.
#[derive(Debug, Subcommand)]
pub enum Campaign {
    /// Record that a campaign was launched.
    Launch(CampaignLaunch),
    /// Record that a campaign is over, and what it came to.
    Close(CampaignClose),
}

/// A campaign.
#[derive(Debug, Clone, Args)]
pub struct CampaignLaunch {
    /// Its code.
    pub campaign: String,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Its name.
    #[command(flatten)]
    pub name: Named,
    /// First day.
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
    pub end: String,
    /// How many days and nights; 0 if not stated.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub days: u32,
    /// How many working groups; 0 if not stated.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub working_groups: u32,
    /// Who is in them; once for each.
    #[arg(long = "member", value_name = "ORGANISATION")]
    pub members: Vec<String>,
    /// The hours of work: `19:30–21:30`.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub hours: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// The end of a campaign.
#[derive(Debug, Clone, Args)]
pub struct CampaignClose {
    /// Its code.
    pub campaign: String,
    /// The locality for which it is over: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// What it came to.
    #[arg(long)]
    pub outcome: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// Working groups.
#[derive(Debug, Subcommand)]
pub enum WorkingGroup {
    /// Form a working group of a campaign, or form it anew.
    Form(WorkingGroupForm),
}

/// A working group.
#[derive(Debug, Clone, Args)]
pub struct WorkingGroupForm {
    /// Its code.
    pub group: String,
    /// The campaign.
    #[arg(long, value_name = "CODE")]
    pub campaign: String,
    /// The locality it works in: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// Its name.
    #[command(flatten)]
    pub name: Named,
    /// An organisation in it, no person; once for each.
    #[arg(long = "member", value_name = "ORGANISATION", required = true)]
    pub members: Vec<String>,
    /// Where in the locality it works; default all of it.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub area: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}
