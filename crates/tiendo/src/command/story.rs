//! `tiendo case show`: a case with its whole story, one line for each entry of alerting's log.

use std::collections::BTreeMap;

use prost_types::FieldMask;
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
    let more = left_out(answer.silences_left_out, output.lang);
    let head = format!("{}{more}\n{judged}", head(&case, output));
    let names = names(&answer, clients, output.lang).await;
    let around = Around {
        names: &names,
        silences: &answer.silences,
        lang: output.lang,
    };
    let table = table(&answer, &around, output);
    output.answer("GetCaseResponse", &answer, &head, &table)
}

/// That there are more silences than an answer tells.
fn left_out(silences: u32, lang: Lang) -> String {
    if silences == 0 {
        return String::new();
    }
    let many = lang.count(u64::from(silences));
    lang.pick(
        format!("\nCòn {many} lệnh tạm dừng khác, xem bằng `tiendo silence list --all`"),
        format!("\n{many} more silences, see `tiendo silence list --all`"),
    )
}

/// What entries refer to.
struct Around<'a> {
    /// Names of places by code.
    names: &'a BTreeMap<String, String>,
    silences: &'a [v1::Silence],
    lang: Lang,
}

/// The names of the places that were not told: that of the case from its verdict, others as they are on record; one that nobody can name now has its code.
async fn names(
    answer: &v1::GetCaseResponse,
    clients: &Clients,
    lang: Lang,
) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let opened = answer.case.as_ref().and_then(|case| case.opened.as_ref());
    if let Some(opened) = opened {
        let code = opened.locality.clone().unwrap_or_default().code;
        names.insert(code, lang.name(opened.locality_name.as_ref()));
    }
    let bodies = answer.story.iter().filter_map(|it| it.alert.as_ref());
    for alert in bodies {
        let Some(Body::NotificationWithheld(withheld)) = &alert.body else {
            continue;
        };
        for place in &withheld.tells {
            if names.contains_key(&place.code) {
                continue;
            }
            let name = name(place, &alert.effective, clients, lang).await;
            names.insert(place.code.clone(), name.unwrap_or_default());
        }
    }
    names
}

