//! The columns of a file of figures and what headers call them.
//!
//! A header is compared without case, diacritics and punctuation: `Tỉnh/Thành phố`, `tinh thanh pho`, `TỈNH, THÀNH PHỐ`.

use std::collections::HashMap;
use std::sync::LazyLock;

use domain::text::fold;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Column {
    /// Name of a province.
    Province,
    /// Name of a district.
    District,
    /// Name of a commune.
    Commune,
    /// Code of the locality.
    Code,
    /// Code, alias or name of the indicator.
    Indicator,
    /// The moment the figure speaks of.
    Date,
    /// The count.
    Value,
    /// The quota it is counted against.
    Target,
    /// What it is counted against, as the indicator defines it.
    Denominator,
    /// The percentage as printed.
    Percent,
    /// What is counted, with a word on how it is meant.
    Unit,
    /// Where the figure comes from.
    Source,
    /// Anything to add.
    Note,
    /// First day of the locality, which with its code is its identity.
    Since,
    /// How the true count relates to the one written.
    Bound,
    /// How the true percentage relates to the one written.
    PercentBound,
    /// Of what kind the denominator is.
    DenominatorKind,
    /// Whether the denominator was derived, not published.
    Derived,
    /// Address of the source.
    SourceUrl,
    /// Last day of a quota.
    Deadline,
    /// Who set a quota.
    Layer,
    /// Number of the document that sets a quota.
    Document,
    /// Who issued that document.
    Issuer,
}

/// Headers of columns that count the records and say nothing else.
const IGNORED: [&str; 6] = ["stt", "tt", "so tt", "so thu tu", "no", "#"];

/// Headers of each column as [`key`] gives them, our own first.
const NAMES: [(Column, &[&str]); 23] = [
    (
        Column::Province,
        &[
            "province",
            "tinh",
            "tinh thanh pho",
            "tinh thanh",
            "tinh tp",
            "thanh pho tinh",
            "ten tinh",
        ],
    ),
    (
        Column::District,
        &[
            "district",
            "huyen",
            "quan huyen",
            "huyen quan",
            "quan",
            "quan huyen thi xa",
            "huyen thi xa thanh pho",
            "quan huyen thi xa thanh pho",
            "cap huyen",
            "ten huyen",
        ],
    ),
    (
        Column::Commune,
        &[
            "commune",
            "ward",
            "xa",
            "xa phuong",
            "phuong xa",
            "phuong",
            "xa phuong thi tran",
            "phuong xa thi tran",
            "cap xa",
            "ten xa",
        ],
    ),
    (
        Column::Code,
        &[
            "code",
            "locality",
            "locality code",
            "ma",
            "ma dia phuong",
            "ma don vi",
            "ma dvhc",
            "ma don vi hanh chinh",
        ],
    ),
    (
        Column::Indicator,
        &[
            "indicator",
            "chi tieu",
            "ma chi tieu",
            "ten chi tieu",
            "chi so",
        ],
    ),
    (
        Column::Date,
        &[
            "date",
            "as of",
            "effective",
            "ngay",
            "ngay bao cao",
            "ngay chot so lieu",
            "thoi diem",
            "tinh den",
            "tinh den ngay",
            "thoi gian",
        ],
    ),
    (
        Column::Value,
        &[
            "value",
            "count",
            "figure",
            "so luong",
            "gia tri",
            "so lieu",
            "ket qua",
            "thuc hien",
            "da thuc hien",
        ],
    ),
    (
        Column::Target,
        &[
            "target",
            "quota",
            "chi tieu giao",
            "chi tieu duoc giao",
            "so giao",
            "ke hoach giao",
        ],
    ),
    (Column::Denominator, &["denominator", "mau so"]),
    (
        Column::Percent,
        &[
            "percent",
            "percentage",
            "share",
            "%",
            "ty le",
            "ti le",
            "ty le phan tram",
            "phan tram",
            "ty le %",
        ],
    ),
    (Column::Unit, &["unit", "don vi", "don vi tinh", "dvt"]),
    (
        Column::Source,
        &["source", "nguon", "nguon so lieu", "nguon tin"],
    ),
    (Column::Note, &["note", "notes", "remark", "ghi chu"]),
    (Column::Since, &["since", "hieu luc tu", "co hieu luc tu"]),
    (Column::Bound, &["bound", "dau", "muc do chinh xac"]),
    (Column::PercentBound, &["percent bound", "dau ty le"]),
    (
        Column::DenominatorKind,
        &["denominator kind", "loai mau so"],
    ),
    (Column::Derived, &["derived", "suy ra", "mau so suy ra"]),
    (
        Column::SourceUrl,
        &["source url", "url", "dia chi nguon", "duong dan"],
    ),
    (
        Column::Deadline,
        &["deadline", "han", "han hoan thanh", "thoi han"],
    ),
    (Column::Layer, &["layer", "cap giao", "cap giao chi tieu"]),
    (
        Column::Document,
        &["document", "van ban", "so van ban", "so hieu van ban"],
    ),
    (
        Column::Issuer,
        &["issuer", "co quan ban hanh", "noi ban hanh"],
    ),
];

impl Column {
    /// All columns, in the order of the published layout.
    pub(crate) const ALL: [Self; 23] = [
        Self::Province,
        Self::District,
        Self::Commune,
        Self::Code,
        Self::Indicator,
        Self::Date,
        Self::Value,
        Self::Target,
        Self::Denominator,
        Self::Percent,
        Self::Unit,
        Self::Source,
        Self::Note,
        Self::Since,
        Self::Bound,
        Self::PercentBound,
        Self::DenominatorKind,
        Self::Derived,
        Self::SourceUrl,
        Self::Deadline,
        Self::Layer,
        Self::Document,
        Self::Issuer,
    ];

