//! `tiendo indicator roll-up`.

use wire::v1;

use super::{at_line, denominator, raw_bound, raw_count, raw_share, told};
use crate::Failure;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, share, text};

pub(super) async fn run(
    request: v1::RollUpIndicatorRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let answer = clients.query().await?.roll_up_indicator(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    output.answer(
        "RollUpIndicatorResponse",
        &answer,
        &head(&answer, output),
        &table(&answer, output),
    )
}

fn head(answer: &v1::RollUpIndicatorResponse, output: Output) -> String {
    let lang = output.lang;
    let indicator = answer.indicator.clone().unwrap_or_default();
    let place = answer.locality.clone().unwrap_or_default();
    let on = lang.date(&answer.boundaries_on);
    let (name, of) = (
        lang.name(indicator.name.as_ref()),
        lang.name(place.name.as_ref()),
    );
    let mut lines = vec![
        lang.pick(
            format!("{name}, cộng trong {of} theo địa giới ngày {on}"),
            format!("{name}, added up in {of} within the boundaries of {on}"),
        ),
        at_line(answer.at.as_ref(), output),
    ];
    lines.extend(gaps(answer, output));
    lines.join("\n")
}

/// What a sum lacks, a line for each reason.
pub(super) fn gaps(answer: &v1::RollUpIndicatorResponse, output: Output) -> Vec<String> {
    let lang = output.lang;
    let lists = [
        (
            lang.pick(
                "Đứt chuỗi, không cộng được",
                "Broken series, not in the sum",
            ),
            &answer.broken,
        ),
        (
            lang.pick(
                "Chỉ có tỷ lệ, không cộng được",
                "Only a percentage, not in the sum",
            ),
            &answer.uncounted,
        ),
        (lang.pick("Chưa có số liệu", "No figure"), &answer.missing),
    ];
    let lists = lists.into_iter().filter(|(_, places)| !places.is_empty());
    lists
        .map(|(title, places)| format!("{title}: {}", names(places, output)))
        .collect()
}

/// The first of many, and how many there are.
fn names(places: &[v1::LocalityHead], output: Output) -> String {
    const SHOWN: usize = 8;
    let lang = output.lang;
    let name = |head: &v1::LocalityHead| {
        let code = head.r#ref.clone().unwrap_or_default().code;
        format!("{} ({code})", lang.name(head.name.as_ref()))
    };
    let shown: Vec<String> = places.iter().take(SHOWN).map(name).collect();
    let all = lang.count(places.len() as u64);
    match places.len() > SHOWN {
        true => lang.pick(
            format!("{}, … ({all} địa phương)", shown.join(", ")),
            format!("{}, … ({all} localities)", shown.join(", ")),
        ),
        false => shown.join(", "),
    }
}

fn table(answer: &v1::RollUpIndicatorResponse, output: Output) -> Table {
    let mut table = Table::new(&[
        code("locality", "Mã địa phương", "Locality"),
        code("boundaries", "Địa giới ngày", "Boundaries of"),
        number("value", "Tổng", "Sum"),
        text("bound", "Dấu", "Bound"),
        number("denominator", "Trên", "Of"),
        share("share", "Tỷ lệ", "Share"),
        number("parts", "Số địa phương", "Parts"),
        number("reported", "Tự báo cáo", "Reported"),
        number("carried", "Cộng từ đơn vị cũ", "Carried over"),
        number("broken", "Đứt chuỗi", "Broken"),
        number("uncounted", "Chỉ có tỷ lệ", "Percent only"),
        number("missing", "Chưa có số liệu", "Missing"),
        code("first", "Số liệu từ", "First figure"),
        code("last", "Số liệu đến", "Last figure"),
    ]);
    let of = answer.denominator.as_ref().and_then(|of| of.value.as_ref());
    let place = answer.locality.clone().unwrap_or_default();
    let small = |count: usize| Cell::from(count.to_string());
    table.row([
        place.r#ref.unwrap_or_default().code.into(),
        answer.boundaries_on.as_str().into(),
        raw_count(answer.value.as_ref()).into(),
        raw_bound(answer.value.as_ref()).into(),
        raw_count(of).into(),
        raw_share(answer.share_hundredths).into(),
        answer.parts.to_string().into(),
        answer.reported.to_string().into(),
        answer.carried.to_string().into(),
        small(answer.broken.len()),
        small(answer.uncounted.len()),
        small(answer.missing.len()),
        answer.first.as_str().into(),
        answer.last.as_str().into(),
    ]);
    table.shown_as(shown(answer, output))
}

/// The same for people: what it is added up from stands in words.
fn shown(answer: &v1::RollUpIndicatorResponse, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        number("value", "Tổng", "Sum"),
        number("denominator", "Trên", "Of"),
        number("share", "Tỷ lệ", "Share"),
        text("parts", "Cộng từ", "Added up from"),
        text("span", "Số liệu của", "Figures of"),
    ]);
    let span = match answer.first == answer.last {
        true => lang.moment(&answer.first),
        false => format!(
            "{} – {}",
            lang.moment(&answer.first),
            lang.moment(&answer.last)
        ),
    };
    let sum = match &answer.value {
        Some(value) => lang.quantity(Some(value)),
        None => lang.pick("chưa có số liệu", "no figure").to_owned(),
    };
    table.row([
        sum.into(),
        denominator(answer.denominator.as_ref(), output).into(),
        answer
            .share_hundredths
            .map_or_else(String::new, |share| lang.share(share))
            .into(),
        parts(answer, output).into(),
        span.into(),
    ]);
    table
}

/// Of how many parts a sum is, and how they count.
pub(super) fn parts(answer: &v1::RollUpIndicatorResponse, output: Output) -> String {
    let (own, carried, parts) = (answer.reported, answer.carried, answer.parts);
    let level = output.lang.level(answer.level());
    output.lang.pick(
        format!(
            "{} trên {parts} {level}: {own} tự báo cáo, {carried} cộng từ đơn vị cũ",
            own + carried
        ),
        format!(
            "{} of {parts} ({level}): {own} reported, {carried} carried over",
            own + carried
        ),
    )
}
