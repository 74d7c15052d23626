//! Vietnamese alphabetical order.
//!
//! Syllable by syllable: first the letters (a ă â b c d đ e ê …), then the tone (none, huyền, hỏi,
//! ngã, sắc, nặng), and only then the next syllable. Numbers stand before letters, by value.

use std::cmp::Ordering;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::name::{is_apostrophe, is_invisible, nfc};

/// The alphabet, with the four foreign letters at their places.
const ALPHABET: &str = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz";
/// Ends the letters of a syllable, and its tones; below every letter and tone.
const END: u8 = 0x01;
/// Weight of the first tone, huyền; a syllable without a tone has none.
const FIRST_TONE: u8 = 0x02;
/// Begins a number.
const NUMBER: u8 = 0x08;
/// Weight of the first letter.
const FIRST_LETTER: u8 = 0x10;
/// Begins a letter of another script.
const OTHER: u8 = 0xF0;

/// Compares two names in Vietnamese alphabetical order.
///
/// Names equal in letters and tones are ordered by their characters, so equal means equal in NFC.
/// To sort many, compute each [`collation_key`] once.
pub fn compare_vi(a: &str, b: &str) -> Ordering {
    collation_key(a).cmp(&collation_key(b))
}

/// A key whose byte order is the order of [`compare_vi`].
pub fn collation_key(text: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(text.len() * 3);
    let mut syllable = Syllable::default();
    let mut digits = String::new();
    for c in text.nfd().flat_map(char::to_lowercase).nfd() {
        if !c.is_ascii_digit() {
            push_number(&mut key, &mut digits);
        }
        if c.is_ascii_digit() {
            syllable.end(&mut key);
            digits.push(c);
        } else if is_combining_mark(c) {
            syllable.mark(c);
        } else if c.is_alphanumeric() {
            syllable.letter(c);
        } else if !is_apostrophe(c) && !is_invisible(c) {
            syllable.end(&mut key);
        }
    }
    push_number(&mut key, &mut digits);
    syllable.end(&mut key);
    key.push(0);
    key.extend_from_slice(nfc(text).as_bytes());
    key
}

/// The letters and tones met since the last break.
#[derive(Default)]
struct Syllable {
    letters: Vec<u8>,
    tones: Vec<u8>,
}

impl Syllable {
    fn letter(&mut self, letter: char) {
        if let Some(weight) = letter_weight(letter) {
            self.letters.push(weight);
        } else {
            self.letters.push(OTHER);
            self.letters.extend(u32::from(letter).to_be_bytes());
        }
    }

    /// A mark makes another letter (ă, â, ơ) or sets the tone; marks of other languages do not
    /// count.
    fn mark(&mut self, mark: char) {
        let tone = match mark {
            '\u{300}' => 0,
            '\u{309}' => 1,
            '\u{303}' => 2,
            '\u{301}' => 3,
            '\u{323}' => 4,
            _ => return self.alter(mark),
        };
        if !self.letters.is_empty() {
            self.tones.push(FIRST_TONE + tone);
        }
    }

    fn alter(&mut self, mark: char) {
        let Some(last) = self.letters.last_mut() else {
            return;
        };
        let composed = ALPHABET
            .chars()
            .zip(FIRST_LETTER..)
            .find(|(_, weight)| weight == last)
            .and_then(|(letter, _)| unicode_normalization::char::compose(letter, mark));
        if let Some(weight) = composed.and_then(letter_weight) {
            *last = weight;
        }
    }

    fn end(&mut self, key: &mut Vec<u8>) {
        if !self.letters.is_empty() {
            key.append(&mut self.letters);
            key.push(END);
            key.append(&mut self.tones);
            key.push(END);
        }
    }
}

fn letter_weight(letter: char) -> Option<u8> {
    ALPHABET
        .chars()
        .zip(FIRST_LETTER..)
        .find(|(known, _)| *known == letter)
        .map(|(_, weight)| weight)
}

