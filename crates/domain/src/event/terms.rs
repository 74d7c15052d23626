//! The terms of the programme, each with one stable text.

use serde::{Deserialize, Serialize};

/// Declares an enum of programme terms with one stable text for each, used by JSON, CSV and the command line.
macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable text.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

terms! {
    /// How much of a territory went over.
    Extent {
        /// All of it.
        Full = "full",
        /// A part; no source gives the share.
        Partial = "partial",
    }
}
pub(crate) use terms;

terms! {
    /// Role of an owner.
    Role {
        /// Chủ trì.
        Lead = "lead",
        /// Phối hợp.
        Coordinating = "coordinating",
        /// Lực lượng triển khai.
        Implementing = "implementing",
        /// Đầu mối: monitors, checks and urges.
        Focal = "focal",
    }
}
terms! {
    /// How an organisation came to a role.
    #[derive(Default)]
    OwnerChange {
        /// Assigned, by whoever decides.
        #[default]
        Assigned = "assigned",
        /// Handed over by those who held it and go on to exist.
        HandedOver = "handed-over",
        /// Succeeded to: those who held it are no more, or no longer do such work.
        Succeeded = "succeeded",
    }
}
terms! {
    /// What became of an organisation.
    OrganisationChange {
        /// Đổi tên.
        Renamed = "renamed",
        /// Sáp nhập, hợp nhất.
        Merged = "merged",
        /// Chia, tách.
        Split = "split",
        /// Giải thể.
        Ended = "ended",
    }
}
terms! {
    /// Status of a model in a locality.
    ModelStatus {
        /// Chưa triển khai.
        NotStarted = "not-started",
        /// Đã rà soát.
        Reviewed = "reviewed",
        /// Đã có kế hoạch.
        Planned = "planned",
        /// Thí điểm.
        Piloting = "piloting",
        /// Đã triển khai.
        Deployed = "deployed",
        /// Đã nghiệm thu.
        Accepted = "accepted",
        /// Tạm dừng.
        Suspended = "suspended",
    }
}
terms! {
    /// How an indicator is counted.
    IndicatorKind {
        /// From the beginning up to the moment; never falls but by correction.
        Cumulative = "cumulative",
        /// The level at the moment.
        Level = "level",
        /// Within one day.
        Daily = "daily",
    }
}
terms! {
    /// How an indicator is related to another, or to itself across places.
    Relation {
        /// Its count is never above the other's.
        AtMost = "at-most",
        /// The other's count is its denominator.
        CountedAgainst = "counted-against",
        /// The counts of the places within a place add up to its own.
        Sum = "sum",
    }
}
terms! {
    /// Who set a quota, strongest first.
    QuotaLayer {
        /// A ministry or the Government.
        Central = "central",
        /// The province.
        Provincial = "provincial",
        /// The locality itself.
        Commitment = "commitment",
    }
}
terms! {
    /// Where a work item comes from.
    WorkOrigin {
        /// Defined and folded into an existing project.
        ExistingProject = "existing-project",
        /// New, and defined.
        New = "new",
        /// New, and not yet defined.
        NotYetDefined = "not-yet-defined",
    }
}
terms! {
    /// Outcome of a readiness review.
    Readiness {
        /// The conditions are met.
        Ready = "ready",
        /// Some are.
        PartlyReady = "partly-ready",
        /// They are not.
        NotReady = "not-ready",
    }
}
terms! {
    /// A judgement in public.
    Assessment {
        /// Biểu dương.
        Commended = "commended",
        /// Ghi nhận.
        Noted = "noted",
        /// Nguy cơ không hoàn thành.
        AtRisk = "at-risk",
        /// Phê bình.
        Criticised = "criticised",
    }
}
terms! {
    /// Answer to a finding.
    Resolution {
        /// The figure was checked, and is right.
        Confirmed = "confirmed",
        /// The figure stays, and there is a reason why it looks wrong.
        Explained = "explained",
    }
}
terms! {
    /// Whom a step of the ladder tells.
    Recipient {
        /// The head of the unit itself.
        Unit = "unit",
        /// The unit above it.
        Parent = "parent",
        /// Its province.
        Province = "province",
    }
}

impl OwnerChange {
    /// Whether nobody gave the role up for it.
    #[must_use]
    pub fn is_assigned(&self) -> bool {
        *self == Self::Assigned
    }
}
