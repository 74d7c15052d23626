//! Counts, percentages and vague quantities.
//!
//! In Vietnamese a dot separates groups of three digits and a comma is the decimal sign.
//! What could be read in two ways is refused with both readings, never guessed: a spreadsheet that
//! turned `269.950` into `269.95` must not lose 269,680 people.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::excerpt;
use super::name::fold;

/// Bytes of a number as text; more is not a number.
const NUMBER_BYTES_MAX: usize = 64;

/// Why a text is not a number; the message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Nothing but white space.
    #[error("no number given: write one such as 269.950 or 269950, and 0 where there is none")]
    Missing,
    /// Letters, a bare sign, groups that are not of three digits.
    #[error(
        "{text} is not a number: write groups of exactly three digits, such as 269.950, or digits \
         only, such as 269950"
    )]
    NotANumber {
        /// The start of what was given.
        text: String,
    },
    /// A fraction where something is counted.
    #[error("{text} is not a count: {advice}")]
    DecimalCount {
        /// The start of what was given.
        text: String,
        /// What to write instead.
        advice: String,
    },
    /// A comma that is a separator in English and the decimal sign in Vietnamese.
    #[error(
        "{text} can be read in two ways, for a comma separates groups in English and decimals in \
         Vietnamese: if {grouped} was meant, write {grouped} or {plain}"
    )]
    Ambiguous {
        /// The start of what was given.
        text: String,
        /// The count it may be, in Vietnamese groups.
        grouped: String,
        /// The count it may be, digits only.
        plain: String,
    },
    /// A count with a minus sign.
    #[error("{text} is below zero: a count is 0 or more, so write the total reached, not a change")]
    CountBelowZero {
        /// The start of what was given.
        text: String,
    },
    /// A count that does not fit.
    #[error("{text} is too large: a count is at most 18.446.744.073.709.551.615")]
    CountTooLarge {
        /// The start of what was given.
        text: String,
    },
    /// Not a percentage in any accepted form.
    #[error("{text} is not a percentage: write it such as 83,8% or 83.8")]
    NotAPercent {
        /// The start of what was given.
        text: String,
    },
    /// A percentage with a minus sign.
    #[error("{text} is below zero: a percentage is 0 or more, such as 83,8%")]
    PercentBelowZero {
        /// The start of what was given.
        text: String,
    },
    /// More than two decimals, which may also be a group of thousands.
    #[error("{text} has more than two decimals: round it, such as 83,81%")]
    PercentTooPrecise {
        /// The start of what was given.
        text: String,
    },
    /// A percentage above [`Percent::MAX`].
    #[error("{text} is too large: a percentage is at most 100000%")]
    PercentTooLarge {
        /// The start of what was given.
        text: String,
    },
}

impl NumberError {
    /// The stable reason code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "NUMBER_MISSING",
            Self::NotANumber { .. } => "NOT_A_NUMBER",
            Self::DecimalCount { .. } => "DECIMAL_COUNT",
            Self::Ambiguous { .. } => "AMBIGUOUS_NUMBER",
            Self::CountBelowZero { .. } => "COUNT_BELOW_ZERO",
            Self::CountTooLarge { .. } => "COUNT_TOO_LARGE",
            Self::NotAPercent { .. } => "NOT_A_PERCENT",
            Self::PercentBelowZero { .. } => "PERCENT_BELOW_ZERO",
            Self::PercentTooPrecise { .. } => "PERCENT_TOO_PRECISE",
            Self::PercentTooLarge { .. } => "PERCENT_TOO_LARGE",
        }
    }
}

