//! Names of places: one key for all the ways to write a name, prefixes, search, subject tokens.
//!
//! Officials write "Quận Hà Đông", "Q. Hà Đông", "ha dong"; files come composed (NFC) or decomposed
//! (NFD), with the tone mark on either vowel ("Hoà", "Hòa").

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The text in normalisation form C, borrowed when it already is.
pub fn nfc(text: &str) -> Cow<'_, str> {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => Cow::Borrowed(text),
        IsNormalized::No | IsNormalized::Maybe => Cow::Owned(text.nfc().collect()),
    }
}

/// The key of a name: equal for all ways to write it, with or without diacritics.
///
/// Lower case; marks removed (so both placements of a tone mark are equal) and đ → d; apostrophes
/// dropped ("M'Đrắk", "H' Neng"); hyphens are spaces; white space collapsed and trimmed.
pub fn fold(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let mut space_due = false;
    let mut after_apostrophe = false;
    for c in bare_chars(text) {
        if is_apostrophe(c) {
            after_apostrophe = true;
        } else if c.is_whitespace() || is_hyphen(c) {
            space_due |= !after_apostrophe;
        } else {
            if space_due && !key.is_empty() {
                key.push(' ');
            }
            key.push(c);
            space_due = false;
            after_apostrophe = false;
        }
    }
    key
}

/// The key of a name with its diacritics: equal for all ways to spell the same name.
///
/// As [`fold`], but marks count: "Hoà" and "Hòa" are equal, "Minh Quán" and "Minh Quân" are not.
/// Some districts have communes that only this key tells apart, so look it up before the other.
pub fn spelling(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    let mut tones = String::new();
    let mut space_due = false;
    let mut after_apostrophe = false;
    for c in text
        .nfd()
        .flat_map(char::to_lowercase)
        .nfd()
        .filter(|c| !is_invisible(*c))
    {
        if is_tone(c) {
            tones.push(c);
        } else if is_combining_mark(c) {
            key.push(c);
        } else if is_apostrophe(c) {
            after_apostrophe = true;
        } else if c.is_whitespace() || is_hyphen(c) {
            space_due |= !after_apostrophe;
        } else {
            if space_due && !key.is_empty() {
                key.push_str(&tones);
                tones.clear();
                key.push(' ');
            }
            key.push(if c == 'ð' { 'đ' } else { c });
            space_due = false;
            after_apostrophe = false;
        }
    }
    key.push_str(&tones);
    key
}

/// Huyền, sắc, ngã, hỏi, nặng.
fn is_tone(mark: char) -> bool {
    matches!(
        mark,
        '\u{300}' | '\u{301}' | '\u{303}' | '\u{309}' | '\u{323}'
    )
}

/// As [`fold`], but with hyphens and apostrophes kept.
pub(super) fn bare(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    for c in bare_chars(text) {
        if !c.is_whitespace() {
            bare.push(c);
        } else if !bare.is_empty() && !bare.ends_with(' ') {
            bare.push(' ');
        }
    }
    bare.truncate(bare.trim_end().len());
    bare
}

/// The characters in lower case, without marks and without what prints nothing.
fn bare_chars(text: &str) -> impl Iterator<Item = char> + '_ {
    let is_plain = |c: &char| !is_combining_mark(*c) && !is_invisible(*c);
    text.nfd()
        .filter(is_plain)
        .flat_map(char::to_lowercase)
        // A letter in lower case may decompose again.
        .nfd()
        .filter(is_plain)
        .map(|c| match c {
            // The last is the Icelandic eth, which old Vietnamese keyboards produced.
            'đ' | 'ð' => 'd',
            c => c,
        })
}

/// Byte-order mark, soft hyphen, zero-width characters.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{feff}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'
    )
}

