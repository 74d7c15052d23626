//! What is wrong with a request, field by field.

use std::fmt;

/// Why a field is refused. The name on the wire is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A field that must be set is empty.
    Required,
    /// A code with characters that cannot be in one.
    CodeFormat,
    /// An enum value that this version does not know, or none.
    ValueUnspecified,
    /// A text longer than its field allows, or with control characters.
    TextFormat,
    /// A text that looks like a citizen's number, a telephone number or an e-mail address.
    PersonalData,
    /// No locality ever had this code.
    UnknownLocality,
    /// The locality did not exist at the moment the fact speaks of.
    LocalityNotValid,
    /// The indicator was never defined.
    UnknownIndicator,
    /// The model was never defined.
    UnknownModel,
    /// The group was never defined.
    UnknownGroup,
    /// The plan was never adopted.
    UnknownPlan,
    /// The work item was never defined.
    UnknownWorkItem,
    /// The corrected position holds no figure of this locality and indicator.
    UnknownFigure,
    /// The figure named was corrected before.
    AlreadyCorrected,
    /// The position named holds no appointment of a named person.
    UnknownAppointment,
    /// The name of the person appointed was erased before.
    AlreadyErased,
    /// A person's name where no owner is appointed, or within an event.
    PersonMisplaced,
    /// A number that is not written as a count.
    NumberFormat,
    /// A count below zero.
    CountBelowZero,
    /// A date or moment that cannot be read.
    DateFormat,
    /// A moment later than now.
    DateInFuture,
    /// An end before its beginning.
    DateOrder,
    /// A percentage that cannot be read.
    PercentFormat,
    /// A percentage that does not follow from its own numbers.
    PercentContradicts,
    /// A request id that is not a UUID, or not that of its batch.
    RequestIdFormat,
}

impl Reason {
    /// All reasons, for documents and tests that must cover each.
    pub const ALL: [Self; 25] = [
        Self::Required,
        Self::CodeFormat,
        Self::ValueUnspecified,
        Self::TextFormat,
        Self::PersonalData,
        Self::UnknownLocality,
        Self::LocalityNotValid,
        Self::UnknownIndicator,
        Self::UnknownModel,
        Self::UnknownGroup,
        Self::UnknownPlan,
        Self::UnknownWorkItem,
        Self::UnknownFigure,
        Self::AlreadyCorrected,
        Self::UnknownAppointment,
        Self::AlreadyErased,
        Self::PersonMisplaced,
        Self::NumberFormat,
        Self::CountBelowZero,
        Self::DateFormat,
        Self::DateInFuture,
        Self::DateOrder,
        Self::PercentFormat,
        Self::PercentContradicts,
        Self::RequestIdFormat,
    ];

    /// The code on the wire, upper case with underscores.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Required => "REQUIRED",
            Self::CodeFormat => "CODE_FORMAT",
            Self::ValueUnspecified => "VALUE_UNSPECIFIED",
            Self::TextFormat => "TEXT_FORMAT",
            Self::PersonalData => "PERSONAL_DATA",
            Self::UnknownLocality => "UNKNOWN_LOCALITY",
            Self::LocalityNotValid => "LOCALITY_NOT_VALID",
            Self::UnknownIndicator => "UNKNOWN_INDICATOR",
            Self::UnknownModel => "UNKNOWN_MODEL",
            Self::UnknownGroup => "UNKNOWN_GROUP",
            Self::UnknownPlan => "UNKNOWN_PLAN",
            Self::UnknownWorkItem => "UNKNOWN_WORK_ITEM",
            Self::UnknownFigure => "UNKNOWN_FIGURE",
            Self::AlreadyCorrected => "ALREADY_CORRECTED",
            Self::UnknownAppointment => "UNKNOWN_APPOINTMENT",
            Self::AlreadyErased => "ALREADY_ERASED",
            Self::PersonMisplaced => "PERSON_MISPLACED",
            Self::NumberFormat => "NUMBER_FORMAT",
            Self::CountBelowZero => "COUNT_BELOW_ZERO",
            Self::DateFormat => "DATE_FORMAT",
            Self::DateInFuture => "DATE_IN_FUTURE",
            Self::DateOrder => "DATE_ORDER",
            Self::PercentFormat => "PERCENT_FORMAT",
            Self::PercentContradicts => "PERCENT_CONTRADICTS",
            Self::RequestIdFormat => "REQUEST_ID_FORMAT",
        }
    }

    /// What it means, in Vietnamese.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Required => "bắt buộc phải có",
            Self::CodeFormat => "mã không hợp lệ",
            Self::ValueUnspecified => "giá trị chưa xác định",
            Self::TextFormat => "văn bản quá dài hoặc có ký tự không hợp lệ",
            Self::PersonalData => "có dữ liệu cá nhân, không được ghi nhận",
            Self::UnknownLocality => "không có địa phương mang mã này",
            Self::LocalityNotValid => "địa phương không tồn tại vào thời điểm này",
            Self::UnknownIndicator => "chỉ tiêu chưa được định nghĩa",
            Self::UnknownModel => "mô hình chưa được định nghĩa",
            Self::UnknownGroup => "nhóm mô hình chưa được định nghĩa",
            Self::UnknownPlan => "kế hoạch chưa được ban hành",
            Self::UnknownWorkItem => "nhiệm vụ chưa được định nghĩa",
            Self::UnknownFigure => "không có số liệu này để đính chính",
            Self::AlreadyCorrected => "số liệu này đã được đính chính",
            Self::UnknownAppointment => "vị trí này không phải là phân công có ghi tên người",
            Self::AlreadyErased => "tên người đã được xóa trước đó",
            Self::PersonMisplaced => "tên người không được đặt ở đây",
            Self::NumberFormat => "không phải là số đếm",
            Self::CountBelowZero => "số đếm không được âm",
            Self::DateFormat => "không đọc được ngày",
            Self::DateInFuture => "thời điểm ở tương lai",
            Self::DateOrder => "ngày kết thúc trước ngày bắt đầu",
            Self::PercentFormat => "không đọc được tỷ lệ phần trăm",
            Self::PercentContradicts => "tỷ lệ phần trăm không khớp với số liệu",
            Self::RequestIdFormat => "mã yêu cầu không hợp lệ",
        }
    }
}

/// One thing wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field from the request's root, for example `event.progress_reported.value`.
    pub field: String,
    /// Why.
    pub reason: Reason,
    /// What was found and what to do, in English, without a full stop.
    pub detail: String,
}

impl Violation {
    /// A violation of `field`.
    #[must_use]
    pub fn new(field: impl Into<String>, reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason,
            detail: detail.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} ({})",
            self.field,
            self.detail,
            self.reason.code()
        )
    }
}
