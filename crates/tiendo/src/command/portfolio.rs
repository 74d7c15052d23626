//! `tiendo owner portfolio`.

use wire::v1;
use wire::v1::portfolio_role::Scope;

use super::matrix::{raw_role, raw_status};
use super::{at_line, place, raw_constant, read_at, show, told};
use crate::Failure;
use crate::cli::OwnerPortfolio;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};
use crate::pages;

pub(super) async fn run(
    wanted: OwnerPortfolio,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::GetOwnerPortfolioRequest {
        organisation: wanted.organisation,
        code: wanted.locality.unwrap_or_default(),
        due_days: wanted.due_days,
        at: read_at(wanted.at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.get_owner_portfolio(r).await;
    let all = pages::all(request, usize::MAX, ask).await;
    let all = all.map_err(told(output))?;
    let table = table(&all, output).shown_as(shown(&all, output));
    let head = head(&all, output);
    output.answer("GetOwnerPortfolioResponse", &all, &head, &table)
}

/// Whose it is, and how much there is of each kind.
fn head(all: &v1::GetOwnerPortfolioResponse, output: Output) -> String {
    let lang = output.lang;
    let of = all.counts.unwrap_or_default();
    let count = |number: u32| lang.count(number.into());
    let (roles, days) = (count(of.roles), all.due_days);
    let [late, soon, open] = [of.overdue, of.due_soon, of.open].map(count);
    let [done, cancelled] = [of.done, of.cancelled].map(count);
    let mut lines = vec![
        all.organisation.clone(),
        at_line(all.at.as_ref(), output),
        lang.pick(
            format!(
                "{roles} vai trò; nhiệm vụ: {late} quá hạn, {soon} đến hạn trong {days} ngày, {open} đang làm, {done} xong, {cancelled} đã hủy"
            ),
            format!(
                "{roles} roles; work items: {late} overdue, {soon} due within {days} days, {open} open, {done} done, {cancelled} cancelled"
            ),
        ),
    ];
    let (left, taken, ended) = (
        lang.pick("Không còn ai đảm nhiệm", "Nobody holds any more"),
        lang.pick("Đã được tiếp nhận", "Taken over"),
        lang.pick("Đã kết thúc", "Ended"),
    );
    for (what, roles, items) in [
        (left, of.orphaned_roles, of.orphaned_work_items),
        (taken, of.handed_over_roles, of.handed_over_work_items),
        (ended, of.ended_roles, of.ended_work_items),
    ] {
        if (roles, items) != (0, 0) {
            let [roles, items] = [roles, items].map(count);
            lines.push(lang.pick(
                format!("{what}: {roles} vai trò, {items} nhiệm vụ"),
                format!("{what}: {roles} roles, {items} work items"),
            ));
        }
    }
    lines.join("\n")
}

/// A row for each role, then for each work item.
fn table(all: &v1::GetOwnerPortfolioResponse, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("kind", "Loại", "Kind"),
        code("code", "Mã", "Code"),
        text("name", "Tên", "Name"),
        code("locality", "Mã địa phương", "Locality"),
        text("locality_name", "Địa phương", "Locality name"),
        text("holding", "Đảm nhiệm", "Holding"),
        text("role", "Vai trò", "Role"),
        text("standing", "Tình trạng", "Standing"),
        code("since", "Từ", "Since"),
        code("due", "Hạn", "Due"),
        number("overdue_days", "Quá hạn (ngày)", "Days overdue"),
        text("organisations", "Đơn vị hiện nay", "Held today by"),
        text("hand_overs", "Bàn giao", "Handed over"),
    ]);
    for role in &all.roles {
        let (place_code, place_name) = place(role.locality.as_ref(), output);
        let (kind, code) = scope(role, output);
        let owner = role.owner.clone().unwrap_or_default();
        let status = match &role.scope {
            Some(Scope::Model(_)) => {
                Cell::with_raw(lang.model_status(role.status()), raw_status(role.status()))
            }
            _ => Cell::default(),
        };
        table.row([
            kind,
            code.into(),
            lang.name(role.name.as_ref()).into(),
            place_code.into(),
            place_name.into(),
            holding(role.holding(), output),
            Cell::with_raw(lang.role(owner.role()), raw_role(owner.role())),
            status,
            Cell::with_raw(lang.moment(&role.status_since), &role.status_since),
            Cell::default(),
            Cell::default(),
            owner.organisations.join("; ").into(),
            hand_overs(role, output).join("; ").into(),
        ]);
    }
    for work in &all.work_items {
        let (place_code, place_name) = place(work.locality.as_ref(), output);
        let item = work.item.clone().unwrap_or_default();
        let defined = item.defined.unwrap_or_default();
        let overdue = match item.overdue_days {
            0 => String::new(),
            days => days.to_string(),
        };
        let due = raw_constant(work.due().as_str_name(), "WORK_DUE_");
        table.row([
            Cell::with_raw(lang.pick("nhiệm vụ", "work item"), "work-item"),
            defined.work_item.into(),
            lang.name(defined.content.as_ref()).into(),
            place_code.into(),
            place_name.into(),
            holding(work.holding(), output),
            Cell::default(),
            Cell::with_raw(due_text(work.due(), output), due),
            Cell::default(),
            Cell::with_raw(lang.date(&item.due), &item.due),
            overdue.into(),
            item.responsible.join("; ").into(),
            Cell::default(),
        ]);
    }
    table
}

