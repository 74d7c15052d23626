//! What offices are told: notifications of the ladder's steps, and commendations.

use domain::event::Step;
use domain::text::{Moment, date};
use jiff::ToSpan;
use jiff::civil::Date;
use wire::v1;

use crate::book::{Book, Kept};
use crate::case::CaseKey;
use crate::letter::office;
use crate::sight::Seen;

/// The step under which a commendation (biểu dương) is told: it is on no ladder.
pub(crate) const COMMENDATION: u32 = 0;

/// Days from when the target was reached to the deadline, among the terms of a verdict; see `lag`.
const TERM_EARLY: &str = "done_early_days";

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
/// An overdue case speaks for the lagging one beside it ([`is_left_to_overdue`]), so a quota is never commended twice.
/// It is worded by when the target was reached, not by when that was reported.
pub(crate) fn commendation(
    case_id: &str,
    concern: lag::Concern,
    verdict: &v1::Verdict,
) -> Option<v1::Notification> {
    let is_its = matches!(concern, lag::Concern::Lagging | lag::Concern::Overdue);
    if !is_its || verdict.status() != v1::VerdictStatus::Done {
        return None;
    }
    let (vi, en) = said(verdict);
    let words = if is_late(verdict) {
        ("Ghi nhận hoàn thành", "Completion acknowledged")
    } else {
        ("Biểu dương", "Commendation")
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

/// Whether the target was reached after its deadline.
pub(crate) fn is_late(verdict: &v1::Verdict) -> bool {
    let mut terms = verdict.terms.iter();
    terms.any(|term| term.name == TERM_EARLY && term.value < 0.0)
}

/// Whether the overdue case of the same quota speaks for a lagging one: somebody was told of it, and it is open, or was cleared by the same judgement.
///
/// `cleared` is the verdict that clears the lagging case; none if it is open.
pub(crate) fn is_left_to_overdue(
    book: &Book,
    key: &CaseKey,
    cleared: Option<&v1::Verdict>,
) -> bool {
    overdue_beside(book, key).is_some_and(|overdue| {
        let judgement = |verdict: &v1::Verdict| (verdict.position, verdict.judged_for.clone());
        let [ours, theirs] = [cleared, overdue.case.cleared.as_ref()].map(|it| it.map(judgement));
        overdue.life(&Seen::ALL).step > 0 && (theirs.is_none() || theirs == ours)
    })
}

/// The newest overdue case of a lagging one's quota.
fn overdue_beside<'a>(book: &'a Book, key: &CaseKey) -> Option<&'a Kept> {
    if key.concern != lag::Concern::Lagging {
        return None;
    }
    let overdue = CaseKey {
        concern: lag::Concern::Overdue,
        ..key.clone()
    };
    book.newest(&overdue.to_string())
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

    fn verdict(status: v1::VerdictStatus, done_early_days: f64) -> v1::Verdict {
        v1::Verdict {
            status: status as i32,
            judged_for: "2023-07-05".to_owned(),
            terms: vec![v1::Term {
                name: TERM_EARLY.to_owned(),
                value: done_early_days,
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
    fn praise_is_worded_by_when_the_target_was_reached() {
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
        let late = verdict(done, -5.0);
        // An overdue case may be cleared by a report of a day before the deadline.
        for concern in [Lagging, Overdue] {
            for (verdict, words) in [(&early, "Biểu dương: "), (&late, "Ghi nhận hoàn thành: ")]
            {
                let told = praised(concern, verdict).unwrap().text.unwrap();
                assert!(told.vi.starts_with(words), "{concern:?}: {}", told.vi);
            }
        }
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
