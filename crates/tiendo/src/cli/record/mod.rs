//! Recording: what is shared by every command that does, and which commands there are.
//!
//! The commands stand by what they are about: `programme`, `owner`, `work`, `figure`, `place`; the words that they know in `term`.
//! Their arguments are kept as the wire has them, so that a command is no more than its event.

mod figure;
mod owner;
mod place;
mod programme;
mod term;
mod work;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wire::v1;

pub use figure::*;
pub use owner::*;
pub use place::*;
pub use programme::*;
pub use term::*;
pub use work::*;

/// What records one fact, and is told all of it.
#[derive(Debug, Subcommand)]
pub enum Recording {
    /// Report a figure.
    Report(Report),
    /// Correct a reported figure.
    Correct(Correct),
    /// Quotas.
    #[command(subcommand)]
    Quota(Quota),
    /// Declared completion.
    #[command(subcommand)]
    Completion(Completion),
    /// Plans.
    #[command(subcommand)]
    Plan(Plan),
    /// Groups of models.
    #[command(subcommand)]
    Group(Group),
    /// Reviews of the present state and the conditions.
    #[command(subcommand)]
    Readiness(Readiness),
    /// Organisations.
    #[command(subcommand)]
    Organisation(Organisation),
    /// Campaigns.
    #[command(subcommand)]
    Campaign(Campaign),
    /// Working groups of campaigns.
    #[command(subcommand)]
    WorkingGroup(WorkingGroup),
}

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
    /// Answer only once the bus has it too, so that it outlives the writer's disk.
    #[arg(long)]
    pub replicated: bool,
}

impl Reporter {
    /// What must be certain before the answer.
    #[must_use]
    pub fn acknowledgement(&self) -> i32 {
        let level = if self.replicated {
            v1::Acknowledgement::Replicated
        } else {
            v1::Acknowledgement::Local
        };
        level as i32
    }
}

/// Who reports one fact, and after how many others.
#[derive(Debug, Clone, Args)]
pub struct Request {
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
    /// Record only if what it is about has this many events now; `revision` of a receipt says how many.
    #[arg(long, value_name = "COUNT")]
    pub expected_revision: Option<u64>,
}

/// Since when one fact holds, and who reports it.
#[derive(Debug, Clone, Args)]
pub struct Fact {
    /// The moment it speaks of, or from which it holds: `21/6/2023`, `23h ngày 29-6-2023`, `2023-06`.
    #[arg(long, value_name = "DATE")]
    pub as_of: String,
    /// Who reports it.
    #[command(flatten)]
    pub request: Request,
}

/// Events to record.
#[derive(Debug, Clone, Args)]
pub struct Record {
    /// The file, or `-` for stdin: one event or a list, as `log read -o json` shows them in `event`.
    ///
    /// That is the JSON form of `tiendo.v1.Event`. An event without `actor` is reported by --organisation and --office.
    pub file: PathBuf,
    /// Who reports.
    #[command(flatten)]
    pub reporter: Reporter,
}

/// A name in both languages.
#[derive(Debug, Clone, Args)]
pub struct Named {
    /// Its name.
    #[arg(long)]
    pub name: String,
    /// Its English name.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub name_en: String,
}

/// Where something comes from.
#[derive(Debug, Clone, Args)]
pub struct Sourced {
    /// Where it comes from: a report, a document, an article.
    #[arg(long)]
    pub source: String,
    /// Its address.
    #[arg(
        long,
        value_name = "URL",
        default_value = "",
        hide_default_value = true
    )]
    pub source_url: String,
}

/// The document that something rests on.
#[derive(Debug, Clone, Args)]
pub struct Documented {
    /// Number of the document.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "",
        hide_default_value = true
    )]
    pub document: String,
    /// Its date.
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true
    )]
    pub document_date: String,
    /// What it is.
    #[arg(
        long,
        value_name = "TITLE",
        default_value = "",
        hide_default_value = true
    )]
    pub document_title: String,
    /// Who issued it.
    #[arg(long)]
    pub issuer: String,
}

/// The document that something rests on, if there is one.
#[derive(Debug, Clone, Args)]
pub struct MaybeDocumented {
    /// Number of the document, if there is one.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "",
        hide_default_value = true,
        requires = "issuer"
    )]
    pub document: String,
    /// Its date.
    #[arg(
        long,
        value_name = "DATE",
        default_value = "",
        hide_default_value = true,
        requires = "issuer"
    )]
    pub document_date: String,
    /// What it is.
    #[arg(
        long,
        value_name = "TITLE",
        default_value = "",
        hide_default_value = true,
        requires = "issuer"
    )]
    pub document_title: String,
    /// Who issued it.
    #[arg(long)]
    pub issuer: Option<String>,
}

impl From<Named> for v1::Name {
    fn from(named: Named) -> Self {
        Self {
            vi: named.name,
            en: named.name_en,
        }
    }
}

impl From<Sourced> for v1::Source {
    fn from(sourced: Sourced) -> Self {
        Self {
            title: sourced.source,
            url: sourced.source_url,
        }
    }
}

impl From<Documented> for v1::Document {
    fn from(documented: Documented) -> Self {
        Self {
            number: documented.document,
            date: documented.document_date,
            issuer: documented.issuer,
            title: documented.document_title,
        }
    }
}

impl From<MaybeDocumented> for Option<v1::Document> {
    fn from(maybe: MaybeDocumented) -> Self {
        Some(v1::Document {
            number: maybe.document,
            date: maybe.document_date,
            issuer: maybe.issuer?,
            title: maybe.document_title,
        })
    }
}

/// A locality by its code, or by its identity: `22366`, `22366@2025-07-01`. The service reads both parts.
fn locality(text: &str) -> Result<v1::LocalityRef, String> {
    let (code, since) = text.split_once('@').unwrap_or((text, ""));
    Ok(v1::LocalityRef {
        code: code.to_owned(),
        since: since.to_owned(),
    })
}

/// A number as it was written; the service reads it, so that every way in reads it the same.
fn written(text: &str) -> Result<v1::Quantity, String> {
    Ok(v1::Quantity {
        number: Some(v1::quantity::Number::Text(text.to_owned())),
        bound: 0,
    })
}
