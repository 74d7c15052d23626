//! `tiendo silence set | end | list`.

use wire::v1;

use super::told;
use crate::Failure;
use crate::cli::Silence;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, text};
use crate::pages;

pub(super) async fn run(
    command: Silence,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let mut client = clients.alerting().await?;
    match command {
        Silence::Set {
            places,
            below,
            indicator,
            concern,
            reason,
            until,
            office,
        } => {
            let request = v1::SetSilenceRequest {
                places: places.into_iter().map(|code| place(code, below)).collect(),
                indicator: indicator.unwrap_or_default(),
                concern: concern.map_or(0, i32::from),
                author: Some((&office).into()),
                reason,
                until,
                request_id: office.request_id.unwrap_or_default(),
            };
            let answer = client.set_silence(request).await.map_err(told(output))?;
            let answer = answer.into_inner();
            let head = output.lang.pick("Đã tạm dừng thông báo", "Silenced");
            let table = table(answer.silence.as_slice(), output);
            output.answer("SetSilenceResponse", &answer, head, &table)
        }
        Silence::End { silence_id, office } => {
            let request = v1::EndSilenceRequest {
                silence_id,
                author: Some((&office).into()),
                request_id: office.request_id.unwrap_or_default(),
            };
            let answer = client.end_silence(request).await.map_err(told(output))?;
            let answer = answer.into_inner();
            let head = output
                .lang
                .pick("Đã thông báo trở lại", "No longer silenced");
            let table = table(answer.silence.as_slice(), output);
            output.answer("EndSilenceResponse", &answer, head, &table)
        }
        Silence::List { all } => {
            let request = v1::ListSilencesRequest {
                include_ended: all,
                ..v1::ListSilencesRequest::default()
            };
            let ask = async |request| client.list_silences(request).await;
            let answer = pages::all(request, usize::MAX, ask).await;
            let answer = answer.map_err(told(output))?;
            let table = table(&answer.silences, output);
            output.answer("ListSilencesResponse", &answer, "", &table)
        }
    }
}

fn place(code: String, below: bool) -> v1::SilencedPlace {
    let since = String::new();
    let locality = Some(v1::LocalityRef { code, since });
    v1::SilencedPlace { locality, below }
}

fn table(silences: &[v1::Silence], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("silence", "Mã", "Silence"),
        code("places", "Địa phương", "Places"),
        code("indicator", "Chỉ tiêu", "Indicator"),
        text("concern", "Lý do mở", "Concern"),
        text("since", "Từ", "Since"),
        text("until", "Đến hết", "Until"),
        text("in_force", "Hiệu lực", "In force"),
        text("author", "Đơn vị quyết định", "Decided by"),
        text("reason", "Vì sao", "Why"),
    ]);
    for silence in silences {
        let set = silence.set.clone().unwrap_or_default();
        let concern = lang.concern(set.concern());
        let places: Vec<String> = set.places.iter().map(place_text).collect();
        let in_force = match (silence.in_force, &silence.ended_by) {
            (true, _) => lang.pick("có", "yes"),
            (false, Some(_)) => lang.pick("đã kết thúc", "ended"),
            (false, None) => lang.pick("không", "no"),
        };
        table.row([
            set.silence_id.into(),
            places.join(", ").into(),
            set.indicator.into(),
            concern.into(),
            Cell::with_raw(lang.date(&silence.since), &silence.since),
            Cell::with_raw(lang.date(&set.until), &set.until),
            Cell::with_raw(in_force, silence.in_force),
            set.author.unwrap_or_default().organisation.into(),
            set.reason.into(),
        ]);
    }
    table
}

/// `268`, or `01+` with all below.
fn place_text(place: &v1::SilencedPlace) -> String {
    let code = place.locality.clone().unwrap_or_default().code;
    let below = if place.below { "+" } else { "" };
    format!("{code}{below}")
}
