//! Numbers, shares and dates as people read them, in both languages.

use crate::day::date;

/// The language a sentence is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `269.950`, `83,8%`, `30/6/2023`.
    Vietnamese,
    /// `269,950`, `83.8%`, `30 June 2023`.
    English,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Language {
    /// A number rounded to a whole one, with its thousands apart: `269.950`, `269,950`.
    #[must_use]
    pub fn count(self, value: f64) -> String {
        let mark = if self == Language::Vietnamese {
            '.'
        } else {
            ','
        };
        let digits = format!("{:.0}", value.abs().round());
        let mut text = String::new();
        if value.round() < 0.0 {
            text.push('-');
        }
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(mark);
            }
            text.push(digit);
        }
        text
    }

    /// A share in percent: one decimal, none when it is zero: `83,8%`, `100%`. What is below 100 % never reads as 100.
    #[must_use]
    pub fn percent(self, share: f64) -> String {
        format!("{}%", self.points(share))
    }

    /// A share in percent without the sign: `83,8`.
    #[must_use]
    pub fn points(self, share: f64) -> String {
        let mut tenths = (share * 1000.0).round();
        if share < 1.0 && tenths >= 1000.0 {
            tenths = 999.0;
        }
        if !tenths.is_finite() {
            return "–".to_owned();
        }
        let text = format!("{:.1}", tenths / 10.0);
        let text = text.strip_suffix(".0").unwrap_or(&text);
        match self {
            Language::Vietnamese => text.replace('.', ","),
            Language::English => text.to_owned(),
        }
    }

    /// `30/6/2023`, `30 June 2023`; a dash for a moment outside the calendar.
    #[must_use]
    pub fn date(self, moment: f64) -> String {
        let Some(date) = date(moment) else {
            return "–".to_owned();
        };
        let (day, month, year) = (date.day(), date.month(), date.year());
        match self {
            Language::Vietnamese => format!("{day}/{month}/{year}"),
            Language::English => {
                let name = usize::try_from(month - 1)
                    .ok()
                    .and_then(|index| MONTHS.get(index));
                format!("{day} {} {year}", name.unwrap_or(&"–"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, Vietnamese};
    use crate::day;

    #[test]
    fn counts() {
        assert_eq!(Vietnamese.count(269_950.0), "269.950");
        assert_eq!(English.count(1_661.4), "1,661");
        assert_eq!(Vietnamese.count(999.0), "999");
        assert_eq!(Vietnamese.count(-1_000.0), "-1.000");
        assert_eq!(Vietnamese.count(-0.2), "0");
    }

    #[test]
    fn shares() {
        assert_eq!(Vietnamese.percent(0.838), "83,8%");
        assert_eq!(English.percent(0.7407), "74.1%");
        assert_eq!(Vietnamese.percent(1.0), "100%");
        assert_eq!(Vietnamese.percent(1.366), "136,6%");
        assert_eq!(Vietnamese.percent(0.999_9), "99,9%");
    }

    #[test]
    fn dates() {
        let moment = day(jiff::civil::date(2023, 6, 30), None);
        assert_eq!(Vietnamese.date(moment), "30/6/2023");
        assert_eq!(English.date(moment), "30 June 2023");
        assert_eq!(Vietnamese.date(f64::NAN), "–");
    }
}
