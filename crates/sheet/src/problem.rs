//! What is wrong with a file, cell by cell.

use domain::Reason;

/// Why a cell is refused, beyond the reasons that a service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileReason {
    /// A header that is not known.
    UnknownColumn,
    /// More cells than the header has columns.
    CellWithoutColumn,
    /// A quotation mark that is never closed.
    UnclosedQuote,
    /// A name that several places have.
    AmbiguousPlace,
    /// A code and a name that are not of the same place.
    PlaceContradicts,
    /// A name that several indicators have.
    AmbiguousIndicator,
    /// A record without a count and without a percentage.
    NoFigure,
    /// A count in percent beside a percentage, or two denominators.
    TwoFigures,
    /// A number in a cell that is merged over others, so that it is not known whose it is.
    MergedNumber,
    /// A number of a spreadsheet that may be a share (0.838) or a percentage.
    PercentScale,
    /// A row of which the file has another, with the same place, indicator, moment and source.
    RowTwice,
    /// A row that sums up others; passed over.
    TotalRow,
    /// A row that sums up others, with another sum.
    TotalDiffers,
}

impl FileReason {
    /// The stable reason code.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::UnknownColumn => "UNKNOWN_COLUMN",
            Self::CellWithoutColumn => "CELL_WITHOUT_COLUMN",
            Self::UnclosedQuote => "UNCLOSED_QUOTE",
            Self::AmbiguousPlace => "AMBIGUOUS_PLACE",
            Self::PlaceContradicts => "PLACE_CONTRADICTS",
            Self::AmbiguousIndicator => "AMBIGUOUS_INDICATOR",
            Self::NoFigure => "NO_FIGURE",
            Self::TwoFigures => "TWO_FIGURES",
            Self::MergedNumber => "MERGED_NUMBER",
            Self::PercentScale => "PERCENT_SCALE",
            Self::RowTwice => "ROW_TWICE",
            Self::TotalRow => "TOTAL_ROW",
            Self::TotalDiffers => "TOTAL_DIFFERS",
        }
    }
}

/// One thing wrong with one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the sheet; empty for a CSV file.
    pub sheet: String,
    /// Row of the sheet, or first line of the record, from 1.
    pub row: u64,
    /// The column's header as the file has it; our own name if the file has no such column.
    pub column: String,
    /// Why, upper case with underscores.
    pub reason: &'static str,
    /// What it means, in Vietnamese.
    pub vi: String,
    /// What was found and what to do, in English, without a full stop.
    pub detail: String,
}

impl Problem {
    /// What a service said of a cell; a reason that this version does not know is kept in the detail.
    #[must_use]
    pub fn told(
        violation: wire::status::FieldRefusal,
        sheet: &str,
        row: u64,
        column: impl Into<String>,
    ) -> Self {
        let known = Reason::ALL
            .iter()
            .find(|reason| reason.code() == violation.reason);
        let (reason, detail) = match known {
            Some(reason) => (reason.code(), violation.detail),
            None => (
                "REFUSED",
                format!("{} [{}]", violation.detail, violation.reason),
            ),
        };
        Self {
            sheet: sheet.to_owned(),
            row,
            column: column.into(),
            reason,
            vi: violation.vi,
            detail,
        }
    }

    /// What it means and what to do, for who reads Vietnamese.
    ///
    /// A service's reason says what it means; what was found is told in English only.
    #[must_use]
    pub fn told_in_vietnamese(&self) -> String {
        let is_services = Reason::ALL
            .iter()
            .any(|reason| reason.code() == self.reason);
        if is_services || self.vi.is_empty() {
            format!("{}: {}", self.vi, self.detail)
        } else {
            self.vi.clone()
        }
    }
}

/// A problem before it is known to which line and header it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Why, upper case with underscores.
    pub(crate) reason: &'static str,
    /// What it means, in Vietnamese.
    pub(crate) vi: String,
    /// What was found and what to do, in English.
    pub(crate) detail: String,
}

impl Found {
    /// A reason that services have as well.
    pub(crate) fn known(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason: reason.code(),
            vi: reason.vi().to_owned(),
            detail: detail.into(),
        }
    }

    /// A reason of files.
    pub(crate) fn of_file(
        reason: FileReason,
        vi: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            reason: reason.code(),
            vi: vi.into(),
            detail: detail.into(),
        }
    }

    /// The problem of a cell.
    pub(crate) fn at(self, sheet: &str, row: u64, column: impl Into<String>) -> Problem {
        let Self { reason, vi, detail } = self;
        Problem {
            sheet: sheet.to_owned(),
            row,
            column: column.into(),
            reason,
            vi,
            detail,
        }
    }
}
