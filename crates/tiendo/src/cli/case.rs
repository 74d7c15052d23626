//! Cases and silences: asking about them, and what an office does about them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use wire::v1;

use super::{At, LayerName};

/// Cases.
#[derive(Debug, Subcommand)]
pub enum Case {
    /// The cases, open ones first.
    List {
        /// Which.
        #[command(flatten)]
        which: CaseFilter,
        /// At most this many.
        #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
        limit: usize,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// One case with its whole story: why, who was told, what was withheld, who read it, who took it on.
    Show {
        /// Its id, as `case list -o json` has it.
        case_id: String,
        /// When.
        #[command(flatten)]
        at: At,
    },
    /// Take an open case on until a day; until then it goes no step further.
    Acknowledge {
        /// Its id.
        case_id: String,
        /// The last day on which it stands still, at most 90 days ahead.
        #[arg(long, value_name = "DATE")]
        until: String,
        /// What is being done.
        #[arg(long, default_value = "")]
        note: String,
        /// Who does.
        #[command(flatten)]
        office: Office,
    },
    /// Record that an office has read a notification.
    Read {
        /// The case's id.
        case_id: String,
        /// Where the notification stands in alerting's log; `case show` has it.
        notification: u64,
        /// Who has.
        #[command(flatten)]
        office: Office,
    },
    /// Draft the letter to the head of the unit, for a person to check, number and sign.
    Letter {
        /// The case, as `case list` names it.
        #[arg(value_name = "CASE")]
        case_id: String,
        /// The new file: FILE.docx to be edited, FILE.html to be printed.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Step of the ladder, 1 (nhắc) to 6 (kiểm điểm); default the one told last.
        #[arg(long, value_name = "N")]
        step: Option<u32>,
    },
    /// The cases that match, then each that changes.
    Watch {
        /// Which.
        #[command(flatten)]
        which: CaseFilter,
    },
}

/// Which cases.
#[derive(Debug, Clone, Args)]
pub struct CaseFilter {
    /// Also the cleared ones.
    #[arg(long)]
    pub all: bool,
    /// Only this locality's.
    #[arg(long, value_name = "CODE")]
    pub locality: Option<String>,
    /// Only those of this locality and of all within it.
    #[arg(long, value_name = "CODE", conflicts_with = "locality")]
    pub within: Option<String>,
    /// Only this indicator's.
    #[arg(long)]
    pub indicator: Option<String>,
    /// Only those opened for this.
    #[arg(long)]
    pub concern: Option<ConcernName>,
    /// Only those of quotas set by this.
    #[arg(long)]
    pub layer: Option<LayerName>,
    /// Only those told at this step of the ladder last.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    pub step: Option<u32>,
    /// Only those that an office has taken on (or, `=false`, has not).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub acknowledged: Option<bool>,
    /// Only those that a silence covers (or, `=false`, does not).
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub silenced: Option<bool>,
}

/// Why a case is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConcernName {
    /// Chậm tiến độ.
    Lagging,
    /// Thấp hơn bình quân.
    BelowAverage,
    /// Không báo cáo.
    Silent,
    /// Chưa có số liệu.
    NoData,
    /// Quá hạn.
    Overdue,
}

impl From<ConcernName> for i32 {
    fn from(name: ConcernName) -> Self {
        let concern = match name {
            ConcernName::Lagging => v1::Concern::Lagging,
            ConcernName::BelowAverage => v1::Concern::BelowAverage,
            ConcernName::Silent => v1::Concern::Silent,
            ConcernName::NoData => v1::Concern::NoData,
            ConcernName::Overdue => v1::Concern::Overdue,
        };
        concern as i32
    }
}

/// Silences: places about which nothing is sent for a while.
#[derive(Debug, Subcommand)]
pub enum Silence {
    /// Withhold notifications about places until a day.
    Set {
        /// Codes of the places.
        #[arg(required = true, value_name = "CODE")]
        places: Vec<String>,
        /// Also about all places within them.
        #[arg(long)]
        below: bool,
        /// Only this indicator's.
        #[arg(long)]
        indicator: Option<String>,
        /// Only for this.
        #[arg(long)]
        concern: Option<ConcernName>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// The last day on which it holds, at most 90 days ahead.
        #[arg(long, value_name = "DATE")]
        until: String,
        /// Who decides it.
        #[command(flatten)]
        office: Office,
    },
    /// End a silence before its day; what it withheld is sent if it still holds.
    End {
        /// Its id.
        silence_id: String,
        /// Who ends it.
        #[command(flatten)]
        office: Office,
    },
    /// The silences, newest first.
    List {
        /// Also those that have ended or run out.
        #[arg(long)]
        all: bool,
    },
}

/// Who does it.
#[derive(Debug, Clone, Args)]
pub struct Office {
    /// The organisation.
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
}

impl From<&Office> for v1::Actor {
    fn from(office: &Office) -> Self {
        Self {
            organisation: office.organisation.clone(),
            office: office.office.clone(),
        }
    }
}