/// Reads a count: `269950`, `269.950` or `269 950`.
///
/// # Errors
///
/// [`NumberError`] for decimals, signs, commas, letters, other groups, and what exceeds `u64`.
pub fn parse_count(text: &str) -> Result<u64, NumberError> {
    let number = text.trim();
    if number.is_empty() {
        return Err(NumberError::Missing);
    }
    if is_below_zero(number) {
        return Err(NumberError::CountBelowZero {
            text: excerpt(number),
        });
    }
    let not_a_number = || NumberError::NotANumber {
        text: excerpt(number),
    };
    let known = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',') || is_group_space(c);
    if number.len() > NUMBER_BYTES_MAX || !number.chars().all(known) {
        return Err(not_a_number());
    }
    let dots = number.matches('.').count();
    let commas = number.matches(',').count();
    let spaces = number.chars().filter(|c| is_group_space(*c)).count();
    let between_digits = number.starts_with(|c: char| c.is_ascii_digit())
        && number.ends_with(|c: char| c.is_ascii_digit());
    match (dots, commas, spaces) {
        (0, 0, 0) => to_count(number),
        (_, 0, 0) if in_groups_of_three(number, |c| c == '.') => to_count(number),
        (0, 0, _) if in_groups_of_three(number, is_group_space) => to_count(number),
        (0, _, 0) if in_groups_of_three(number, |c| c == ',') => Err(NumberError::Ambiguous {
            text: excerpt(number),
            grouped: number.replace(',', "."),
            plain: number.replace(',', ""),
        }),
        (1, 0, 0) if between_digits => Err(decimal_with_dot(number)),
        (_, 1.., _) if between_digits && (commas == 1 || dots == 1) => {
            Err(NumberError::DecimalCount {
                text: excerpt(number),
                advice: "a comma separates decimals, and a count has none; write a whole number \
                         such as 269.950 or 269950"
                    .to_owned(),
            })
        }
        _ => Err(not_a_number()),
    }
}

/// Whether the number has a minus sign, as typed or as word processors write it.
fn is_below_zero(number: &str) -> bool {
    number
        .strip_prefix(['-', '\u{2212}', '\u{2013}'])
        .is_some_and(|rest| rest.trim_start().starts_with(|c: char| c.is_ascii_digit()))
}

/// Spaces that separate groups of digits: plain, no-break, figure, thin, narrow no-break.
fn is_group_space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{2007}' | '\u{2009}' | '\u{202f}')
}

/// One to three digits that do not start with zero, then groups of exactly three.
fn in_groups_of_three(number: &str, is_separator: impl Fn(char) -> bool) -> bool {
    let mut groups = number.split(is_separator);
    let Some(first) = groups.next() else {
        return false;
    };
    let digits = |group: &str| group.bytes().all(|b| b.is_ascii_digit());
    matches!(first.len(), 1..=3)
        && !first.starts_with('0')
        && digits(first)
        && groups.all(|group| group.len() == 3 && digits(group))
}

/// The value of the digits in `number`; its separators have been checked.
fn to_count(number: &str) -> Result<u64, NumberError> {
    number
        .bytes()
        .filter(u8::is_ascii_digit)
        .try_fold(0_u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or_else(|| NumberError::CountTooLarge {
            text: excerpt(number),
        })
}

/// The error for a number with one dot that separates no group of three.
fn decimal_with_dot(number: &str) -> NumberError {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let lost_zeros =
        matches!(whole.len(), 1..=3) && !whole.starts_with('0') && matches!(fraction.len(), 1 | 2);
    let advice = if lost_zeros {
        // What a spreadsheet leaves of a count whose last digits were zeros.
        format!(
            "a dot separates groups of three digits; if {whole}.{fraction:0<3} was meant, write \
             {whole}.{fraction:0<3} or {whole}{fraction:0<3}"
        )
    } else {
        "a dot separates groups of three digits, and a count has no decimals; write a whole \
         number such as 269.950 or 269950"
            .to_owned()
    };
    NumberError::DecimalCount {
        text: excerpt(number),
        advice,
    }
}

/// Shows a count the Vietnamese way: `269.950`.
pub fn format_count_vi(count: u64) -> String {
    grouped(count, '.')
}

/// Shows a count the English way: `269,950`.
pub fn format_count_en(count: u64) -> String {
    grouped(count, ',')
}

fn grouped(count: u64, separator: char) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// A percentage as printed: its value in hundredths of a percentage point, and how many decimals
/// were printed.
///
/// 83.8 % is 8380 hundredths with one decimal; it differs from 83.80 %, which claims more.
/// As text and in serde it is `83.8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("pattern" = r"^[0-9]{1,6}(\.[0-9]{1,2})?$"))
)]
#[serde(try_from = "String", into = "String")]
pub struct Percent {
    hundredths: u32,
    decimals: u8,
}

