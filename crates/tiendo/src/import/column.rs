//! The columns of a file of figures and what headers call them.
//!
//! A header is compared without case, diacritics and punctuation: `Tỉnh/Thành phố`, `tinh thanh pho`, `TỈNH, THÀNH PHỐ`.

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
}

/// Headers of columns that count the records and say nothing else.
const IGNORED: [&str; 6] = ["stt", "tt", "so tt", "so thu tu", "no", "#"];

/// Headers of each column as [`keys`] gives them, our own first.
const NAMES: [(Column, &[&str]); 13] = [
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
];

impl Column {
    /// All columns, in the order of the published layout.
    pub(crate) const ALL: [Self; 13] = [
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
    ];

    /// The columns that name a place.
    pub(crate) const PLACE: [Self; 4] = [Self::Code, Self::Commune, Self::District, Self::Province];

    /// Its header in a file of our own, which stands for it where a file has no such column.
    pub(crate) fn key(self) -> &'static str {
        self.names()[0]
    }

    /// The column that a header names.
    pub(crate) fn of_header(header: &str) -> Option<Self> {
        let keys = keys(header);
        Self::ALL.into_iter().find(|column| {
            column
                .names()
                .iter()
                .any(|name| keys.iter().any(|key| key == name))
        })
    }

    /// Whether a header may be passed over.
    pub(crate) fn is_ignored(header: &str) -> bool {
        let bare = fold(header);
        IGNORED.contains(&bare.trim_end_matches('.'))
    }

    /// Its headers as [`keys`] gives them, our own first.
    fn names(self) -> &'static [&'static str] {
        NAMES
            .iter()
            .find(|(column, _)| *column == self)
            .map_or(&["?"], |(_, names)| *names)
    }
}

/// The ways to read a header: whole, and without what stands in parentheses (`Tỷ lệ (%)`).
fn keys(header: &str) -> [String; 2] {
    let plain = header.split('(').next().unwrap_or(header);
    [key(header), key(plain)]
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
            for name in column.names() {
                assert_eq!(Column::of_header(name), Some(column), "{name}");
            }
        }
    }
}
