//! How good a locality's data are: four figures, each a fraction with its definition.
//!
//! Data must be "đúng, đủ, sạch, sống" (correct, complete, clean, live).
//! What nobody asked for or reported is not measurable, and never 100 %.

use std::collections::BTreeSet;

use domain::code::IndicatorCode;
use domain::locality::LocalityId;
use domain::text::date::date_in_vietnam;
use jiff::ToSpan;
use jiff::civil::Date;

use crate::figure::{FigureEntry, share_of};
use crate::finding::Which;
use crate::reading::Reading;

/// By which rules data are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QualityRules {
    /// Names these rules wherever their result is shown.
    pub version: String,
    /// How many days up to the one asked about count as now.
    pub window_days: u16,
    /// How many days after the moment it speaks of a figure is still on time.
    pub grace_days: u16,
    /// How many days there are between two reports of one series; a series is alive for twice as many.
    pub cadence_days: u16,
}

impl QualityRules {
    /// The rules of November 2026: a quarter of a year, three days, a week.
    #[must_use]
    pub fn of_2026_11() -> Self {
        Self {
            version: "2026-11".to_owned(),
            window_days: 90,
            grace_days: 3,
            cadence_days: 7,
        }
    }
}

/// One of the four figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum QualityMeasure {
    /// Đủ.
    Completeness,
    /// Kịp thời.
    Timeliness,
    /// Đúng, sạch.
    Consistency,
    /// Sống.
    Liveness,
}

impl QualityMeasure {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 4] = [
        Self::Completeness,
        Self::Timeliness,
        Self::Consistency,
        Self::Liveness,
    ];

    /// The stable text, used by JSON, CSV and the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completeness => "completeness",
            Self::Timeliness => "timeliness",
            Self::Consistency => "consistency",
            Self::Liveness => "liveness",
        }
    }

    /// Its name in Vietnamese.
    #[must_use]
    pub fn vi(self) -> &'static str {
        match self {
            Self::Completeness => "đủ",
            Self::Timeliness => "kịp thời",
            Self::Consistency => "đúng, sạch",
            Self::Liveness => "sống",
        }
    }

    /// What is counted against what by some rules, in Vietnamese.
    #[must_use]
    pub fn definition_vi(self, rules: &QualityRules) -> String {
        let (window, grace) = (rules.window_days, rules.grace_days);
        match self {
            Self::Completeness => "số chỉ tiêu đã có số liệu trên số chỉ tiêu được giao hoặc \
                đã đăng ký ngày hoàn thành; chỉ tiêu tạm dừng không tính"
                .to_owned(),
            Self::Timeliness => format!(
                "số báo cáo nhận được trong {grace} ngày sau thời điểm của số liệu trên số báo \
                cáo có thời điểm trong {window} ngày gần nhất; không tính báo cáo đã rút"
            ),
            Self::Consistency => format!(
                "số số liệu không còn cảnh báo nào chưa xử lý trên số số liệu có hiệu lực trong \
                {window} ngày gần nhất"
            ),
            Self::Liveness => format!(
                "số chỉ tiêu có số liệu mới nhất không quá {} ngày trên số chỉ tiêu được giao \
                đã có số liệu",
                rules.alive_days()
            ),
        }
    }

    /// What is counted against what by some rules, in English.
    #[must_use]
    pub fn definition_en(self, rules: &QualityRules) -> String {
        let (window, grace) = (rules.window_days, rules.grace_days);
        match self {
            Self::Completeness => "indicators with a figure, of those with a quota in force or a \
                declared day of completion"
                .to_owned(),
            Self::Timeliness => format!(
                "reports known within {grace} days after the moment they speak of, of those that \
                speak of the last {window} days and were not retracted"
            ),
            Self::Consistency => format!(
                "figures without an open warning, of those that hold and speak of the last \
                {window} days"
            ),
            Self::Liveness => format!(
                "indicators whose newest figure is at most {} days old, of those asked for that \
                have a figure",
                rules.alive_days()
            ),
        }
    }
}

impl QualityRules {
    /// How many days a series is alive after its newest figure.
    fn alive_days(&self) -> u32 {
        2 * u32::from(self.cadence_days)
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fraction {
    /// How many are as they should be.
    pub good: u64,
    /// Of how many; with 0 there is nothing to measure.
    pub of: u64,
}

impl Fraction {
    /// The share in hundredths of a percentage point, rounded half up; none if there is nothing to measure.
    #[must_use]
    pub fn hundredths(self) -> Option<u32> {
        share_of(self.good, self.of)
    }

    fn count<T>(all: impl IntoIterator<Item = T>, good: impl Fn(T) -> bool) -> Self {
        all.into_iter().fold(Self::default(), |sum, one| Self {
            good: sum.good + u64::from(good(one)),
            of: sum.of + 1,
        })
    }
}

/// How good a locality's own data are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// Indicators with a figure, of those asked for.
    pub completeness: Fraction,
    /// Reports known in time, of those of the window.
    pub timeliness: Fraction,
    /// Figures without an open warning, of those of the window that hold.
    pub consistency: Fraction,
    /// Indicators with a fresh figure, of those asked for that have one.
    pub liveness: Fraction,
}

impl Quality {
    /// One of the four.
    #[must_use]
    pub fn of(&self, measure: QualityMeasure) -> Fraction {
        match measure {
            QualityMeasure::Completeness => self.completeness,
            QualityMeasure::Timeliness => self.timeliness,
            QualityMeasure::Consistency => self.consistency,
            QualityMeasure::Liveness => self.liveness,
        }
    }
}

impl<'a> Reading<'a> {
    /// How good a locality's own data are on the day asked about, as [`QualityMeasure`] defines it.
    #[must_use]
    pub fn quality(&self, id: LocalityId, rules: &QualityRules) -> Quality {
        let today = self.as_of().date();
        let asked = self.asked_of(id);
        let newest: Vec<_> = asked
            .iter()
            .filter_map(|indicator| self.figure(id, indicator))
            .collect();
        let window = before(today, u32::from(rules.window_days));
        let mut figures = self.history(id, None);
        figures.retain(|figure| {
            figure.recorded.effective.date() > window && figure.retracted_by.is_none()
        });
        let reports = figures.iter().filter(|figure| figure.corrects.is_none());
        let on_time = |report: &FigureEntry<'_>| {
            let known = date_in_vietnam(report.recorded.known);
            before(known, u32::from(rules.grace_days)) <= report.recorded.effective.date()
        };
        let holding = figures.iter().filter(|one| one.corrected_by.is_none());
        let undoubted = |figure: &FigureEntry<'_>| {
            let mut open = self.findings_at(figure.recorded.position, Which::Open);
            open.next().is_none()
        };
        let alive = |figure: &FigureEntry<'_>| {
            before(today, rules.alive_days()) <= figure.recorded.effective.date()
        };
        Quality {
            completeness: Fraction {
                good: newest.len() as u64,
                of: asked.len() as u64,
            },
            timeliness: Fraction::count(reports, on_time),
            consistency: Fraction::count(holding, undoubted),
            liveness: Fraction::count(&newest, alive),
        }
    }

    /// The indicators that a locality has to report: those with a quota in force or a declaration.
    fn asked_of(&self, id: LocalityId) -> BTreeSet<&'a IndicatorCode> {
        let indicators = self.indicators_of(id).into_iter();
        indicators
            .filter(|indicator| self.is_asked(id, indicator))
            .collect()
    }
}

/// A day so many days earlier; the first of the calendar if there is none.
fn before(day: Date, days: u32) -> Date {
    day.checked_sub(i64::from(days).days()).unwrap_or(Date::MIN)
}
