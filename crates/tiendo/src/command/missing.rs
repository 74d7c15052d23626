//! `tiendo indicator missing`.

use wire::v1;

use super::matrix::raw_role;
use super::{at_line, level, place, read_at, show, told};
use crate::Failure;
use crate::cli::IndicatorMissing;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};
use crate::pages;

pub(super) async fn run(
    wanted: IndicatorMissing,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ListMissingReportsRequest {
        indicator: wanted.indicator,
        parent_code: wanted.parent.unwrap_or_default(),
        level: level(wanted.level),
        cadence_days: wanted.days.unwrap_or_default(),
        asked_only: wanted.asked,
        at: read_at(wanted.at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.list_missing_reports(r).await;
    let all = pages::all(request, wanted.limit, ask).await;
    let all = all.map_err(told(output))?;
    let table = table(&all.missing, output);
    output.answer(
        "ListMissingReportsResponse",
        &all,
        &head(&all, output),
        &table,
    )
}

/// What was expected, and what came.
fn head(all: &v1::ListMissingReportsResponse, output: Output) -> String {
    let lang = output.lang;
    let indicator = all.indicator.clone().unwrap_or_default();
    let count = |number: u32| lang.count(number.into());
    let (expected, reported) = (count(all.expected_count), count(all.reported_count));
    let came = all.reported_count.saturating_add(all.never_count);
    let late = all.expected_count.saturating_sub(came);
    let (never, late, days) = (count(all.never_count), count(late), all.cadence_days);
    let mut lines = vec![
        lang.name(indicator.name.as_ref()),
        at_line(all.at.as_ref(), output),
        lang.pick(
            format!(
                "Kỳ báo cáo {days} ngày: {expected} địa phương phải báo cáo, {reported} đã báo cáo, {never} chưa báo cáo lần nào, {late} quá hạn báo cáo"
            ),
            format!(
                "A report every {days} days: {expected} localities to report, {reported} reported, {never} never did, {late} late"
            ),
        ),
    ];
    if all.too_new_count > 0 {
        let new = count(all.too_new_count);
        lines.push(lang.pick(
            format!("{new} địa phương mới hoặc mới được giao, chưa đến kỳ"),
            format!("{new} are new or newly asked, nothing is expected of them yet"),
        ));
    }
    if !all.next_page_token.is_empty() {
        let more = lang.pick(
            "Còn nữa; xem thêm bằng --limit",
            "There are more; see them with --limit",
        );
        lines.push(more.to_owned());
    }
    lines.join("\n")
}

fn table(missing: &[v1::MissingReport], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("locality", "Mã địa phương", "Locality"),
        text("name", "Địa phương", "Name"),
        code("last", "Số liệu cuối", "Last figure"),
        number("silent_days", "Số ngày", "Days"),
        text("silent", "Quá hai kỳ", "Silent"),
        text("asked", "Được giao", "Asked for"),
        number("position", "Vị trí trong sổ", "Position"),
        text("reporter", "Đơn vị báo cáo lần cuối", "Last reporter"),
        text("role", "Vai trò", "Role"),
        text("responsible", "Đơn vị phải báo cáo", "Who is to report"),
    ]);
    let mut shown = Table::new(&[
        text("name", "Địa phương", "Locality"),
        text("last", "Số liệu cuối", "Last figure"),
        text("responsible", "Đơn vị phải báo cáo", "Who is to report"),
    ]);
    for one in missing {
        let (code, name) = place(one.locality.as_ref(), output);
        let recorded = one.recorded.clone().unwrap_or_default();
        let reporter = recorded.actor.unwrap_or_default().organisation;
        let owner = one.responsible.clone().unwrap_or_default();
        shown.row([
            format!("{name} ({code})").into(),
            silence(one, output).into(),
            responsible(one, &reporter, output).into(),
        ]);
        let yes = |is: bool| match is {
            true => Cell::with_raw(lang.pick("có", "yes"), "yes"),
            false => Cell::with_raw(lang.pick("không", "no"), "no"),
        };
        let position = match recorded.position {
            0 => String::new(),
            position => position.to_string(),
        };
        let days = one.silent_days.map(|days| days.to_string());
        table.row([
            code.into(),
            name.into(),
            Cell::with_raw(lang.moment(&one.last), &one.last),
            days.unwrap_or_default().into(),
            yes(one.silent),
            yes(one.asked),
            position.into(),
            reporter.into(),
            Cell::with_raw(lang.role(owner.role()), raw_role(owner.role())),
            owner.organisations.join("; ").into(),
        ]);
    }
    table.shown_as(shown)
}

/// For how long nobody has reported.
fn silence(one: &v1::MissingReport, output: Output) -> String {
    let lang = output.lang;
    let asked = match one.asked {
        true => lang.pick("\nđược giao chỉ tiêu", "\nasked for it"),
        false => "",
    };
    let last = lang.moment(&one.last);
    let said = match (one.silent_days, one.silent) {
        (None, _) => lang.pick("chưa báo cáo lần nào", "never").to_owned(),
        (Some(days), false) => lang.pick(
            format!("{last}, {days} ngày trước"),
            format!("{last}, {days} days ago"),
        ),
        (Some(days), true) => lang.pick(
            format!("{last}, {days} ngày trước (quá hai kỳ)"),
            format!("{last}, {days} days ago (silent)"),
        ),
    };
    said + asked
}

/// Who is to report, else who did last.
fn responsible(one: &v1::MissingReport, reporter: &str, output: Output) -> String {
    let lang = output.lang;
    match (&one.responsible, reporter) {
        (Some(owner), _) => {
            let role = lang.role(owner.role());
            format!("{role}: {}", show::holders(owner, output))
        }
        (None, "") => String::new(),
        (None, reporter) => lang.pick(
            format!("lần cuối: {reporter}"),
            format!("last time: {reporter}"),
        ),
    }
}
