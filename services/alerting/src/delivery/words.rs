//! A digest in words: Vietnamese and English side by side, as text and as HTML.

use domain::text::{Moment, Percent, date, number};
use jiff::civil::Date;

use super::contacts::Order;
use super::digest::Section;

/// Vietnamese and English.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Both {
    pub(crate) vi: String,
    pub(crate) en: String,
}

impl Both {
    fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            vi: vi.into(),
            en: en.into(),
        }
    }

    /// The two in an order; one if they are the same.
    fn ordered(&self, order: Order) -> Vec<&str> {
        if self.en.is_empty() || self.en == self.vi {
            return vec![&self.vi];
        }
        match order {
            Order::Vi => vec![&self.vi, &self.en],
            Order::En => vec![&self.en, &self.vi],
        }
    }
}

/// A row of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) said: Both,
    /// For how many days it has been open.
    pub(crate) age_days: Option<i64>,
    /// The share as last told and as it is now.
    pub(crate) moved: Option<(u32, u32)>,
}

/// A part of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) section: Section,
    /// How many there are.
    pub(crate) total: usize,
    /// The first of them.
    pub(crate) rows: Vec<Row>,
}

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// The morning of a day.
    Digest(Date),
    /// Something that could not wait, on a day.
    Urgent(Date),
}

impl Occasion {
    /// The day that it is about.
    pub(crate) fn day(self) -> Date {
        match self {
            Self::Digest(day) | Self::Urgent(day) => day,
        }
    }
}

/// A mail in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

fn heading(section: Section) -> Both {
    match section {
        Section::Step => Both::new("Đã chuyển bước", "Moved up a step"),
        Section::New => Both::new("Phát sinh chậm", "New"),
        Section::Worse => Both::new("Chuyển biến xấu", "Worse"),
        Section::Better => Both::new("Có chuyển biến", "Better"),
        Section::Still => Both::new("Tiếp tục chậm tiến độ", "Still lagging"),
        Section::Missing => Both::new("Chưa có báo cáo", "Reports missing"),
        Section::Due => Both::new("Sắp đến hạn (7 ngày)", "Due within a week"),
        Section::Done => Both::new("Đã hoàn thành", "Completed"),
        Section::Reported => Both::new("Đã có báo cáo", "Reported"),
        Section::Closed => Both::new("Đã đóng", "Closed"),
        Section::Commended => Both::new("Biểu dương", "Commended"),
    }
}

/// A share as officials write it: `83,8%`.
fn share(hundredths: u32) -> Both {
    let percent = Percent::from_hundredths(hundredths, 2).unwrap_or(Percent::MAX);
    let percent = percent.rounded(1);
    Both::new(
        number::format_percent_vi(percent),
        number::format_percent_en(percent),
    )
}

fn count(count: usize) -> Both {
    let count = count as u64;
    Both::new(
        number::format_count_vi(count),
        number::format_count_en(count),
    )
}

/// A row with what is told beside its sentence.
fn said(row: &Row) -> Both {
    let mut said = row.said.clone();
    if let Some((before, now)) = row.moved {
        let (before, now) = (share(before), share(now));
        said.vi = format!("{} [lần trước {}, nay {}]", said.vi, before.vi, now.vi);
        if !said.en.is_empty() {
            said.en = format!("{} [last told {}, now {}]", said.en, before.en, now.en);
        }
    }
    if let Some(days) = row.age_days {
        said.vi = format!("{} [đã {days} ngày]", said.vi);
        if !said.en.is_empty() {
            said.en = format!("{} [for {days} days]", said.en);
        }
    }
    said
}

/// What a mail is called; numbers only for what there is.
fn subject(occasion: Occasion, parts: &[Part], order: Order) -> String {
    let (mut vi, mut en) = (Vec::new(), Vec::new());
    for part in parts {
        let (number, heading) = (count(part.total), heading(part.section));
        vi.push(format!("{} {}", number.vi, heading.vi.to_lowercase()));
        en.push(format!("{} {}", number.en, heading.en.to_lowercase()));
    }
    let title = title(occasion);
    match order {
        Order::Vi => format!("{}: {}", title.vi, vi.join(", ")),
        Order::En => format!("{}: {}", title.en, en.join(", ")),
    }
}

