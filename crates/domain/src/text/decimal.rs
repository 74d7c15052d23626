//! Decimal numbers that are kept as they are written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::excerpt;

/// Most decimals.
const DECIMALS_MAX: usize = 6;
/// Most digits before the point.
const WHOLE_DIGITS_MAX: usize = 9;
/// One.
const UNIT: i64 = 1_000_000;

/// A decimal number, such as a threshold: `0.3`, `-3.09`, `1400`.
///
/// Kept in millionths, so that two of them are equal or not, and written in one way: no zero at the end, none that is negative.
/// As text and in serde it is that writing.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("pattern" = r"^-?[0-9]{1,9}(\.[0-9]{0,5}[1-9])?$"))
)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    millionths: i64,
}

/// A text that is no decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is not a decimal number: up to nine digits, and after a point up to six more, such as 0.3 or -3.09"
)]
pub struct DecimalError(pub String);

impl Decimal {
    /// A whole number.
    #[must_use]
    pub fn whole(number: i32) -> Self {
        Self {
            millionths: i64::from(number) * UNIT,
        }
    }

    /// The nearest binary number, which is the one that the same digits are in a program's text.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        // Both are exact below 2^53, and so their quotient is rounded once.
        self.millionths as f64 / UNIT as f64
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.millionths < 0 { "-" } else { "" };
        let (unit, all) = (UNIT.unsigned_abs(), self.millionths.unsigned_abs());
        let decimals = format!("{:06}", all % unit);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{sign}{}", all / unit),
            decimals => write!(f, "{sign}{}.{decimals}", all / unit),
        }
    }
}

impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        read(text).ok_or_else(|| DecimalError(excerpt(text)))
    }
}

fn read(text: &str) -> Option<Decimal> {
    let is_digits = |text: &str, most| {
        (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, decimals) = match digits.split_once('.') {
        Some((whole, decimals)) if is_digits(decimals, DECIMALS_MAX) => (whole, decimals),
        Some(_) => return None,
        None => (digits, ""),
    };
    if !is_digits(whole, WHOLE_DIGITS_MAX) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{decimals:0<DECIMALS_MAX$}").parse().ok()?;
    let millionths = whole * UNIT + part;
    Some(Decimal {
        millionths: if is_negative { -millionths } else { millionths },
    })
}

impl TryFrom<String> for Decimal {
    type Error = DecimalError;
    fn try_from(text: String) -> Result<Self, DecimalError> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(decimal: Decimal) -> Self {
        decimal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_number_is_written_in_one_way() {
        for (text, written, number) in [
            ("0.3", "0.3", 0.3),
            ("-3.090", "-3.09", -3.09),
            ("1400", "1400", 1400.0),
            ("-0.0", "0", 0.0),
            ("007", "7", 7.0),
            ("999999999.999999", "999999999.999999", 999_999_999.999_999),
        ] {
            let decimal: Decimal = text.parse().unwrap();
            assert_eq!(
                (decimal.to_string().as_str(), decimal.as_f64()),
                (written, number)
            );
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_number() {
        for text in [
            "",
            "-",
            ".3",
            "3.",
            "0,3",
            "1.400.000",
            "0.0000001",
            "1e3",
            "+1",
            "NaN",
            " 1",
            "1234567890",
        ] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_number_comes_back_and_is_the_one_a_program_reads(millionths in -999_999_999_999_999..=999_999_999_999_999_i64) {
            let decimal = Decimal { millionths };
            let text = decimal.to_string();
            prop_assert_eq!(text.parse::<Decimal>().unwrap(), decimal);
            prop_assert_eq!(text.parse::<f64>().unwrap(), decimal.as_f64());
        }
    }
}