impl Percent {
    /// The largest percentage, 100000 %.
    pub const MAX: Self = Self {
        hundredths: 10_000_000,
        decimals: 2,
    };

    /// A percentage from hundredths of a percentage point, rounded half up to `decimals` decimals
    /// (more than two count as two).
    ///
    /// None above [`Percent::MAX`].
    pub fn from_hundredths(hundredths: u32, decimals: u8) -> Option<Self> {
        (hundredths <= Self::MAX.hundredths).then(|| {
            Self {
                hundredths,
                decimals: 2,
            }
            .rounded(decimals)
        })
    }

    /// 100 · value / denominator, rounded half up to two decimals.
    ///
    /// None when the denominator is zero or the result above [`Percent::MAX`].
    pub fn of(value: u64, denominator: u64) -> Option<Self> {
        Self::of_rounded(value, denominator, 2)
    }

    /// 100 · value / denominator, rounded half up once, to `decimals` decimals (more than two count
    /// as two), so that it never contradicts its own numbers.
    ///
    /// None when the denominator is zero or the result above [`Percent::MAX`].
    pub fn of_rounded(value: u64, denominator: u64, decimals: u8) -> Option<Self> {
        let unit = u128::from(unit_hundredths(decimals));
        let (value, denominator) = (u128::from(value), u128::from(denominator));
        let units = (20_000 * value + denominator * unit).checked_div(2 * denominator * unit)?;
        Self::from_hundredths(u32::try_from(units * unit).ok()?, decimals)
    }

    /// The same percentage rounded half up to `decimals` decimals (more than two count as two).
    ///
    /// Rounding what is already rounded may move it further than [`contradicts`](Self::contradicts)
    /// allows; from the numbers use [`Percent::of_rounded`].
    #[must_use]
    pub fn rounded(self, decimals: u8) -> Self {
        let unit = unit_hundredths(decimals);
        let hundredths = (self.hundredths + unit / 2) / unit * unit;
        Self {
            hundredths,
            decimals: decimals.min(2),
        }
    }

    /// The value in hundredths of a percentage point.
    pub fn hundredths(self) -> u32 {
        self.hundredths
    }

    /// Decimals printed, 0 to 2.
    pub fn decimals(self) -> u8 {
        self.decimals
    }

    /// Whether the printed percentage cannot come from these numbers.
    ///
    /// It may differ from 100 · value / denominator by 0.05 percentage points or by half a unit of
    /// its last printed digit, whichever is more.
    /// A percentage of nothing (denominator 0) always contradicts.
    pub fn contradicts(self, value: u64, denominator: u64) -> bool {
        let tolerance = u128::from((unit_hundredths(self.decimals) / 2).max(5));
        let (value, denominator) = (u128::from(value), u128::from(denominator));
        let printed = u128::from(self.hundredths) * denominator;
        denominator == 0 || printed.abs_diff(10_000 * value) > tolerance * denominator
    }
}

