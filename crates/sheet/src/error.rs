//! Why a file cannot be read at all.

use crate::{
    COLUMNS_MAX, ENTRIES_MAX, FILE_BYTES_MAX, INFLATED_BYTES_MAX, RECORD_BYTES_MAX, RECORDS_MAX,
    SHEETS_MAX,
};

/// Why no record of a file can be read; the message says what to do.
///
/// A `line` is that of a CSV file, or the row of a sheet, from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SheetError {
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
    #[error("the file is empty; a first line must name the columns, such as {HEADER}")]
    Empty,
    /// No line that names columns.
    #[error(
        "line {line} names no column that is known, nor do those after it; a first line must be a header, such as {HEADER}"
    )]
    NoHeader {
        /// The first line with content.
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
    /// More sheets than the limit.
    #[error("the workbook has more than {SHEETS_MAX} sheets; split it, or name one with --sheet")]
    TooManySheets,
    /// A sheet that was asked for and is not there.
    #[error("there is no visible sheet '{wanted}'; there are: {}", names.join(", "))]
    SheetNotFound {
        /// The one asked for.
        wanted: String,
        /// Those that are there.
        names: Vec<String>,
    },
    /// A workbook that is far larger than its file, as no spreadsheet makes them.
    #[error(
        "the workbook would take more than {} MiB, {ENTRIES_MAX} parts or 250 times its size once unpacked: {part}; copy the figures into a new workbook",
        INFLATED_BYTES_MAX / 1024 / 1024
    )]
    Inflates {
        /// What is too large.
        part: String,
    },
    /// The older format of Excel, or a workbook under a password.
    #[error(
        "the file is of Excel's older format (.xls) or under a password; save it as XLSX without a password"
    )]
    Encrypted,
    /// A zip file that is no workbook, or a broken one.
    #[error(
        "the file cannot be read as XLSX ({detail}); open it in a spreadsheet and save it anew"
    )]
    NotXlsx {
        /// What the reader said.
        detail: String,
    },
    /// Who reports is not stated as it must be.
    #[error("{field} {detail}; state it with --organisation and --office")]
    Actor {
        /// `actor.organisation` or `actor.office`.
        field: String,
        /// What is wrong.
        detail: String,
    },
    /// The CSV reader or writer gave up.
    #[error("the file cannot be read or written as CSV")]
    Csv(#[from] csv::Error),
    /// The writer of workbooks gave up.
    #[error("the workbook cannot be written")]
    Write(#[from] rust_xlsxwriter::XlsxError),
}

/// The header of a file of figures.
const HEADER: &str = "province,district,commune,indicator,date,value,target,percent,unit,source";

impl SheetError {
    /// The stable reason code.
    #[must_use]
    pub fn reason(&self) -> &'static str {
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
            Self::TooManySheets => "TOO_MANY_SHEETS",
            Self::SheetNotFound { .. } => "SHEET_NOT_FOUND",
            Self::Inflates { .. } => "FILE_INFLATES",
            Self::Encrypted => "FILE_ENCRYPTED",
            Self::NotXlsx { .. } => "FILE_NOT_XLSX",
            Self::Actor { .. } => "ACTOR_NOT_STATED",
            Self::Csv(_) => "FILE_NOT_CSV",
            Self::Write(_) => "FILE_NOT_WRITTEN",
        }
    }

    /// What it means and what to do, in Vietnamese.
    #[must_use]
    pub fn vi(&self) -> String {
        match self {
            Self::NotUtf8 { byte, line } => format!(
                "byte {byte} (dòng {line}) không phải UTF-8; hãy lưu tệp dạng «CSV UTF-8» rồi nhập lại"
            ),
            Self::Empty => format!("tệp rỗng; phải có dòng tên cột, ví dụ {HEADER}"),
            Self::NoHeader { line } => format!(
                "từ dòng {line} không có dòng tên cột nào được biết; phải có dòng tên cột, ví dụ {HEADER}"
            ),
            Self::MissingColumns { line, missing } => format!(
                "dòng tên cột (dòng {line}) thiếu cột {}; hãy bổ sung",
                missing.join(", ")
            ),
            Self::ColumnTwice {
                column,
                first,
                second,
            } => format!(
                "hai cột «{first}» và «{second}» cùng được hiểu là {column}; hãy bỏ hoặc đổi tên một cột"
            ),
            Self::RecordTooLarge { line } => {
                format!("dòng {line} quá dài; có thể thiếu dấu ngoặc kép đóng")
            }
            Self::TooManyColumns { line } => {
                format!("dòng {line} có hơn {COLUMNS_MAX} cột; đây có phải là tệp số liệu không?")
            }
            Self::SheetNotFound { wanted, names } => {
                format!("không có trang tính «{wanted}»; có: {}", names.join(", "))
            }
            Self::Actor { field, .. } => {
                format!("{field} không hợp lệ; hãy nêu bằng --organisation và --office")
            }
            other => other.vi_without_details(),
        }
    }

    fn vi_without_details(&self) -> String {
        match self {
            Self::FileTooLarge => format!(
                "tệp lớn hơn {} MiB; hãy chia nhỏ",
                FILE_BYTES_MAX / 1024 / 1024
            ),
            Self::TooManyRecords => format!("tệp có hơn {RECORDS_MAX} dòng; hãy chia nhỏ"),
            Self::TooManySheets => format!(
                "tệp có hơn {SHEETS_MAX} trang tính; hãy chia nhỏ, hoặc nêu một trang bằng --sheet"
            ),
            Self::Inflates { .. } => {
                "tệp bung ra lớn bất thường; hãy chép số liệu sang một tệp mới".to_owned()
            }
            Self::Encrypted => {
                "tệp .xls đời cũ hoặc có mật khẩu; hãy lưu dạng XLSX không mật khẩu".to_owned()
            }
            Self::NotXlsx { .. } => {
                "không đọc được tệp như XLSX; hãy mở bằng bảng tính rồi lưu lại".to_owned()
            }
            Self::Write(_) => "không ghi được tệp bảng tính".to_owned(),
            _ => "không đọc được tệp như CSV".to_owned(),
        }
    }
}