/// The same for people.
fn shown(all: &v1::GetOwnerPortfolioResponse, output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        code("code", "Mã", "Code"),
        text("name", "Tên, địa phương", "Name, locality"),
        text("standing", "Tình trạng", "Standing"),
        text("holding", "Đảm nhiệm", "Who holds it"),
    ]);
    for role in &all.roles {
        let (place_code, place_name) = place(role.locality.as_ref(), output);
        let (_, code) = scope(role, output);
        let owner = role.owner.clone().unwrap_or_default();
        let standing = match (&role.scope, role.status_since.as_str()) {
            (Some(Scope::Model(_)), "") => lang.model_status(role.status()).to_owned(),
            (Some(Scope::Model(_)), since) => {
                let status = lang.model_status(role.status());
                format!("{status}\n{}", lang.moment(since))
            }
            _ => String::new(),
        };
        table.row([
            code.into(),
            format!(
                "{}\n{place_name} ({place_code})",
                lang.name(role.name.as_ref())
            )
            .into(),
            standing.into(),
            holder(role, &owner, output).into(),
        ]);
    }
    for work in &all.work_items {
        let (place_code, place_name) = place(work.locality.as_ref(), output);
        let item = work.item.clone().unwrap_or_default();
        let defined = item.defined.clone().unwrap_or_default();
        let mut lines = vec![show::item_standing(&item, output)];
        if !item.due.is_empty() {
            let due = lang.date(&item.due);
            lines.push(lang.pick(format!("hạn {due}"), format!("due {due}")));
        }
        let mut holding = vec![holding_text(work.holding(), output).to_owned()];
        if !item.responsible.is_empty() {
            holding.push(item.responsible.join("; "));
        }
        table.row([
            defined.work_item.into(),
            format!(
                "{}\n{place_name} ({place_code})",
                lang.name(defined.content.as_ref())
            )
            .into(),
            lines.join("\n").into(),
            holding.join("\n").into(),
        ]);
    }
    table
}

/// What became of a role, who has it, and how it was handed over.
fn holder(role: &v1::PortfolioRole, owner: &v1::Owner, output: Output) -> String {
    let name = output.lang.role(owner.role());
    let mut lines = vec![
        holding_text(role.holding(), output).to_owned(),
        format!("{name}: {}", show::holders(owner, output)),
    ];
    lines.extend(hand_overs(role, output));
    lines.join("\n")
}

