//! The figures that a letter cites, as officials write them.

use lag::Language::Vietnamese;
use wire::v1;

/// Label and value of each figure that was computed, in the order in which they are read.
pub(super) fn table(verdict: &v1::Verdict) -> Vec<(&'static str, String)> {
    let of = Terms { verdict };
    let rows = [
        ("Ngày của số liệu", of.day("figure_at")),
        ("Kết quả", of.amount("count", "share")),
        ("Chỉ tiêu", of.amount("required", "target_share")),
        ("Thời hạn", of.day("deadline")),
        ("Còn thiếu so với chỉ tiêu", of.missing("missing")),
        ("Kế hoạch đến ngày của số liệu", of.count("planned")),
        ("Tốc độ hiện nay (mỗi tuần)", of.weekly("pace")),
        ("Tốc độ cần có (mỗi tuần)", of.weekly("pace_needed")),
        (
            "Dự báo đến thời hạn",
            of.amount("forecast", "forecast_share"),
        ),
        ("Khoảng dự báo", of.band()),
        ("Dự kiến đạt chỉ tiêu", of.day("eta")),
        ("Bình quân các đơn vị cùng cấp", of.share("average")),
    ];
    rows.into_iter()
        .filter_map(|(label, value)| Some((label, value?)))
        .collect()
}

struct Terms<'a> {
    verdict: &'a v1::Verdict,
}

impl Terms<'_> {
    fn value(&self, name: &str) -> Option<f64> {
        let term = self.verdict.terms.iter().find(|term| term.name == name)?;
        term.value.is_finite().then_some(term.value)
    }

    fn day(&self, name: &str) -> Option<String> {
        self.value(name).map(|day| Vietnamese.date(day))
    }

    fn share(&self, name: &str) -> Option<String> {
        self.value(name).map(|share| Vietnamese.percent(share))
    }

    /// A whole number of what is counted; none where only percentages were published.
    fn count(&self, name: &str) -> Option<String> {
        let count = self.value(name).filter(|_| self.verdict.counted)?;
        Some(self.counted(count))
    }

    fn counted(&self, count: f64) -> String {
        let unit = self.verdict.unit.as_ref().map_or("", |unit| &unit.vi);
        format!("{} {unit}", Vietnamese.count(count))
            .trim_end()
            .to_owned()
    }

    /// "43.000 tài khoản (86%)", or as much of it as is known.
    fn amount(&self, count: &str, share: &str) -> Option<String> {
        match (self.count(count), self.share(share)) {
            (Some(count), Some(share)) => Some(format!("{count} ({share})")),
            (count, share) => count.or(share),
        }
    }

    /// What is missing, at least one unit or a tenth of a percentage point.
    fn missing(&self, name: &str) -> Option<String> {
        let missing = self.value(name).filter(|missing| *missing > 0.0)?;
        if self.verdict.counted {
            return Some(self.counted(missing.ceil()));
        }
        self.points(missing, 0.001)
    }

    fn weekly(&self, name: &str) -> Option<String> {
        let pace = self.value(name)? * 7.0;
        if self.verdict.counted {
            return Some(self.counted(pace));
        }
        self.points(pace, 0.0)
    }

    /// A number of units in percentage points of the whole.
    fn points(&self, count: f64, least: f64) -> Option<String> {
        let share = count / self.value("denominator").filter(|of| *of > 0.0)?;
        let points = Vietnamese.points(share.max(least));
        Some(format!("{points} điểm phần trăm"))
    }

    fn band(&self) -> Option<String> {
        let (low, high) = (self.value("forecast_low")?, self.value("forecast_high")?);
        let of = self.value("denominator").filter(|of| *of > 0.0)?;
        let (low, high) = (Vietnamese.percent(low / of), Vietnamese.percent(high / of));
        Some(format!("{low} – {high}"))
    }
}
