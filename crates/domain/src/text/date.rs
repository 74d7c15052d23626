//! Dates, effective moments and instants.
//!
//! A figure speaks of a moment of Vietnam's civil time, stated to the hour ("tính đến 23h ngày
//! 29-6-2023"), the day or the month: that is a [`Moment`].
//! What the log knows, it knows at an instant: a [`Timestamp`].
//! Vietnam is at UTC+7 all year.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use serde::{Deserialize, Serialize};

use super::excerpt;
use super::name::bare;

/// Bytes of a date as text; more is not a date.
const DATE_BYTES_MAX: usize = 128;
/// Years that are read; others are typing errors.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;
/// What stands for an hour in a packed month: its end comes after the last hour of its last day.
const PACKED_MONTH: i32 = 25;
/// What stands for an hour in a packed day, which ends last.
const PACKED_DAY: i32 = 26;
/// Vietnam's offset from UTC.
const VIETNAM: Offset = Offset::constant(7);

/// Why a text is not a date, a moment or an instant; the message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// Nothing but white space.
    #[error("no date given: write one such as 21/6/2023 or 2023-06-21")]
    Missing,
    /// Not in an accepted form.
    #[error("{text} is not a date: write it such as 21/6/2023 or 2023-06-21")]
    NotADate {
        /// The start of what was given.
        text: String,
    },
    /// Not in an accepted form of a moment.
    #[error(
        "{text} is not a moment: write it such as 23h ngày 29/6/2023 or 2023-06-29T23, 29/6/2023 \
         or 2023-06-29, 6/2023 or 2023-06"
    )]
    NotAMoment {
        /// The start of what was given.
        text: String,
    },
    /// A day or a month that the calendar does not have, or a year before 1900 or after 2199.
    #[error(
        "{text} is not in the calendar: write the day first, then the month, such as 21/6/2023"
    )]
    NoSuchDate {
        /// The start of what was given.
        text: String,
    },
    /// A year missing or of two digits.
    #[error("{text} does not name its year: write all four digits, such as 21/6/2023")]
    YearNotInFull {
        /// The start of what was given.
        text: String,
    },
    /// An hour above 24.
    #[error("{text} has no such hour: write an hour from 0h to 24h, such as 23h ngày 29/6/2023")]
    NoSuchHour {
        /// The start of what was given.
        text: String,
    },
    /// Minutes.
    #[error("{text} is finer than an hour: write the full hour, such as 23h ngày 29/6/2023")]
    FinerThanHour {
        /// The start of what was given.
        text: String,
    },
    /// Not in an accepted form of an instant.
    #[error("{text} is not an instant: write it such as 2026-11-22T10:00+07:00 or 2026-11-22")]
    NotAnInstant {
        /// The start of what was given.
        text: String,
    },
    /// A date and a time that leave the offset open.
    #[error("{text} does not say its offset from UTC: write {text}+07:00 if Vietnam's is meant")]
    OffsetMissing {
        /// The start of what was given.
        text: String,
    },
}

impl DateError {
    /// The stable reason code.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "DATE_MISSING",
            Self::NotADate { .. } => "NOT_A_DATE",
            Self::NotAMoment { .. } => "NOT_A_MOMENT",
            Self::NoSuchDate { .. } => "NO_SUCH_DATE",
            Self::YearNotInFull { .. } => "YEAR_NOT_IN_FULL",
            Self::NoSuchHour { .. } => "NO_SUCH_HOUR",
            Self::FinerThanHour { .. } => "FINER_THAN_HOUR",
            Self::NotAnInstant { .. } => "NOT_AN_INSTANT",
            Self::OffsetMissing { .. } => "OFFSET_MISSING",
        }
    }
}

/// How finely a moment is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Precision {
    /// To the hour, 0 to 24; 24 is the end of the day.
    Hour(u8),
    /// To the day: the end of it.
    Day,
    /// To the month: the end of it.
    Month,
}

/// The effective moment a figure speaks of, in Vietnam's civil time.
///
/// As text and in serde it is `2023-06-29T23`, `2023-06-29` or `2023-06`.
/// The order is that of time; a day and a month count as the end of them.
/// Of moments at the same end, a day follows a month and an hour, so that [`Moment::end_of`] a date
/// is not before any moment of that date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(extend("pattern" = r"^[0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9]{2})?)?$"))
)]
#[serde(try_from = "String", into = "String")]
pub struct Moment {
    date: Date,
    precision: Precision,
}

