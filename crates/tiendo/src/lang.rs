//! Vietnamese and English.

use clap::ValueEnum;
use domain::finding::Check;
use domain::text::number::{
    format_count_en, format_count_vi, format_quantity_en, format_quantity_vi,
};
use domain::text::{Bound, Moment, Percent, Quantity, date, number};
use jiff::civil::Date;
use wire::v1;

/// When nothing was heard of the log for longer than this, in seconds, an answer says so; the relay tells its head each second.
const HEAD_HEARD_SECONDS_MAX: f64 = 30.0;

/// The language of messages and headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// Tiếng Việt.
    Vi,
    /// English.
    En,
}

impl Lang {
    /// The language of a locale such as `en_GB.UTF-8`: English if it says so, else Vietnamese.
    #[must_use]
    pub(crate) fn of_locale(locale: Option<&str>) -> Self {
        match locale {
            Some(locale) if locale.starts_with("en") => Self::En,
            _ => Self::Vi,
        }
    }

    /// One of two texts.
    #[must_use]
    pub(crate) fn pick<T>(self, vi: T, en: T) -> T {
        match self {
            Self::Vi => vi,
            Self::En => en,
        }
    }

    /// A name; the Vietnamese one where there is no English.
    #[must_use]
    pub(crate) fn name(self, name: Option<&v1::Name>) -> String {
        let Some(name) = name else {
            return String::new();
        };
        match self {
            Self::En if !name.en.is_empty() => name.en.clone(),
            _ => name.vi.clone(),
        }
    }

    /// A count with its groups: `269.950` or `269,950`.
    #[must_use]
    pub(crate) fn count(self, count: u64) -> String {
        self.pick(format_count_vi(count), format_count_en(count))
    }

    /// A share given in hundredths of a point: `83,80%` or `83.80%`.
    #[must_use]
    pub(crate) fn share(self, hundredths: u32) -> String {
        Percent::from_hundredths(hundredths, 2).map_or_else(String::new, |p| self.percent(p))
    }

    /// A percentage as printed: `83,8%` or `83.8%`.
    #[must_use]
    pub(crate) fn percent(self, percent: Percent) -> String {
        self.pick(
            number::format_percent_vi(percent),
            number::format_percent_en(percent),
        )
    }

    /// A date on the wire (ISO or empty): `21/6/2023` or `2023-06-21`.
    #[must_use]
    pub(crate) fn date(self, iso: &str) -> String {
        match (self, iso.parse::<Date>()) {
            (Self::Vi, Ok(parsed)) => date::format_date_vi(parsed),
            _ => iso.to_owned(),
        }
    }

    /// A moment on the wire (`2023-06-29T23` or empty).
    #[must_use]
    pub(crate) fn moment(self, text: &str) -> String {
        match Moment::parse(text) {
            Ok(moment) => self.pick(moment.format_vi(), moment.format_en()),
            Err(_) => text.to_owned(),
        }
    }

    /// An instant on the wire.
    #[must_use]
    pub(crate) fn instant(self, timestamp: Option<&prost_types::Timestamp>) -> String {
        let instant = timestamp.and_then(wire::time::from_wire);
        instant.map_or_else(String::new, |instant| {
            self.pick(
                date::format_instant_vi(instant),
                date::format_instant_en(instant),
            )
        })
    }