/// One unit of the last printed digit, in hundredths of a percentage point.
fn unit_hundredths(decimals: u8) -> u32 {
    match decimals {
        0 => 100,
        1 => 10,
        _ => 1,
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every answer is full of percentages, and the general formatter takes several times as long.
        let shown = usize::from(self.decimals.min(2));
        let mut rest = self.hundredths / [100, 10, 1][shown];
        let mut text = [b'.'; 11];
        let mut begin = text.len();
        loop {
            begin -= 1;
            // The point after so many digits from the right.
            if shown > 0 && text.len() - begin == shown + 1 {
                continue;
            }
            text[begin] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 && text.len() - begin > shown {
                break;
            }
        }
        f.write_str(str::from_utf8(&text[begin..]).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Percent {
    type Err = NumberError;

    /// Reads the form of [`Display`](fmt::Display) only; people's forms are for [`parse_percent`].
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let percent = parse_percent(text)?;
        if percent.to_string() == text {
            Ok(percent)
        } else {
            Err(NumberError::NotAPercent {
                text: excerpt(text),
            })
        }
    }
}

impl TryFrom<String> for Percent {
    type Error = NumberError;

    fn try_from(text: String) -> Result<Self, NumberError> {
        text.parse()
    }
}

impl From<Percent> for String {
    fn from(percent: Percent) -> Self {
        percent.to_string()
    }
}

/// Reads a percentage: `83,8%`, `83,8 %`, `83.8`, `100`, `124.56`.
///
/// Both signs separate decimals here, for a percentage has no groups of thousands.
///
/// # Errors
///
/// [`NumberError`] for a minus sign, more than two decimals, letters, and above 100000.
pub fn parse_percent(text: &str) -> Result<Percent, NumberError> {
    let number = text.trim();
    if number.is_empty() {
        return Err(NumberError::Missing);
    }
    if is_below_zero(number) {
        return Err(NumberError::PercentBelowZero {
            text: excerpt(number),
        });
    }
    let not_a_percent = || NumberError::NotAPercent {
        text: excerpt(number),
    };
    if number.len() > NUMBER_BYTES_MAX {
        return Err(not_a_percent());
    }
    let digits = number.strip_suffix('%').map_or(number, str::trim_end);
    let (whole, fraction) = match digits.split_once(['.', ',']) {
        Some((_, "")) => return Err(not_a_percent()),
        Some(parts) => parts,
        None => (digits, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return Err(not_a_percent());
    }
    let (decimals, rest) = match fraction.len() {
        0 => (0, "00"),
        1 => (1, "0"),
        2 => (2, ""),
        _ => {
            return Err(NumberError::PercentTooPrecise {
                text: excerpt(number),
            });
        }
    };
    let mut digits = [whole, fraction, rest].into_iter().flat_map(str::bytes);
    digits
        .try_fold(0_u32, |number, digit| {
            number.checked_mul(10)?.checked_add(u32::from(digit - b'0'))
        })
        .and_then(|hundredths| Percent::from_hundredths(hundredths, decimals))
        .ok_or_else(|| NumberError::PercentTooLarge {
            text: excerpt(number),
        })
}

/// Shows a percentage the Vietnamese way: `83,8%`.
pub fn format_percent_vi(percent: Percent) -> String {
    format!("{percent}%").replace('.', ",")
}

/// Shows a percentage the English way: `83.8%`.
pub fn format_percent_en(percent: Percent) -> String {
    format!("{percent}%")
}

/// How the true count relates to the one written.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The count itself.
    #[default]
    Exact,
    /// The count or more ("trên", "hơn", "more than", "at least").
    AtLeast,
    /// The count or less ("dưới", "under", "at most").
    AtMost,
    /// Near the count, on either side ("khoảng", "gần", "about", "nearly").
    About,
}

impl Bound {
    /// Whether the number is the very one.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        *self == Self::Exact
    }

    /// The bound a Vietnamese or English word states, with or without diacritics.
    pub fn from_words(words: &str) -> Option<Self> {
        let words = fold(words);
        BOUND_WORDS
            .iter()
            .find(|(_, all)| all.contains(&words.as_str()))
            .map(|(bound, _)| *bound)
    }
}

/// Folded words and signs of each bound.
const BOUND_WORDS: [(Bound, &[&str]); 3] = [
    (
        Bound::AtLeast,
        &[
            "tren",
            "hon",
            "it nhat",
            "toi thieu",
            "khong duoi",
            "more than",
            "at least",
            "over",
            "above",
            "no less than",
            "not less than",
            ">",
            "≥",
            ">=",
        ],
    ),
    (
        Bound::AtMost,
        &[
            "duoi",
            "nhieu nhat",
            "toi da",
            "khong qua",
            "chua den",
            "chua toi",
            "under",
            "below",
            "less than",
            "fewer than",
            "at most",
            "up to",
            "no more than",
            "not more than",
            "<",
            "≤",
            "<=",
        ],
    ),
    (
        Bound::About,
        &[
            "khoang",
            "gan",
            "xap xi",
            "chung",
            "uoc",
            "uoc tinh",
            "about",
            "nearly",
            "almost",
            "around",
            "approximately",
            "roughly",
            "~",
            "≈",
        ],
    ),
];

/// A count that may be vague, as newspapers print it: "trên 12.600".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quantity {
    /// How the true count relates to `value`.
    pub bound: Bound,
    /// The count written.
    pub value: u64,
}

