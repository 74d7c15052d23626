//! Finds citizens' personal data in free text, so that a request that carries it is refused.
//!
//! It looks for national identity numbers (12 digits; the old 9 digits after a word that says so),
//! Vietnamese telephone numbers and e-mail addresses, also in groups and in full-width digits.
//! A figure must pass: `1.638.937`, dates, document numbers. What tells them apart: identity and
//! telephone numbers begin with 0, groups of thousands never do.
//! Web addresses are full of numbers and are searched for e-mail addresses only.

use super::name::{bare, is_hyphen, is_invisible};

/// Digits of the shortest number that is looked for: the old identity number.
const NUMBER_DIGITS_MIN: usize = 9;
/// Groups of digits that one number may be written in.
const NUMBER_GROUPS_MAX: usize = 5;
/// As above for an international telephone number, whose country code is a group more.
const INTERNATIONAL_GROUPS_MAX: usize = 7;
/// Characters between two groups of one number, as in "(024) - 3825".
const GAP_CHARS_MAX: usize = 4;
/// Characters before a 9-digit number in which a word must call it an identity number.
const CONTEXT_CHARS: usize = 30;
/// Folded words that announce a 9-digit identity number.
const OLD_ID_WORDS: [&str; 4] = ["cmnd", "cmtnd", "cmt", "chung minh"];

/// What kind of personal data a text seems to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PersonalDataKind {
    /// A citizen's identity number (CCCD, or the older CMND).
    NationalId,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
}

/// The first personal data in a text; it does not repeat them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PersonalData {
    /// What it seems to be.
    pub kind: PersonalDataKind,
    /// Where it starts, in characters (not bytes) from the start of the text.
    pub at: usize,
}

/// Finds the first thing that looks like a citizen's personal data.
pub fn find_personal_data(text: &str) -> Option<PersonalData> {
    if !may_hold_any(text) {
        return None;
    }
    let mut chars: Vec<char> = text.chars().map(plain).collect();
    let email = find_email(&chars);
    blank_urls(&mut chars);
    blank_dates(&mut chars);
    blank_uuids(&mut chars);
    let digits = Digits::of(&chars);
    let number = (0..digits.groups.len()).find_map(|first| digits.number_at(first));
    [email, number]
        .into_iter()
        .flatten()
        .min_by_key(|found| found.at)
}

/// Whether it is worth looking: most texts have neither an at sign nor as many digits as the shortest number.
fn may_hold_any(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' => digits += 1,
            // The first byte of full-width characters, among others.
            b'@' | 0xef => return true,
            _ => {}
        }
    }
    digits >= NUMBER_DIGITS_MIN
}

/// The character as typed on a plain keyboard; one for one, so that offsets hold.
fn plain(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - u32::from('\u{ff01}') + u32::from('!')).unwrap_or(c)
        }
        '\n' | '\r' | '\t' => c,
        c if c.is_whitespace() || is_invisible(c) => ' ',
        c if is_hyphen(c) => '-',
        c => c,
    }
}

fn find_email(chars: &[char]) -> Option<PersonalData> {
    let is_local = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let is_domain = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '-');
    chars
        .iter()
        .enumerate()
        .filter(|(_, c)| **c == '@')
        .find_map(|(sign, _)| {
            let local = chars[..sign]
                .iter()
                .rev()
                .take_while(|c| is_local(c))
                .count();
            let domain: String = chars[sign + 1..]
                .iter()
                .take_while(|c| is_domain(c))
                .collect();
            let (host, top) = domain.trim_end_matches(['.', '-']).rsplit_once('.')?;
            let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic);
            let is_host = host.starts_with(char::is_alphanumeric);
            (local > 0 && is_host && is_top).then_some(PersonalData {
                kind: PersonalDataKind::Email,
                at: sign - local,
            })
        })
}

