//! `tiendo work-item list`; what is recorded of work items is in `record`.

use std::collections::BTreeSet;

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
    let request = asked(wanted);
    let is_part = request.statuses == STILL_TO_BE_DONE;
    let mut client = clients.query().await?;
    let ask = async |r| client.list_work_items(r).await;
    let all = pages::all(request, usize::MAX, ask).await;
    let all = all.map_err(told(output))?;
    let table = table(&all.work_items, output).shown_as(shown(&all.work_items, output));
    let head = head(&all, is_part, output);
    output.answer("ListWorkItemsResponse", &all, &head, &table)
}

/// What is listed unless somebody asks for something else.
const STILL_TO_BE_DONE: [i32; 2] = [
    v1::WorkItemStatus::Open as i32,
    v1::WorkItemStatus::Blocked as i32,
];

fn asked(wanted: WorkItemList) -> v1::ListWorkItemsRequest {
    let named: BTreeSet<_> = wanted.statuses.into_iter().map(i32::from).collect();
    let statuses = match named.is_empty() && !wanted.all {
        true => STILL_TO_BE_DONE.to_vec(),
        false => named.into_iter().collect(),
    };
    v1::ListWorkItemsRequest {
        code: wanted.code.unwrap_or_default(),
        organisation: wanted.owner.unwrap_or_default(),
        model: wanted.model.unwrap_or_default(),
        statuses,
        due_from: wanted.due_from.unwrap_or_default(),
        due_to: wanted.due_to.unwrap_or_default(),
        overdue_only: wanted.overdue,
        at: read_at(wanted.at),
        ..Default::default()
    }
}

/// For which times, and how many there are; of those still to be done it is said.
fn head(all: &v1::ListWorkItemsResponse, is_part: bool, output: Output) -> String {
    let lang = output.lang;
    let items = match all.work_items.len() {
        1 => "work item",
        _ => "work items",
    };
    let still = match is_part {
        true => lang.pick(" chưa xong", " still to be done"),
        false => "",
    };
    let count = lang.count(all.work_items.len() as u64);
    let line = at_line(all.at.as_ref(), output);
    lang.pick(
        format!("{line}\n{count} nhiệm vụ{still}"),
        format!("{line}\n{count} {items}{still}"),
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
        code("waits_for", "Chờ", "Waits for"),
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
            show::waits_for(&item).join("; ").into(),
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};
    use crate::lang::Lang;
    use crate::output::Format;

    /// What is asked of the service; why not, if it is nothing that could be asked.
    fn asks(line: &[&str]) -> Result<v1::ListWorkItemsRequest, clap::error::ErrorKind> {
        let words = ["tiendo", "work-item", "list"].iter().chain(line);
        let cli = Cli::try_parse_from(words).map_err(|error| error.kind())?;
        match cli.command {
            Command::WorkItem(WorkItem::List(wanted)) => Ok(asked(wanted)),
            other => panic!("{other:?} is no list"),
        }
    }

    #[test]
    fn what_is_still_to_be_done_is_asked_for_unless_somebody_says_otherwise() {
        let statuses = |line: &[&str]| asks(line).unwrap().statuses;
        assert_eq!(statuses(&[]), [1, 2]);
        assert_eq!(statuses(&["--overdue"]), [1, 2]);
        assert!(statuses(&["--all"]).is_empty());
        assert_eq!(statuses(&["--status", "completed"]), [3]);
        assert_eq!(statuses(&["--status", "blocked,open"]), [1, 2]);
        let each = ["--status", "cancelled,open", "--status", "open"];
        assert_eq!(statuses(&each), [1, 4]);
        let both = asks(&["--all", "--status", "open"]);
        assert_eq!(both, Err(clap::error::ErrorKind::ArgumentConflict));
    }

    #[test]
    fn an_empty_word_is_no_way_to_ask_for_everything() {
        for option in [
            "--code",
            "--owner",
            "--model",
            "--due-from",
            "--due-to",
            "--status",
        ] {
            let empty = asks(&[option, ""]);
            assert_eq!(empty, Err(clap::error::ErrorKind::InvalidValue), "{option}");
        }
        assert_eq!(
            asks(&["--owner", "Sở Y tế"]).unwrap().organisation,
            "Sở Y tế"
        );
    }

    fn output(lang: Lang) -> Output {
        Output {
            format: Format::Table,
            lang,
            out: None,
        }
    }

    #[test]
    fn one_is_told_as_one_and_of_a_part_it_is_said() {
        let of = |count, is_part| {
            let all = v1::ListWorkItemsResponse {
                work_items: vec![v1::ListedWorkItem::default(); count],
                ..Default::default()
            };
            [Lang::Vi, Lang::En].map(|lang| {
                let head = head(&all, is_part, output(lang));
                head.lines().last().unwrap_or_default().to_owned()
            })
        };
        assert_eq!(of(1, false), ["1 nhiệm vụ", "1 work item"]);
        assert_eq!(
            of(2, true),
            ["2 nhiệm vụ chưa xong", "2 work items still to be done"]
        );
    }

    #[test]
    fn what_is_late_and_waits_says_both() {
        let item = |status: v1::WorkItemStatus, overdue_days| v1::WorkItem {
            status: status as i32,
            overdue_days,
            blocked_by: vec!["W1".to_owned(), "W3".to_owned()],
            ..Default::default()
        };
        let standing = |status, days| {
            let item = item(status, days);
            [Lang::Vi, Lang::En].map(|lang| show::item_standing(&item, output(lang)))
        };
        let blocked = v1::WorkItemStatus::Blocked;
        assert_eq!(
            standing(blocked, 1),
            [
                "quá hạn 1 ngày, chờ W1, W3",
                "1 day overdue, waits for W1, W3"
            ]
        );
        assert_eq!(standing(blocked, 0), ["chờ W1, W3", "waits for W1, W3"]);
        let late = standing(v1::WorkItemStatus::Open, 2);
        assert_eq!(late, ["quá hạn 2 ngày", "2 days overdue"]);
        assert_eq!(show::waits_for(&item(blocked, 1)), ["W1", "W3"]);
        // What was done before what it was to wait for waits no more.
        assert!(show::waits_for(&item(v1::WorkItemStatus::Completed, 0)).is_empty());
    }
}
