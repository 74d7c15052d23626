//! Recording one thing: a figure, its correction, a quota, a role.

use clap::{Args, Subcommand, ValueEnum};

/// Who reports, on every command that records.
#[derive(Debug, Clone, Args)]
pub struct Reporter {
    /// The organisation that reports.
    #[arg(
        long,
        env = "TIENDO_ORGANISATION",
        default_value = "Đơn vị vận hành Tiendo"
    )]
    pub organisation: String,
    /// The office within it.
    #[arg(long, env = "TIENDO_OFFICE", default_value = "Cán bộ nhập liệu")]
    pub office: String,
    /// UUID of the request, to repeat one that was not answered; default a new one.
    #[arg(long, value_name = "UUID")]
    pub request_id: Option<String>,
    /// Say what would be recorded, and record nothing.
    #[arg(long)]
    pub validate_only: bool,
}

/// A figure's parts.
#[derive(Debug, Clone, Args)]
pub struct FigureParts {
    /// Code of the locality.
    #[arg(long, value_name = "CODE")]
    pub locality: String,
    /// The count, as officials write it: `269.950`, `trên 12.600`.
    #[arg(long, allow_hyphen_values = true)]
    pub value: Option<String>,
    /// What it is counted against.
    #[arg(long, allow_hyphen_values = true)]
    pub denominator: Option<String>,
    /// What that is: `quota`, `citizens-14-plus`, …
    #[arg(long, default_value = "quota")]
    pub denominator_kind: String,
    /// The percentage as printed: `83,8%`.
    #[arg(long, allow_hyphen_values = true)]
    pub percent: Option<String>,
    /// The moment it speaks of: `21/6/2023`, `23h ngày 29-6-2023`, `2023-06`.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Where it comes from.
    #[arg(long)]
    pub source: String,
}

/// A report.
#[derive(Debug, Clone, Args)]
pub struct Report {
    /// The indicator.
    pub indicator: String,
    /// The figure.
    #[command(flatten)]
    pub figure: FigureParts,
    /// Anything to add, without personal data.
    #[arg(long, default_value = "")]
    pub note: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
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
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// Layer of a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LayerName {
    /// A ministry or the Government.
    Central,
    /// The province.
    Provincial,
    /// The locality itself.
    Commitment,
}

/// Quotas.
#[derive(Debug, Subcommand)]
pub enum Quota {
    /// Assign or revise a quota.
    Assign(QuotaAssign),
}

/// A quota to assign.
#[derive(Debug, Clone, Args)]
pub struct QuotaAssign {
    /// The indicator.
    pub indicator: String,
    /// Code of the locality.
    #[arg(long, value_name = "CODE")]
    pub locality: String,
    /// The people or things to be reached.
    #[arg(long, allow_hyphen_values = true)]
    pub denominator: String,
    /// What they are.
    #[arg(long, default_value = "quota")]
    pub denominator_kind: String,
    /// The share of them to be reached.
    #[arg(long, default_value = "100%")]
    pub target: String,
    /// Who set it.
    #[arg(long, default_value = "provincial")]
    pub layer: LayerName,
    /// First day of the work.
    #[arg(long, value_name = "DATE")]
    pub start: Option<String>,
    /// Last day.
    #[arg(long, value_name = "DATE")]
    pub deadline: Option<String>,
    /// The moment from which it holds.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Number of the document that sets it.
    #[arg(long, default_value = "")]
    pub document: String,
    /// Who issued the document.
    #[arg(long)]
    pub issuer: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// Role of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleName {
    /// Chủ trì.
    Lead,
    /// Phối hợp.
    Coordinating,
    /// Lực lượng triển khai.
    Implementing,
    /// Đầu mối.
    Focal,
}

/// Owners.
#[derive(Debug, Subcommand)]
pub enum Owner {
    /// Assign a role in a model or a plan; who held it before is replaced.
    Assign(OwnerAssign),
}

/// A role to assign.
#[derive(Debug, Clone, Args)]
pub struct OwnerAssign {
    /// The model.
    #[arg(long, value_name = "CODE", required_unless_present = "plan")]
    pub model: Option<String>,
    /// The plan, as a whole.
    #[arg(long, value_name = "CODE", conflicts_with = "model")]
    pub plan: Option<String>,
    /// Code of the locality.
    #[arg(long, value_name = "CODE")]
    pub locality: String,
    /// The role.
    #[arg(long)]
    pub role: RoleName,
    /// An organisation that now holds it; once for each.
    #[arg(long = "owner", value_name = "ORGANISATION", required = true)]
    pub owners: Vec<String>,
    /// The office that answers for quality, result and schedule; a lead has one.
    #[arg(long, value_name = "OFFICE", default_value = "")]
    pub accountable: String,
    /// Name of the person appointed, if it is to be kept: beside the log, never published, erased with `log erase`.
    #[arg(long, value_name = "NAME", default_value = "")]
    pub person: String,
    /// The moment from which it holds.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Where it comes from.
    #[arg(long)]
    pub source: String,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}
