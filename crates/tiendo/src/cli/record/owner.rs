//! Owners and organisations.

use clap::{Args, Subcommand};
use wire::v1;

use super::{Fact, MaybeDocumented, OrganisationChangeName, RoleName, Scope, Sourced, locality};

/// What is recorded of owners.
#[derive(Debug, Subcommand)]
pub enum OwnerRecording {
    /// Assign a role in a model or a plan; who held it before is replaced.
    Assign(Appointment),
    /// Record that a role was handed over by those who held it and go on to exist.
    HandOver(Change),
    /// Record that a role was succeeded to, after those who held it.
    Succeed(Change),
}

/// A role and who now holds it.
#[derive(Debug, Clone, Args)]
pub struct Appointment {
    /// For what.
    #[command(flatten)]
    pub scope: Scope,
    /// The locality: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// The role.
    #[arg(long)]
    pub role: RoleName,
    /// An organisation that now holds it; once for each.
    #[arg(long = "owner", value_name = "ORGANISATION", required = true)]
    pub owners: Vec<String>,
    /// The office that answers for quality, result and schedule; a lead has one.
    #[arg(
        long,
        value_name = "OFFICE",
        default_value = "",
        hide_default_value = true
    )]
    pub accountable: String,
    /// Name of the person appointed, if it is to be kept: beside the log, never published, erased with `log erase`.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub person: String,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}

/// A role that came from somebody else.
#[derive(Debug, Clone, Args)]
pub struct Change {
    /// The role and who now holds it.
    #[command(flatten)]
    pub appointment: Appointment,
    /// An organisation that held it and gives it up; once for each.
    #[arg(long, value_name = "ORGANISATION", required = true)]
    pub from: Vec<String>,
    /// Why.
    #[arg(long)]
    pub reason: String,
}

/// Organisations.
#[derive(Debug, Subcommand)]
pub enum Organisation {
    /// Record a renaming, a merger, a split or an end: what it held is read as its successors' from then on.
    Succeed(OrganisationSucceed),
}

/// What became of an organisation.
#[derive(Debug, Clone, Args)]
pub struct OrganisationSucceed {
    /// The organisation, as it is named where it holds something.
    pub name: String,
    /// What became of it.
    #[arg(long)]
    pub change: OrganisationChangeName,
    /// Who takes over: one after a renaming or a merger, two or more after a split, none after an end.
    #[arg(long = "successor", value_name = "ORGANISATION")]
    pub successors: Vec<String>,
    /// Where, with everything within: a code, or `CODE@DATE`.
    #[arg(long, value_name = "CODE", value_parser = locality)]
    pub locality: v1::LocalityRef,
    /// The document.
    #[command(flatten)]
    pub document: MaybeDocumented,
    /// Where it comes from.
    #[command(flatten)]
    pub source: Sourced,
    /// When and by whom.
    #[command(flatten)]
    pub fact: Fact,
}