fn title(occasion: Occasion) -> Both {
    match occasion {
        Occasion::Digest(day) => Both::new(
            format!("Tiến độ Đề án 06 ngày {}", date::format_date_vi(day)),
            format!("Progress of {}", Moment::end_of(day).format_en()),
        ),
        Occasion::Urgent(day) => Both::new(
            format!("KHẨN: tiến độ Đề án 06 ngày {}", date::format_date_vi(day)),
            format!("URGENT: progress of {}", Moment::end_of(day).format_en()),
        ),
    }
}

fn more(part: &Part) -> Option<Both> {
    let left = part.total - part.rows.len();
    (left > 0).then(|| {
        let left = count(left);
        Both::new(
            format!("… và {} trường hợp nữa (tiendo case list)", left.vi),
            format!("… and {} more (tiendo case list)", left.en),
        )
    })
}

/// How many cases are not told because notifications about them are paused.
fn paused(silenced: usize) -> Option<Both> {
    let left = count(silenced);
    (silenced > 0).then(|| {
        Both::new(
            format!(
                "{} trường hợp không nêu vì đang tạm dừng thông báo (tiendo silence list).",
                left.vi
            ),
            format!(
                "{} left out because notifications are paused (tiendo silence list).",
                left.en
            ),
        )
    })
}

/// A mail to an office; parts without anything are left out, and how much is silenced is said in a line.
pub(crate) fn letter(
    occasion: Occasion,
    (name, order): (&str, Order),
    parts: &[Part],
    silenced: usize,
) -> Letter {
    let parts: Vec<Part> = parts.iter().filter(|p| p.total > 0).cloned().collect();
    let automatic = Both::new(
        "Thư tự động từ sổ tiến độ; xin không trả lời thư này.",
        "Sent by the progress ledger; please do not answer.",
    );
    let closing: Vec<Both> = paused(silenced).into_iter().chain([automatic]).collect();
    let greeting = Both::new(format!("Kính gửi: {name}"), format!("To: {name}"));
    Letter {
        subject: subject(occasion, &parts, order),
        text: text(&title(occasion), &greeting, &closing, order, &parts),
        html: html(&title(occasion), &greeting, &closing, order, &parts),
    }
}

fn text(title: &Both, greeting: &Both, closing: &[Both], order: Order, parts: &[Part]) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(&title.ordered(order).join(" / "));
    line(&greeting.ordered(order).join(" / "));
    for part in parts {
        line("");
        let (heading, total) = (heading(part.section), count(part.total));
        let heading = heading.ordered(order).join(" / ").to_uppercase();
        let total = if order == Order::Vi {
            total.vi
        } else {
            total.en
        };
        line(&format!("{heading} ({total})"));
        for (number, row) in part.rows.iter().enumerate() {
            let said = said(row);
            for (index, said) in said.ordered(order).into_iter().enumerate() {
                if index == 0 {
                    line(&format!("{:>3}. {said}", number + 1));
                } else {
                    line(&format!("     {said}"));
                }
            }
        }
        if let Some(more) = more(part) {
            line(&format!("     {}", more.ordered(order).join(" / ")));
        }
    }
    line("");
    for closing in closing.iter().flat_map(|closing| closing.ordered(order)) {
        line(closing);
    }
    out
}