    /// What an answer may lack since the service is behind the log or hears nothing of it; none if it is fresh.
    ///
    /// Nor does an answer as known at an earlier position lack anything.
    #[must_use]
    pub(crate) fn lack(self, at: &v1::AnsweredAt) -> Option<String> {
        if at.position < at.folded_position {
            return None;
        }
        let (behind, heard) = (at.behind_positions, at.head_heard_seconds);
        let mut lacks = Vec::new();
        if behind > 0 {
            let (count, seconds) = (self.count(behind), self.seconds(at.behind_seconds));
            lacks.push(self.pick(
                format!("Chậm so với sổ: còn {count} vị trí chưa được tính, biết từ {seconds} giây trước"),
                format!("Behind the log: positions not counted yet: {count}, known of for {seconds} s"),
            ));
        }
        if heard > HEAD_HEARD_SECONDS_MAX {
            let seconds = self.seconds(heard);
            lacks.push(self.pick(
                format!(
                    "Đã {seconds} giây không nhận được tín hiệu từ sổ: có thể thiếu báo cáo mới"
                ),
                format!("Nothing was heard of the log for {seconds} s: new reports may be missing"),
            ));
        }
        (!lacks.is_empty()).then(|| lacks.join("\n"))
    }

    /// Seconds to one decimal below ten, else whole.
    pub(crate) fn seconds(self, seconds: f64) -> String {
        let decimals = usize::from(seconds < 9.95);
        let text = format!("{seconds:.decimals$}");
        self.pick(text.replace('.', ","), text)
    }

    /// A quantity: `trên 12.600`, `more than 12,600`.
    #[must_use]
    pub(crate) fn quantity(self, quantity: Option<&v1::Quantity>) -> String {
        let Some(quantity) = quantity else {
            return String::new();
        };
        let Some(v1::quantity::Number::Count(count)) = quantity.number else {
            return String::new();
        };
        let bound = match quantity.bound() {
            v1::Bound::AtLeast => Bound::AtLeast,
            v1::Bound::AtMost => Bound::AtMost,
            v1::Bound::About => Bound::About,
            v1::Bound::Exact | v1::Bound::Unspecified => Bound::Exact,
        };
        let value = u64::try_from(count).unwrap_or(0);
        let quantity = Quantity { bound, value };
        self.pick(format_quantity_vi(quantity), format_quantity_en(quantity))
    }