/// Appends a number so that fewer digits come first; leading zeros do not count.
fn push_number(key: &mut Vec<u8>, digits: &mut String) {
    if !digits.is_empty() {
        let significant = digits.trim_start_matches('0');
        key.push(NUMBER);
        key.extend(
            u32::try_from(significant.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes(),
        );
        key.extend_from_slice(significant.as_bytes());
        digits.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn assert_ordered(names: &[&str]) {
        for pair in names.windows(2) {
            assert_eq!(
                compare_vi(pair[0], pair[1]),
                Ordering::Less,
                "{} < {}",
                pair[0],
                pair[1]
            );
        }
        let mut sorted = names.to_vec();
        sorted.reverse();
        sorted.sort_by_key(|name| collation_key(name));
        assert_eq!(sorted, names);
    }

    #[test]
    fn letters_follow_the_alphabet() {
        let letters: Vec<String> = ALPHABET.chars().map(String::from).collect();
        assert_ordered(&letters.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn tones_follow_their_order() {
        assert_ordered(&[
            "ma", "mà", "mả", "mã", "má", "mạ", "mă", "mằ", "mặ", "mâ", "mậ", "mb",
        ]);
        assert_ordered(&["ơ", "ờ", "ợ", "p", "u", "ụ", "ư", "ừ", "ự", "v"]);
    }

    #[test]
    fn syllables_are_compared_one_by_one() {
        assert_ordered(&[
            "Ba Vì",
            "Bà Rịa",
            "Bạc Liêu",
            "Bắc Giang",
            "Bắc Từ Liêm",
            "Bến Tre",
        ]);
        assert_ordered(&["Ba", "Ba Đình", "Ban", "Bàn"]);
        assert_ordered(&["Đà Nẵng", "Đắk Lắk", "Điện Biên", "Đống Đa"]);
        assert_ordered(&[
            "Cần Thơ",
            "Duyên Hà",
            "Đại Áng",
            "Hà Đông",
            "Hà Nội",
            "Hải Phòng",
        ]);
        assert_ordered(&["Nha Trang", "Phan Rang-Tháp Chàm", "Phan Thiết"]);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert_ordered(&["Quận 1", "Quận 2", "Quận 10", "Quận 12", "Quận Ba Đình"]);
        assert_ordered(&["Mỹ Đình", "Mỹ Đình 1", "Mỹ Đình 2"]);
        assert_ordered(&["Phường 2", "Phường 03", "Phường 10"]);
        assert_ordered(&["P1", "P2", "P10"]);
    }

    #[test]
    fn case_and_form_matter_least() {
        assert_ordered(&["HÀ ĐÔNG", "hà đông", "Hà Nội"]);
        let decomposed: String = "Hà Đông".nfd().collect();
        assert_eq!(compare_vi(&decomposed, "Hà Đông"), Ordering::Equal);
        assert_ordered(&["Hoà An", "Hòa Bình", "Hoà Lạc"]);
        assert_ordered(&["Ea H'leo", "Ea Hu", "Ea H’x"]);
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any::<String>(), b in any::<String>()) {
            prop_assert_eq!(compare_vi(&a, &b), compare_vi(&b, &a).reverse());
            prop_assert_eq!(compare_vi(&a, &b).is_eq(), nfc(&a) == nfc(&b));
        }

        #[test]
        fn both_forms_are_one(text in "[ A-Za-z0-9ĐđƠơƯưẠ-ỹ'-]{0,20}") {
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(collation_key(&decomposed), collation_key(&text));
        }

        #[test]
        fn a_longer_name_follows(text in "[a-zđươ]{1,8}( [a-zđươ]{1,8})?", more in "[a-zđươ0-9]{1,8}") {
            prop_assert_eq!(compare_vi(&text, &format!("{text} {more}")), Ordering::Less);
        }

        #[test]
        fn numbers_are_ordered_by_value(a: u64, b: u64) {
            let key = |number: u64| collation_key(&format!("Quận {number}"));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
        }
    }
}