/// Blanks out `http://…` and `https://…` up to a white space or a quotation mark.
fn blank_urls(chars: &mut [char]) {
    let ends_url = |c: &char| c.is_whitespace() || matches!(c, '"' | '<' | '>' | '“' | '”');
    let starts_with = |chars: &[char], scheme: &str| {
        chars.len() >= scheme.len()
            && chars
                .iter()
                .zip(scheme.chars())
                .all(|(c, s)| c.eq_ignore_ascii_case(&s))
    };
    let mut at = 0;
    while at < chars.len() {
        let rest = &mut chars[at..];
        if starts_with(rest, "http://") || starts_with(rest, "https://") {
            let length = rest.iter().position(ends_url).unwrap_or(rest.len());
            rest[..length].fill('\0');
            at += length;
        } else {
            at += 1;
        }
    }
}

/// Blanks out dates such as 05-06-2023, whose zeros look like the start of a number.
fn blank_dates(chars: &mut [char]) {
    let mut at = 0;
    while at < chars.len() {
        let length = date_length(&chars[..at], &chars[at..]);
        chars[at..at + length].fill('\0');
        at += length.max(1);
    }
}

fn is_date_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '/')
}

/// The length of the date that `rest` starts with, 0 if it starts with none.
fn date_length(before: &[char], rest: &[char]) -> usize {
    let goes_on = match before {
        [.., last] if last.is_ascii_digit() => true,
        [.., digit, last] => is_date_separator(*last) && digit.is_ascii_digit(),
        _ => false,
    };
    if goes_on {
        return 0;
    }
    let run = |from: usize| {
        rest.iter()
            .skip(from)
            .take(5)
            .take_while(|c| c.is_ascii_digit())
            .count()
    };
    let is_separator = |at: usize| rest.get(at).is_some_and(|c| is_date_separator(*c));
    let day = run(0);
    if !matches!(day, 1 | 2) || !is_separator(day) {
        return 0;
    }
    let month = run(day + 1);
    let second = day + 1 + month;
    if !matches!(month, 1 | 2) || rest.get(second) != rest.get(day) {
        return 0;
    }
    let end = second + 5;
    let is_year = run(second + 1) == 4
        && matches!(
            rest.get(second + 1..second + 3),
            Some(['1', '9'] | ['2', '0'])
        );
    let followed = is_separator(end) && rest.get(end + 1).is_some_and(char::is_ascii_digit);
    if is_year && !followed { end } else { 0 }
}

/// Blanks out UUIDs, whose groups may happen to have no letters.
fn blank_uuids(chars: &mut [char]) {
    const LENGTH: usize = 36;
    let is_uuid = |part: &[char]| {
        part.iter().enumerate().all(|(index, c)| match index {
            8 | 13 | 18 | 23 => *c == '-',
            _ => c.is_ascii_hexdigit(),
        })
    };
    let mut at = 0;
    while at + LENGTH <= chars.len() {
        let part = &mut chars[at..at + LENGTH];
        if is_uuid(part) {
            part.fill('\0');
            at += LENGTH;
        } else {
            at += 1;
        }
    }
}

/// What stands between two groups of digits that may be one number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Space,
    Dot,
    Dash,
}

impl Gap {
    /// None when the characters separate two numbers.
    fn of(between: &[char]) -> Option<Self> {
        let is_space = |c: &char| matches!(c, ' ' | '(' | ')');
        let others: Vec<char> = between.iter().copied().filter(|c| !is_space(c)).collect();
        match others.as_slice() {
            _ if between.len() > GAP_CHARS_MAX => None,
            [] => Some(Self::Space),
            ['-'] => Some(Self::Dash),
            // A dot and a space end a sentence.
            ['.'] if between.len() == 1 => Some(Self::Dot),
            _ => None,
        }
    }
}

/// A run of digits.
struct Group {
    start: usize,
    end: usize,
    /// What joins it to the group before, if anything does.
    gap: Option<Gap>,
}

impl Group {
    fn len(&self) -> usize {
        self.end - self.start
    }
}

/// The digits of a text, in groups.
struct Digits<'a> {
    chars: &'a [char],
    groups: Vec<Group>,
}

