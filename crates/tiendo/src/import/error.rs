//! Why a file cannot be read at all.

use super::{COLUMNS_MAX, FILE_BYTES_MAX, RECORD_BYTES_MAX, RECORDS_MAX};

/// Why no record of a file can be read; the message says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ImportError {
    /// Bytes that are no UTF-8.
    #[error(
        "byte {byte} (line {line}) is not UTF-8; save the file as 'CSV UTF-8' and import it again"
    )]
    NotUtf8 {
        /// The first such byte, from 1.
        byte: usize,
        /// Its line, from 1.
        line: u64,
    },
    /// Nothing but white space.
    #[error("the file is empty; its first line must name the columns, such as {HEADER}")]
    Empty,
    /// A first line that names no column.
    #[error(
        "line {line} names no column that is known; the first line must be a header, such as {HEADER}"
    )]
    NoHeader {
        /// The line.
        line: u64,
    },
    /// A header without columns that every figure needs.
    #[error("the header (line {line}) has no column for {}; add them", missing.join(", "))]
    MissingColumns {
        /// The header's line.
        line: u64,
        /// What is missing, in our own names.
        missing: Vec<&'static str>,
    },
    /// Two columns for the same thing.
    #[error("the columns '{first}' and '{second}' are both read as {column}; keep or rename one")]
    ColumnTwice {
        /// Our own name of the column.
        column: &'static str,
        /// The first header.
        first: String,
        /// The second header.
        second: String,
    },
    /// A file above the limit.
    #[error("the file is larger than {} MiB; split it", FILE_BYTES_MAX / 1024 / 1024)]
    FileTooLarge,
    /// A record above the limit.
    #[error(
        "the record at line {line} is larger than {} MiB; is a quotation mark left open there?",
        RECORD_BYTES_MAX / 1024 / 1024
    )]
    RecordTooLarge {
        /// Its first line.
        line: u64,
    },
    /// More records than the limit.
    #[error("the file has more than {RECORDS_MAX} records; split it")]
    TooManyRecords,
    /// More columns than the limit.
    #[error("line {line} has more than {COLUMNS_MAX} columns; is this a file of figures?")]
    TooManyColumns {
        /// The line.
        line: u64,
    },
    /// Who reports is not stated as it must be.
    #[error("{field} {detail}; state it with --organisation and --office")]
    Actor {
        /// `actor.organisation` or `actor.office`.
        field: String,
        /// What is wrong.
        detail: String,
    },
    /// The CSV reader gave up.
    #[error("the file cannot be read as CSV")]
    Csv(#[from] csv::Error),
}

/// The header of a file of figures.
const HEADER: &str = "province,district,commune,indicator,date,value,target,percent,unit,source";

impl ImportError {
    /// The stable reason code.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "FILE_NOT_UTF8",
            Self::Empty => "FILE_EMPTY",
            Self::NoHeader { .. } => "HEADER_NOT_FOUND",
            Self::MissingColumns { .. } => "COLUMN_MISSING",
            Self::ColumnTwice { .. } => "COLUMN_TWICE",
            Self::FileTooLarge => "FILE_TOO_LARGE",
            Self::RecordTooLarge { .. } => "RECORD_TOO_LARGE",
            Self::TooManyRecords => "TOO_MANY_RECORDS",
            Self::TooManyColumns { .. } => "TOO_MANY_COLUMNS",
            Self::Actor { .. } => "ACTOR_NOT_STATED",
            Self::Csv(_) => "FILE_NOT_CSV",
        }
    }

    /// What it means and what to do, in Vietnamese.
    pub(crate) fn vi(&self) -> String {
        match self {
            Self::NotUtf8 { byte, line } => format!(
                "byte {byte} (dòng {line}) không phải UTF-8; hãy lưu tệp dạng «CSV UTF-8» rồi nhập lại"
            ),
            Self::Empty => format!("tệp rỗng; dòng đầu phải là tên cột, ví dụ {HEADER}"),
            Self::NoHeader { line } => {
                format!(
                    "dòng {line} không có tên cột nào được biết; dòng đầu phải là tên cột, ví dụ {HEADER}"
                )
            }
            Self::MissingColumns { line, missing } => {
                format!(
                    "dòng tên cột (dòng {line}) thiếu cột {}; hãy bổ sung",
                    missing.join(", ")
                )
            }
            Self::ColumnTwice {
                column,
                first,
                second,
            } => {
                format!(
                    "hai cột «{first}» và «{second}» cùng được hiểu là {column}; hãy bỏ hoặc đổi tên một cột"
                )
            }
            Self::FileTooLarge => {
                format!(
                    "tệp lớn hơn {} MiB; hãy chia nhỏ",
                    FILE_BYTES_MAX / 1024 / 1024
                )
            }
            Self::RecordTooLarge { line } => {
                format!("dòng {line} quá dài; có thể thiếu dấu ngoặc kép đóng")
            }
            Self::TooManyRecords => format!("tệp có hơn {RECORDS_MAX} dòng; hãy chia nhỏ"),
            Self::TooManyColumns { line } => {
                format!("dòng {line} có hơn {COLUMNS_MAX} cột; đây có phải là tệp số liệu không?")
            }
            Self::Actor { field, .. } => {
                format!("{field} không hợp lệ; hãy nêu bằng --organisation và --office")
            }
            Self::Csv(_) => "không đọc được tệp như CSV".to_owned(),
        }
    }
}