fn html(title: &Both, greeting: &Both, closing: &[Both], order: Order, parts: &[Part]) -> String {
    let lang = if order == Order::Vi { "vi" } else { "en" };
    let both = |both: &Both, between: &str| {
        let escaped: Vec<String> = both.ordered(order).into_iter().map(escape).collect();
        escaped.join(between)
    };
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\"><title>{}</title></head>\n<body style=\"font-family:sans-serif\">\n<h1 style=\"font-size:1.2em\">{}</h1>\n<p>{}</p>\n",
        both(title, " / "),
        both(title, "<br>"),
        both(greeting, "<br>"),
    );
    for part in parts {
        let (heading, total) = (heading(part.section), count(part.total));
        let total = if order == Order::Vi {
            total.vi
        } else {
            total.en
        };
        out.push_str(&format!(
            "<h2 style=\"font-size:1em\">{} ({total})</h2>\n<table border=\"1\" cellpadding=\"4\" style=\"border-collapse:collapse\">\n",
            both(&heading, " / ")
        ));
        for row in &part.rows {
            let cells: Vec<String> = said(row).ordered(order).into_iter().map(escape).collect();
            let cells = cells.join("</td><td>");
            out.push_str(&format!("<tr><td>{cells}</td></tr>\n"));
        }
        out.push_str("</table>\n");
        if let Some(more) = more(part) {
            out.push_str(&format!("<p>{}</p>\n", both(&more, " / ")));
        }
    }
    for closing in closing {
        out.push_str(&format!("<p>{}</p>\n", both(closing, "<br>")));
    }
    out.push_str("</body></html>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<Part> {
        let row = |vi: &str, en: &str| Row {
            said: Both::new(vi, en),
            age_days: None,
            moved: None,
        };
        vec![
            Part {
                section: Section::New,
                total: 10_000,
                rows: vec![row("Quận <Hà Đông> chậm.", "Ha Dong lags.")],
            },
            Part {
                section: Section::Worse,
                total: 1,
                rows: vec![Row {
                    moved: Some((8_380, 7_000)),
                    age_days: Some(12),
                    ..row("Ba Vì chậm.", "")
                }],
            },
            Part {
                section: Section::Closed,
                total: 0,
                rows: Vec::new(),
            },
        ]
    }

    #[test]
    fn numbers_and_dates_are_written_as_officials_do_and_the_rest_is_counted() {
        let day = "2023-06-07".parse().unwrap();
        let letter = letter(Occasion::Digest(day), ("Tổ 06", Order::Vi), &parts(), 1_200);
        assert_eq!(
            letter.subject,
            "Tiến độ Đề án 06 ngày 7/6/2023: 10.000 phát sinh chậm, 1 chuyển biến xấu"
        );
        for expected in [
            "PHÁT SINH CHẬM / NEW (10.000)",
            "\n\n1.200 trường hợp không nêu vì đang tạm dừng thông báo (tiendo silence list).\n1,200 left out because notifications are paused (tiendo silence list).\nThư tự động",
            "  1. Quận <Hà Đông> chậm.\n     Ha Dong lags.",
            "… và 9.999 trường hợp nữa (tiendo case list) / … and 9,999 more (tiendo case list)",
            "Ba Vì chậm. [lần trước 83,8%, nay 70,0%] [đã 12 ngày]",
        ] {
            assert!(
                letter.text.contains(expected),
                "{expected}\n{}",
                letter.text
            );
        }
        assert!(!letter.text.contains("ĐÃ ĐÓNG"), "{}", letter.text);
        assert!(
            letter
                .html
                .contains("<td>Quận &lt;Hà Đông&gt; chậm.</td><td>Ha Dong lags.</td>")
        );
    }

    #[test]
    fn whoever_reads_english_gets_it_first() {
        let day = "2023-06-07".parse().unwrap();
        let letter = letter(Occasion::Urgent(day), ("Tổ 06", Order::En), &parts(), 0);
        assert!(
            letter.subject.starts_with("URGENT: progress of "),
            "{}",
            letter.subject
        );
        assert!(!letter.text.contains("paused"), "{}", letter.text);
        assert!(
            letter
                .text
                .contains("  1. Ha Dong lags.\n     Quận <Hà Đông> chậm.")
        );
    }
}
