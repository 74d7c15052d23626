//! How people write: figures, dates, names and what must not be written at all.
//!
//! Everything here is pure and works on text in any Unicode form, with or without diacritics.
//!
//! - [`decimal`]: decimal numbers that are kept as they are written
//! - [`number`]: counts, percentages and vague quantities, read and shown the Vietnamese way
//! - [`date`]: dates, effective moments to the hour, and instants in Vietnam's time
//! - [`name`]: names of places: folding, prefixes such as Quận and Tp., search, subject tokens
//! - [`personal`]: finds citizens' personal data in free text, so that it can be refused
//! - [`collate`]: Vietnamese alphabetical order

pub mod collate;
pub mod date;
pub mod decimal;
pub mod name;
pub mod number;
pub mod personal;

pub use collate::{collation_key, compare_vi};
pub use date::{DateError, Moment, Precision, iso_text, parse_date, parse_instant};
pub use decimal::{Decimal, DecimalError};
pub use name::{PlaceKind, fold, nfc, slug};
pub use number::{
    Bound, NumberError, Percent, Quantity, parse_bounded_percent, parse_count, parse_percent,
    parse_quantity,
};
pub use personal::{PersonalData, PersonalDataKind, find_personal_data};

/// Characters of the input that an error repeats.
const EXCERPT_CHARS_MAX: usize = 40;

/// The start of a text, fit to be repeated in an error: short, on one line.
fn excerpt(text: &str) -> String {
    let mut chars = text.trim().chars();
    let mut short: String = chars
        .by_ref()
        .take(EXCERPT_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(excerpt(" 269\n950 "), "269 950");
        assert_eq!(excerpt(&"đ".repeat(41)), format!("{}…", "đ".repeat(40)));
        assert_eq!(excerpt(&"đ".repeat(40)), "đ".repeat(40));
    }
}
