//! Letters to the heads of units, drafted from a case: a person checks, numbers and signs them.
//!
//! The form is that of an official letter (công văn) after Decree 30/2020/NĐ-CP, appendix I: motto, sender, subject line, addressee, body, place of receipt, signature.
//! What was published is cited with its date, and the events behind it by their positions in the ledger, so that whoever gets the letter can check every number.
//!
//! - [`Letter::draft`]: what it says
//! - `figures`: the table of figures
//! - `wording`: what is asked for at each step
//! - `docx`, `html`: as a file to be edited, and as a page to be printed

mod docx;
mod figures;
mod html;
mod wording;

use domain::event::{Recipient, Step};
use domain::text::date;
use domain::text::name::{PlaceKind, strip_prefix};
use domain::text::number::format_count_vi;
use jiff::civil::Date;
use wire::v1;

use crate::notice::is_late;
use crate::render::within;

pub(crate) use docx::docx;
pub(crate) use html::html;
use wording::wording;

/// Most positions that a letter cites; the rest are in the case.
const POSITIONS_MAX: usize = 12;

/// What a letter is made of.
pub(crate) struct Occasion<'a> {
    /// The judgement it tells.
    pub(crate) verdict: &'a v1::Verdict,
    /// Step of the ladder; none for praise.
    pub(crate) step: Option<&'a Step>,
    /// Names of the places above, nearest first; the office of the first writes.
    pub(crate) above: &'a [String],
    /// The ledger's id.
    pub(crate) ledger: &'a str,
    /// The day of the draft.
    pub(crate) day: Date,
    /// Until when an answer is asked for.
    pub(crate) reply_by: Option<Date>,
}

/// A letter as it is read from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    /// The office that writes.
    pub(crate) sender: String,
    /// What it is about, without "V/v".
    pub(crate) subject: String,
    /// Place and day of writing.
    pub(crate) dateline: String,
    /// To whom.
    pub(crate) addressee: String,
    /// What is said before the figures.
    pub(crate) opening: Vec<String>,
    /// Label and value of each figure.
    pub(crate) figures: Vec<(&'static str, String)>,
    /// What is asked for, and by when.
    pub(crate) request: Vec<String>,
    /// Where the figures come from.
    pub(crate) source: String,
    /// Who gets a copy.
    pub(crate) copies: Vec<String>,
}

impl Letter {
    /// Drafts the letter of an occasion.
    pub(crate) fn draft(occasion: &Occasion<'_>) -> Self {
        let verdict = occasion.verdict;
        let place = vietnamese(verdict.locality_name.as_ref());
        let indicator = within(vietnamese(verdict.indicator_name.as_ref()));
        let parent = occasion.above.first();
        let sender = parent.map_or_else(
            || "Tổ công tác triển khai Đề án 06 của Chính phủ".to_owned(),
            |parent| office(parent).replacen("UBND", "Ủy ban nhân dân", 1),
        );
        let about = match occasion.step {
            Some(step) => wording(step, verdict.concern()).subject,
            None if is_late(verdict) => "ghi nhận hoàn thành".to_owned(),
            None => "biểu dương kết quả".to_owned(),
        };
        Self {
            sender,
            subject: format!("{about} {indicator}"),
            dateline: dateline(occasion.above, occasion.day),
            addressee: format!("Chủ tịch {}", office(place)),
            opening: opening(verdict),
            figures: figures::table(verdict),
            request: request(occasion, &office(place)),
            source: source(verdict, occasion.ledger),
            copies: copies(occasion),
        }
    }
}

/// "UBND huyện Phú Ninh": within a sentence the kind of place is small, the name is not.
pub(crate) fn office(place: &str) -> String {
    match strip_prefix(place) {
        (Some(_), _) => format!("UBND {}", within(place)),
        (None, name) => format!("UBND {name}"),
    }
}

/// Who gets a copy: the offices above the one that writes, where the step tells them.
fn copies(occasion: &Occasion<'_>) -> Vec<String> {
    let tells = occasion.step.map_or(&[][..], |step| &step.tells[..]);
    let province = occasion
        .above
        .last()
        .filter(|_| tells.contains(&Recipient::Province) && occasion.above.len() > 1);
    let province = province.map(|province| format!("{} (để báo cáo)", office(province)));
    let addressee = std::iter::once("Như trên".to_owned());
    addressee
        .chain(province)
        .chain(std::iter::once("Lưu: VT".to_owned()))
        .collect()
}

