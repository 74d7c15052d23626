//! `tiendo indicator roll-up`.

use std::iter;

use wire::v1;

use super::{at_line, denominator, raw_bound, raw_count, raw_share};
use crate::Failure;
use crate::client::Clients;
use crate::output::{Cell, Column, Output, Table, code, number, share, text};

pub(super) async fn run(
    request: v1::RollUpIndicatorRequest,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let answer = clients.query().await?.roll_up_indicator(request).await;
    let answer = answer.map_err(super::told(output))?.into_inner();
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
    let on = lang.date(&answer.boundaries_on);
    let (name, of) = (
        lang.name(indicator.name.as_ref()),
        place(answer.locality.as_ref(), output),
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

/// The name of what is added up.
fn place(head: Option<&v1::LocalityHead>, output: Output) -> String {
    match head {
        Some(head) => output.lang.name(head.name.as_ref()).to_owned(),
        None => output.lang.pick("cả nước", "the whole country").to_owned(),
    }
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

/// The sum asked for; for the whole country with those of its provinces behind it.
fn rows(answer: &v1::RollUpIndicatorResponse) -> Vec<v1::ProvinceSum> {
    let named = |places: &[v1::LocalityHead], counted: fn(&v1::ProvinceSum) -> u32| {
        let here = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let provinces = answer.provinces.iter().map(counted);
        provinces.fold(here, u32::saturating_add)
    };
    let whole = v1::ProvinceSum {
        locality: answer.locality.clone(),
        value: answer.value.clone(),
        denominator: answer.denominator.clone(),
        share_hundredths: answer.share_hundredths,
        level: answer.level,
        parts: answer.parts,
        reported: answer.reported,
        carried: answer.carried,
        broken: named(&answer.broken, |sum| sum.broken),
        missing: named(&answer.missing, |sum| sum.missing),
        uncounted: named(&answer.uncounted, |sum| sum.uncounted),
        first: answer.first.clone(),
        last: answer.last.clone(),
    };
    let provinces = answer.provinces.iter().cloned();
    iter::once(whole).chain(provinces).collect()
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
    let small = |count: u32| Cell::from(count.to_string());
    let rows = rows(answer);
    for sum in &rows {
        let of = sum.denominator.as_ref().and_then(|of| of.value.as_ref());
        let place = sum.locality.clone().unwrap_or_default();
        table.row([
            place.r#ref.unwrap_or_default().code.into(),
            answer.boundaries_on.as_str().into(),
            raw_count(sum.value.as_ref()).into(),
            raw_bound(sum.value.as_ref()).into(),
            raw_count(of).into(),
            raw_share(sum.share_hundredths).into(),
            small(sum.parts),
            small(sum.reported),
            small(sum.carried),
            small(sum.broken),
            small(sum.uncounted),
            small(sum.missing),
            sum.first.as_str().into(),
            sum.last.as_str().into(),
        ]);
    }
    table.shown_as(match answer.locality {
        Some(_) => shown(&rows, output),
        None => shown_by_name(&rows, output),
    })
}

/// The same for people: what it is added up from stands in words.
fn shown(rows: &[v1::ProvinceSum], output: Output) -> Table {
    let mut table = Table::new(&columns());
    for sum in rows {
        table.row(told(sum, output));
    }
    table
}

/// The same of several places.
fn shown_by_name(rows: &[v1::ProvinceSum], output: Output) -> Table {
    let [sum, of, share, parts, span] = columns();
    let name = text("locality", "Địa phương", "Locality");
    let mut table = Table::new(&[name, sum, of, share, parts, span]);
    for row in rows {
        let name = place(row.locality.as_ref(), output);
        let [sum, of, share, parts, span] = told(row, output);
        table.row([name.into(), sum, of, share, parts, span]);
    }
    table
}

fn columns() -> [Column; 5] {
    [
        number("value", "Tổng", "Sum"),
        number("denominator", "Trên", "Of"),
        number("share", "Tỷ lệ", "Share"),
        text("parts", "Cộng từ", "Added up from"),
        text("span", "Số liệu của", "Figures of"),
    ]
}

fn told(sum: &v1::ProvinceSum, output: Output) -> [Cell; 5] {
    let lang = output.lang;
    let span = match sum.first == sum.last {
        true => lang.moment(&sum.first),
        false => format!("{} – {}", lang.moment(&sum.first), lang.moment(&sum.last)),
    };
    let value = match &sum.value {
        Some(value) => lang.quantity(Some(value)),
        None => lang.pick("chưa có số liệu", "no figure").to_owned(),
    };
    let share = sum.share_hundredths;
    [
        value.into(),
        denominator(sum.denominator.as_ref(), output).into(),
        share
            .map_or_else(String::new, |share| lang.share(share))
            .into(),
        counted(sum, output).into(),
        span.into(),
    ]
}

/// Of how many parts a sum is, and how they count.
pub(super) fn parts(answer: &v1::RollUpIndicatorResponse, output: Output) -> String {
    let sum = v1::ProvinceSum {
        level: answer.level,
        parts: answer.parts,
        reported: answer.reported,
        carried: answer.carried,
        ..Default::default()
    };
    counted(&sum, output)
}

fn counted(sum: &v1::ProvinceSum, output: Output) -> String {
    let (own, carried, parts) = (sum.reported, sum.carried, sum.parts);
    let level = match sum.level() {
        v1::Level::Unspecified => output.lang.pick("địa phương", "localities"),
        level => output.lang.level(level),
    };
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
