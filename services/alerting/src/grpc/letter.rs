//! `DraftLetter`: the letter of a case, by the figures of now.

use domain::event::Step;
use domain::text::Moment;
use domain::{Reason, Violation};
use jiff::civil::Date;
use lag::Transition;
use tonic::{Code, Status};
use wire::status::{fits, invalid, with_reason};
use wire::v1;

use super::AlertingApi;
use crate::case::CaseKey;
use crate::judge::Judge;
use crate::letter::{self, Letter, Occasion};
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
        let parent = parent(&judge, &case);
        let day = judge.day().unwrap_or(Date::MIN);
        let occasion = Occasion {
            verdict: &verdict,
            step,
            parent: parent.as_deref(),
            ledger: &self.ledger,
            day,
            reply_by: step.and_then(|step| reply_by(step, day)),
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
    let last = case.notifications.iter().map(|told| told.step).max();
    let number = if asked == 0 { last.unwrap_or(1) } else { asked };
    let step = step_of(judge.steps(), number).ok_or_else(|| {
        let last = judge.steps().len();
        let detail = format!("{number} is no step of the ladder, 1 to {last}");
        invalid(&[Violation::new("step", Reason::NumberFormat, detail)])
    })?;
    match &case.cleared {
        None => {
            let key = CaseKey::parse(&case.case_id);
            let now = key.map(|key| judge.change(key, Transition::Opened).verdict);
            let verdict = now.or_else(|| case.opened.clone()).unwrap_or_default();
            Ok((verdict, Some(step)))
        }
        Some(cleared) if cleared.status() == v1::VerdictStatus::Done => Ok((cleared.clone(), None)),
        Some(cleared) => {
            let message = format!(
                "the case was cleared for {} without the work being done: there is nothing to write about",
                cleared.judged_for
            );
            Err(with_reason(
                Code::FailedPrecondition,
                "CASE_CLEARED",
                message,
            ))
        }
    }
}

/// Name of the place above that of a case.
fn parent(judge: &Judge, case: &v1::Case) -> Option<String> {
    let key = CaseKey::parse(&case.case_id)?;
    let reading = judge.reading()?;
    let parent = reading.locality(key.locality)?.parent?;
    let above = reading.locality(parent).map(|locality| locality.name);
    let ever = || {
        judge
            .state
            .latest(Moment::end_of(Date::MAX))
            .life(parent)
            .map(|life| life.name)
    };
    above.or_else(ever).map(|name| name.vi.clone())
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
