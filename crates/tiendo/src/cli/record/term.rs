//! The words that commands know, each with its number on the wire.

use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use domain::Check;
use wire::v1;

/// Declares the words for an enum of the wire, whose variants have the same names.
macro_rules! terms {
    ($(#[$doc:meta])* $name:ident of $wire:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl From<$name> for i32 {
            fn from(term: $name) -> Self {
                (match term { $($name::$variant => v1::$wire::$variant),+ }) as i32
            }
        }
    };
}

terms! {
    /// How much of a territory goes over.
    ExtentName of Extent {
        /// Toàn bộ.
        Full,
        /// Một phần.
        Partial,
    }
}
terms! {
    /// Role of an owner.
    RoleName of Role {
        /// Chủ trì.
        Lead,
        /// Phối hợp.
        Coordinating,
        /// Lực lượng triển khai.
        Implementing,
        /// Đầu mối.
        Focal,
    }
}
terms! {
    /// What became of an organisation.
    OrganisationChangeName of OrganisationChange {
        /// Đổi tên.
        Renamed,
        /// Sáp nhập, hợp nhất.
        Merged,
        /// Chia, tách.
        Split,
        /// Giải thể.
        Ended,
    }
}
terms! {
    /// Status of a model in a locality.
    ModelStatusName of ModelStatus {
        /// Chưa triển khai.
        NotStarted,
        /// Đã rà soát.
        Reviewed,
        /// Đã có kế hoạch.
        Planned,
        /// Thí điểm.
        Piloting,
        /// Đã triển khai.
        Deployed,
        /// Đã nghiệm thu.
        Accepted,
        /// Tạm dừng.
        Suspended,
    }
}
terms! {
    /// How an indicator is counted.
    IndicatorKindName of IndicatorKind {
        /// Lũy kế.
        Cumulative,
        /// Tại thời điểm.
        Level,
        /// Trong ngày.
        Daily,
    }
}
terms! {
    /// How an indicator is related to another, or to itself across places.
    RelationName of Relation {
        /// Không bao giờ vượt số của chỉ tiêu kia.
        AtMost,
        /// Số của chỉ tiêu kia là mẫu số.
        CountedAgainst,
        /// Số của cấp dưới cộng lại thành số của cấp trên.
        Sum,
    }
}
terms! {
    /// Who sets a quota.
    LayerName of QuotaLayer {
        /// Bộ, Chính phủ.
        Central,
        /// Tỉnh.
        Provincial,
        /// Địa phương tự cam kết.
        Commitment,
    }
}
terms! {
    /// Where a work item comes from.
    OriginName of WorkOrigin {
        /// Đã xác định, lồng ghép vào dự án có sẵn.
        ExistingProject,
        /// Mới, đã xác định.
        New,
        /// Mới, chưa xác định.
        NotYetDefined,
    }
}
terms! {
    /// Where a work item stands.
    WorkItemStatusName of WorkItemStatus {
        /// Đang làm, hoặc chưa đến ngày bắt đầu.
        Open,
        /// Chờ nhiệm vụ khác.
        Blocked,
        /// Đã xong.
        Completed,
        /// Đã hủy.
        Cancelled,
    }
}
terms! {
    /// Outcome of a readiness review.
    ReadinessName of Readiness {
        /// Đủ điều kiện.
        Ready,
        /// Đủ một phần.
        PartlyReady,
        /// Chưa đủ.
        NotReady,
    }
}
terms! {
    /// Answer to a finding.
    ResolutionName of Resolution {
        /// Số liệu đã được kiểm tra và đúng.
        Confirmed,
        /// Số liệu giữ nguyên, có lý do.
        Explained,
    }
}

/// The codes of checks, with what they mean.
fn codes(wanted: impl Fn(Check) -> bool) -> PossibleValuesParser {
    let checks = Check::ALL.iter().filter(|check| wanted(**check));
    checks
        .map(|check| PossibleValue::new(check.code()).help(check.vi()))
        .collect::<Vec<_>>()
        .into()
}

/// A check that a reporter can insist against, by its code.
pub(super) fn refusing_check() -> impl TypedValueParser<Value = String> {
    codes(Check::may_refuse)
}

/// Any check, by its code.
pub(super) fn check() -> impl TypedValueParser<Value = v1::Check> {
    codes(|_| true)
        .map(|code| v1::Check::from_str_name(&format!("CHECK_{code}")).unwrap_or_default())
}
