//! `tiendo locality show | list | forecast | history | rebuild | quality | trajectory`; `diff`, `quality` and `trajectory` stand in modules of their own; what is recorded of localities is in `record`.

use wire::v1;

use super::{
    at_line, diff, figure_percent, finding, forecast, level, quality, raw_bound, raw_count,
    raw_percent, read_at, record, show, told, trajectory,
};
use crate::Failure;
use crate::cli::{At, Locality};
use crate::client::Clients;
use crate::fail::FAILED;
use crate::output::{Cell, Format, Output, Table, code, number, share, text};
use crate::pages;

pub(super) async fn run(
    command: Locality,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Locality::Show { code, at } => show(clients, output, code, at).await,
        Locality::List {
            level: of,
            parent,
            name,
            ended,
            limit,
            at,
        } => {
            let request = v1::ListLocalitiesRequest {
                level: level(of),
                parent_code: parent.unwrap_or_default(),
                name: name.unwrap_or_default(),
                include_ended: ended,
                at: read_at(at),
                ..Default::default()
            };
            list(clients, output, request, limit).await
        }
        Locality::History {
            code,
            indicator,
            at,
        } => {
            let request = v1::ListFiguresRequest {
                code,
                indicator: indicator.unwrap_or_default(),
                at: read_at(at),
                ..Default::default()
            };
            history(clients, output, request).await
        }
        Locality::Forecast { code, indicator } => {
            forecast::run(code, indicator, clients, output).await
        }
        Locality::Diff(wanted) => diff::run(wanted, clients, output).await,
        Locality::Rebuild {
            code,
            as_of,
            position,
        } => {
            let as_of = as_of.unwrap_or_default();
            let request = v1::RebuildLocalityRequest {
                code,
                as_of,
                position,
            };
            rebuild(clients, output, request).await
        }
        Locality::Trajectory(wanted) => trajectory::run(wanted, clients, output).await,
        Locality::Quality { code, children, at } => {
            let request = v1::GetDataQualityRequest {
                code,
                with_children: children,
                at: read_at(at),
                ..Default::default()
            };
            quality::run(request, clients, output).await
        }
        Locality::Record(command) => record::locality(command, clients, output).await,
    }
}

async fn show(clients: &Clients, output: Output, code: String, at: At) -> Result<(), Failure> {
    let request = v1::GetLocalityRequest {
        code,
        at: read_at(at),
        ..Default::default()
    };
    let answer = clients
        .query()
        .await?
        .get_locality(request)
        .await
        .map_err(told(output))?;
    let answer = answer.into_inner();
    let locality = answer.locality.clone().unwrap_or_default();
    match output.format {
        Format::Table => output.text(&show::page(&locality, &answer, output)),
        _ => output.answer(
            "GetLocalityResponse",
            &answer,
            "",
            &show::figures(&locality, output),
        ),
    }
}

async fn list(
    clients: &Clients,
    output: Output,
    request: v1::ListLocalitiesRequest,
    limit: usize,
) -> Result<(), Failure> {
    let mut client = clients.query().await?;
    let ask = async |r| client.list_localities(r).await;
    let all = pages::all(request, limit, ask).await;
    let all = all.map_err(told(output))?;
    let mut table = Table::new(&[
        code("code", "Mã", "Code"),
        text("level", "Cấp", "Level"),
        text("name", "Tên", "Name"),
        text("parent", "Thuộc", "Parent"),
        code("since", "Trong sổ từ", "Since"),
        code("ended", "Chấm dứt", "Ended"),
    ]);
    let lang = output.lang;
    for head in &all.localities {
        let id = head.r#ref.clone().unwrap_or_default();
        table.row([
            id.code.into(),
            Cell::with_raw(lang.level(head.level()), raw_level(head.level())),
            lang.name(head.name.as_ref()).into(),
            head.parent_code.as_str().into(),
            Cell::with_raw(lang.date(&id.since), id.since),
            Cell::with_raw(lang.date(&head.ended), &head.ended),
        ]);
    }
    let total = u64::try_from(all.total_size).unwrap_or(0);
    let shown = lang.count(all.localities.len() as u64);
    let head = lang.pick(
        format!(
            "{}\n{shown} trên {} địa phương",
            at_line(all.at.as_ref(), output),
            lang.count(total)
        ),
        format!(
            "{}\n{shown} of {} localities",
            at_line(all.at.as_ref(), output),
            lang.count(total)
        ),
    );
    output.answer("ListLocalitiesResponse", &all, &head, &table)
}

async fn history(
    clients: &Clients,
    output: Output,
    request: v1::ListFiguresRequest,
) -> Result<(), Failure> {
    let mut client = clients.query().await?;
    let ask = async |r| client.list_figures(r).await;
    let all = pages::all(request, usize::MAX, ask).await;
    let all = all.map_err(told(output))?;
    let table = figure_table(&all.figures, output);
    let head = at_line(all.at.as_ref(), output);
    output.answer("ListFiguresResponse", &all, &head, &table)
}

