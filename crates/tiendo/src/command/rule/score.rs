//! What a score counts, over a file and over the ledger alike: its columns and cells for people and for spreadsheets.

use lag::backtest::Score;
use wire::v1;

use super::shown::decimal;
use crate::lang::Lang;
use crate::output::{Cell, Column, number};

/// How many columns a spreadsheet has of a score.
const COUNTED: usize = 15;

/// The columns of a spreadsheet, named as in JSON.
pub(super) const COLUMNS: [&str; COUNTED] = [
    "places",
    "missed",
    "opened",
    "opened_and_missed",
    "precision",
    "recall",
    "f1",
    "open_at_deadline",
    "open_and_missed",
    "precision_at_deadline",
    "recall_at_deadline",
    "flapping_places",
    "notices",
    "cleared",
    "warned_days_median",
];

/// What is counted of some places.
pub(super) struct Counts {
    places: u64,
    missed: u64,
    opened: u64,
    opened_and_missed: u64,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    open_at_deadline: u64,
    open_and_missed: u64,
    precision_at_deadline: Option<f64>,
    recall_at_deadline: Option<f64>,
    flapping_places: u64,
    notices: u64,
    cleared: u64,
    warned_days_median: Option<f64>,
}

impl From<&v1::BacktestScore> for Counts {
    fn from(score: &v1::BacktestScore) -> Self {
        Self {
            places: score.places,
            missed: score.missed,
            opened: score.opened,
            opened_and_missed: score.opened_and_missed,
            precision: score.precision,
            recall: score.recall,
            f1: score.f1,
            open_at_deadline: score.open_at_deadline,
            open_and_missed: score.open_and_missed,
            precision_at_deadline: score.precision_at_deadline,
            recall_at_deadline: score.recall_at_deadline,
            flapping_places: score.flapping_places,
            notices: score.notices,
            cleared: score.cleared,
            warned_days_median: score.warned_days_median,
        }
    }
}

impl From<&Score> for Counts {
    fn from(score: &Score) -> Self {
        Self {
            places: score.places as u64,
            missed: score.missed as u64,
            opened: score.opened as u64,
            opened_and_missed: score.opened_and_missed as u64,
            precision: score.precision,
            recall: score.recall,
            f1: score.f1,
            open_at_deadline: score.open_at_deadline as u64,
            open_and_missed: score.open_and_missed as u64,
            precision_at_deadline: score.precision_at_deadline,
            recall_at_deadline: score.recall_at_deadline,
            flapping_places: score.flapping_places as u64,
            notices: score.notices as u64,
            cleared: score.cleared as u64,
            warned_days_median: score.warned_days_median,
        }
    }
}

/// The columns that people see of a score.
pub(super) fn columns() -> [Column; 7] {
    [
        number("places", "Nơi", "Places"),
        number("missed", "Trượt", "Missed"),
        number("opened", "Từng mở", "Ever opened"),
        number("precision", "Đúng", "Precision"),
        number("recall", "Đủ", "Recall"),
        number("flapping", "Chập chờn", "Flapping"),
        number("warned", "Trước hạn (ngày)", "Days ahead"),
    ]
}

impl Counts {
    /// The cells below [`columns`].
    pub(super) fn cells(&self, lang: Lang) -> [Cell; 7] {
        let count = |value: u64| Cell::from(lang.count(value));
        let part = |value: Option<f64>, digits: usize| {
            Cell::from(value.map_or_else(String::new, |v| decimal(v, digits, lang)))
        };
        [
            count(self.places),
            count(self.missed),
            count(self.opened),
            part(self.precision, 3),
            part(self.recall, 3),
            count(self.flapping_places),
            part(self.warned_days_median, 0),
        ]
    }

    /// How many were open on the eve, and how right that was.
    pub(super) fn on_the_eve(&self, lang: Lang) -> String {
        let count = lang.count(self.open_at_deadline);
        let part = |part: Option<f64>| part.map_or_else(|| "–".to_owned(), |p| decimal(p, 3, lang));
        let (precision, recall) = (self.precision_at_deadline, self.recall_at_deadline);
        format!("{count}: {} / {}", part(precision), part(recall))
    }

    /// The values below [`COLUMNS`].
    pub(super) fn raw(&self) -> [String; COUNTED] {
        let days = self.warned_days_median.map(|days| days.to_string());
        [
            self.places.to_string(),
            self.missed.to_string(),
            self.opened.to_string(),
            self.opened_and_missed.to_string(),
            raw_part(self.precision),
            raw_part(self.recall),
            raw_part(self.f1),
            self.open_at_deadline.to_string(),
            self.open_and_missed.to_string(),
            raw_part(self.precision_at_deadline),
            raw_part(self.recall_at_deadline),
            self.flapping_places.to_string(),
            self.notices.to_string(),
            self.cleared.to_string(),
            days.unwrap_or_default(),
        ]
    }
}

/// A share as a spreadsheet has it.
pub(super) fn raw_part(value: Option<f64>) -> String {
    value.map_or_else(String::new, |v| format!("{v:.4}"))
}

/// What a score has, between what stands before and behind it.
pub(super) fn between<T: Default, const A: usize, const B: usize, const N: usize>(
    before: [T; A],
    of_score: [T; COUNTED],
    behind: [T; B],
) -> [T; N] {
    const { assert!(A + COUNTED + B == N) }
    let mut all = before.into_iter().chain(of_score).chain(behind);
    std::array::from_fn(|_| all.next().unwrap_or_default())
}
