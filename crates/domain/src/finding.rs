//! What is implausible about an event, found when it was recorded and kept with it.
//!
//! Some checks refuse a figure unless its reporter insists; all others only say what they found.
//! Who judges by which rules is no matter of the domain: here is what can be said.

use serde::{Deserialize, Serialize};

use crate::event::terms;

/// Most findings kept with one event.
pub const FINDINGS_MAX: usize = 16;
/// Most checks that a reporter can insist on for one event.
pub const CONFIRMED_MAX: usize = 8;

terms! {
    /// A check of plausibility, by its code on the wire.
    Check {
        /// A cumulative count is below one that came before it, or above one that came after.
        CumulativeFalls = "CUMULATIVE_FALLS",
        /// A cumulative count looks like one day's work.
        DailyAsCumulative = "DAILY_AS_CUMULATIVE",
        /// A count is ten, a hundred or a thousand times its neighbour, or that part of it.
        FactorOfTen = "FACTOR_OF_TEN",
        /// A count is above that of an indicator it can never exceed.
        AboveRelated = "ABOVE_RELATED",
        /// A count is above its denominator, or a percentage above 100.
        OverDenominator = "OVER_DENOMINATOR",
        /// A printed percentage does not follow from its numbers.
        PercentContradicts = "PERCENT_CONTRADICTS",
        /// The figures of the places within a place do not add up to its own.
        ChildrenSum = "CHILDREN_SUM",
        /// A count grew far faster than it used to.
        Jump = "JUMP",
        /// The same count for the third time while others moved.
        Stuck = "STUCK",
        /// Another source has another figure for the same moment.
        RivalFigure = "RIVAL_FIGURE",
        /// The figure is only a bound, or about right.
        VagueFigure = "VAGUE_FIGURE",
        /// The moment is known to the month only.
        MonthOnly = "MONTH_ONLY",
        /// The denominator was not published but follows from a count and a percentage.
        DerivedDenominator = "DERIVED_DENOMINATOR",
        /// A work item without anything that could be counted at the end.
        NoMeasurableOutput = "NO_MEASURABLE_OUTPUT",
        /// A milestone of a quota is above the quota's denominator.
        CountAboveDenominator = "COUNT_ABOVE_DENOMINATOR",
    }
}

impl Check {
    /// The code on the wire, upper case with underscores.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.as_str()
    }

    /// The check of a code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|check| check.as_str() == code)
    }

    /// Whether it can refuse a figure, so that a reporter can insist.
    #[must_use]
    pub fn may_refuse(self) -> bool {
        matches!(
            self,
            Self::CumulativeFalls
                | Self::DailyAsCumulative
                | Self::FactorOfTen
                | Self::AboveRelated
        )
    }

    /// What it means, in Vietnamese.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::CumulativeFalls => "số lũy kế giảm",
            Self::DailyAsCumulative => "có thể là số trong ngày, không phải số lũy kế",
            Self::FactorOfTen => "lệch 10 lần so với số liệu kề bên",
            Self::AboveRelated => "vượt chỉ tiêu liên quan",
            Self::OverDenominator => "vượt mẫu số",
            Self::PercentContradicts => "tỷ lệ phần trăm không khớp với số liệu",
            Self::ChildrenSum => "tổng của cấp dưới không bằng số của cấp trên",
            Self::Jump => "tăng đột biến",
            Self::Stuck => "không đổi trong khi nơi khác tăng",
            Self::RivalFigure => "nguồn khác nêu số liệu khác cho cùng thời điểm",
            Self::VagueFigure => "số liệu chỉ là ước lượng hoặc giới hạn",
            Self::MonthOnly => "chỉ biết đến tháng",
            Self::DerivedDenominator => "mẫu số được suy ra, không được công bố",
            Self::NoMeasurableOutput => "nhiệm vụ không có kết quả đo đếm được",
            Self::CountAboveDenominator => "mốc vượt mẫu số của chỉ tiêu",
        }
    }
}

terms! {
    /// How grave a finding is.
    Severity {
        /// A property of the figure; nothing to be done.
        Note = "note",
        /// Open until the figure is corrected or retracted, or the finding resolved.
        Warning = "warning",
        /// As a warning; until then no verdict rests on the series.
        Blocking = "blocking",
    }
}

/// Something implausible about an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Which check found it.
    pub check: Check,
    /// How grave it is.
    pub severity: Severity,
    /// The field it is about, below the event's body: `value`, `percent`; `effective` for the event's own moment.
    pub field: String,
    /// What was found, in English, with the numbers, without a full stop; at most 300 characters.
    pub detail: String,
    /// Version of the rules by which it was found.
    pub rule: String,
    /// The figure it was held against, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_known_by_its_code_and_only_the_first_four_refuse() {
        for check in Check::ALL {
            assert_eq!(Check::of(check.code()), Some(*check));
        }
        assert_eq!(Check::of("jump"), None);
        let refusing: Vec<_> = Check::ALL
            .iter()
            .filter(|check| check.may_refuse())
            .collect();
        assert_eq!(refusing, Check::ALL[..4].iter().collect::<Vec<_>>());
    }
}
