//! What offices are told: notifications of the ladder's steps, and commendations.

use domain::event::Step;
use domain::text::{Moment, date};
use jiff::ToSpan;
use jiff::civil::Date;
use wire::v1;

use crate::letter::office;

/// The step under which a commendation (biểu dương) is told: it is on no ladder.
pub(crate) const COMMENDATION: u32 = 0;

/// Days between two terms of a verdict that are counted from its deadline; see `lag`.
const TERM_DUE: &str = "due_in_days";

/// A place whose office is told besides the unit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) locality: v1::LocalityRef,
    pub(crate) name: String,
}

/// The notification of a step; `others` are told besides the unit.
pub(crate) fn notice(
    case_id: &str,
    step: &Step,
    verdict: &v1::Verdict,
    others: &[Told],
) -> v1::Notification {
    let day = judged_for(verdict);
    let reply = reply_by(step, day);
    let (mut vi, mut en) = said(verdict);
    if let Some(by) = reply {
        vi = format!("{vi} Báo cáo chậm nhất ngày {}.", date::format_date_vi(by));
        en = format!("{en} Report by {}.", Moment::end_of(by).format_en());
    }
    v1::Notification {
        case_id: case_id.to_owned(),
        step: step.number,
        addressee: addressee(verdict, others),
        text: Some(text((&step.name.vi, &step.name.en), (&vi, &en), day)),
        tells: tells(verdict, others),
        reply_by: reply.map(|by| by.to_string()).unwrap_or_default(),
    }
}

/// By which day an answer to a step taken on a day is expected; none if none is.
pub(crate) fn reply_by(step: &Step, day: Date) -> Option<Date> {
    let days = i64::from(step.reply_days);
    (days > 0)
        .then(|| day.checked_add(days.days()).ok())
        .flatten()
}

/// The commendation of a place that has reached what it lagged behind; none where the clearing is no such thing.
///
/// One for each case that is cleared by the target being reached, so never more than there were warnings: who never lagged is seen in the rankings.
/// Before the deadline it is the lagging case that says so, after it the overdue one, so a quota is never commended twice.
pub(crate) fn commendation(
    case_id: &str,
    concern: lag::Concern,
    verdict: &v1::Verdict,
) -> Option<v1::Notification> {
    let due = verdict.terms.iter().find(|term| term.name == TERM_DUE);
    let in_time = due.is_none_or(|term| term.value >= 0.0);
    let is_its = match concern {
        lag::Concern::Lagging => in_time,
        lag::Concern::Overdue => !in_time,
        _ => false,
    };
    if !is_its || verdict.status() != v1::VerdictStatus::Done {
        return None;
    }
    let (vi, en) = said(verdict);
    let words = if in_time {
        ("Biểu dương", "Commendation")
    } else {
        ("Ghi nhận hoàn thành", "Completion acknowledged")
    };
    Some(v1::Notification {
        case_id: case_id.to_owned(),
        step: COMMENDATION,
        addressee: addressee(verdict, &[]),
        text: Some(text(words, (&vi, &en), judged_for(verdict))),
        tells: tells(verdict, &[]),
        reply_by: String::new(),
    })
}

fn judged_for(verdict: &v1::Verdict) -> Date {
    verdict.judged_for.parse().unwrap_or(Date::MIN)
}

fn said(verdict: &v1::Verdict) -> (String, String) {
    let said = verdict.sentence.clone().unwrap_or_default();
    (said.vi, said.en)
}

fn text((vi, en): (&str, &str), said: (&str, &str), day: Date) -> v1::Name {
    v1::Name {
        vi: format!(
            "{vi}: {} (Đánh giá cho ngày {}.)",
            said.0,
            date::format_date_vi(day)
        ),
        en: format!(
            "{en}: {} (Judged for {}.)",
            said.1,
            Moment::end_of(day).format_en()
        ),
    }
}

