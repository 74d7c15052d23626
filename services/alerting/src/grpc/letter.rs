//! `DraftLetter`: the letter of a case, by the figures of now.

use domain::event::Step;
use domain::{Reason, Violation};
use jiff::civil::Date;
use lag::{Basis, Transition};
use tonic::{Code, Status};
use wire::status::{fits, in_both, invalid, with_reason};
use wire::v1;

use super::AlertingApi;
use crate::case::CaseKey;
use crate::escalate::Surroundings;
use crate::judge::Judge;
use crate::letter::{self, Letter, Occasion, judged_for_vi};
use crate::notice::reply_by;
use crate::rules::step as step_of;

impl AlertingApi {
    /// Drafts the letter of a case.
    pub(super) fn draft(
        &self,
        request: &v1::DraftLetterRequest,
    ) -> Result<v1::DraftLetterResponse, Status> {
        let form = form(request)?;
        let case = self
            .desk
            .book()
            .newest(request.case_id.trim())
            .map(|kept| kept.case.clone())
            .ok_or_else(|| {
                let message = format!("there is no case '{}' on record", request.case_id);
                with_reason(Code::NotFound, "UNKNOWN_CASE", message)
            })?;
        let judge = self.desk.judge();
        let (verdict, step) = told(&judge, &case, request.step)?;
        let above = above(&judge, &case);
        let day = judge.day().unwrap_or(Date::MIN);
        let occasion = Occasion {
            verdict: &verdict,
            step,
            above: &above,
            ledger: &self.ledger,
            day,
            reply_by: step.and_then(|step| answer_by(&case, step, day)),
        };
        let letter = Letter::draft(&occasion);
        let (document, media_type, ending) = match form {
            v1::LetterForm::Html => (letter::html(&letter).into_bytes(), HTML, "html"),
            _ => (packed(&letter)?, DOCX, "docx"),
        };
        let answer = v1::DraftLetterResponse {
            document,
            media_type: media_type.to_owned(),
            file_name: file_name(&case, step, ending),
            position: verdict.position,
        };
        fits(&answer, self.message_bytes_max)?;
        Ok(answer)
    }
}

/// The case is cleared, and there is nothing to write, or nothing but praise.
const REASON_CLEARED: &str = "CASE_CLEARED";
/// The verdict of the day speaks for the place.
const REASON_IMPROVING: &str = "CASE_IMPROVING";
/// The figures of now decide nothing.
const REASON_NOT_JUDGED: &str = "CASE_NOT_JUDGED";
/// It was done when the case was cleared, and is not by the figures of now.
const REASON_REFUTED: &str = "CASE_REFUTED";

const HTML: &str = "text/html; charset=utf-8";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

fn form(request: &v1::DraftLetterRequest) -> Result<v1::LetterForm, Status> {
    let mut violations = Vec::new();
    let form = v1::LetterForm::try_from(request.form).unwrap_or_default();
    if form == v1::LetterForm::Unspecified {
        let detail = "a letter is drafted as DOCX or as HTML";
        violations.push(Violation::new("form", Reason::ValueUnspecified, detail));
    }
    if CaseKey::parse(request.case_id.trim()).is_none() {
        let detail =
            "a case's id reads locality@since/indicator/layer/concern, as ListCases gives it";
        violations.push(Violation::new("case_id", Reason::CodeFormat, detail));
    }
    if violations.is_empty() {
        Ok(form)
    } else {
        Err(invalid(&violations))
    }
}

/// The verdict that the letter tells and the step it stands for; none for praise.
fn told<'j>(
    judge: &'j Judge,
    case: &v1::Case,
    asked: u32,
) -> Result<(v1::Verdict, Option<&'j Step>), Status> {
    if let Some(cleared) = &case.cleared {
        return Ok((praised(judge, case, cleared, asked)?, None));
    }
    let verdict = of_now(judge, case, Transition::Opened)?;
    match verdict.status() {
        v1::VerdictStatus::Green => {
            let message = "the verdict of the day is green, and the case waits for another report to clear it: a letter would reproach a place that has caught up";
            let vi = "đánh giá của ngày là đạt tiến độ, vụ việc chờ thêm một báo cáo để đóng: chưa soạn công văn";
            Err(refused(REASON_IMPROVING, message, vi))
        }
        v1::VerdictStatus::Done => {
            let message = "the target is reached by the figures of now, and the case is about to be cleared: ask again then, and praise is drafted";
            let vi = "số liệu hiện nay đã đạt chỉ tiêu, vụ việc sắp đóng: khi đó soạn lại sẽ là công văn biểu dương";
            Err(refused(REASON_IMPROVING, message, vi))
        }
        v1::VerdictStatus::Unknown if !is_known(&verdict) => Err(undecided(&verdict)),
        _ => Ok((verdict, Some(asked_step(judge.steps(), case, asked)?))),
    }
}

