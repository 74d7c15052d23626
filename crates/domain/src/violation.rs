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
    /// An event that the service itself records, in a request.
    RecordedByService,
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
    /// A request id that is not a UUID, or not that of its batch.
    RequestIdFormat,
    /// Findings in a request; the service makes them.
    FindingsMisplaced,
    /// The model was withdrawn.
    ModelWithdrawn,
    /// The group was withdrawn.
    GroupWithdrawn,
    /// Models of the group are not withdrawn.
    GroupInUse,
    /// Another group of the plan has the number.
    NumberTaken,
    /// Whoever gives a role up does not hold it.
    NotTheHolder,
    /// Too many successors for what became of an organisation, or too few.
    SuccessorCount,
    /// An organisation, or a locality, that would succeed itself.
    SuccessionCycle,
    /// The work item was completed or cancelled.
    WorkItemClosed,
    /// A work item that would wait for itself.
    DependencyCycle,
    /// No such quota is in force.
    UnknownQuota,
    /// The campaign was never launched here or above.
    UnknownCampaign,
    /// The campaign was closed.
    CampaignClosed,
    /// The figure named was retracted before.
    AlreadyRetracted,
    /// An indicator that would be related to itself.
    RelationCycle,
    /// The position holds no such finding that could be resolved.
    UnknownFinding,
    /// The finding is closed.
    FindingClosed,
    /// Who reported a figure cannot confirm it.
    SameOffice,
    /// Figures speak of moments at which the locality would not exist.
    FiguresOutsideLife,
    /// A cumulative count far below one that came before it, or far above one that came after.
    CumulativeFalls,
    /// One day's work where the total is counted.
    DailyAsCumulative,
    /// Ten, a hundred or a thousand times its neighbour, or that part of it.
    FactorOfTen,
    /// A count above that of an indicator it can never exceed.
    AboveRelated,
    /// A threshold or a number of days outside its range.
    ThresholdRange,
    /// Steps of a ladder that are not numbered 1, 2, 3 and so on.
    StepOrder,
    /// Other rules have the version.
    VersionTaken,
    /// A path of a read mask that leads to nothing in the answer.
    UnknownFieldPath,
    /// More paths than a read mask may have.
    TooManyPaths,
}