/// The head of a unit, as the letter has it.
pub(crate) fn unit_head(place: &str) -> String {
    format!("Thủ trưởng đơn vị: Chủ tịch {}", office(place))
}

/// The head of the unit, and those who get a copy.
fn addressee(verdict: &v1::Verdict, others: &[Told]) -> String {
    let name = verdict.locality_name.clone().unwrap_or_default();
    let unit = unit_head(&name.vi);
    let copies: Vec<String> = others
        .iter()
        .map(|told| format!("Chủ tịch {}", office(&told.name)))
        .collect();
    if copies.is_empty() {
        return unit;
    }
    format!("{unit}; đồng gửi: {}", copies.join(", "))
}

fn tells(verdict: &v1::Verdict, others: &[Told]) -> Vec<v1::LocalityRef> {
    let above = others.iter().map(|told| told.locality.clone());
    verdict.locality.clone().into_iter().chain(above).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: v1::VerdictStatus, due_in_days: f64) -> v1::Verdict {
        v1::Verdict {
            status: status as i32,
            judged_for: "2023-07-05".to_owned(),
            terms: vec![v1::Term {
                name: TERM_DUE.to_owned(),
                value: due_in_days,
            }],
            locality_name: Some(v1::Name {
                vi: "Quận Hà Đông".to_owned(),
                en: String::new(),
            }),
            sentence: Some(v1::Name {
                vi: "Quận Hà Đông: 95%.".to_owned(),
                en: "Hà Đông: 95%.".to_owned(),
            }),
            ..v1::Verdict::default()
        }
    }

    #[test]
    fn a_quota_reached_is_commended_once_by_the_case_of_its_time() {
        use lag::Concern::{Lagging, NoData, Overdue, Silent};
        let done = v1::VerdictStatus::Done;
        let praised = |concern, verdict: &v1::Verdict| commendation("a", concern, verdict);
        let early = verdict(done, 10.0);
        let told = praised(Lagging, &early).unwrap();
        assert_eq!(
            told.text.unwrap().vi,
            "Biểu dương: Quận Hà Đông: 95%. (Đánh giá cho ngày 5/7/2023.)"
        );
        assert_eq!((told.step, told.reply_by.as_str()), (COMMENDATION, ""));
        assert_eq!(praised(Overdue, &early), None);
        let late = verdict(done, -5.0);
        assert_eq!(praised(Lagging, &late), None);
        let told = praised(Overdue, &late).unwrap().text.unwrap();
        assert!(told.vi.starts_with("Ghi nhận hoàn thành: "), "{}", told.vi);
        assert_eq!(praised(Silent, &early), None);
        assert_eq!(praised(NoData, &early), None);
        let green = verdict(v1::VerdictStatus::Green, 10.0);
        assert_eq!(praised(Lagging, &green), None);
    }

    #[test]
    fn a_step_names_itself_its_deadline_and_who_else_is_told() {
        let red = verdict(v1::VerdictStatus::Red, -5.0);
        let above = Told {
            locality: v1::LocalityRef::default(),
            name: "Thành phố Hà Nội".to_owned(),
        };
        let notice = notice("a", &crate::rules::shipped_steps()[2], &red, &[above]);
        let text = notice.text.unwrap();
        assert_eq!(
            text.vi,
            "Giao ban: Quận Hà Đông: 95%. Báo cáo chậm nhất ngày 10/7/2023. (Đánh giá cho ngày 5/7/2023.)"
        );
        assert!(text.en.starts_with("Briefing: "), "{}", text.en);
        assert_eq!(notice.reply_by, "2023-07-10");
        assert!(
            notice
                .addressee
                .starts_with("Thủ trưởng đơn vị: Chủ tịch UBND quận Hà Đông; ")
        );
        assert!(
            notice
                .addressee
                .ends_with("; đồng gửi: Chủ tịch UBND thành phố Hà Nội")
        );
    }
}
