//! Dated identity of a place.
//!
//! A GSO code is not an identity: of the 3,321 communes of 1 July 2025, 3,310 carry a code that another commune had before.
//! So a locality is known by its code *and* the date from which the register lists this identity.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Level of administration. Ordered from the province down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// Tỉnh, thành phố trực thuộc trung ương.
    Province,
    /// Quận, huyện, thị xã, thành phố thuộc tỉnh; until 30 June 2025.
    District,
    /// Xã, phường, thị trấn, đặc khu.
    Commune,
}

/// A GSO code: 2 digits (province), 3 (district) or 5 (commune). Leading zeros count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("pattern" = r"^([0-9]{2,3}|[0-9]{5})$"))
)]
#[serde(try_from = "String", into = "String")]
pub struct LocalityCode {
    // The order of the fields makes provinces sort before districts before communes.
    digits: u8,
    number: u32,
}

/// A text that is no locality code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a locality code: 2 digits (province), 3 (district) or 5 (commune)")]
pub struct LocalityCodeError(pub String);

impl LocalityCode {
    /// The level the code belongs to, which its length tells.
    #[must_use]
    pub fn level(self) -> Level {
        match self.digits {
            2 => Level::Province,
            3 => Level::District,
            _ => Level::Commune,
        }
    }
}

impl FromStr for LocalityCode {
    type Err = LocalityCodeError;

    fn from_str(text: &str) -> Result<Self, LocalityCodeError> {
        let refused = || LocalityCodeError(text.chars().take(16).collect());
        if !matches!(text.len(), 2 | 3 | 5) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refused());
        }
        let number = text.parse().map_err(|_| refused())?;
        Ok(Self {
            digits: text.len() as u8,
            number,
        })
    }
}

impl TryFrom<String> for LocalityCode {
    type Error = LocalityCodeError;
    fn try_from(text: String) -> Result<Self, LocalityCodeError> {
        text.parse()
    }
}

impl From<LocalityCode> for String {
    fn from(code: LocalityCode) -> Self {
        code.to_string()
    }
}

impl fmt::Display for LocalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Every answer is full of codes, and padding by the formatter takes ten times as long.
        let mut text = [b'0'; 5];
        let mut rest = self.number;
        let digits = &mut text[..usize::from(self.digits).min(5)];
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        f.write_str(str::from_utf8(digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for LocalityCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Identity of a locality: its code and the date of the register's edition that first lists it.
///
/// Written `568@2023-04-10`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LocalityId {
    /// The GSO code.
    pub code: LocalityCode,
    /// Date of the register's edition that first lists this identity.
    pub since: Date,
}

impl fmt::Display for LocalityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.code, self.since)
    }
}

impl fmt::Debug for LocalityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_code_is_its_level_and_its_zeros_count() {
        let code: LocalityCode = "00004".parse().unwrap();
        assert_eq!(
            (code.level(), code.to_string().as_str()),
            (Level::Commune, "00004")
        );
        let code: LocalityCode = "056".parse().unwrap();
        assert_eq!(
            (code.level(), code.to_string().as_str()),
            (Level::District, "056")
        );
        assert_ne!("56".parse::<LocalityCode>(), "056".parse());
        for text in ["", "5", "5678", "56a", "５６"] {
            assert!(text.parse::<LocalityCode>().is_err(), "{text}");
        }
    }
}