impl<'a> Digits<'a> {
    fn of(chars: &'a [char]) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        let mut at = 0;
        while at < chars.len() {
            let length = chars[at..]
                .iter()
                .take_while(|c| c.is_ascii_digit())
                .count();
            if length > 0 {
                let gap = groups.last().and_then(|last| Gap::of(&chars[last.end..at]));
                groups.push(Group {
                    start: at,
                    end: at + length,
                    gap,
                });
            }
            at += length.max(1);
        }
        Self { chars, groups }
    }

    /// The personal number that starts with a group.
    fn number_at(&self, first: usize) -> Option<PersonalData> {
        let start = self.groups[first].start;
        let found = |kind, at| Some(PersonalData { kind, at });
        if self.is_part_of_figure(first) || self.is_part_of_identifier(first) {
            return None;
        }
        if let Some(at) = self.international_phone_at(first) {
            return found(PersonalDataKind::Phone, at);
        }
        for count in 1..=NUMBER_GROUPS_MAX {
            let Some(window) = self.window(first, count) else {
                break;
            };
            if self.is_national_id(window) || self.is_old_id(window) {
                return found(PersonalDataKind::NationalId, start);
            }
            if self.is_phone(window) {
                return found(PersonalDataKind::Phone, start);
            }
        }
        None
    }

    /// `count` groups from `first` on, if gaps join them.
    fn window(&self, first: usize, count: usize) -> Option<&[Group]> {
        let window = self.groups.get(first..first + count)?;
        window[1..]
            .iter()
            .all(|group| group.gap.is_some())
            .then_some(window)
    }

    fn digits(&self, window: &[Group]) -> String {
        window
            .iter()
            .flat_map(|group| &self.chars[group.start..group.end])
            .collect()
    }

    /// Twelve digits: in one run, or in groups by one separator, and then with the 0 that begins
    /// the code of a province.
    fn is_national_id(&self, window: &[Group]) -> bool {
        let is_one_run = window.len() == 1;
        total(window) == 12
            && (is_one_run || (self.chars[window[0].start] == '0' && has_one_gap(window)))
    }

    /// Nine digits after a word that calls them an identity number.
    fn is_old_id(&self, window: &[Group]) -> bool {
        if total(window) != 9 || !has_one_gap(window) {
            return false;
        }
        let start = window[0].start;
        let before: String = self.chars[start.saturating_sub(CONTEXT_CHARS)..start]
            .iter()
            .collect();
        let before = bare(&before);
        OLD_ID_WORDS.iter().any(|word| {
            before
                .match_indices(word)
                .any(|(at, _)| !before[..at].ends_with(char::is_alphanumeric))
        })
    }

    /// A national telephone number: 10 digits, or 11 on the land line and before 2018.
    fn is_phone(&self, window: &[Group]) -> bool {
        let total = total(window);
        if !matches!(total, 10 | 11) {
            return false;
        }
        let digits = self.digits(window);
        let is_dialled = match (total, digits.as_bytes()) {
            (10, [b'0', b'1'..=b'9', ..]) | (11, [b'0', b'1' | b'2', ..]) => true,
            // The country code without its plus sign.
            (11, [b'8', b'4', b'3' | b'5' | b'7' | b'8' | b'9', ..]) => window.len() == 1,
            _ => false,
        };
        is_dialled && is_grouped_like_a_phone(window)
    }

    /// Where a number with the country code +84 or 0084 starts.
    fn international_phone_at(&self, first: usize) -> Option<usize> {
        let start = self.groups[first].start;
        let has_plus = start > 0 && self.chars[start - 1] == '+';
        let code = if has_plus { "84" } else { "0084" };
        (1..=INTERNATIONAL_GROUPS_MAX)
            .map_while(|count| self.window(first, count))
            .take_while(|window| total(window) <= code.len() + 11)
            .any(|window| {
                let digits = self.digits(window);
                let Some(national) = digits.strip_prefix(code) else {
                    return false;
                };
                let national = national.strip_prefix('0').unwrap_or(national).as_bytes();
                match national.len() {
                    9 => true,
                    10 => matches!(national[0], b'1' | b'2'),
                    _ => false,
                }
            })
            .then_some(if has_plus { start - 1 } else { start })
    }