pub(super) fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘' | '`' | '´' | 'ʼ' | '′')
}

pub(super) fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What the word before a place's name says it is.
///
/// A word, not a level: a "thành phố" may be a province or a district.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceKind {
    /// Tỉnh.
    Province,
    /// Thành phố, of a province's or a district's level.
    City,
    /// Quận.
    UrbanDistrict,
    /// Huyện.
    RuralDistrict,
    /// Thị xã.
    Town,
    /// Phường.
    Ward,
    /// Xã.
    Commune,
    /// Thị trấn.
    Township,
    /// Đặc khu, since July 2025.
    SpecialZone,
}

impl PlaceKind {
    /// The Vietnamese word, such as "Thị xã".
    pub fn vi(self) -> &'static str {
        match self {
            Self::Province => "Tỉnh",
            Self::City => "Thành phố",
            Self::UrbanDistrict => "Quận",
            Self::RuralDistrict => "Huyện",
            Self::Town => "Thị xã",
            Self::Ward => "Phường",
            Self::Commune => "Xã",
            Self::Township => "Thị trấn",
            Self::SpecialZone => "Đặc khu",
        }
    }
}

/// The words of each kind as spelled, longer ones first.
const KIND_WORDS: [(&[&str], PlaceKind); 10] = [
    (&["thành", "phố"], PlaceKind::City),
    (&["thị", "xã"], PlaceKind::Town),
    (&["thị", "trấn"], PlaceKind::Township),
    (&["đặc", "khu"], PlaceKind::SpecialZone),
    (&["huyện", "đảo"], PlaceKind::RuralDistrict),
    (&["tỉnh"], PlaceKind::Province),
    (&["quận"], PlaceKind::UrbanDistrict),
    (&["huyện"], PlaceKind::RuralDistrict),
    (&["phường"], PlaceKind::Ward),
    (&["xã"], PlaceKind::Commune),
];

/// The letters of each abbreviation.
const KIND_LETTERS: [(&str, PlaceKind); 7] = [
    ("tp", PlaceKind::City),
    ("tx", PlaceKind::Town),
    ("tt", PlaceKind::Township),
    ("q", PlaceKind::UrbanDistrict),
    ("h", PlaceKind::RuralDistrict),
    ("p", PlaceKind::Ward),
    ("x", PlaceKind::Commune),
];

/// Separates the word for the kind of place from its name: "Tp. Nha Trang" → city, "Nha Trang".
///
/// The name of "Quận 1" and "P.12" is the number that remains.
/// A word with other marks is part of the name ("Tĩnh Gia", "Phương Mai", "Quan Hóa").
/// Without any diacritics "Quan Hoa" may be either; it is taken for a kind here, and [`readings`]
/// gives both.
pub fn strip_prefix(text: &str) -> (Option<PlaceKind>, &str) {
    let text = text.trim();
    let spelled = KIND_WORDS
        .iter()
        .find_map(|(words, kind)| strip_words(text, words).map(|name| (Some(*kind), name)));
    let abbreviated = || {
        KIND_LETTERS.iter().find_map(|(letters, kind)| {
            strip_letters(text, letters).map(|name| (Some(*kind), name))
        })
    };
    spelled.or_else(abbreviated).unwrap_or((None, text))
}

/// The ways to read a place's name, to be looked up in this order: as a name alone, then as a kind
/// and a name.
pub fn readings(text: &str) -> impl Iterator<Item = (Option<PlaceKind>, &str)> {
    let stripped = strip_prefix(text);
    let whole = (None, text.trim());
    std::iter::once(whole).chain((stripped != whole).then_some(stripped))
}

fn strip_words<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    let mut rest = text;
    let mut unmarked = false;
    for word in words {
        let (head, tail) = rest.split_once(char::is_whitespace)?;
        if nfc(head).to_lowercase() != *word {
            if !head.is_ascii() || bare(head) != bare(word) {
                return None;
            }
            unmarked = true;
        }
        rest = tail.trim_start();
    }
    // Who writes "Quan Hóa" or "Huyện Dao San" writes marks, and would have written "Quận" or "đảo".
    let is_part_of_name = unmarked && has_marks(text);
    (!rest.is_empty() && !is_part_of_name).then_some(rest)
}

fn has_marks(text: &str) -> bool {
    text.nfd()
        .any(|c| is_combining_mark(c) || matches!(c, 'đ' | 'Đ'))
}

fn strip_letters<'a>(text: &'a str, letters: &str) -> Option<&'a str> {
    let mut rest = text;
    let mut dotted = false;
    for letter in letters.chars() {
        rest = rest.strip_prefix([letter, letter.to_ascii_uppercase()])?;
        dotted = rest.starts_with('.');
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    let name = rest.trim_start();
    let is_separate = if letters.len() > 1 {
        dotted || name.len() < rest.len()
    } else {
        // "H Bông" and "P Rao" are names; "Q 1" and "P12" are not.
        dotted || name.starts_with(|c: char| c.is_ascii_digit())
    };
    (is_separate && !name.is_empty()).then_some(name)
}

/// Whether a search finds a name: the words of the query, with or without diacritics, stand in the
/// name one after the other from the start of a word; the last may be incomplete.
///
/// "ha d", "q. hà đông" and "Đông" find "Quận Hà Đông"; an empty query finds everything.
pub fn matches(query: &str, name: &str) -> bool {
    if stands_in(&fold(query), &fold(name)) {
        return true;
    }
    let (asked, query) = strip_prefix(query);
    let (kind, name) = strip_prefix(name);
    asked.is_some() && (kind.is_none() || kind == asked) && stands_in(&fold(query), &fold(name))
}

/// Whether `key` starts at the start of a word of `name`; both folded.
fn stands_in(key: &str, name: &str) -> bool {
    key.is_empty()
        || name.match_indices(key).any(|(at, _)| {
            name[..at]
                .chars()
                .next_back()
                .is_none_or(|before| !before.is_alphanumeric())
        })
}

/// A token for subjects, `[a-z0-9_-]`: "Khánh Hòa" → `khanh-hoa`.
///
/// Empty when the text has no Latin letter and no digit.
pub fn slug(text: &str) -> String {
    let mut slug = String::with_capacity(text.len());
    for c in fold(text).chars() {
        if matches!(c, 'a'..='z' | '0'..='9' | '_') {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nfd(text: &str) -> String {
        text.nfd().collect()
    }

    #[test]
    fn a_key_is_equal_for_all_spellings() {
        for (text, key) in [
            ("Khánh Hòa", "khanh hoa"),
            ("Khánh Hoà", "khanh hoa"),
            ("  KHÁNH\u{a0} HÒA ", "khanh hoa"),
            ("Đông Mỹ", "dong my"),
            ("Ðông Mỹ", "dong my"),
            ("Phan Rang-Tháp Chàm", "phan rang thap cham"),
            ("Bà Rịa - Vũng Tàu", "ba ria vung tau"),
            ("M'Đrắk", "mdrak"),
            ("M’Đrắk", "mdrak"),
            ("Ia H' Drai", "ia hdrai"),
            ("Ia H'Drai", "ia hdrai"),
            ("\u{feff}Thừa Thiên Huế", "thua thien hue"),
            ("Ủy", "uy"),
            ("Uỷ", "uy"),
            ("", ""),
            (" - ", ""),
        ] {
            assert_eq!(fold(text), key, "{text:?}");
            assert_eq!(fold(&nfd(text)), key, "{text:?} decomposed");
        }
    }

    #[test]
    fn a_spelling_keeps_the_marks_and_not_their_place() {
        for (a, b) in [
            ("HOÀ", "Hòa"),
            ("Thuỷ  Nguyên", "Thủy Nguyên"),
            ("Ea H’leo", "Ea H' leo"),
        ] {
            assert_eq!(spelling(a), spelling(b));
            assert_eq!(spelling(&nfd(a)), spelling(b));
        }
        for (a, b) in [
            ("Minh Quán", "Minh Quân"),
            ("Lộc Thành", "Lộc Thạnh"),
            ("Ba Tô", "Ba Tơ"),
        ] {
            assert_ne!(spelling(a), spelling(b));
            assert_eq!(fold(a), fold(b));
        }
    }

    #[test]
    fn composed_text_is_borrowed() {
        assert!(matches!(nfc("Khánh Hòa"), Cow::Borrowed(_)));
        assert_eq!(nfc(&nfd("Khánh Hòa")), "Khánh Hòa");
    }

    #[test]
    fn prefixes_are_separated() {
        use PlaceKind::*;
        for (text, kind, name) in [
            ("Tỉnh Khánh Hòa", Province, "Khánh Hòa"),
            ("TỈNH KHÁNH HÒA", Province, "KHÁNH HÒA"),
            ("tinh khanh hoa", Province, "khanh hoa"),
            ("Thành phố Hà Nội", City, "Hà Nội"),
            ("Thanh pho Ha Noi", City, "Ha Noi"),
            ("TP Hà Nội", City, "Hà Nội"),
            ("Tp. Nha Trang", City, "Nha Trang"),
            ("Tp.Nha Trang", City, "Nha Trang"),
            ("T.P. Nha Trang", City, "Nha Trang"),
            ("TP.HCM", City, "HCM"),
            ("Quận Hà Đông", UrbanDistrict, "Hà Đông"),
            ("Q. Hà Đông", UrbanDistrict, "Hà Đông"),
            ("Quận 1", UrbanDistrict, "1"),
            ("Q.1", UrbanDistrict, "1"),
            ("Q1", UrbanDistrict, "1"),
            ("quan 10", UrbanDistrict, "10"),
            ("Huyện Thanh Trì", RuralDistrict, "Thanh Trì"),
            ("H. Thanh Trì", RuralDistrict, "Thanh Trì"),
            ("Huyện đảo Trường Sa", RuralDistrict, "Trường Sa"),
            ("huyen dao Truong Sa", RuralDistrict, "Truong Sa"),
            ("Huyện Dao San", RuralDistrict, "Dao San"),
            ("Thị xã Ninh Hòa", Town, "Ninh Hòa"),
            ("TX Ninh Hòa", Town, "Ninh Hòa"),
            ("T.X. Ninh Hòa", Town, "Ninh Hòa"),
            ("Thi xa Ninh Hoa", Town, "Ninh Hoa"),
            ("Phường 12", Ward, "12"),
            ("P. 12", Ward, "12"),
            ("P12", Ward, "12"),
            ("P.Quan Hoa", Ward, "Quan Hoa"),
            ("Phường Phương Mai", Ward, "Phương Mai"),
            ("Xã Yên Mỹ", Commune, "Yên Mỹ"),
            ("X. Yên Mỹ", Commune, "Yên Mỹ"),
            ("Xã Xa Dung", Commune, "Xa Dung"),
            ("Thị trấn Diên Khánh", Township, "Diên Khánh"),
            ("TT. Diên Khánh", Township, "Diên Khánh"),
            ("Đặc khu Trường Sa", SpecialZone, "Trường Sa"),
        ] {
            assert_eq!(strip_prefix(text), (Some(kind), name), "{text:?}");
            let (decomposed_kind, decomposed_name) = (Some(kind), nfd(name));
            assert_eq!(
                strip_prefix(&nfd(text)),
                (decomposed_kind, decomposed_name.as_str())
            );
        }
    }

    #[test]
    fn names_that_look_like_prefixes_are_kept() {
        for text in [
            "Tĩnh Gia",
            "Quan Hóa",
            "Quan Sơn",
            "Phương Mai",
            "H Bông",
            "P Rao",
            "Xá Bung",
            "H' Neng",
            "Hà Đông",
            "Tân Phú",
            "Thanh Trì",
            "Quảng Nam",
            "Tỉnh",
            "TP",
            "Q.",
            "Thái Thụy",
            "12",
            "Phượng Cách",
            "TT-Huế",
            "",
        ] {
            assert_eq!(strip_prefix(text), (None, text), "{text:?}");
            assert_eq!(
                strip_prefix(&nfd(text)),
                (None, nfd(text).as_str()),
                "{text:?} decomposed"
            );
        }
    }

    #[test]
    fn an_unmarked_prefix_has_two_readings() {
        let both: Vec<_> = readings("Quan Hoa").collect();
        assert_eq!(
            both,
            [(None, "Quan Hoa"), (Some(PlaceKind::UrbanDistrict), "Hoa")]
        );
        assert_eq!(readings("Nha Trang").count(), 1);
    }

    #[test]
    fn a_search_finds_names() {
        for (query, name) in [
            ("", "Quận Hà Đông"),
            ("ha dong", "Quận Hà Đông"),
            ("HÀ Đ", "Quận Hà Đông"),
            ("dong", "Quận Hà Đông"),
            ("q. ha dong", "Quận Hà Đông"),
            ("q.hà đông", "Hà Đông"),
            ("Q.1", "Quận 1"),
            ("hoà", "Tỉnh Khánh Hòa"),
            ("thap", "Thành phố Phan Rang-Tháp Chàm"),
        ] {
            assert!(matches(query, name), "{query:?} finds {name:?}");
            assert!(
                matches(&nfd(query), &nfd(name)),
                "{query:?} finds {name:?}, decomposed"
            );
        }
        for (query, name) in [
            ("ong", "Quận Hà Đông"),
            ("ha noi", "Quận Hà Đông"),
            ("tp. ha dong", "Quận Hà Đông"),
            ("quận", "Huyện Thanh Trì"),
        ] {
            assert!(!matches(query, name), "{query:?} does not find {name:?}");
        }
    }

    #[test]
    fn slugs_are_subject_tokens() {
        assert_eq!(slug("Khánh Hòa"), "khanh-hoa");
        assert_eq!(slug("Bà Rịa - Vũng Tàu"), "ba-ria-vung-tau");
        assert_eq!(slug("eid.activated_l2"), "eid-activated_l2");
        assert_eq!(slug("(Quận 1)"), "quan-1");
        assert_eq!(slug("…"), "");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in any::<String>()) {
            let key = fold(&text);
            prop_assert_eq!(fold(&key), key);
        }

        #[test]
        fn folding_marked_text_twice_is_folding_once(text in "[ A-Za-zĐđƠơƯưẠ-ỹ\u{300}-\u{323}'’-]{0,20}") {
            let key = fold(&text);
            prop_assert_eq!(&fold(&key), &key);
            prop_assert_eq!(fold(&nfd(&text)), key.clone());
            prop_assert_eq!(fold(&nfc(&text)), key.clone());
            prop_assert_eq!(fold(&spelling(&text)), key);
            prop_assert_eq!(spelling(&nfd(&text)), spelling(&nfc(&text)));
        }

        #[test]
        fn a_prefix_is_cut_from_the_start(text in any::<String>()) {
            let (kind, name) = strip_prefix(&text);
            prop_assert!(text.trim().ends_with(name));
            prop_assert_eq!(kind.is_none(), name == text.trim());
        }

        #[test]
        fn a_prefix_in_front_is_found(name in "[B-GLMN][a-z]{1,6}( [A-Z][a-z]{1,6})?") {
            for (words, kind) in KIND_WORDS {
                let text = format!("{} {name}", words.join(" "));
                prop_assert_eq!(strip_prefix(&text), (Some(kind), name.as_str()));
                let text = format!("{} {name}", kind.vi());
                prop_assert_eq!(strip_prefix(&text), (Some(kind), name.as_str()));
            }
        }

        #[test]
        fn a_name_is_found_by_itself(text in any::<String>()) {
            prop_assert!(matches(&text, &text));
            prop_assert!(matches(&fold(&text), &text));
        }

        #[test]
        fn a_slug_is_a_token(text in any::<String>()) {
            let token = slug(&text);
            let is_token = |c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-');
            prop_assert!(token.chars().all(is_token));
            prop_assert_eq!(slug(&token), token);
        }
    }
}