/// The verdict that praise tells: the work was done when the case was cleared, and is by the figures of now.
fn praised(
    judge: &Judge,
    case: &v1::Case,
    cleared: &v1::Verdict,
    asked: u32,
) -> Result<v1::Verdict, Status> {
    if cleared.status() != v1::VerdictStatus::Done {
        let day = &cleared.judged_for;
        let why = "without the work being done: there is nothing to write about";
        let message = format!("the case was cleared for {day} {why}");
        let day = judged_for_vi(cleared);
        let vi = format!("vụ việc đã đóng cho ngày {day} mà chưa hoàn thành: không có gì để soạn");
        return Err(refused(REASON_CLEARED, message, vi));
    }
    if asked > 0 {
        let message = "the case was cleared because the work is done: leave out the step, and praise is drafted";
        let vi = "vụ việc đã đóng vì đã hoàn thành: bỏ trống bước để soạn công văn biểu dương";
        return Err(refused(REASON_CLEARED, message, vi));
    }
    let now = of_now(judge, case, Transition::Cleared)?;
    match now.status() {
        v1::VerdictStatus::Done => Ok(now),
        v1::VerdictStatus::Unknown => Err(undecided(&now)),
        _ => {
            let day = &cleared.judged_for;
            let message = format!(
                "the case was cleared for {day} because the work was done, and by the figures of now it is not: they were corrected since, or more is asked for"
            );
            let day = judged_for_vi(cleared);
            let vi = format!(
                "vụ việc đã đóng cho ngày {day} vì đã hoàn thành, nhưng theo số liệu hiện nay thì chưa: số liệu đã được đính chính, hoặc chỉ tiêu đã thay đổi"
            );
            Err(refused(REASON_REFUTED, message, vi))
        }
    }
}

/// What is judged now of the series of a case.
fn of_now(judge: &Judge, case: &v1::Case, what: Transition) -> Result<v1::Verdict, Status> {
    let key = CaseKey::parse(&case.case_id);
    let now = key.filter(|key| judge.judged_for(key).is_some());
    let now = now.map(|key| judge.change(key, what).verdict);
    now.ok_or_else(|| {
        let message =
            "the series of the case is not judged now, so there are no figures to write about";
        let vi =
            "chuỗi số liệu của vụ việc hiện không được đánh giá: chưa có số liệu để soạn công văn";
        refused(REASON_NOT_JUDGED, message, vi)
    })
}

/// Whether an unknown status leaves what a letter says standing: that nobody reports, or how far below the average a figure without a deadline is.
fn is_known(verdict: &v1::Verdict) -> bool {
    match verdict.concern() {
        v1::Concern::Lagging | v1::Concern::Overdue => false,
        v1::Concern::BelowAverage => verdict.basis == Basis::NoDeadline.code(),
        v1::Concern::Silent | v1::Concern::NoData | v1::Concern::Unspecified => true,
    }
}

fn undecided(verdict: &v1::Verdict) -> Status {
    let basis = &verdict.basis;
    let message = format!(
        "the figures of now decide nothing ({basis}): a letter would praise or reproach a place for what nobody knows"
    );
    let vi = format!(
        "số liệu hiện nay chưa đủ để kết luận ({basis}): chưa soạn công văn biểu dương hay phê bình"
    );
    refused(REASON_NOT_JUDGED, message, vi)
}

fn refused(reason: &str, message: impl Into<String>, vi: impl Into<String>) -> Status {
    in_both((Code::FailedPrecondition, reason), message, vi)
}

/// The step that was asked for; without one, that which was told last, on the ladder of now.
fn asked_step<'j>(ladder: &'j [Step], case: &v1::Case, asked: u32) -> Result<&'j Step, Status> {
    let told = case.notifications.iter().map(|told| told.step).max();
    let last = u32::try_from(ladder.len()).unwrap_or(u32::MAX);
    let number = match asked {
        0 => told.unwrap_or(1).clamp(1, last.max(1)),
        asked => asked,
    };
    step_of(ladder, number).ok_or_else(|| {
        let detail = format!("{number} is no step of the ladder, 1 to {last}");
        invalid(&[Violation::new("step", Reason::NumberFormat, detail)])
    })
}

/// By which day an answer is asked for: that of the notification, where the step was told and the day has not passed.
fn answer_by(case: &v1::Case, step: &Step, day: Date) -> Option<Date> {
    let mut told = case.notifications.iter().rev();
    let told = told.find(|told| told.step == step.number && !told.reply_by.is_empty());
    let told = told.and_then(|told| told.reply_by.parse().ok());
    told.filter(|by| *by >= day).or_else(|| reply_by(step, day))
}

/// Names of the places above that of a case, nearest first.
fn above(judge: &Judge, case: &v1::Case) -> Vec<String> {
    let key = CaseKey::parse(&case.case_id);
    let above = key.map(|key| Surroundings::above(judge, key.locality));
    let above = above.unwrap_or_default().into_iter();
    above.map(|(_, name)| name).collect()
}

fn packed(letter: &Letter) -> Result<Vec<u8>, Status> {
    letter::docx(letter)
        .map_err(|error| Status::internal(format!("the letter cannot be written: {error}")))
}

/// "268-eid.activated-central-overdue-2.docx"; the step of praise is "praise".
fn file_name(case: &v1::Case, step: Option<&Step>, ending: &str) -> String {
    let place = case.case_id.split('@').next().unwrap_or_default();
    let rest: Vec<&str> = case.case_id.split('/').skip(1).collect();
    let step = step.map_or_else(|| "praise".to_owned(), |step| step.number.to_string());
    format!("{place}-{}-{step}.{ending}", rest.join("-"))
}

#[cfg(test)]
mod tests;