impl Moment {
    /// An hour, 0 to 24, of a date; none for a later hour.
    pub fn at_hour(date: Date, hour: u8) -> Option<Self> {
        (hour <= 24).then_some(Self {
            date,
            precision: Precision::Hour(hour),
        })
    }

    /// The end of a date, which is the last of its moments.
    pub const fn end_of(date: Date) -> Self {
        Self {
            date,
            precision: Precision::Day,
        }
    }

    /// The month of a date; a figure for a month holds at its last day at the latest.
    pub fn month_of(date: Date) -> Self {
        Self {
            date: date.last_of_month(),
            precision: Precision::Month,
        }
    }

    /// The date; for a month its last day.
    pub const fn date(self) -> Date {
        self.date
    }

    /// How finely the moment is stated.
    pub const fn precision(self) -> Precision {
        self.precision
    }

    /// The hour of the date, 24 for a day and a month.
    pub const fn hour(self) -> u8 {
        match self.precision {
            Precision::Hour(hour) => hour,
            Precision::Day | Precision::Month => 24,
        }
    }

    /// The instant of the moment: the hour, or the last nanosecond of the day.
    pub fn instant(self) -> Timestamp {
        match self.precision {
            Precision::Hour(hour @ 0..24) => {
                let hour = i8::try_from(hour).unwrap_or(0);
                VIETNAM
                    .to_timestamp(self.date.at(hour, 0, 0, 0))
                    .unwrap_or_else(|_| end_of_day(self.date))
            }
            Precision::Hour(_) | Precision::Day | Precision::Month => end_of_day(self.date),
        }
    }

    /// Reads a moment: `23h ngày 29-6-2023`, `tính đến 23h ngày 29-6-2023`, `2023-06-29T23`,
    /// `29/6/2023`, `2023-06-29`, `tháng 6/2023`, `6/2023`, `2023-06`; with or without diacritics.
    ///
    /// # Errors
    ///
    /// [`DateError`] for what is not in the calendar, minutes, years of two digits, other forms.
    pub fn parse(text: &str) -> Result<Self, DateError> {
        let text = text.trim();
        if let Some(date) = iso_date(text) {
            return Ok(Self::end_of(date));
        }
        if text.is_empty() {
            return Err(DateError::Missing);
        }
        let not_a_moment = || DateError::NotAMoment {
            text: excerpt(text),
        };
        if text.len() > DATE_BYTES_MAX {
            return Err(not_a_moment());
        }
        let bare = bare(text);
        let (hour, rest) = split_hour(strip_lead(&bare), text)?;
        let (rest, iso_hour) = split_iso_hour(strip_lead(rest), text)?;
        let hour = match (hour, iso_hour) {
            (Some(_), Some(_)) => return Err(not_a_moment()),
            (hour, iso_hour) => hour.or(iso_hour),
        };
        let moment = match parse_parts(rest, text) {
            Err(DateError::NotADate { text }) => return Err(DateError::NotAMoment { text }),
            moment => moment?,
        };
        match (hour, moment.precision) {
            (None, _) => Ok(moment),
            (Some(hour), Precision::Day) => {
                Self::at_hour(moment.date, hour).ok_or_else(|| DateError::NoSuchHour {
                    text: excerpt(text),
                })
            }
            (Some(_), _) => Err(not_a_moment()),
        }
    }

    /// Shows the moment the Vietnamese way: `23h ngày 29/6/2023`, `21/6/2023`, `tháng 6/2023`.
    pub fn format_vi(self) -> String {
        let date = self.date;
        match self.precision {
            Precision::Hour(hour) => format!("{hour}h ngày {}", format_date_vi(date)),
            Precision::Day => format_date_vi(date),
            Precision::Month => format!("tháng {}/{}", date.month(), date.year()),
        }
    }

    /// Shows the moment the English way: `2023-06-29 23:00`, `2023-06-21`, `2023-06`.
    pub fn format_en(self) -> String {
        match self.precision {
            Precision::Hour(hour) => format!("{} {hour:02}:00", self.date),
            Precision::Day | Precision::Month => self.to_string(),
        }
    }