/// Each hand-over of a role: from whom to whom, from when on, and where it stands in the log.
fn hand_overs(role: &v1::PortfolioRole, output: Output) -> Vec<String> {
    let lang = output.lang;
    let told = role.hand_overs.iter().map(|it| {
        let (from, to) = (it.from.join(", "), it.to.join(", "));
        let (on, position) = (lang.moment(&it.on), lang.count(it.position));
        lang.pick(
            format!("{from} → {to}, {on} (vị trí {position})"),
            format!("{from} → {to}, {on} (position {position})"),
        )
    });
    told.collect()
}

/// What a role is in: the kind of thing, and its code.
fn scope(role: &v1::PortfolioRole, output: Output) -> (Cell, String) {
    let lang = output.lang;
    match &role.scope {
        Some(Scope::Plan(code)) => (
            Cell::with_raw(lang.pick("kế hoạch", "plan"), "plan"),
            code.clone(),
        ),
        Some(Scope::Model(code)) => (
            Cell::with_raw(lang.pick("mô hình", "model"), "model"),
            code.clone(),
        ),
        None => Default::default(),
    }
}

fn holding(holding: v1::Holding, output: Output) -> Cell {
    let raw = raw_constant(holding.as_str_name(), "HOLDING_");
    Cell::with_raw(holding_text(holding, output), raw)
}

fn holding_text(holding: v1::Holding, output: Output) -> &'static str {
    let lang = output.lang;
    match holding {
        v1::Holding::Held => lang.pick("đảm nhiệm", "held"),
        v1::Holding::Orphaned => lang.pick("không còn ai đảm nhiệm", "nobody holds it"),
        v1::Holding::HandedOver => lang.pick("đã được tiếp nhận", "taken over"),
        v1::Holding::Ended => lang.pick("đã kết thúc", "ended"),
        v1::Holding::Unspecified => "",
    }
}

fn due_text(due: v1::WorkDue, output: Output) -> &'static str {
    let lang = output.lang;
    match due {
        v1::WorkDue::Overdue => lang.pick("quá hạn", "overdue"),
        v1::WorkDue::Soon => lang.pick("sắp đến hạn", "due soon"),
        v1::WorkDue::Open => lang.pick("đang làm", "open"),
        v1::WorkDue::Done => lang.pick("xong", "done"),
        v1::WorkDue::Cancelled => lang.pick("đã hủy", "cancelled"),
        v1::WorkDue::Unspecified => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::Lang;
    use crate::output::Format;

    /// What is said in both languages of a portfolio with these counts.
    fn said(counts: v1::PortfolioCounts) -> [String; 2] {
        let all = v1::GetOwnerPortfolioResponse {
            organisation: "Sở GTVT".to_owned(),
            counts: Some(counts),
            due_days: 14,
            ..Default::default()
        };
        [Lang::Vi, Lang::En].map(|lang| {
            let output = Output {
                format: Format::Table,
                lang,
                out: None,
            };
            head(&all, output)
        })
    }

    #[test]
    fn counts_are_written_as_each_language_writes_them() {
        let [vi, en] = said(v1::PortfolioCounts {
            roles: 1_234,
            done: 5_678,
            handed_over_roles: 2_345,
            ..Default::default()
        });
        assert!(
            vi.contains("1.234 vai trò") && vi.contains("5.678 xong"),
            "{vi}"
        );
        assert!(
            en.contains("1,234 roles") && en.contains("5,678 done"),
            "{en}"
        );
        // In the new province the same department may have it, so no other one is spoken of.
        let taken = [
            "Đã được tiếp nhận: 2.345 vai trò, 0 nhiệm vụ",
            "Taken over: 2,345 roles, 0 work items",
        ];
        assert!(
            vi.ends_with(taken[0]) && en.ends_with(taken[1]),
            "{vi}\n{en}"
        );
    }
}
