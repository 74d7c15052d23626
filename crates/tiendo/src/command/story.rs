//! `tiendo case show`: a case with its whole story, one line for each entry of alerting's log.

use wire::v1;
use wire::v1::alert_event::Body;

use super::case::{judged_line, locality_text};
use super::told;
use crate::Failure;
use crate::cli::At;
use crate::client::Clients;
use crate::lang::Lang;
use crate::output::{Cell, Output, Table, number, text};

pub(super) async fn show(
    case_id: String,
    at: At,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::GetCaseRequest {
        case_id,
        as_of: at.as_of.unwrap_or_default(),
        known_at: at.known_at.unwrap_or_default(),
        ..Default::default()
    };
    let answer = clients.alerting().await?.get_case(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let case = answer.case.clone().unwrap_or_default();
    let judged = judged_line(&answer.judged_for, answer.position, output);
    let head = format!("{}\n{judged}", head(&case, output));
    output.answer("GetCaseResponse", &answer, &head, &table(&answer, output))
}

/// What holds now, for people.
pub(super) fn head(case: &v1::Case, output: Output) -> String {
    let lang = output.lang;
    let opened = case.opened.clone().unwrap_or_default();
    let (place, concern) = (
        locality_text(&opened, output),
        lang.concern(opened.concern()),
    );
    let mut lines = vec![
        format!("{place}, {}: {concern}", opened.indicator),
        case.case_id.clone(),
    ];
    match &case.cleared {
        Some(cleared) => {
            let on = lang.date(&cleared.judged_for);
            lines.push(lang.pick(
                format!("Đã đóng cho ngày {on}"),
                format!("Cleared for {on}"),
            ));
        }
        None => lines.push(stands(case, lang)),
    }
    if let Some(taken) = &case.acknowledgement {
        let by = actor(taken.by.as_ref());
        let until = lang.date(&taken.until);
        lines.push(lang.pick(
            format!("{by} đã nhận xử lý đến hết {until}"),
            format!("Taken on by {by} until {until}"),
        ));
    }
    for (ids, vi, en) in [
        (&case.silence_ids[..], "Tạm dừng thông báo", "Silenced by"),
        (&case.gathers[..], "Gồm các vụ việc", "Gathers"),
        (
            std::slice::from_ref(&case.gathered_by),
            "Thuộc vụ việc",
            "Gathered by",
        ),
    ] {
        let ids = ids.join(", ");
        if !ids.is_empty() {
            lines.push(format!("{}: {ids}", lang.pick(vi, en)));
        }
    }
    lines.join("\n")
}

/// The step told last, and the next one.
fn stands(case: &v1::Case, lang: Lang) -> String {
    let step = step(case.step, lang);
    if case.next_step == 0 {
        return step;
    }
    let (next, on) = (
        self::step(case.next_step, lang),
        lang.date(&case.next_step_on),
    );
    lang.pick(
        format!("{step}; tiếp theo: {next}, sớm nhất ngày {on}"),
        format!("{step}; next: {next}, on {on} at the earliest"),
    )
}

/// A step of the ladder as the texts call it.
fn step(number: u32, lang: Lang) -> String {
    match number {
        0 => lang.pick("chưa báo", "nobody told yet").to_owned(),
        number => lang.pick(format!("bước {number}"), format!("step {number}")),
    }
}

fn actor(actor: Option<&v1::Actor>) -> String {
    let actor = actor.cloned().unwrap_or_default();
    format!("{}, {}", actor.organisation, actor.office)
}

fn table(answer: &v1::GetCaseResponse, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("day", "Cho ngày", "For"),
        text("known", "Ghi lúc", "Recorded"),
        text("what", "Việc", "What"),
        text("detail", "Nội dung", "Detail"),
    ]);
    for entry in &answer.story {
        let alert = entry.alert.clone().unwrap_or_default();
        let (what, detail) = said(alert.body.as_ref(), lang);
        let known = entry.known.as_ref().and_then(wire::time::from_wire);
        let raw = known.map(|known| known.to_string()).unwrap_or_default();
        table.row([
            entry.position.to_string().into(),
            Cell::with_raw(lang.date(&alert.effective), &alert.effective),
            Cell::with_raw(lang.instant(entry.known.as_ref()), raw),
            what.into(),
            detail.into(),
        ]);
    }
    table
}

/// What an entry says, in a word and in full.
fn said(body: Option<&Body>, lang: Lang) -> (String, String) {
    let sentence = |verdict: Option<&v1::Verdict>| {
        let sentence = verdict.and_then(|verdict| verdict.sentence.as_ref());
        lang.name(sentence)
    };
    let (vi, en, detail) = match body {
        Some(Body::CaseOpened(e)) => ("mở", "opened", sentence(e.verdict.as_ref())),
        Some(Body::CaseCleared(e)) => ("đóng", "cleared", sentence(e.verdict.as_ref())),
        Some(Body::NotificationSent(e)) => {
            let told = e.notification.clone().unwrap_or_default();
            let text = lang.name(told.text.as_ref());
            ("đã báo", "told", format!("{}\n→ {}", text, told.addressee))
        }
        Some(Body::CaseEscalated(e)) => ("lên bước", "escalated", step(e.step, lang)),
        Some(Body::CaseAcknowledged(e)) => {
            let (by, until) = (actor(e.by.as_ref()), lang.date(&e.until));
            let note = match e.note.as_str() {
                "" => String::new(),
                note => format!(": {note}"),
            };
            ("nhận xử lý", "taken on", format!("{by} → {until}{note}"))
        }
        Some(Body::AcknowledgementEnded(e)) => (
            "hết hạn xử lý",
            "acknowledgement ended",
            lang.date(&e.until),
        ),
        Some(Body::NotificationWithheld(e)) => {
            let detail = format!("{}: {} ({})", step(e.step, lang), e.why, e.by);
            ("không gửi", "withheld", detail)
        }
        Some(Body::NotificationRead(e)) => {
            let by = actor(e.by.as_ref());
            (
                "đã đọc",
                "read",
                format!("{} ← {by}", e.notification_position),
            )
        }
        _ => ("khác", "other", String::new()),
    };
    (lang.pick(vi, en).to_owned(), detail)
}