    /// Date, and hour or precision, in one number that is ordered as the moments are; [`Moment::from_packed`] reads it.
    ///
    /// A year takes 2^14 numbers, so that those of a thousand years fit in 24 bits; a negative number is a negative year.
    #[inline]
    pub fn packed(self) -> i32 {
        let end = match self.precision {
            Precision::Hour(hour) => i32::from(hour),
            Precision::Month => PACKED_MONTH,
            Precision::Day => PACKED_DAY,
        };
        let (year, month, day) = (self.date.year(), self.date.month(), self.date.day());
        // Of at most 14 bits and a sign, 4, 5 and 5 bits.
        (i32::from(year) << 14) | (i32::from(month) << 10) | (i32::from(day) << 5) | end
    }

    /// The moment of a number that [`Moment::packed`] gave; none for any other.
    #[inline]
    pub fn from_packed(packed: i32) -> Option<Self> {
        let bits = |shift: u32, bits: u32| i8::try_from((packed >> shift) & ((1 << bits) - 1)).ok();
        let year = i16::try_from(packed >> 14).ok()?;
        let date = Date::new(year, bits(10, 4)?, bits(5, 5)?).ok()?;
        match packed & 31 {
            PACKED_DAY => Some(Self::end_of(date)),
            PACKED_MONTH => Some(Self::month_of(date)).filter(|month| month.date == date),
            hour => Self::at_hour(date, u8::try_from(hour).ok()?),
        }
    }
}

impl Ord for Moment {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        // Moments are compared more often than read.
        self.packed().cmp(&other.packed())
    }
}

impl PartialOrd for Moment {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.precision {
            Precision::Hour(hour) => write!(f, "{}T{hour:02}", iso_text(self.date)),
            Precision::Day => f.write_str(&iso_text(self.date)),
            Precision::Month => write!(f, "{:04}-{:02}", self.date.year(), self.date.month()),
        }
    }
}

impl FromStr for Moment {
    type Err = DateError;

    /// Reads the form of [`Display`](fmt::Display) only; people's forms are for [`Moment::parse`].
    fn from_str(text: &str) -> Result<Self, DateError> {
        let moment = Self::parse(text)?;
        if moment.to_string() == text {
            Ok(moment)
        } else {
            Err(DateError::NotAMoment {
                text: excerpt(text),
            })
        }
    }
}

impl TryFrom<String> for Moment {
    type Error = DateError;

    fn try_from(text: String) -> Result<Self, DateError> {
        text.parse()
    }
}

impl From<Moment> for String {
    fn from(moment: Moment) -> Self {
        moment.to_string()
    }
}

/// A date as `2023-06-21`, as it displays itself.
///
/// Every answer is full of dates, and the general formatter takes several times as long.
pub fn iso_text(date: Date) -> String {
    let Ok(year @ 0..=9_999) = u16::try_from(date.year()) else {
        return date.to_string();
    };
    let digit = |number: u16| char::from(b'0' + (number % 10) as u8);
    let pair = |number: i8| {
        let number = u16::from(number.unsigned_abs());
        ['-', digit(number / 10), digit(number)]
    };
    let year = [1_000, 100, 10, 1].map(|place| digit(year / place));
    let [month, day] = [pair(date.month()), pair(date.day())];
    let mut text = String::with_capacity(10);
    text.extend(year.iter().chain(&month).chain(&day));
    text
}

/// The date, if the text is exactly `2023-06-21` and in the calendar; what programs write need not be searched for more.
fn iso_date(text: &str) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |number, digit| {
            let digit = digit.is_ascii_digit().then(|| i16::from(digit - b'0'))?;
            Some(number * 10 + digit)
        })
    };
    let year = number(&[*y1, *y2, *y3, *y4]).filter(|year| YEARS.contains(year))?;
    let month = i8::try_from(number(&[*m1, *m2])?).ok()?;
    let day = i8::try_from(number(&[*d1, *d2])?).ok()?;
    Date::new(year, month, day).ok()
}

