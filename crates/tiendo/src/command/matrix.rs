//! `tiendo model matrix`.

use std::collections::BTreeMap;

use wire::v1;

use super::{at_line, level, place, raw_constant, read_at, told};
use crate::Failure;
use crate::cli::ModelMatrix;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};
use crate::pages;

pub(super) async fn run(
    wanted: ModelMatrix,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::GetModelMatrixRequest {
        parent_code: wanted.parent.unwrap_or_default(),
        level: level(wanted.level),
        group: wanted.group.unwrap_or_default(),
        model: wanted.model.unwrap_or_default(),
        at: read_at(wanted.at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.get_model_matrix(r).await;
    let all = pages::all(request, wanted.limit, ask).await;
    let all = all.map_err(told(output))?;
    let usual = usual(&all, output);
    let table = table(&all, output).shown_as(shown(&all, &usual, output));
    let head = head(&all, &usual, output);
    output.answer("GetModelMatrixResponse", &all, &head, &table)
}

/// Who holds each model in more than half of the localities it holds for, in words; empty where nobody does.
fn usual(all: &v1::GetModelMatrixResponse, output: Output) -> Vec<String> {
    let holders = |column: usize| {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let cells = all.rows.iter().filter_map(|row| row.cells.get(column));
        for cell in cells.filter(|cell| cell.applies) {
            *counts.entry(holder(cell, output)).or_default() += 1;
        }
        let half = counts.values().sum::<usize>() / 2;
        let most = counts.into_iter().find(|(_, count)| *count > half);
        most.map(|(holder, _)| holder).unwrap_or_default()
    };
    (0..all.models.len()).map(holders).collect()
}

/// How many there are, and a line for all models that the same organisation holds.
fn head(all: &v1::GetModelMatrixResponse, usual: &[String], output: Output) -> String {
    let lang = output.lang;
    let times = at_line(all.at.as_ref(), output);
    let total = lang.count(u64::try_from(all.total_size).unwrap_or(0));
    let (models, rows) = (all.models.len(), lang.count(all.rows.len() as u64));
    let mut lines = vec![lang.pick(
        format!("{times}\n{models} mô hình, {rows} trên {total} địa phương"),
        format!("{times}\n{models} models, {rows} of {total} localities"),
    )];
    let mut held: Vec<(&str, Vec<String>)> = Vec::new();
    let named = usual.iter().zip(&all.models);
    for (holder, model) in named.filter(|(holder, _)| !holder.is_empty()) {
        let model = model.defined.clone().unwrap_or_default().model;
        match held.iter_mut().find(|of| of.0 == holder) {
            Some(of) => of.1.push(model),
            None => held.push((holder, vec![model])),
        }
    }
    let held = held.iter();
    lines.extend(held.map(|(holder, models)| format!("{}: {holder}", models.join(" "))));
    lines.join("\n")
}

/// A row for each model of each locality that it holds for.
fn table(all: &v1::GetModelMatrixResponse, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("locality", "Mã địa phương", "Locality"),
        text("locality_name", "Địa phương", "Locality name"),
        code("model", "Mã mô hình", "Model"),
        text("model_name", "Mô hình", "Model name"),
        text("status", "Tình trạng", "Status"),
        code("status_since", "Từ", "Since"),
        number("position", "Vị trí trong sổ", "Position"),
        text("role", "Vai trò", "Role"),
        text("organisations", "Đơn vị", "Organisations"),
        code("held_since", "Đảm nhiệm từ", "Held since"),
    ]);
    for row in &all.rows {
        let (place_code, name) = place(row.locality.as_ref(), output);
        for (cell, model) in row.cells.iter().zip(&all.models) {
            if !cell.applies {
                continue;
            }
            let defined = model.defined.clone().unwrap_or_default();
            let position = match cell.status_position {
                0 => String::new(),
                position => position.to_string(),
            };
            table.row([
                place_code.as_str().into(),
                name.as_str().into(),
                defined.model.into(),
                lang.name(defined.name.as_ref()).into(),
                Cell::with_raw(lang.model_status(cell.status()), raw_status(cell.status())),
                Cell::with_raw(lang.moment(&cell.status_since), &cell.status_since),
                position.into(),
                Cell::with_raw(lang.role(cell.role()), raw_role(cell.role())),
                cell.organisations.join("; ").into(),
                Cell::with_raw(lang.moment(&cell.held_since), &cell.held_since),
            ]);
        }
    }
    table
}

/// For people: the models of a locality that stand alike share a row, and only who holds them there alone is named.
fn shown(all: &v1::GetModelMatrixResponse, usual: &[String], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("locality", "Địa phương", "Locality"),
        text("status", "Tình trạng", "Status"),
        text("models", "Mô hình", "Models"),
        text("holder", "Đơn vị khác", "Other holder"),
    ]);
    for row in &all.rows {
        let (code, name) = place(row.locality.as_ref(), output);
        let mut rows: Vec<(String, String, Vec<String>)> = Vec::new();
        for ((cell, model), usual) in row.cells.iter().zip(&all.models).zip(usual) {
            if !cell.applies {
                continue;
            }
            let model = model.defined.clone().unwrap_or_default().model;
            let (status, mut holder) = (status(cell, output), holder(cell, output));
            if holder == *usual {
                holder.clear();
            }
            match rows.iter_mut().find(|of| of.0 == status && of.1 == holder) {
                Some(of) => of.2.push(model),
                None => rows.push((status, holder, vec![model])),
            }
        }
        if rows.is_empty() {
            let none = lang.pick("không có mô hình nào", "no model holds there");
            rows.push((none.to_owned(), String::new(), Vec::new()));
        }
        let mut title = format!("{name} ({code})");
        for (status, holder, models) in rows {
            let title = std::mem::take(&mut title);
            table.row([
                title.into(),
                status.into(),
                models.join(" ").into(),
                holder.into(),
            ]);
        }
    }
    table
}

fn status(cell: &v1::ModelCell, output: Output) -> String {
    let status = output.lang.model_status(cell.status());
    match cell.status_since.as_str() {
        "" => status.to_owned(),
        since => format!("{status}\n{}", output.lang.moment(since)),
    }
}

fn holder(cell: &v1::ModelCell, output: Output) -> String {
    let lang = output.lang;
    let (role, since) = (lang.role(cell.role()), lang.moment(&cell.held_since));
    match (cell.role(), cell.organisations.as_slice()) {
        (v1::Role::Unspecified, _) => lang.pick("chưa phân công", "nobody").to_owned(),
        (_, []) => lang.pick(
            format!("{role}: không còn ai, từ {since}"),
            format!("{role}: nobody left since {since}"),
        ),
        (_, names) => lang.pick(
            format!("{role}: {}, từ {since}", names.join("; ")),
            format!("{role}: {}, since {since}", names.join("; ")),
        ),
    }
}

/// A status for a spreadsheet, as `model status` takes it; `not-reported` is none.
pub(super) fn raw_status(status: v1::ModelStatus) -> String {
    match status {
        v1::ModelStatus::Unspecified => "not-reported".to_owned(),
        status => raw_constant(status.as_str_name(), "MODEL_STATUS_"),
    }
}

/// A role for a spreadsheet, as `owner assign` takes it.
pub(super) fn raw_role(role: v1::Role) -> String {
    match role {
        v1::Role::Unspecified => String::new(),
        role => raw_constant(role.as_str_name(), "ROLE_"),
    }
}
