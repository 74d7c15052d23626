//! `tiendo work-item list`; what is recorded of work items is in `record`.

use wire::v1;

use super::{at_line, place, raw_constant, read_at, record, show, told};
use crate::Failure;
use crate::cli::{WorkItem, WorkItemList};
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};
use crate::pages;

pub(super) async fn run(
    command: WorkItem,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        WorkItem::List(wanted) => list(wanted, clients, output).await,
        WorkItem::Record(command) => record::work_item(*command, clients, output).await,
    }
}

async fn list(wanted: WorkItemList, clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::ListWorkItemsRequest {
        code: wanted.code.unwrap_or_default(),
        organisation: wanted.owner.unwrap_or_default(),
        model: wanted.model.unwrap_or_default(),
        status: wanted.status.map_or(0, i32::from),
        due_from: wanted.due_from.unwrap_or_default(),
        due_to: wanted.due_to.unwrap_or_default(),
        overdue_only: wanted.overdue,
        at: read_at(wanted.at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.list_work_items(r).await;
    let all = pages::all(request, usize::MAX, ask).await;
    let all = all.map_err(told(output))?;
    let table = table(&all.work_items, output).shown_as(shown(&all.work_items, output));
    output.answer("ListWorkItemsResponse", &all, &head(&all, output), &table)
}

/// For which times, and how many there are.
fn head(all: &v1::ListWorkItemsResponse, output: Output) -> String {
    let lang = output.lang;
    let count = lang.count(all.work_items.len() as u64);
    let line = at_line(all.at.as_ref(), output);
    lang.pick(
        format!("{line}\n{count} nhiệm vụ"),
        format!("{line}\n{count} work items"),
    )
}

fn table(items: &[v1::ListedWorkItem], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("code", "Mã", "Code"),
        text("content", "Nội dung", "Content"),
        code("locality", "Mã địa phương", "Locality"),
        text("locality_name", "Địa phương", "Locality name"),
        code("locality_ended", "Địa phương chấm dứt", "Locality ended"),
        code("model", "Mô hình", "Model"),
        text("status", "Tình trạng", "Standing"),
        code("due", "Hạn", "Due"),
        number("overdue_days", "Quá hạn (ngày)", "Days overdue"),
        text("assigned", "Đơn vị được giao", "Given to"),
        text("responsible", "Đơn vị hiện nay", "Responsible today"),
        text("office", "Bộ phận", "Office"),
    ]);
    for listed in items {
        let (place_code, place_name) = place(listed.locality.as_ref(), output);
        let item = listed.item.clone().unwrap_or_default();
        let defined = item.defined.clone().unwrap_or_default();
        let status = raw_constant(item.status().as_str_name(), "WORK_ITEM_STATUS_");
        let overdue = match item.overdue_days {
            0 => String::new(),
            days => days.to_string(),
        };
        let ended = ended(listed);
        table.row([
            defined.work_item.into(),
            lang.name(defined.content.as_ref()).into(),
            place_code.into(),
            place_name.into(),
            Cell::with_raw(lang.date(ended), ended),
            defined.model.into(),
            Cell::with_raw(show::item_standing(&item, output), status),
            Cell::with_raw(lang.date(&item.due), &item.due),
            overdue.into(),
            defined.organisation.into(),
            item.responsible.join("; ").into(),
            defined.office.into(),
        ]);
    }
    table
}

/// The same for people.
fn shown(items: &[v1::ListedWorkItem], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("due", "Hạn", "Due"),
        text("content", "Nhiệm vụ, địa phương", "Work item, locality"),
        text("standing", "Tình trạng", "Standing"),
        text("responsible", "Chịu trách nhiệm", "Responsible"),
    ]);
    for listed in items {
        let (place_code, place_name) = place(listed.locality.as_ref(), output);
        let item = listed.item.clone().unwrap_or_default();
        let defined = item.defined.clone().unwrap_or_default();
        let mut standing = show::item_standing(&item, output);
        let ended = lang.date(ended(listed));
        if !ended.is_empty() {
            standing.push_str(&lang.pick(
                format!("\nđịa phương chấm dứt từ {ended}"),
                format!("\nthe locality ended on {ended}"),
            ));
        }
        let about = [defined.work_item.as_str(), defined.model.as_str()];
        let mut about = about.to_vec();
        about.retain(|code| !code.is_empty());
        table.row([
            match item.due.as_str() {
                "" => lang.pick("không nêu", "not stated").into(),
                due => lang.date(due).into(),
            },
            format!(
                "{}\n{}\n{place_name} ({place_code})",
                about.join(", "),
                lang.name(defined.content.as_ref())
            )
            .into(),
            standing.into(),
            show::responsible(&item, &defined.office, output).into(),
        ]);
    }
    table
}

/// First day on which its locality was no more; empty while it exists.
fn ended(listed: &v1::ListedWorkItem) -> &str {
    listed.locality.as_ref().map_or("", |head| &head.ended)
}