/// Reads a count with or without a word of vagueness: `12.600`, `trên 12.600`, `more than 12600`.
///
/// # Errors
///
/// As [`parse_count`]; an unknown word is [`NumberError::NotANumber`].
pub fn parse_quantity(text: &str) -> Result<Quantity, NumberError> {
    let Some((bound, number)) = split_bound(text) else {
        return Err(NumberError::NotANumber {
            text: excerpt(text),
        });
    };
    Ok(Quantity {
        bound,
        value: parse_count(number)?,
    })
}

/// Reads a percentage with or without a word of vagueness: `83,8%`, `gần 90 %`, `trên 95%`.
///
/// # Errors
///
/// As [`parse_percent`]; an unknown word is [`NumberError::NotAPercent`].
pub fn parse_bounded_percent(text: &str) -> Result<(Bound, Percent), NumberError> {
    let Some((bound, number)) = split_bound(text) else {
        return Err(NumberError::NotAPercent {
            text: excerpt(text),
        });
    };
    Ok((bound, parse_percent(number)?))
}

/// A word of vagueness and the number after it; none if the word is unknown.
fn split_bound(text: &str) -> Option<(Bound, &str)> {
    let text = text.trim();
    let starts_number = |c: char| {
        c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | ',' | '\u{2212}' | '\u{2013}')
    };
    let (words, number) = match text.find(starts_number) {
        Some(at) => text.split_at(at),
        None => ("", text),
    };
    if words.trim().is_empty() {
        return Some((Bound::Exact, number));
    }
    Some((Bound::from_words(words)?, number))
}

/// Shows a quantity the Vietnamese way: `trên 12.600`.
pub fn format_quantity_vi(quantity: Quantity) -> String {
    let value = format_count_vi(quantity.value);
    match quantity.bound {
        Bound::Exact => value,
        Bound::AtLeast => format!("trên {value}"),
        Bound::AtMost => format!("dưới {value}"),
        Bound::About => format!("khoảng {value}"),
    }
}