    /// Whether the group is one of the later groups of thousands of a figure: `12.[056].203`.
    fn is_part_of_figure(&self, group: usize) -> bool {
        let mut head = group;
        while self.groups[head].gap == Some(Gap::Dot) && self.groups[head].len() == 3 {
            head -= 1;
        }
        let first = &self.groups[head];
        head < group && first.len() <= 3 && self.chars[first.start] != '0'
    }

    /// Whether letters stand on both sides, as in a checksum.
    fn is_part_of_identifier(&self, group: usize) -> bool {
        let Group { start, end, .. } = self.groups[group];
        let is_letter = |c: Option<&char>| c.is_some_and(char::is_ascii_alphabetic);
        is_letter(self.chars[..start].last()) && is_letter(self.chars.get(end))
    }
}

fn total(window: &[Group]) -> usize {
    window.iter().map(Group::len).sum()
}

fn has_one_gap(window: &[Group]) -> bool {
    window[1..]
        .windows(2)
        .all(|pair| pair[0].gap == pair[1].gap)
}

/// Whether the groups are a telephone number's and not a code with a figure after it.
fn is_grouped_like_a_phone(window: &[Group]) -> bool {
    let [first, rest @ ..] = window else {
        return false;
    };
    let Some(last) = rest.last() else { return true };
    let starts_like_one = first.len() >= 3 || rest.iter().all(|group| group.len() == 4);
    // "056 1.638.937" is a locality and its figure; "0912 345.678" is not.
    let ends_in_figure = !has_one_gap(window)
        && first.len() != 4
        && rest[0].len() <= 3
        && rest[1..]
            .iter()
            .all(|group| group.len() == 3 && group.gap == Some(Gap::Dot));
    starts_like_one && last.len() >= 2 && !ends_in_figure
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::PersonalDataKind::{Email, NationalId, Phone};
    use super::*;

    fn found(text: &str) -> Option<(PersonalDataKind, usize)> {
        find_personal_data(text).map(|found| (found.kind, found.at))
    }

    #[test]
    fn identity_numbers_are_found() {
        for (text, at) in [
            ("056203001234", 0),
            ("số 056203001234.", 3),
            ("CCCD056203001234", 4),
            ("056 203 001 234", 0),
            ("056.203.001.234", 0),
            ("056-203-001-234", 0),
            ("056 - 203 - 001 - 234", 0),
            ("056\u{a0}203\u{a0}001\u{a0}234", 0),
            ("0562 0300 1234", 0),
            ("056 2 03 001234", 0),
            ("056203 001234", 0),
            ("０５６２０３００１２３４", 0),
            ("ông A (056203001234)", 7),
            ("đạt 269.950; công dân 056203001234 khiếu nại", 22),
            ("5 056 203 001 234", 2),
            ("123456789012", 0),
            ("ngày 05/06/2023, 056203001234", 17),
            ("CMND 225123456", 5),
            ("CMND số: 225 123 456", 9),
            ("chứng minh nhân dân 225123456", 20),
            ("Chung minh thu so 225.123.456", 18),
        ] {
            assert_eq!(found(text), Some((NationalId, at)), "{text:?}");
        }
    }

    #[test]
    fn telephone_numbers_are_found() {
        for (text, at) in [
            ("0912345678", 0),
            ("gọi 0912345678", 4),
            ("SĐT0912345678", 3),
            ("0912 345 678", 0),
            ("0912.345.678", 0),
            ("0912-345-678", 0),
            ("091 234 5678", 0),
            ("09 1234 5678", 0),
            ("0912 34 56 78", 0),
            ("0912 345.678", 0),
            ("+84912345678", 0),
            ("+84 912 345 678", 0),
            ("(+84) 912.345.678", 1),
            ("+84 (0)912 345 678", 0),
            ("0084 912 345 678", 0),
            ("84912345678", 0),
            ("+84 24 3825 1234", 0),
            ("024 3825 1234", 0),
            ("(024) 3825.1234", 1),
            ("0258 3822 123", 0),
            ("02583822123", 0),
            ("01681234567", 0),
            ("０９１２３４５６７８", 0),
        ] {
            assert_eq!(found(text), Some((Phone, at)), "{text:?}");
        }
    }

    #[test]
    fn e_mail_addresses_are_found() {
        for (text, at) in [
            ("nguyen.van.a@khanhhoa.gov.vn", 0),
            ("Liên hệ: a_b+c@example.com.", 9),
            ("<a@b.vn>", 1),
            ("a＠b．vn", 0),
            ("https://example.vn/?to=a@b.vn", 23),
            ("mailto:a@b.vn", 7),
        ] {
            assert_eq!(found(text), Some((Email, at)), "{text:?}");
        }
    }

    #[test]
    fn the_first_is_reported() {
        assert_eq!(found("a@b.vn 0912345678"), Some((Email, 0)));
        assert_eq!(found("0912345678 a@b.vn"), Some((Phone, 0)));
        assert_eq!(found("056203001234 0912345678"), Some((NationalId, 0)));
    }

    #[test]
    fn figures_dates_and_documents_pass() {
        for text in [
            "269.950",
            "1.638.937",
            "2,000,000",
            "738291",
            "634.327 (83,8%)",
            "826025 = 109%",
            "12.056.203.001.234 đồng",
            "73.288.008.410 1.000.000.000",
            "123.456.789.012 đồng",
            "269 950 257 890",
            "269.950 257.890 199.968",
            "056 1.638.937",
            "05 269.950 1.234",
            "56 269.950",
            "00004: 12.600",
            "225123456",
            "199.968.000 hồ sơ",
            "21/6/2023",
            "05-06-2023",
            "05.06.2023 12.600",
            "05-06-2023 1234",
            "2023-06-29T23",
            "01/07/2025 - 30/09/2025",
            "2022 2023 2024",
            "2021-2025",
            "23h ngày 29-6-2023",
            "2026-11-22T10:00:00+07:00",
            "19:30–21:30",
            "01-30/6/2023",
            "06/QĐ-TTg",
            "6559/KH-UBND",
            "Kế hoạch 6559, ký 4/7/2023",
            "Luật 91/2025, NĐ 356/2025/NĐ-CP",
            "TCVN 11930:2017",
            "01 02 03 04 05 06",
            "633 cơ quan, 40.400 tài khoản, 2.000.000 văn bản",
            "+12.600 tài khoản",
            "tăng +84 hồ sơ",
            "+84.912 hồ sơ",
            "185230621123318169",
            "i603354",
            "post1796213",
            "01912345-6789-7012-8345-056203001234",
            "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
            "@Công dân số",
            "a @ b",
            "3@5.000",
            "user@localhost",
            "https://tiktok.com/@khanhhoa.gov",
            "https://maps.example.vn/@12.2388,109.1967,15z",
            "",
        ] {
            assert_eq!(found(text), None, "{text:?}");
            let decomposed: String = text.nfd().collect();
            assert_eq!(found(&decomposed), None, "{text:?} decomposed");
        }
    }

    #[test]
    fn published_sources_pass() {
        for text in [
            "https://congnghedoisong.net/khanh-hoa-se-thuc-hien-31-mo-hinh-de-trien-khai-cac-nhiem-vu-tai-de-an-06-a36740.html",
            "Article \"Triển khai Đề án 06 tại Thủ đô: Nhiều quận, huyện tăng tốc về đích\", June 2023",
            "https://amp.cand.com.vn/Hoat-dong-LL-CAND/Hoan-thanh-cap-can-cuoc-cong-dan-cho-hon-3-trieu-nguoi-Ha-Noi-i603354",
            "https://plo.vn/thoi-su/ha-noi-can-moc-1-trieu-ho-so-can-cuoc-cong-dan-gan-chip-974694.html",
            "https://vnexpress.net/ha-noi-thu-nhan-hon-2-trieu-ho-so-can-cuoc-gan-chip-4260911.html",
            "https://vietnam.vn/en/45-xa-phuong-hoan-thanh-chi-tieu-cap-can-cuoc-cong-dan",
            "https://tienphong.vn/ha-noi-moi-xa-phuong-phai-van-hanh-gan-20-phan-mem-khac-nhau-post1796213.tpo",
            "https://baoquangnam.vn/xa-hoi/day-nhanh-tien-do-kich-hoat-tai-khoan-dinh-danh-dien-tu-143683.html",
            "https://baoquangnam.vn/xa-hoi/hoc-sinh-doan-vien-tham-gia-huong-dan-cai-dat-kich-hoat-tai-khoan-dinh-danh-dien-tu-vneid-147808.html",
            "http://baoquangnam.vn/quoc-phong-an-ninh/thuc-hien-hon-16-trieu-phieu-thu-thap-thong-tin-dan-cu-93541.html",
            "http://baoquangnam.vn/cai-cach-hanh-chinh/tap-trung-xu-ly-dut-diem-cac-nhiem-vu-qua-han-90184.html",
            "https://en.binhthuan.gov.vn/general-news/accelerating-the-implementation-of-registration-and-activation-of-electronic-identity-accounts-i-638468",
            "https://www.vietnam.vn/en/ubnd-tinh-so-ket-9-thang-thuc-hien-de-an-06-va-tong-ket-chien-dich-80-ngay-dem-thu-nhan-kich-hoat-tai-khoan-dinh-danh-dien-tu",
            "https://example.vn/tin-185230621123318169.htm",
            "https://example.vn/0912345678 và HTTPS://example.vn/056203001234",
        ] {
            assert_eq!(found(text), None, "{text:?}");
        }
        assert_eq!(found("https://example.vn 0912345678"), Some((Phone, 19)));
    }

    #[test]
    fn offsets_count_characters() {
        assert_eq!(found("Bà Đào: 0912345678"), Some((Phone, 8)));
        let decomposed: String = "Bà Đào: 0912345678".nfd().collect();
        assert_eq!(found(&decomposed), Some((Phone, 10)), "two marks more");
    }

    proptest! {
        #[test]
        fn any_text_is_searched(text in any::<String>()) {
            let found = find_personal_data(&text);
            prop_assert!(found.is_none_or(|found| found.at < text.chars().count()));
        }

        #[test]
        fn number_like_text_is_searched(text in "([0-9]{1,4}|[-+ .()/@a]|https?://){0,20}") {
            let found = find_personal_data(&text);
            prop_assert!(found.is_none_or(|found| found.at < text.chars().count()));
        }

        #[test]
        fn figures_pass(figures in prop::collection::vec(0..100_000_000_000_u64, 1..6)) {
            let shown: Vec<String> =
                figures.iter().map(|figure| super::super::number::format_count_vi(*figure)).collect();
            for separator in [", ", "; ", " ", " / ", "\n", " hồ sơ, "] {
                prop_assert_eq!(find_personal_data(&shown.join(separator)), None);
            }
        }

        #[test]
        fn dates_pass(day in 1..=31_u8, month in 1..=12_u8, year in 1900..2100_u16, figure: u32) {
            let figure = super::super::number::format_count_vi(figure.into());
            for separator in ["/", "-", "."] {
                let text = format!("{day:02}{separator}{month:02}{separator}{year} {figure}");
                prop_assert_eq!(find_personal_data(&text), None);
            }
        }

        #[test]
        fn every_identity_number_is_found(
            province in 1..=96_u8,
            rest in "[0-9]{9}",
            separator in "[- .]?",
            before in "[a-zà-ỹ ,:]{0,10}",
        ) {
            let text = format!(
                "{before}{province:03}{separator}{}{separator}{}{separator}{}",
                &rest[..3], &rest[3..6], &rest[6..],
            );
            let found = find_personal_data(&text);
            prop_assert_eq!(found.map(|found| found.kind), Some(NationalId));
        }

        #[test]
        fn every_mobile_number_is_found(rest in "[35789][0-9]{8}", separator in "[- .]?") {
            for prefix in ["0", "+84", "+84 "] {
                let text = format!(
                    "{prefix}{}{separator}{}{separator}{}",
                    &rest[..3], &rest[3..6], &rest[6..],
                );
                prop_assert_eq!(find_personal_data(&text).map(|found| found.kind), Some(Phone));
            }
        }
    }
}
