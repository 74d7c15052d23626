//! Letters to the heads of units, drafted from a case: a person checks, numbers and signs them.
//!
//! The form is that of an official letter (công văn) after Decree 30/2020/NĐ-CP, appendix I: motto, sender, subject line, addressee, body, place of receipt, signature.
//! What was published is cited with its date, and the events behind it by their positions in the ledger, so that whoever gets the letter can check every number.
//!
//! - [`Letter::draft`]: what it says
//! - `figures`: the table of figures
//! - `docx`, `html`: as a file to be edited, and as a page to be printed

mod docx;
mod figures;
mod html;

use domain::event::Step;
use domain::text::date;
use domain::text::name::strip_prefix;
use domain::text::number::format_count_vi;
use jiff::civil::Date;
use wire::v1;

use crate::render::within;

pub(crate) use docx::docx;
pub(crate) use html::html;

/// Most positions that a letter cites; the rest are in the case.
const POSITIONS_MAX: usize = 12;

/// The step whose letter says so in words of its own.
const CRITICISM: &str = "phê bình";

/// What a letter is made of.
pub(crate) struct Occasion<'a> {
    /// The judgement it tells.
    pub(crate) verdict: &'a v1::Verdict,
    /// Step of the ladder; none for praise.
    pub(crate) step: Option<&'a Step>,
    /// Name of the place above, whose office writes; none above a province.
    pub(crate) parent: Option<&'a str>,
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
        let sender = occasion.parent.map_or_else(
            || "Tổ công tác triển khai Đề án 06 của Chính phủ".to_owned(),
            office,
        );
        let about = match occasion.step {
            Some(step) => wording(step).subject,
            None => "biểu dương kết quả".to_owned(),
        };
        Self {
            sender,
            subject: format!("{about} {indicator}"),
            dateline: dateline(occasion.parent, occasion.day),
            addressee: format!("Chủ tịch {}", office(place)),
            opening: opening(verdict),
            figures: figures::table(verdict),
            request: request(occasion, &office(place)),
            source: source(verdict, occasion.ledger),
            copies: vec!["Như trên".to_owned(), "Lưu: VT".to_owned()],
        }
    }
}

/// How a step of the ladder is worded.
struct Wording {
    /// Follows "V/v", before the indicator.
    subject: String,
    /// What is asked for, before the day by which.
    request: &'static str,
}

/// The wording of a step by its name: those of practice, and a general one for a name that somebody else gave.
fn wording(step: &Step) -> Wording {
    let name = step.name.vi.to_lowercase();
    let (subject, request) = match name.as_str() {
        "nhắc" => (
            "nhắc tiến độ",
            "Đề nghị đồng chí chỉ đạo rà soát, tổ chức thực hiện và báo cáo kết quả",
        ),
        "đôn đốc" => (
            "đôn đốc tiến độ",
            "Đề nghị đồng chí tập trung chỉ đạo, có giải pháp cụ thể để bảo đảm tiến độ và báo cáo kết quả",
        ),
        "giao ban" => (
            "báo cáo tại giao ban về tiến độ",
            "Đề nghị đồng chí báo cáo tại cuộc họp giao ban gần nhất về nguyên nhân, giải pháp và thời hạn hoàn thành, và gửi báo cáo bằng văn bản",
        ),
        "giải trình" => (
            "yêu cầu giải trình về tiến độ",
            "Yêu cầu đồng chí giải trình bằng văn bản nguyên nhân chậm tiến độ, trách nhiệm của tập thể và cá nhân, cam kết thời hạn hoàn thành, và gửi giải trình",
        ),
        CRITICISM => (
            "phê bình chậm tiến độ",
            "Yêu cầu đồng chí nghiêm túc rút kinh nghiệm, khắc phục ngay và báo cáo kết quả khắc phục",
        ),
        "kiểm điểm" => (
            "kiểm điểm trách nhiệm về tiến độ",
            "Yêu cầu tổ chức kiểm điểm trách nhiệm của người đứng đầu và các cá nhân liên quan theo quy định, và báo cáo kết quả kiểm điểm",
        ),
        other => {
            return Wording {
                subject: format!("{other} về tiến độ"),
                request: "Đề nghị đồng chí chỉ đạo thực hiện và báo cáo kết quả",
            };
        }
    };
    let subject = subject.to_owned();
    Wording { subject, request }
}

/// "UBND huyện Phú Ninh": within a sentence the kind of place is small, the name is not.
fn office(place: &str) -> String {
    match strip_prefix(place) {
        (Some(_), _) => format!("UBND {}", within(place)),
        (None, name) => format!("UBND {name}"),
    }
}

fn vietnamese(name: Option<&v1::Name>) -> &str {
    name.map_or("", |name| &name.vi)
}

/// "Khánh Hòa, ngày 07 tháng 6 năm 2023": days below ten and the first two months have a zero, as the decree asks.
fn dateline(parent: Option<&str>, day: Date) -> String {
    let place = parent.map_or("Hà Nội", |parent| strip_prefix(parent).1);
    let month = if day.month() <= 2 {
        format!("{:02}", day.month())
    } else {
        day.month().to_string()
    };
    let (date, year) = (day.day(), day.year());
    format!("{place}, ngày {date:02} tháng {month} năm {year}")
}

fn opening(verdict: &v1::Verdict) -> Vec<String> {
    let judged_for = verdict.judged_for.parse().map_or_else(
        |_| verdict.judged_for.clone(),
        |day: Date| date::format_date_vi(day),
    );
    vec![
        "Thực hiện Quyết định số 06/QĐ-TTg ngày 06/01/2022 của Thủ tướng Chính phủ phê duyệt Đề án phát triển ứng dụng dữ liệu về dân cư, định danh và xác thực điện tử phục vụ chuyển đổi số quốc gia giai đoạn 2022 - 2025, tầm nhìn đến năm 2030; qua theo dõi tiến độ, số liệu đánh giá cho ngày ".to_owned()
            + &judged_for
            + " như sau:",
        vietnamese(verdict.sentence.as_ref()).to_owned(),
    ]
}

fn request(occasion: &Occasion<'_>, office: &str) -> Vec<String> {
    let Some(step) = occasion.step else {
        return vec![format!(
            "Biểu dương {office} đã hoàn thành chỉ tiêu được giao; đề nghị tiếp tục duy trì kết quả và chia sẻ kinh nghiệm với các địa phương khác."
        )];
    };
    let mut said = Vec::new();
    if step.name.vi.to_lowercase() == CRITICISM {
        said.push(format!(
            "Phê bình {office} chậm tiến độ theo các số liệu nêu trên."
        ));
    }
    let by = occasion.reply_by.map(date::format_date_vi);
    let by = by
        .map(|day| format!(" trước ngày {day}"))
        .unwrap_or_default();
    said.push(format!("{}{by}.", wording(step).request));
    said
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