/// Reads a date: `21/6/2023`, `21-6-2023`, `21.6.2023`, `ngày 21 tháng 6 năm 2023`, `2023-06-21`.
///
/// # Errors
///
/// [`DateError`] for what is not in the calendar, years of two digits, other forms.
pub fn parse_date(text: &str) -> Result<Date, DateError> {
    let text = text.trim();
    if let Some(date) = iso_date(text) {
        return Ok(date);
    }
    if text.is_empty() {
        return Err(DateError::Missing);
    }
    let not_a_date = || DateError::NotADate {
        text: excerpt(text),
    };
    if text.len() > DATE_BYTES_MAX {
        return Err(not_a_date());
    }
    let bare = bare(text);
    let parts = bare.strip_prefix("ngay ").unwrap_or(&bare);
    let moment = parse_parts(parts, text)?;
    if moment.precision == Precision::Day {
        Ok(moment.date)
    } else {
        Err(not_a_date())
    }
}

/// Removes the words before an hour or a date: "tính đến hết ngày".
fn strip_lead(mut bare: &str) -> &str {
    const LEADS: [&str; 9] = [
        "tinh", "den", "toi", "het", "luc", "vao", "ngay", "as of", "at",
    ];
    loop {
        bare = bare.trim_start_matches([' ', ',']);
        let after_lead = LEADS
            .iter()
            .find_map(|lead| bare.strip_prefix(lead).filter(|rest| rest.starts_with(' ')));
        match after_lead {
            Some(rest) => bare = rest,
            None => return bare,
        }
    }
}

/// Takes a leading `23h`, `23h00`, `23 giờ` or `23:00` off.
fn split_hour<'a>(bare: &'a str, text: &str) -> Result<(Option<u8>, &'a str), DateError> {
    let (digits, rest) = split_digits(bare);
    let rest = rest.trim_start();
    let colon = rest.strip_prefix(':');
    let after_unit = ["gio", "h"]
        .iter()
        .find_map(|unit| rest.strip_prefix(unit))
        .or(colon);
    let Some(rest) = after_unit.filter(|_| matches!(digits.len(), 1 | 2)) else {
        return Ok((None, bare));
    };
    let (minutes, rest) = split_digits(rest);
    if minutes.len() > 2 || rest.starts_with(char::is_alphabetic) {
        return Err(DateError::NotAMoment {
            text: excerpt(text),
        });
    }
    Ok((Some(full_hour(digits, &[minutes], text)?), rest))
}

/// Takes a trailing `T23`, `T23:00` or ` 23:00` off.
fn split_iso_hour<'a>(bare: &'a str, text: &str) -> Result<(&'a str, Option<u8>), DateError> {
    let is_time = |time: &str| time.starts_with(|c: char| c.is_ascii_digit());
    let iso = bare.split_once('t').filter(|(_, time)| is_time(time));
    let spaced = bare
        .rsplit_once(' ')
        .filter(|(_, time)| is_time(time) && time.contains(':'));
    let Some((date, time)) = iso.or(spaced) else {
        return Ok((bare, None));
    };
    let fields: Vec<&str> = time.split(':').collect();
    let is_field = |field: &&str| field.len() == 2 && field.bytes().all(|b| b.is_ascii_digit());
    if fields.len() > 3 || !fields.iter().all(is_field) {
        return Err(DateError::NotAMoment {
            text: excerpt(text),
        });
    }
    Ok((date, Some(full_hour(fields[0], &fields[1..], text)?)))
}