async fn name(place: &v1::LocalityRef, day: &str, clients: &Clients, lang: Lang) -> Option<String> {
    let request = v1::GetLocalityRequest {
        code: place.code.clone(),
        at: Some(v1::ReadAt {
            as_of: day.to_owned(),
            ..v1::ReadAt::default()
        }),
        read_mask: Some(FieldMask {
            paths: vec!["locality.name".to_owned()],
        }),
    };
    let mut query = clients.query().await.ok()?;
    let answer = query.get_locality(request).await.ok()?.into_inner();
    Some(lang.name(answer.locality?.name.as_ref()))
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

fn table(answer: &v1::GetCaseResponse, around: &Around<'_>, output: Output) -> Table {
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
        let (what, detail) = said(alert.body.as_ref(), around);
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
fn said(body: Option<&Body>, around: &Around<'_>) -> (String, String) {
    let lang = around.lang;
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
            let (step, why) = (step(e.step, lang), around.why(e));
            let places = around.places(&e.tells);
            let detail = format!("{step}: {why}\n↛ {places}");
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

impl Around<'_> {
    /// "Quận Hà Đông (268), Thành phố Hà Nội (01)".
    fn places(&self, places: &[v1::LocalityRef]) -> String {
        let named = places.iter().map(|place| {
            let code = &place.code;
            let name = self.names.get(code).filter(|name| !name.is_empty());
            name.map_or_else(|| code.clone(), |name| format!("{name} ({code})"))
        });
        named.collect::<Vec<_>>().join(", ")
    }

    /// Why nothing was sent; a reason of a later version as it is.
    fn why(&self, withheld: &v1::NotificationWithheld) -> String {
        let (lang, by) = (self.lang, &withheld.by);
        match withheld.why.as_str() {
            "SILENCED" => self.silenced(by),
            "ACKNOWLEDGED" => lang.pick(
                format!("đã có đơn vị nhận xử lý đến hết {}", lang.date(by)),
                format!("taken on until {}", lang.date(by)),
            ),
            "STALE" => lang.pick(
                format!("chuỗi số liệu đã ngừng báo cáo, xem vụ việc {by}"),
                format!("the series is silent, see the case {by}"),
            ),
            "OVERDUE" => lang.pick(
                format!("đã quá hạn, vụ việc quá hạn {by} thông báo thay"),
                format!("the deadline passed, and the overdue case tells of it: {by}"),
            ),
            "IMPROVING" => lang
                .pick(
                    "số liệu của ngày đã đạt tiến độ, chờ báo cáo sau xác nhận",
                    "on schedule by the figures of the day, another report is awaited",
                )
                .to_owned(),
            "GATHERED" => lang.pick(
                format!("cấp trên có vụ việc riêng, đã gồm vụ việc này: {by}"),
                format!("the place above has a case of its own, which gathers this one: {by}"),
            ),
            why => format!("{why} ({by})"),
        }
    }

    /// Who silenced it, why and until when.
    fn silenced(&self, id: &str) -> String {
        let lang = self.lang;
        let mut sets = self.silences.iter().filter_map(|it| it.set.as_ref());
        let Some(set) = sets.find(|set| set.silence_id == id) else {
            return lang.pick(
                format!("tạm dừng thông báo ({id})"),
                format!("silenced ({id})"),
            );
        };
        let (by, until) = (actor(set.author.as_ref()), lang.date(&set.until));
        let reason = &set.reason;
        lang.pick(
            format!("tạm dừng thông báo đến hết {until}, {by}: {reason}"),
            format!("silenced until {until} by {by}: {reason}"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn withheld(why: &str, by: &str) -> Body {
        let place = |code: &str| v1::LocalityRef {
            code: code.to_owned(),
            since: "2023-04-10".to_owned(),
        };
        Body::NotificationWithheld(v1::NotificationWithheld {
            step: 2,
            why: why.to_owned(),
            by: by.to_owned(),
            tells: vec![place("268"), place("01")],
            ..v1::NotificationWithheld::default()
        })
    }

    #[test]
    fn silences_that_are_left_out_are_counted() {
        assert_eq!(left_out(0, Lang::Vi), "");
        let told = left_out(1_200, Lang::Vi);
        assert!(told.contains("Còn 1.200 lệnh tạm dừng khác"), "{told}");
    }

    #[test]
    fn why_nothing_was_sent_is_told_in_words_of_both_languages() {
        let names = BTreeMap::from([
            ("268".to_owned(), "Quận Hà Đông".to_owned()),
            ("01".to_owned(), String::new()),
        ]);
        let set = v1::SilenceSet {
            silence_id: "one".to_owned(),
            author: Some(v1::Actor {
                organisation: "UBND TP".to_owned(),
                office: "Tổ công tác".to_owned(),
            }),
            reason: "bảo trì".to_owned(),
            until: "2023-07-31".to_owned(),
            ..v1::SilenceSet::default()
        };
        let silences = [v1::Silence {
            set: Some(set),
            ..v1::Silence::default()
        }];
        for (why, by, vi, en) in [
            (
                "SILENCED",
                "one",
                "tạm dừng thông báo đến hết 31/7/2023, UBND TP, Tổ công tác: bảo trì",
                "silenced until 2023-07-31 by UBND TP, Tổ công tác: bảo trì",
            ),
            (
                "ACKNOWLEDGED",
                "2023-07-10",
                "đã có đơn vị nhận xử lý đến hết 10/7/2023",
                "taken on until 2023-07-10",
            ),
            (
                "STALE",
                "a",
                "chuỗi số liệu đã ngừng báo cáo, xem vụ việc a",
                "the series is silent, see the case a",
            ),
            (
                "OVERDUE",
                "o",
                "đã quá hạn, vụ việc quá hạn o thông báo thay",
                "the deadline passed, and the overdue case tells of it: o",
            ),
            (
                "IMPROVING",
                "",
                "số liệu của ngày đã đạt tiến độ, chờ báo cáo sau xác nhận",
                "on schedule by the figures of the day, another report is awaited",
            ),
            (
                "GATHERED",
                "b",
                "cấp trên có vụ việc riêng, đã gồm vụ việc này: b",
                "the place above has a case of its own, which gathers this one: b",
            ),
            ("LATER", "c", "LATER (c)", "LATER (c)"),
        ] {
            for (lang, step, words) in [(Lang::Vi, "bước 2", vi), (Lang::En, "step 2", en)] {
                let around = Around {
                    names: &names,
                    silences: &silences,
                    lang,
                };
                let (_, detail) = said(Some(&withheld(why, by)), &around);
                assert_eq!(detail, format!("{step}: {words}\n↛ Quận Hà Đông (268), 01"));
            }
        }
    }
}