impl Reason {
    /// All reasons, for documents and tests that must cover each.
    pub const ALL: [Self; 53] = [
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
        Self::RecordedByService,
        Self::NumberFormat,
        Self::CountBelowZero,
        Self::DateFormat,
        Self::DateInFuture,
        Self::DateOrder,
        Self::PercentFormat,
        Self::RequestIdFormat,
        Self::FindingsMisplaced,
        Self::ModelWithdrawn,
        Self::GroupWithdrawn,
        Self::GroupInUse,
        Self::NumberTaken,
        Self::NotTheHolder,
        Self::SuccessorCount,
        Self::SuccessionCycle,
        Self::WorkItemClosed,
        Self::DependencyCycle,
        Self::UnknownQuota,
        Self::UnknownCampaign,
        Self::CampaignClosed,
        Self::AlreadyRetracted,
        Self::RelationCycle,
        Self::UnknownFinding,
        Self::FindingClosed,
        Self::SameOffice,
        Self::FiguresOutsideLife,
        Self::CumulativeFalls,
        Self::DailyAsCumulative,
        Self::FactorOfTen,
        Self::AboveRelated,
        Self::ThresholdRange,
        Self::StepOrder,
        Self::VersionTaken,
        Self::UnknownFieldPath,
        Self::TooManyPaths,
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
            Self::RecordedByService => "RECORDED_BY_SERVICE",
            Self::NumberFormat => "NUMBER_FORMAT",
            Self::CountBelowZero => "COUNT_BELOW_ZERO",
            Self::DateFormat => "DATE_FORMAT",
            Self::DateInFuture => "DATE_IN_FUTURE",
            Self::DateOrder => "DATE_ORDER",
            Self::PercentFormat => "PERCENT_FORMAT",
            Self::RequestIdFormat => "REQUEST_ID_FORMAT",
            Self::FindingsMisplaced => "FINDINGS_MISPLACED",
            Self::ModelWithdrawn => "MODEL_WITHDRAWN",
            Self::GroupWithdrawn => "GROUP_WITHDRAWN",
            Self::GroupInUse => "GROUP_IN_USE",
            Self::NumberTaken => "NUMBER_TAKEN",
            Self::NotTheHolder => "NOT_THE_HOLDER",
            Self::SuccessorCount => "SUCCESSOR_COUNT",
            Self::SuccessionCycle => "SUCCESSION_CYCLE",
            Self::WorkItemClosed => "WORK_ITEM_CLOSED",
            Self::DependencyCycle => "DEPENDENCY_CYCLE",
            Self::UnknownQuota => "UNKNOWN_QUOTA",
            Self::UnknownCampaign => "UNKNOWN_CAMPAIGN",
            Self::CampaignClosed => "CAMPAIGN_CLOSED",
            Self::AlreadyRetracted => "ALREADY_RETRACTED",
            Self::RelationCycle => "RELATION_CYCLE",
            Self::UnknownFinding => "UNKNOWN_FINDING",
            Self::FindingClosed => "FINDING_CLOSED",
            Self::SameOffice => "SAME_OFFICE",
            Self::FiguresOutsideLife => "FIGURES_OUTSIDE_LIFE",
            Self::CumulativeFalls => "CUMULATIVE_FALLS",
            Self::DailyAsCumulative => "DAILY_AS_CUMULATIVE",
            Self::FactorOfTen => "FACTOR_OF_TEN",
            Self::AboveRelated => "ABOVE_RELATED",
            Self::ThresholdRange => "THRESHOLD_RANGE",
            Self::StepOrder => "STEP_ORDER",
            Self::VersionTaken => "VERSION_TAKEN",
            Self::UnknownFieldPath => "UNKNOWN_FIELD_PATH",
            Self::TooManyPaths => "TOO_MANY_PATHS",
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
            Self::RecordedByService => "sự kiện này chỉ do chính dịch vụ ghi",
            Self::NumberFormat => "không phải là số đếm",
            Self::CountBelowZero => "số đếm không được âm",
            Self::DateFormat => "không đọc được ngày",
            Self::DateInFuture => "thời điểm ở tương lai",
            Self::DateOrder => "ngày kết thúc trước ngày bắt đầu",
            Self::PercentFormat => "không đọc được tỷ lệ phần trăm",
            Self::RequestIdFormat => "mã yêu cầu không hợp lệ",
            Self::FindingsMisplaced => "không được gửi kèm kết quả kiểm tra",
            Self::ModelWithdrawn => "mô hình đã bị rút",
            Self::GroupWithdrawn => "nhóm mô hình đã bị rút",
            Self::GroupInUse => "nhóm còn mô hình",
            Self::NumberTaken => "số thứ tự nhóm đã có",
            Self::NotTheHolder => "cơ quan bàn giao không giữ vai trò này",
            Self::SuccessorCount => "số đơn vị kế tục không phù hợp",
            Self::SuccessionCycle => "vòng lặp kế tục",
            Self::WorkItemClosed => "nhiệm vụ đã kết thúc",
            Self::DependencyCycle => "nhiệm vụ phụ thuộc vòng",
            Self::UnknownQuota => "không có chỉ tiêu giao này",
            Self::UnknownCampaign => "chiến dịch chưa được phát động",
            Self::CampaignClosed => "chiến dịch đã kết thúc",
            Self::AlreadyRetracted => "số liệu này đã được rút",
            Self::RelationCycle => "quan hệ chỉ tiêu vòng",
            Self::UnknownFinding => "không có cảnh báo này",
            Self::FindingClosed => "cảnh báo đã được xử lý",
            Self::SameOffice => "phải do đơn vị khác xác nhận",
            Self::FiguresOutsideLife => "còn số liệu ngoài thời gian tồn tại của địa phương",
            Self::CumulativeFalls => "số lũy kế giảm",
            Self::DailyAsCumulative => "có thể là số trong ngày",
            Self::FactorOfTen => "lệch 10 lần",
            Self::AboveRelated => "vượt chỉ tiêu liên quan",
            Self::ThresholdRange => "ngưỡng ngoài giới hạn",
            Self::StepOrder => "các bước không theo thứ tự",
            Self::VersionTaken => "tên phiên bản đã dùng cho quy tắc khác",
            Self::UnknownFieldPath => "không có trường này trong câu trả lời",
            Self::TooManyPaths => "mặt nạ đọc có quá nhiều đường dẫn",
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
