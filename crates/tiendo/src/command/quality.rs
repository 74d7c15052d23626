//! `tiendo locality quality`.

use wire::v1;

use super::{at_line, raw_share, told};
use crate::Failure;
use crate::client::Clients;
use crate::output::{Output, Table, code, number, share, text};

pub(super) async fn run(
    request: v1::GetDataQualityRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let answer = clients.query().await?.get_data_quality(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let lang = output.lang;
    let mut lines = vec![at_line(answer.at.as_ref(), output)];
    for measure in &answer.measures {
        let name = lang.name(measure.name.as_ref());
        lines.push(format!(
            "{name}: {}",
            lang.name(measure.definition.as_ref())
        ));
    }
    let table = table(&answer.localities, output);
    output.answer("GetDataQualityResponse", &answer, &lines.join("\n"), &table)
}

fn table(localities: &[v1::LocalityQuality], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("locality", "Mã địa phương", "Locality"),
        text("name", "Địa phương", "Name"),
        share("completeness", "Đủ", "Completeness"),
        number("completeness_of", "Đủ: trên", "Completeness of"),
        share("timeliness", "Kịp thời", "Timeliness"),
        number("timeliness_of", "Kịp thời: trên", "Timeliness of"),
        share("consistency", "Đúng, sạch", "Consistency"),
        number("consistency_of", "Đúng, sạch: trên", "Consistency of"),
        share("liveness", "Sống", "Liveness"),
        number("liveness_of", "Sống: trên", "Liveness of"),
    ]);
    let mut shown = Table::new(&[
        text("locality", "Địa phương", "Locality"),
        number("completeness", "Đủ", "Completeness"),
        number("timeliness", "Kịp thời", "Timeliness"),
        number("consistency", "Đúng, sạch", "Consistency"),
        number("liveness", "Sống", "Liveness"),
    ]);
    for quality in localities {
        let head = quality.locality.clone().unwrap_or_default();
        let place = head.r#ref.unwrap_or_default().code;
        let name = lang.name(head.name.as_ref());
        let parts = [
            quality.completeness,
            quality.timeliness,
            quality.consistency,
            quality.liveness,
        ]
        .map(Option::unwrap_or_default);
        let [complete, timely, consistent, alive] = parts.map(|part| part_text(part, output));
        shown.row([
            format!("{name} ({place})").into(),
            complete.into(),
            timely.into(),
            consistent.into(),
            alive.into(),
        ]);
        let raw = |part: v1::Part| raw_share(part.share_hundredths);
        table.row([
            place.into(),
            name.into(),
            raw(parts[0]).into(),
            parts[0].of.to_string().into(),
            raw(parts[1]).into(),
            parts[1].of.to_string().into(),
            raw(parts[2]).into(),
            parts[2].of.to_string().into(),
            raw(parts[3]).into(),
            parts[3].of.to_string().into(),
        ]);
    }
    table.shown_as(shown)
}

/// `3/4 (75,00%)`; of nothing it is not measurable.
fn part_text(part: v1::Part, output: Output) -> String {
    let lang = output.lang;
    match part.share_hundredths {
        Some(share) => format!(
            "{}/{} ({})",
            lang.count(part.count),
            lang.count(part.of),
            lang.share(share)
        ),
        None => lang.pick("không đo được", "not measurable").to_owned(),
    }
}