fn vietnamese(name: Option<&v1::Name>) -> &str {
    name.map_or("", |name| &name.vi)
}

/// "Khánh Hòa, ngày 07 tháng 6 năm 2023", by Decree 30/2020/NĐ-CP, appendix I, part I, section II, point 4.
///
/// The place is the official name of the unit where the office sits; one that is named after a person, by a number or after an event of history is written in full, with its kind.
/// Which districts and communes are is on no record, so all of them are written in full; of the provinces Hồ Chí Minh alone is.
/// Days below ten and the first two months have a zero.
fn dateline(above: &[String], day: Date) -> String {
    let place = above.first().map_or("Hà Nội", |parent| {
        let (kind, name) = strip_prefix(parent);
        let is_province = matches!(kind, Some(PlaceKind::Province | PlaceKind::City));
        if is_province && above.len() == 1 && name != "Hồ Chí Minh" {
            name
        } else {
            parent
        }
    });
    let month = if day.month() <= 2 {
        format!("{:02}", day.month())
    } else {
        day.month().to_string()
    };
    let (date, year) = (day.day(), day.year());
    format!("{place}, ngày {date:02} tháng {month} năm {year}")
}

/// The day of a verdict as officials write it.
pub(crate) fn judged_for_vi(verdict: &v1::Verdict) -> String {
    let day = verdict.judged_for.parse();
    day.map_or_else(|_| verdict.judged_for.clone(), date::format_date_vi)
}

fn opening(verdict: &v1::Verdict) -> Vec<String> {
    let judged_for = judged_for_vi(verdict);
    vec![
        "Thực hiện Quyết định số 06/QĐ-TTg ngày 06/01/2022 của Thủ tướng Chính phủ phê duyệt Đề án phát triển ứng dụng dữ liệu về dân cư, định danh và xác thực điện tử phục vụ chuyển đổi số quốc gia giai đoạn 2022 - 2025, tầm nhìn đến năm 2030; qua theo dõi tiến độ, số liệu đánh giá cho ngày ".to_owned()
            + &judged_for
            + " như sau:",
        vietnamese(verdict.sentence.as_ref()).to_owned(),
    ]
}

fn request(occasion: &Occasion<'_>, office: &str) -> Vec<String> {
    let Some(step) = occasion.step else {
        let praise = if is_late(occasion.verdict) {
            format!(
                "Ghi nhận {office} đã hoàn thành chỉ tiêu được giao sau thời hạn; đề nghị rút kinh nghiệm và tiếp tục duy trì kết quả."
            )
        } else {
            format!(
                "Biểu dương {office} đã hoàn thành chỉ tiêu được giao; đề nghị tiếp tục duy trì kết quả và chia sẻ kinh nghiệm với các địa phương khác."
            )
        };
        return vec![praise];
    };
    let wording = wording(step, occasion.verdict.concern());
    let reproach = wording
        .reproach
        .map(|what| format!("Phê bình {office} {what}."));
    let by = occasion.reply_by.map(date::format_date_vi);
    let by = by
        .map(|day| format!(" chậm nhất ngày {day}"))
        .unwrap_or_default();
    let request = format!("{}{by}.", wording.request);
    reproach
        .into_iter()
        .chain(std::iter::once(request))
        .collect()
}

fn source(verdict: &v1::Verdict, ledger: &str) -> String {
    let cited: Vec<String> = verdict
        .positions
        .iter()
        .take(POSITIONS_MAX)
        .map(|position| format_count_vi(*position))
        .collect();
    let more = verdict.positions.len().saturating_sub(POSITIONS_MAX);
    let more = if more > 0 {
        format!(" và {} sự kiện khác", format_count_vi(more as u64))
    } else {
        String::new()
    };
    format!(
        "Căn cứ các sự kiện số {}{more} của sổ \"{ledger}\"; tính đến sự kiện số {}, theo quy tắc {}.",
        cited.join("; "),
        format_count_vi(verdict.position),
        verdict.rules_version
    )
}

#[cfg(test)]
mod tests;