    /// The columns whose cells hold for every row that they are merged over: what a row is about, never how much.
    pub(crate) const SPREAD: [Self; 8] = [
        Self::Province,
        Self::District,
        Self::Commune,
        Self::Code,
        Self::Since,
        Self::Indicator,
        Self::Date,
        Self::Source,
    ];

    /// The columns of numbers.
    pub(crate) const NUMBERS: [Self; 4] =
        [Self::Value, Self::Target, Self::Denominator, Self::Percent];

    /// The columns that name a place.
    pub(crate) const PLACE: [Self; 4] = [Self::Code, Self::Commune, Self::District, Self::Province];

    /// Its header in a file of our own, which stands for it where a file has no such column.
    pub(crate) fn key(self) -> &'static str {
        self.names()[0]
    }

    /// Its Vietnamese heading, which reads back as the same column, and how wide it is shown, in characters.
    pub(crate) fn heading(self) -> (&'static str, f64) {
        match self {
            Self::Province => ("Tỉnh/Thành phố", 20.0),
            Self::District => ("Quận/Huyện", 20.0),
            Self::Commune => ("Xã/Phường", 20.0),
            Self::Code => ("Mã địa phương", 10.0),
            Self::Indicator => ("Chỉ tiêu", 28.0),
            Self::Date => ("Thời điểm", 14.0),
            Self::Value => ("Số lượng", 14.0),
            Self::Target => ("Chỉ tiêu giao", 14.0),
            Self::Denominator => ("Mẫu số", 14.0),
            Self::Percent => ("Tỷ lệ (%)", 10.0),
            Self::Unit => ("Đơn vị tính", 14.0),
            Self::Source => ("Nguồn", 40.0),
            Self::Note => ("Ghi chú", 40.0),
            Self::Since => ("Hiệu lực từ", 12.0),
            Self::Bound => ("Dấu", 10.0),
            Self::PercentBound => ("Dấu tỷ lệ", 10.0),
            Self::DenominatorKind => ("Loại mẫu số", 18.0),
            Self::Derived => ("Mẫu số suy ra", 10.0),
            Self::SourceUrl => ("Địa chỉ nguồn", 40.0),
            Self::Deadline => ("Hạn hoàn thành", 14.0),
            Self::Layer => ("Cấp giao", 14.0),
            Self::Document => ("Số văn bản", 18.0),
            Self::Issuer => ("Cơ quan ban hành", 24.0),
        }
    }

    /// The column that a header names.
    pub(crate) fn of_header(header: &str) -> Option<Self> {
        static COLUMNS: LazyLock<HashMap<&str, Column>> = LazyLock::new(|| {
            let named = NAMES.iter().flat_map(|(column, names)| {
                let name = |name: &&'static str| (*name, *column);
                names.iter().map(name)
            });
            named.collect()
        });
        let plain = header.split('(').next().unwrap_or(header);
        // Whole, and without what stands in parentheses: `Tỷ lệ (%)`.
        let find = |header| COLUMNS.get(key(header).as_str()).copied();
        find(header).or_else(|| find(plain))
    }

    /// Whether a header may be passed over.
    pub(crate) fn is_ignored(header: &str) -> bool {
        let bare = fold(header);
        IGNORED.contains(&bare.trim_end_matches('.'))
    }

    /// Its headers as [`key`] gives them, our own first.
    fn names(self) -> &'static [&'static str] {
        NAMES
            .iter()
            .find(|(column, _)| *column == self)
            .map_or(&["?"], |(_, names)| *names)
    }
}

/// Letters, digits and `%`, folded, in words.
fn key(header: &str) -> String {
    let folded = fold(header);
    let is_kept = |c: char| c.is_alphanumeric() || c == '%';
    let words = folded
        .split(|c: char| !is_kept(c))
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_known_in_both_languages_and_any_spelling() {
        for (header, column) in [
            ("province", Column::Province),
            ("Tỉnh/Thành phố", Column::Province),
            ("TỈNH, THÀNH PHỐ", Column::Province),
            ("Ti\u{309}nh", Column::Province),
            ("Quận/Huyện", Column::District),
            ("xa_phuong", Column::Commune),
            ("Mã", Column::Code),
            ("Chỉ tiêu", Column::Indicator),
            ("Chỉ tiêu giao", Column::Target),
            ("Mẫu số", Column::Denominator),
            ("Tỷ lệ (%)", Column::Percent),
            ("tỉ lệ", Column::Percent),
            ("%", Column::Percent),
            ("Số lượng (hồ sơ)", Column::Value),
            ("Đơn vị", Column::Unit),
            ("Nguồn", Column::Source),
            ("Ngày", Column::Date),
            ("Ghi chú", Column::Note),
            ("source_url", Column::SourceUrl),
            ("Hạn hoàn thành", Column::Deadline),
            ("Loại mẫu số", Column::DenominatorKind),
        ] {
            assert_eq!(Column::of_header(header), Some(column), "{header}");
        }
        for header in ["", "()", "Họ và tên", "colour"] {
            assert_eq!(Column::of_header(header), None, "{header}");
        }
        assert!(Column::is_ignored("STT.") && Column::is_ignored("#"));
    }

    #[test]
    fn no_header_names_two_columns() {
        for column in Column::ALL {
            let (heading, _) = column.heading();
            for name in column.names().iter().chain([&heading]) {
                assert_eq!(Column::of_header(name), Some(column), "{name}");
            }
        }
    }
}
