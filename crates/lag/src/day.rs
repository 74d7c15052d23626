//! Days as numbers and as dates.
//!
//! Day 0 begins at 1970-01-01T00:00 local time.
//! A date without an hour speaks of the *end* of that day: a report "đến 5/6" covers the fifth, a
//! deadline "30/6" includes the thirtieth, and both line up with "tính đến 23h ngày 29-6-2023".

use jiff::ToSpan;
use jiff::civil::{Date, date as civil};

/// One second, in days: reading back a date forgives this much rounding.
const SECOND: f64 = 1.0 / 86_400.0;

const EPOCH: Date = civil(1970, 1, 1);

/// Days from 1 March of the year 0 to the epoch.
const MARCH_OF_YEAR_0: i32 = 719_468;

/// The moment a figure speaks of, in days since 1970-01-01T00:00.
///
/// `hour` 0 to 24; without one the end of the day (24), later ones count as 24.
/// Hour 0 is the same moment as hour 24 of the day before, and is read back as that.
#[inline]
#[must_use]
pub fn day(date: Date, hour: Option<u8>) -> f64 {
    let hour = hour.unwrap_or(24).min(24);
    f64::from(days_of(date)) + f64::from(hour) / 24.0
}

/// Days since the epoch, by arithmetic alone: a judge reads the date of every figure.
///
/// The year begins in March, so that the leap day is its last; 400 of them have 146,097 days.
#[inline]
fn days_of(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - MARCH_OF_YEAR_0
}

/// The date a moment belongs to; midnight belongs to the day that ends.
///
/// `None` outside the calendar (years −9999 to 9999).
#[must_use]
pub fn date(moment: f64) -> Option<Date> {
    let days = (moment - SECOND).floor();
    // Within ±7 million, the most jiff spans, the conversion is exact; NaN fails the comparison.
    (days.abs() < 7e6)
        .then(|| EPOCH.checked_add((days as i64).days()).ok())
        .flatten()
}

/// A moment, and an exact amount of so many parts of a unit, as the numbers that are reckoned with.
///
/// The moment is that of [`day()`]. Of zero parts there is no amount: it is not a number.
#[inline]
#[must_use]
pub fn point((date, hour): (Date, u8), (numerator, divisor): (u128, u64)) -> (f64, f64) {
    (day(date, Some(hour)), numerator as f64 / divisor as f64)
}

/// Calendar days from one moment's date to another's; negative backwards.
pub(crate) fn days_between(from: f64, to: f64) -> Option<f64> {
    let days = |moment: f64| (moment - SECOND).floor();
    let between = days(to) - days(from);
    between.is_finite().then_some(between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_is_day_zero() {
        assert_eq!(day(civil(1970, 1, 1), Some(0)), 0.0);
        assert_eq!(day(civil(1970, 1, 1), Some(12)), 0.5);
        assert_eq!(day(civil(1970, 1, 1), None), 1.0);
        // 53 years · 365 + 13 leap days = 19 358; January to May 151; the end of the fifth day.
        assert_eq!(day(civil(2023, 6, 5), None), 19_358.0 + 151.0 + 5.0);
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let mut date = civil(1599, 12, 25);
        while date < civil(2405, 1, 10) {
            let span = EPOCH.until((jiff::Unit::Day, date)).unwrap();
            assert_eq!(days_of(date), span.get_days(), "{date}");
            date = date.checked_add(1.day()).unwrap();
        }
        for date in [Date::MIN, civil(-1, 2, 28), civil(0, 3, 1), Date::MAX] {
            let span = EPOCH.until((jiff::Unit::Day, date)).unwrap();
            assert_eq!(days_of(date), span.get_days(), "{date}");
        }
    }

    #[test]
    fn dates_come_back() {
        for hour in 1..=24 {
            let moment = day(civil(2023, 6, 29), Some(hour));
            assert_eq!(date(moment), Some(civil(2023, 6, 29)), "{hour}h");
        }
        assert_eq!(
            date(day(civil(2024, 2, 29), None)),
            Some(civil(2024, 2, 29))
        );
        assert_eq!(date(day(civil(1945, 9, 2), None)), Some(civil(1945, 9, 2)));
        assert_eq!(date(f64::NAN), None);
        assert_eq!(date(f64::INFINITY), None);
        assert_eq!(date(1e7), None);
    }

    #[test]
    fn an_exact_amount_is_divided_once() {
        // 8,380 hundredths of a point of 756,954.
        let read = point((civil(1970, 1, 1), 12), (8_380 * 756_954, 10_000));
        assert_eq!(read, (0.5, 634_327.452));
        assert!(!point((civil(1970, 1, 1), 0), (0, 0)).1.is_finite());
    }

    #[test]
    fn calendar_days_ignore_the_hour() {
        let morning = day(civil(2023, 6, 21), Some(8));
        assert_eq!(
            days_between(morning, day(civil(2023, 6, 30), None)),
            Some(9.0)
        );
        assert_eq!(
            days_between(day(civil(2023, 6, 5), None), day(civil(2023, 7, 31), None)),
            Some(56.0)
        );
    }
}