/// Shows a quantity the English way: `more than 12,600`.
pub fn format_quantity_en(quantity: Quantity) -> String {
    let value = format_count_en(quantity.value);
    match quantity.bound {
        Bound::Exact => value,
        Bound::AtLeast => format!("more than {value}"),
        Bound::AtMost => format!("under {value}"),
        Bound::About => format!("about {value}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn count_reason(text: &str) -> &'static str {
        parse_count(text).unwrap_err().reason()
    }

    #[test]
    fn counts_are_read_the_vietnamese_way() {
        for text in [
            "269950",
            "269.950",
            "269 950",
            "269\u{a0}950",
            "269\u{2009}950",
            "269\u{202f}950",
            " 269.950\n",
        ] {
            assert_eq!(parse_count(text), Ok(269_950), "{text:?}");
        }
        assert_eq!(parse_count("1.638.937"), Ok(1_638_937));
        assert_eq!(parse_count("0"), Ok(0));
        assert_eq!(
            parse_count("05"),
            Ok(5),
            "documents write numbers below ten with a zero"
        );
        assert_eq!(parse_count("18.446.744.073.709.551.615"), Ok(u64::MAX));
    }

    #[test]
    fn decimals_are_refused_as_counts() {
        for text in [
            "269.95",
            "269.9",
            "269.9500",
            "2699.50",
            "0.123",
            "269,95",
            "269.950,00",
            "1,234.5",
            "269 950,5",
        ] {
            assert_eq!(count_reason(text), "DECIMAL_COUNT", "{text:?}");
        }
        assert_eq!(
            parse_count("269.95").unwrap_err().to_string(),
            "269.95 is not a count: a dot separates groups of three digits; if 269.950 was meant, \
             write 269.950 or 269950"
        );
    }

    #[test]
    fn an_english_comma_is_not_guessed() {
        assert_eq!(count_reason("269,950"), "AMBIGUOUS_NUMBER");
        assert_eq!(count_reason("2,000,000"), "AMBIGUOUS_NUMBER");
        let message = parse_count("269,950").unwrap_err().to_string();
        assert!(
            message.ends_with("if 269.950 was meant, write 269.950 or 269950"),
            "{message}"
        );
    }

    #[test]
    fn other_counts_are_refused_with_their_reason() {
        for (text, reason) in [
            ("", "NUMBER_MISSING"),
            (" \u{a0} ", "NUMBER_MISSING"),
            ("-5", "COUNT_BELOW_ZERO"),
            ("− 269.950", "COUNT_BELOW_ZERO"),
            ("-269.95", "COUNT_BELOW_ZERO"),
            ("18446744073709551616", "COUNT_TOO_LARGE"),
            ("+5", "NOT_A_NUMBER"),
            ("-", "NOT_A_NUMBER"),
            ("abc", "NOT_A_NUMBER"),
            ("12a", "NOT_A_NUMBER"),
            ("1.638.93", "NOT_A_NUMBER"),
            ("269 95", "NOT_A_NUMBER"),
            ("269  950", "NOT_A_NUMBER"),
            ("1.638 937", "NOT_A_NUMBER"),
            (".5", "NOT_A_NUMBER"),
            ("5.", "NOT_A_NUMBER"),
            ("1,2,3", "NOT_A_NUMBER"),
            ("1e5", "NOT_A_NUMBER"),
            ("２６９", "NOT_A_NUMBER"),
        ] {
            assert_eq!(count_reason(text), reason, "{text:?}");
        }
    }

    #[test]
    fn counts_are_shown() {
        assert_eq!(format_count_vi(269_950), "269.950");
        assert_eq!(format_count_en(269_950), "269,950");
        assert_eq!(format_count_vi(0), "0");
        assert_eq!(format_count_vi(999), "999");
        assert_eq!(format_count_vi(1_000), "1.000");
        assert_eq!(format_count_en(1_638_937), "1,638,937");
    }

    #[test]
    fn percentages_are_read_and_shown() {
        for (text, hundredths, decimals, vi, machine) in [
            ("83,8%", 8380, 1, "83,8%", "83.8"),
            ("83,8 %", 8380, 1, "83,8%", "83.8"),
            ("83.8", 8380, 1, "83,8%", "83.8"),
            ("100", 10_000, 0, "100%", "100"),
            ("124.56", 12_456, 2, "124,56%", "124.56"),
            ("136.60", 13_660, 2, "136,60%", "136.60"),
            ("0,05%", 5, 2, "0,05%", "0.05"),
            ("100000.00", 10_000_000, 2, "100000,00%", "100000.00"),
        ] {
            let percent = parse_percent(text).unwrap();
            assert_eq!(
                (percent.hundredths(), percent.decimals()),
                (hundredths, decimals)
            );
            assert_eq!(format_percent_vi(percent), vi);
            assert_eq!(format_percent_en(percent), format!("{machine}%"));
            assert_eq!(percent.to_string(), machine);
            assert_eq!(machine.parse(), Ok(percent));
        }
    }

    #[test]
    fn percentages_are_refused_with_their_reason() {
        for (text, reason) in [
            ("", "NUMBER_MISSING"),
            ("%", "NOT_A_PERCENT"),
            ("-1%", "PERCENT_BELOW_ZERO"),
            ("83.812", "PERCENT_TOO_PRECISE"),
            ("1.234%", "PERCENT_TOO_PRECISE"),
            ("1.234,5%", "NOT_A_PERCENT"),
            ("83.", "NOT_A_PERCENT"),
            (".5", "NOT_A_PERCENT"),
            ("83%%", "NOT_A_PERCENT"),
            ("about 83", "NOT_A_PERCENT"),
            ("100000.01", "PERCENT_TOO_LARGE"),
            ("99999999999999999999999", "PERCENT_TOO_LARGE"),
        ] {
            assert_eq!(
                parse_percent(text).unwrap_err().reason(),
                reason,
                "{text:?}"
            );
        }
        for text in ["83,8", "83.8%", " 83.8", "083.8"] {
            assert!(
                text.parse::<Percent>().is_err(),
                "{text:?} is not the machine form"
            );
        }
    }

    #[test]
    fn published_percentages_agree_with_their_numbers() {
        for (printed, value, denominator) in [
            ("95.5", 257_890, 269_950),
            ("74.1", 199_968, 269_950),
            ("100", 25, 25),
            ("97.75", 1_638_937, 1_676_715),
            ("109.73", 699_634, 637_607),
            ("136.6", 436_167, 319_284),
            ("100.86", 322_042, 319_284),
        ] {
            let percent = parse_percent(printed).unwrap();
            assert!(!percent.contradicts(value, denominator), "{printed}");
        }
    }

    #[test]
    fn a_contradiction_is_more_than_rounding() {
        let contradicts =
            |text: &str, value| parse_percent(text).unwrap().contradicts(value, 10_000);
        assert!(
            !contradicts("83.8", 8385),
            "exactly 0.05 points is rounding"
        );
        assert!(contradicts("83.8", 8386));
        assert!(
            !contradicts("83.80", 8385),
            "the tolerance is never below 0.05 points"
        );
        assert!(contradicts("83.80", 8386));
        assert!(!contradicts("84", 8350));
        assert!(contradicts("84", 8349));
        assert!(contradicts("83.8", 8374));
        assert!(Percent::MAX.contradicts(0, 0));
        assert!(Percent::MAX.contradicts(u64::MAX, 1));
        assert!(
            !parse_percent("100")
                .unwrap()
                .contradicts(u64::MAX, u64::MAX)
        );
    }

    #[test]
    fn percentages_are_computed_and_rounded() {
        assert_eq!(Percent::of(257_890, 269_950).unwrap().to_string(), "95.53");
        assert_eq!(
            Percent::of(257_890, 269_950)
                .unwrap()
                .rounded(1)
                .to_string(),
            "95.5"
        );
        assert_eq!(Percent::of(1, 0), None);
        assert_eq!(Percent::of(u64::MAX, 1), None);
        assert_eq!(
            Percent::of(1, 20_000).unwrap().to_string(),
            "0.01",
            "half up"
        );
        assert_eq!(
            Percent::from_hundredths(8375, 1).unwrap().to_string(),
            "83.8"
        );
        assert_eq!(Percent::from_hundredths(10_000_001, 2), None);
    }

    #[test]
    fn quantities_are_read_and_shown() {
        for (text, bound) in [
            ("12.600", Bound::Exact),
            ("trên 12.600", Bound::AtLeast),
            ("Tren 12600", Bound::AtLeast),
            ("hơn 12.600", Bound::AtLeast),
            ("more than 12 600", Bound::AtLeast),
            ("at least 12600", Bound::AtLeast),
            ("dưới 12.600", Bound::AtMost),
            ("under 12600", Bound::AtMost),
            ("khoảng 12.600", Bound::About),
            ("gần 12.600", Bound::About),
            ("Nearly 12600", Bound::About),
            ("about 12600", Bound::About),
            ("≥12.600", Bound::AtLeast),
        ] {
            assert_eq!(
                parse_quantity(text),
                Ok(Quantity {
                    bound,
                    value: 12_600
                }),
                "{text:?}"
            );
        }
        let quantity = Quantity {
            bound: Bound::AtLeast,
            value: 12_600,
        };
        assert_eq!(format_quantity_vi(quantity), "trên 12.600");
        assert_eq!(format_quantity_en(quantity), "more than 12,600");
        assert_eq!(Bound::from_words("more than"), Some(Bound::AtLeast));
        assert_eq!(Bound::from_words("commended"), None);
    }

    #[test]
    fn quantities_are_refused_with_their_reason() {
        for (text, reason) in [
            ("", "NUMBER_MISSING"),
            ("trên", "NOT_A_NUMBER"),
            ("trên -5", "COUNT_BELOW_ZERO"),
            ("trên 12.6", "DECIMAL_COUNT"),
            ("trên 12,600", "AMBIGUOUS_NUMBER"),
            ("chắc 12.600", "NOT_A_NUMBER"),
            ("trên 12.600 tài khoản", "NOT_A_NUMBER"),
            ("-5", "COUNT_BELOW_ZERO"),
        ] {
            assert_eq!(
                parse_quantity(text).unwrap_err().reason(),
                reason,
                "{text:?}"
            );
        }
    }

    fn any_percent() -> impl Strategy<Value = Percent> {
        (0..=10_000_000_u32, 0..=2_u8).prop_map(|(hundredths, decimals)| {
            Percent::from_hundredths(hundredths, decimals).unwrap()
        })
    }

    fn any_bound() -> impl Strategy<Value = Bound> {
        prop::sample::select(vec![
            Bound::Exact,
            Bound::AtLeast,
            Bound::AtMost,
            Bound::About,
        ])
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_gives_the_count(count: u64) {
            prop_assert_eq!(parse_count(&format_count_vi(count)), Ok(count));
            prop_assert_eq!(parse_count(&count.to_string()), Ok(count));
            let spaced = format_count_vi(count).replace('.', "\u{a0}");
            prop_assert_eq!(parse_count(&spaced), Ok(count));
            let english = parse_count(&format_count_en(count));
            prop_assert_eq!(english.is_ok(), count < 1000);
        }

        #[test]
        fn reading_what_is_shown_gives_the_percentage(percent in any_percent()) {
            prop_assert_eq!(parse_percent(&format_percent_vi(percent)), Ok(percent));
            prop_assert_eq!(parse_percent(&format_percent_en(percent)), Ok(percent));
            prop_assert_eq!(percent.to_string().parse(), Ok(percent));
        }

        #[test]
        fn reading_what_is_shown_gives_the_quantity(value: u64, bound in any_bound()) {
            let quantity = Quantity { bound, value };
            let shown = format_quantity_vi(quantity);
            prop_assert_eq!(parse_quantity(&shown), Ok(quantity));
            let decomposed: String = shown.nfd().collect();
            prop_assert_eq!(parse_quantity(&decomposed), Ok(quantity));
        }

        #[test]
        fn a_computed_percentage_never_contradicts(
            value: u64,
            denominator in 1_u64..,
            decimals in 0..=2_u8,
        ) {
            if let Some(percent) = Percent::of_rounded(value, denominator, decimals) {
                prop_assert!(!percent.contradicts(value, denominator));
            }
        }

        #[test]
        fn a_computed_percentage_of_people_never_contradicts(
            value in 0..2_000_000_u64,
            denominator in 1..1_000_000_u64,
            decimals in 0..=2_u8,
        ) {
            if let Some(percent) = Percent::of_rounded(value, denominator, decimals) {
                prop_assert_eq!(percent.decimals(), decimals);
                prop_assert!(!percent.contradicts(value, denominator));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = (parse_count(&text), parse_percent(&text), parse_quantity(&text));
        }

        #[test]
        fn number_like_text_is_read_or_refused(text in "[-+ .,%0-9a]{0,30}") {
            let _ = (parse_count(&text), parse_percent(&text), parse_quantity(&text));
        }
    }
}