/// The hour, if it is one and the finer fields are zero or empty.
fn full_hour(hour: &str, finer: &[&str], text: &str) -> Result<u8, DateError> {
    if finer
        .iter()
        .any(|field| field.bytes().any(|digit| digit != b'0'))
    {
        return Err(DateError::FinerThanHour {
            text: excerpt(text),
        });
    }
    match hour.parse() {
        Ok(hour @ 0..=24) => Ok(hour),
        _ => Err(DateError::NoSuchHour {
            text: excerpt(text),
        }),
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

/// Reads the day or the month in `bare`; errors name `text`.
fn parse_parts(bare: &str, text: &str) -> Result<Moment, DateError> {
    let not_a_date = || DateError::NotADate {
        text: excerpt(text),
    };
    let (month_only, bare) = match bare.strip_prefix("thang ") {
        Some(rest) => (true, rest),
        None => (false, bare),
    };
    let bare = bare.replace(" thang ", "/").replace(" nam ", "/");
    let separator = bare
        .chars()
        .find(|c| matches!(c, '/' | '-' | '.'))
        .ok_or_else(not_a_date)?;
    let parts: Vec<&str> = bare.split(separator).map(str::trim).collect();
    let is_number = |part: &&str| {
        matches!(part.len(), 1..=4) && part.bytes().all(|digit| digit.is_ascii_digit())
    };
    if !parts.iter().all(is_number) {
        return Err(not_a_date());
    }
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let date = |year, month, day| to_date(year, month, day, text);
    match (lengths.as_slice(), parts.as_slice()) {
        ([4, 1..=2, 1..=2], [year, month, day]) if !month_only && separator != '.' => {
            date(year, month, day).map(Moment::end_of)
        }
        ([1..=2, 1..=2, 4], [day, month, year]) if !month_only => {
            date(year, month, day).map(Moment::end_of)
        }
        ([4, 1..=2], [year, month]) if !month_only && separator != '.' => {
            date(year, month, "1").map(Moment::month_of)
        }
        ([1..=2, 4], [month, year]) if separator != '.' => {
            date(year, month, "1").map(Moment::month_of)
        }
        ([1..=2, 1..=2, 1..=3] | [1..=2, 1..=2], _) if separator != '.' || parts.len() == 3 => {
            Err(DateError::YearNotInFull {
                text: excerpt(text),
            })
        }
        _ => Err(not_a_date()),
    }
}

fn to_date(year: &str, month: &str, day: &str, text: &str) -> Result<Date, DateError> {
    let date = || {
        let year = year.parse().ok().filter(|year| YEARS.contains(year))?;
        Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
    };
    date().ok_or_else(|| DateError::NoSuchDate {
        text: excerpt(text),
    })
}

/// Shows a date the Vietnamese way: `21/6/2023`.
pub fn format_date_vi(date: Date) -> String {
    format!("{}/{}/{}", date.day(), date.month(), date.year())
}

/// The last nanosecond of a date in Vietnam.
pub fn end_of_day(date: Date) -> Timestamp {
    VIETNAM
        .to_timestamp(date.at(23, 59, 59, 999_999_999))
        .unwrap_or(Timestamp::MAX)
}

/// The date in Vietnam at an instant.
pub fn date_in_vietnam(instant: Timestamp) -> Date {
    VIETNAM.to_datetime(instant).date()
}

/// Reads an instant: RFC 3339 with or without seconds, such as `2026-11-22T10:00+07:00`, or a date,
/// which is the end of that day in Vietnam.
///
/// # Errors
///
/// [`DateError`] for times without an offset, dates not in the calendar, other forms.
pub fn parse_instant(text: &str) -> Result<Timestamp, DateError> {
    let text = text.trim();
    match parse_date(text) {
        Ok(date) => return Ok(end_of_day(date)),
        Err(DateError::NotADate { .. }) if text.len() <= DATE_BYTES_MAX => {}
        Err(DateError::NotADate { text }) => return Err(DateError::NotAnInstant { text }),
        Err(error) => return Err(error),
    }
    text.parse::<Timestamp>().map_err(|_| {
        if text.parse::<DateTime>().is_ok() {
            DateError::OffsetMissing {
                text: excerpt(text),
            }
        } else {
            DateError::NotAnInstant {
                text: excerpt(text),
            }
        }
    })
}

/// Shows an instant the Vietnamese way, in Vietnam's time: `10:00:05 ngày 22/11/2026`.
pub fn format_instant_vi(instant: Timestamp) -> String {
    let local = VIETNAM.to_datetime(instant);
    format!(
        "{:02}:{:02}:{:02} ngày {}",
        local.hour(),
        local.minute(),
        local.second(),
        format_date_vi(local.date())
    )
}

/// Shows an instant the English way, in Vietnam's time: `2026-11-22T10:00:05+07:00`, which
/// [`parse_instant`] reads.
pub fn format_instant_en(instant: Timestamp) -> String {
    let local = VIETNAM.to_datetime(instant);
    format!(
        "{}T{:02}:{:02}:{:02}+07:00",
        local.date(),
        local.hour(),
        local.minute(),
        local.second()
    )
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use jiff::civil::date;
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn hour(year: i16, month: i8, day: i8, hour: u8) -> Moment {
        Moment::at_hour(date(year, month, day), hour).unwrap()
    }

    #[test]
    fn dates_are_read_the_vietnamese_way() {
        for text in [
            "21/6/2023",
            "21/06/2023",
            "21-6-2023",
            "21.6.2023",
            "2023-06-21",
            "2023/6/21",
            " 21 / 6 / 2023 ",
            "ngày 21/6/2023",
            "ngày 21 tháng 6 năm 2023",
            "21 thang 6 nam 2023",
            "Ngày 21 tháng 6/2023",
        ] {
            assert_eq!(parse_date(text), Ok(date(2023, 6, 21)), "{text:?}");
            let decomposed: String = text.nfd().collect();
            assert_eq!(
                parse_date(&decomposed),
                Ok(date(2023, 6, 21)),
                "{text:?} decomposed"
            );
        }
        assert_eq!(format_date_vi(date(2023, 6, 21)), "21/6/2023");
    }

    #[test]
    fn dates_are_refused_with_their_reason() {
        for (text, reason) in [
            ("", "DATE_MISSING"),
            ("6/21/2023", "NO_SUCH_DATE"),
            ("31/6/2023", "NO_SUCH_DATE"),
            ("29/2/2023", "NO_SUCH_DATE"),
            ("0/6/2023", "NO_SUCH_DATE"),
            ("1/1/0001", "NO_SUCH_DATE"),
            ("1/1/2999", "NO_SUCH_DATE"),
            ("21/6/23", "YEAR_NOT_IN_FULL"),
            ("21/6", "YEAR_NOT_IN_FULL"),
            ("6/2023", "NOT_A_DATE"),
            ("269.950", "NOT_A_DATE"),
            ("2.0", "NOT_A_DATE"),
            ("20230621", "NOT_A_DATE"),
            ("21/6-2023", "NOT_A_DATE"),
            ("21/6/2023 10:00", "NOT_A_DATE"),
            ("21/6/2023/1", "NOT_A_DATE"),
            ("//", "NOT_A_DATE"),
            ("hôm qua", "NOT_A_DATE"),
        ] {
            assert_eq!(parse_date(text).unwrap_err().reason(), reason, "{text:?}");
        }
    }

    #[test]
    fn moments_are_read() {
        let eleven = hour(2023, 6, 29, 23);
        let day = Moment::end_of(date(2023, 6, 29));
        let month = Moment::month_of(date(2023, 6, 1));
        for (text, moment) in [
            ("23h ngày 29-6-2023", eleven),
            ("tính đến 23h ngày 29-6-2023", eleven),
            ("Tính đến 23h, ngày 29/6/2023", eleven),
            ("tinh den 23h ngay 29/6/2023", eleven),
            ("đến 23 giờ ngày 29 tháng 6 năm 2023", eleven),
            ("23h00 ngày 29/6/2023", eleven),
            ("23:00 29/6/2023", eleven),
            ("2023-06-29T23", eleven),
            ("2023-06-29T23:00", eleven),
            ("2023-06-29 23:00", eleven),
            ("0h ngày 1/7/2023", hour(2023, 7, 1, 0)),
            ("24h ngày 29/6/2023", hour(2023, 6, 29, 24)),
            ("2023-06-29", day),
            ("29/6/2023", day),
            ("tính đến hết ngày 29/6/2023", day),
            ("2023-06", month),
            ("6/2023", month),
            ("06/2023", month),
            ("tháng 6/2023", month),
            ("tháng 6 năm 2023", month),
            ("hết tháng 6/2023", month),
        ] {
            assert_eq!(Moment::parse(text), Ok(moment), "{text:?}");
            let decomposed: String = text.nfd().collect();
            assert_eq!(
                Moment::parse(&decomposed),
                Ok(moment),
                "{text:?} decomposed"
            );
        }
        assert_eq!(month.date(), date(2023, 6, 30));
        assert_eq!(month.precision(), Precision::Month);
    }

    #[test]
    fn moments_are_refused_with_their_reason() {
        for (text, reason) in [
            ("", "DATE_MISSING"),
            ("25h ngày 29/6/2023", "NO_SUCH_HOUR"),
            ("2023-06-29T25", "NO_SUCH_HOUR"),
            ("23h30 ngày 29/6/2023", "FINER_THAN_HOUR"),
            ("2023-06-29T23:30", "FINER_THAN_HOUR"),
            ("23h ngày 31/6/2023", "NO_SUCH_DATE"),
            ("2023-13", "NO_SUCH_DATE"),
            ("29/6/23", "YEAR_NOT_IN_FULL"),
            ("23h ngày 29/6", "YEAR_NOT_IN_FULL"),
            ("23h tháng 6/2023", "NOT_A_MOMENT"),
            ("23h ngày 2023-06-29T23", "NOT_A_MOMENT"),
            ("tháng 29/6/2023", "NOT_A_MOMENT"),
            ("2023-06-29T2", "NOT_A_MOMENT"),
            ("23h", "NOT_A_MOMENT"),
            ("2023", "NOT_A_MOMENT"),
            ("269.950", "NOT_A_MOMENT"),
            ("tính đến", "NOT_A_MOMENT"),
            ("23hours 29/6/2023", "NOT_A_MOMENT"),
        ] {
            assert_eq!(
                Moment::parse(text).unwrap_err().reason(),
                reason,
                "{text:?}"
            );
        }
        for text in ["29/6/2023", "2023-6-29", " 2023-06-29", "2023-06-29t23"] {
            assert!(
                text.parse::<Moment>().is_err(),
                "{text:?} is not the machine form"
            );
        }
    }

    #[test]
    fn moments_are_shown() {
        for (moment, machine, vi, en) in [
            (
                hour(2023, 6, 29, 23),
                "2023-06-29T23",
                "23h ngày 29/6/2023",
                "2023-06-29 23:00",
            ),
            (
                hour(2023, 6, 29, 5),
                "2023-06-29T05",
                "5h ngày 29/6/2023",
                "2023-06-29 05:00",
            ),
            (
                Moment::end_of(date(2023, 6, 21)),
                "2023-06-21",
                "21/6/2023",
                "2023-06-21",
            ),
            (
                Moment::month_of(date(2023, 6, 21)),
                "2023-06",
                "tháng 6/2023",
                "2023-06",
            ),
        ] {
            assert_eq!(moment.to_string(), machine);
            assert_eq!(moment.format_vi(), vi);
            assert_eq!(moment.format_en(), en);
        }
    }

    #[test]
    fn moments_are_ordered_by_time() {
        let end = date(2023, 6, 30);
        let ordered = [
            hour(2023, 6, 29, 23),
            Moment::end_of(date(2023, 6, 29)),
            hour(2023, 6, 30, 0),
            hour(2023, 6, 30, 24),
            Moment::month_of(end),
            Moment::end_of(end),
            hour(2023, 7, 1, 0),
        ];
        assert!(ordered.is_sorted_by(|a, b| a < b));
        for date in [Date::MIN, Date::MAX] {
            let (first, last) = (Moment::at_hour(date, 0).unwrap(), Moment::end_of(date));
            assert!(first < last, "{date}");
            for moment in [first, last, Moment::month_of(date)] {
                assert_eq!(Moment::from_packed(moment.packed()), Some(moment));
            }
        }
    }

    #[test]
    fn instants_are_read_and_shown() {
        let ten: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        for text in [
            "2026-11-22T10:00+07:00",
            "2026-11-22T10:00:00+07:00",
            "2026-11-22T03:00:00Z",
            "2026-11-22 10:00+07",
        ] {
            assert_eq!(parse_instant(text), Ok(ten), "{text:?}");
        }
        let end = end_of_day(date(2026, 11, 22));
        assert_eq!(end.to_string(), "2026-11-22T16:59:59.999999999Z");
        assert_eq!(parse_instant("2026-11-22"), Ok(end));
        assert_eq!(parse_instant("22/11/2026"), Ok(end));
        assert_eq!(date_in_vietnam(end), date(2026, 11, 22));
        assert_eq!(format_instant_vi(ten), "10:00:00 ngày 22/11/2026");
        assert_eq!(format_instant_en(ten), "2026-11-22T10:00:00+07:00");
        for (text, reason) in [
            ("", "DATE_MISSING"),
            ("2026-11-22T10:00", "OFFSET_MISSING"),
            ("2026-02-30", "NO_SUCH_DATE"),
            ("42", "NOT_AN_INSTANT"),
            ("now", "NOT_AN_INSTANT"),
        ] {
            assert_eq!(
                parse_instant(text).unwrap_err().reason(),
                reason,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_moment_has_its_instant() {
        let instant = |moment: Moment| moment.instant().to_string();
        assert_eq!(instant(hour(2023, 6, 29, 23)), "2023-06-29T16:00:00Z");
        assert_eq!(
            instant(hour(2023, 6, 29, 24)),
            "2023-06-29T16:59:59.999999999Z"
        );
        assert_eq!(
            instant(Moment::end_of(date(2023, 6, 29))),
            "2023-06-29T16:59:59.999999999Z"
        );
        assert_eq!(Moment::end_of(Date::MAX).instant(), Timestamp::MAX);
    }

    fn any_date() -> impl Strategy<Value = Date> {
        (1900..=2199_i16, 1..=12_i8, 1..=31_i8)
            .prop_filter_map("not in the calendar", |(y, m, d)| Date::new(y, m, d).ok())
    }

    fn any_moment() -> impl Strategy<Value = Moment> {
        let hour = (any_date(), 0..=24_u8).prop_map(|(d, h)| Moment::at_hour(d, h).unwrap());
        prop_oneof![
            hour,
            any_date().prop_map(Moment::end_of),
            any_date().prop_map(Moment::month_of)
        ]
    }

    proptest! {
        #[test]
        fn reading_what_is_shown_gives_the_moment(moment in any_moment()) {
            prop_assert_eq!(moment.to_string().parse(), Ok(moment));
            for shown in [moment.to_string(), moment.format_vi(), moment.format_en()] {
                prop_assert_eq!(Moment::parse(&shown), Ok(moment));
                let decomposed: String = shown.nfd().collect();
                prop_assert_eq!(Moment::parse(&decomposed), Ok(moment));
                prop_assert_eq!(Moment::parse(&format!("tính đến {shown}")), Ok(moment));
            }
        }

        #[test]
        fn reading_what_is_shown_gives_the_date(date in any_date()) {
            prop_assert_eq!(parse_date(&format_date_vi(date)), Ok(date));
            prop_assert_eq!(parse_date(&date.to_string()), Ok(date));
            prop_assert_eq!(iso_text(date), date.to_string());
        }

        #[test]
        fn a_date_of_any_year_is_written_as_it_displays_itself(days in -4_000_000..2_900_000_i64) {
            let date = Date::new(1970, 1, 1).unwrap().saturating_add(days.days());
            prop_assert_eq!(iso_text(date), date.to_string());
        }

        #[test]
        fn reading_what_is_shown_gives_the_instant(second in -2_000_000_000..7_000_000_000_i64) {
            let instant = Timestamp::from_second(second).unwrap();
            prop_assert_eq!(parse_instant(&format_instant_en(instant)), Ok(instant));
        }

        #[test]
        fn the_order_agrees_with_equality_and_time(a in any_moment(), b in any_moment()) {
            prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(a > b || a.instant() <= b.instant());
            prop_assert!(a <= Moment::end_of(a.date()));
        }

        #[test]
        fn packing_keeps_the_order_and_reads_back(a in any_moment(), b in any_moment()) {
            prop_assert_eq!(Moment::from_packed(a.packed()), Some(a));
            prop_assert_eq!(a.packed().cmp(&b.packed()), a.cmp(&b));
            let time = |moment: Moment| (moment.date(), moment.hour());
            prop_assert!(a >= b || time(a) <= time(b));
        }

        #[test]
        fn a_packed_number_is_that_of_its_moment_or_of_none(packed in prop_oneof![
            any::<i32>(),
            (any_moment(), -40..40_i32).prop_map(|(moment, off)| moment.packed() + off),
        ]) {
            let moment = Moment::from_packed(packed);
            prop_assert!(moment.is_none_or(|moment| moment.packed() == packed));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = (parse_date(&text), Moment::parse(&text), parse_instant(&text));
        }

        #[test]
        fn date_like_text_is_read_or_refused(text in "(ngày |tháng |[0-9]{1,4}|[-/.:hT ]){0,12}") {
            let _ = (parse_date(&text), Moment::parse(&text), parse_instant(&text));
        }
    }
}