fn figure_table(figures: &[v1::HistoricFigure], output: Output) -> Table {
    let mut table = Table::new(&[
        number("position", "Vị trí trong sổ", "Position"),
        code("effective", "Tính đến", "Effective"),
        code("indicator", "Chỉ tiêu", "Indicator"),
        number("value", "Số lượng", "Value"),
        text("bound", "Dấu", "Bound"),
        number("denominator", "Mẫu số", "Denominator"),
        share("percent", "Tỷ lệ", "Percent"),
        number("corrects", "Thay vị trí", "Corrects"),
        number("corrected_by", "Bị thay bởi", "Corrected by"),
        text("reporter", "Đơn vị báo cáo", "Reporter"),
        text("source", "Nguồn", "Source"),
        code("known", "Ghi sổ lúc", "Known"),
        number("retracted_by", "Rút ở vị trí", "Retracted by"),
        text("findings", "Phát hiện", "Findings"),
    ]);
    let mut shown = Table::new(&[
        number("position", "Vị trí", "Position"),
        code("effective", "Tính đến", "Effective"),
        code("indicator", "Chỉ tiêu", "Indicator"),
        number("value", "Số lượng", "Value"),
        number("percent", "Tỷ lệ", "Percent"),
        text("source", "Nguồn, đơn vị báo cáo", "Source, reporter"),
    ]);
    let lang = output.lang;
    for row in figures {
        let figure = row.figure.clone().unwrap_or_default();
        let recorded = figure.recorded.clone().unwrap_or_default();
        let reporter = recorded.actor.unwrap_or_default().organisation;
        let source = figure.source.clone().unwrap_or_default().title;
        let mut lines = vec![
            format!("{source}; {reporter}"),
            correction(&figure, output),
            finding::marks(&figure, output),
        ];
        lines.retain(|line| !line.is_empty());
        shown.row([
            lang.count(recorded.position).into(),
            lang.moment(&figure.effective).into(),
            row.indicator.as_str().into(),
            lang.quantity(figure.value.as_ref()).into(),
            figure_percent(&figure, output).into(),
            lines.join("\n").into(),
        ]);
        let of = figure.denominator.as_ref().and_then(|of| of.value.as_ref());
        let or_empty = |position: u64| match position {
            0 => String::new(),
            position => position.to_string(),
        };
        table.row([
            recorded.position.to_string().into(),
            figure.effective.as_str().into(),
            row.indicator.as_str().into(),
            raw_count(figure.value.as_ref()).into(),
            raw_bound(figure.value.as_ref()).into(),
            raw_count(of).into(),
            raw_percent(&figure).into(),
            or_empty(figure.corrects).into(),
            or_empty(figure.corrected_by).into(),
            reporter.into(),
            source.into(),
            raw_instant(recorded.known.as_ref()).into(),
            or_empty(figure.retracted_by).into(),
            finding::raw_marks(&figure).into(),
        ]);
    }
    table.shown_as(shown)
}

/// A level for a spreadsheet, as `--level` takes it.
fn raw_level(level: v1::Level) -> &'static str {
    match level {
        v1::Level::Province => "province",
        v1::Level::District => "district",
        v1::Level::Commune => "commune",
        v1::Level::Unspecified => "",
    }
}

/// An instant for a spreadsheet: RFC 3339.
pub(super) fn raw_instant(timestamp: Option<&prost_types::Timestamp>) -> String {
    let instant = timestamp.and_then(wire::time::from_wire);
    instant
        .map(|instant| instant.to_string())
        .unwrap_or_default()
}

/// What a figure replaces, or what became of it.
pub(super) fn correction(figure: &v1::Figure, output: Output) -> String {
    let lang = output.lang;
    if figure.retracted_by > 0 {
        let (by, why) = (figure.retracted_by, &figure.retraction_reason);
        return lang.pick(
            format!("đã rút ở vị trí {by}: {why}"),
            format!("retracted at {by}: {why}"),
        );
    }
    match (figure.corrects, figure.corrected_by) {
        (_, by) if by > 0 => lang.pick(format!("bị thay bởi {by}"), format!("replaced by {by}")),
        (0, _) => String::new(),
        (corrects, _) => lang.pick(
            format!("thay {corrects}: {}", figure.reason),
            format!("replaces {corrects}: {}", figure.reason),
        ),
    }
}

async fn rebuild(
    clients: &Clients,
    output: Output,
    request: v1::RebuildLocalityRequest,
) -> Result<(), Failure> {
    let answer = clients
        .query()
        .await?
        .rebuild_locality(request)
        .await
        .map_err(told(output))?;
    let answer = answer.into_inner();
    let mut table = Table::new(&[
        number("events", "Số sự kiện phát lại", "Events replayed"),
        text("digest", "Mã băm dựng lại", "Rebuilt digest"),
        text("served", "Mã băm đang phục vụ", "Served digest"),
    ]);
    table.row([
        answer.events.to_string().into(),
        answer.digest.as_str().into(),
        answer.served_digest.as_str().into(),
    ]);
    let same = if answer.digest == answer.served_digest {
        "="
    } else {
        "≠"
    };
    let mut shown = Table::new(&[
        number("events", "Sự kiện", "Events"),
        text("digests", "Dựng lại, đang phục vụ", "Rebuilt, served"),
    ]);
    shown.row([
        output.lang.count(answer.events).into(),
        format!("  {}\n{same} {}", answer.digest, answer.served_digest).into(),
    ]);
    let head = at_line(answer.at.as_ref(), output);
    output.answer(
        "RebuildLocalityResponse",
        &answer,
        &head,
        &table.shown_as(shown),
    )?;
    if answer.digest == answer.served_digest {
        return Ok(());
    }
    Err(Failure::new(
        FAILED,
        "the rebuilt state differs from the served one; restart projection",
    ))
}