    /// Name of a level.
    #[must_use]
    pub(crate) fn level(self, level: v1::Level) -> &'static str {
        match level {
            v1::Level::Province => self.pick("tỉnh", "province"),
            v1::Level::District => self.pick("huyện", "district"),
            v1::Level::Commune => self.pick("xã", "commune"),
            v1::Level::Unspecified => "",
        }
    }

    /// Name of a quota's layer.
    #[must_use]
    pub(crate) fn layer(self, layer: v1::QuotaLayer) -> &'static str {
        match layer {
            v1::QuotaLayer::Central => self.pick("trung ương", "central"),
            v1::QuotaLayer::Provincial => self.pick("tỉnh", "provincial"),
            v1::QuotaLayer::Commitment => self.pick("tự cam kết", "commitment"),
            v1::QuotaLayer::Unspecified => "",
        }
    }

    /// Name of a role.
    #[must_use]
    pub(crate) fn role(self, role: v1::Role) -> &'static str {
        match role {
            v1::Role::Lead => self.pick("chủ trì", "lead"),
            v1::Role::Coordinating => self.pick("phối hợp", "coordinating"),
            v1::Role::Implementing => self.pick("triển khai", "implementing"),
            v1::Role::Focal => self.pick("đầu mối", "focal"),
            v1::Role::Unspecified => "",
        }
    }

    /// What a check looks for; in English its code.
    #[must_use]
    pub(crate) fn check(self, check: v1::Check) -> &'static str {
        let code = check.as_str_name().trim_start_matches("CHECK_");
        match (self, Check::of(code)) {
            (Self::Vi, Some(check)) => check.vi(),
            _ => code,
        }
    }

    /// Name of a finding's severity.
    #[must_use]
    pub(crate) fn severity(self, severity: v1::Severity) -> &'static str {
        match severity {
            v1::Severity::Note => self.pick("ghi chú", "note"),
            v1::Severity::Warning => self.pick("cảnh báo", "warning"),
            v1::Severity::Blocking => self.pick("tạm dừng đánh giá", "blocking"),
            v1::Severity::Unspecified => "",
        }
    }

    /// Name of a model's status; nobody having reported one is said so.
    #[must_use]
    pub(crate) fn model_status(self, status: v1::ModelStatus) -> &'static str {
        match status {
            v1::ModelStatus::Unspecified => self.pick("chưa có báo cáo", "not reported"),
            v1::ModelStatus::NotStarted => self.pick("chưa triển khai", "not started"),
            v1::ModelStatus::Reviewed => self.pick("đã rà soát", "reviewed"),
            v1::ModelStatus::Planned => self.pick("đã có kế hoạch", "planned"),
            v1::ModelStatus::Piloting => self.pick("thí điểm", "piloting"),
            v1::ModelStatus::Deployed => self.pick("đã triển khai", "deployed"),
            v1::ModelStatus::Accepted => self.pick("đã nghiệm thu", "accepted"),
            v1::ModelStatus::Suspended => self.pick("tạm dừng", "suspended"),
        }
    }

    /// Name and colour word of a verdict's status.
    #[must_use]
    pub(crate) fn verdict(self, status: v1::VerdictStatus) -> &'static str {
        match status {
            v1::VerdictStatus::Done => self.pick("hoàn thành", "done"),
            v1::VerdictStatus::Unknown => self.pick("xám: chưa đánh giá được", "grey: unknown"),
            v1::VerdictStatus::Early => self.pick("sớm: chưa đủ báo cáo", "early"),
            v1::VerdictStatus::Green => self.pick("xanh", "green"),
            v1::VerdictStatus::Amber => self.pick("vàng", "amber"),
            v1::VerdictStatus::Red => self.pick("đỏ", "red"),
            v1::VerdictStatus::Unspecified => "",
        }
    }

    /// Name of a concern.
    #[must_use]
    pub(crate) fn concern(self, concern: v1::Concern) -> &'static str {
        match concern {
            v1::Concern::Lagging => self.pick("chậm tiến độ", "lagging"),
            v1::Concern::BelowAverage => self.pick("thấp hơn bình quân", "below average"),
            v1::Concern::Silent => self.pick("không báo cáo", "silent"),
            v1::Concern::NoData => self.pick("chưa có số liệu", "no data"),
            v1::Concern::Overdue => self.pick("quá hạn", "overdue"),
            v1::Concern::Unspecified => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(behind_positions: u64, behind_seconds: f64, heard: f64) -> v1::AnsweredAt {
        v1::AnsweredAt {
            position: 100,
            folded_position: 100,
            behind_positions,
            behind_seconds,
            head_heard_seconds: heard,
            ..v1::AnsweredAt::default()
        }
    }

    #[test]
    fn a_fresh_answer_lacks_nothing() {
        assert_eq!(Lang::Vi.lack(&answered(0, 0.0, 0.8)), None);
        assert_eq!(Lang::Vi.lack(&answered(0, 0.0, 30.0)), None);
    }

    #[test]
    fn an_answer_that_is_behind_says_how_far() {
        let behind = answered(1_200, 3.25, 0.4);
        assert_eq!(
            Lang::Vi.lack(&behind).unwrap(),
            "Chậm so với sổ: còn 1.200 vị trí chưa được tính, biết từ 3,2 giây trước"
        );
        assert_eq!(
            Lang::En.lack(&behind).unwrap(),
            "Behind the log: positions not counted yet: 1,200, known of for 3.2 s"
        );
        let earlier = v1::AnsweredAt {
            position: 99,
            ..behind
        };
        assert_eq!(
            Lang::Vi.lack(&earlier),
            None,
            "what was known then is complete"
        );
    }

    #[test]
    fn silence_of_the_log_is_said_too() {
        let both = Lang::En.lack(&answered(1, 61.0, 61.4)).unwrap();
        let lines: Vec<_> = both.lines().collect();
        assert_eq!(lines.len(), 2, "{both}");
        assert_eq!(
            lines[1],
            "Nothing was heard of the log for 61 s: new reports may be missing"
        );
    }
}
