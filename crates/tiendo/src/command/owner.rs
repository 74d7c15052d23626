//! `tiendo owner orphans`.

use wire::v1;

use super::{at_line, read_at, told};
use crate::Failure;
use crate::cli::At;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, text};
use crate::pages;

pub(super) async fn orphans(
    code: String,
    at: At,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ListOrphansRequest {
        code,
        at: read_at(at),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.list_orphans(r).await;
    let answer = pages::all(request, usize::MAX, ask).await;
    let answer = answer.map_err(told(output))?;
    let lang = output.lang;
    let count = lang.count(answer.orphans.len() as u64);
    let head = lang.pick(
        format!(
            "{}\n{count} việc không còn ai đảm nhiệm",
            at_line(answer.at.as_ref(), output)
        ),
        format!(
            "{}\n{count} that nobody holds any more",
            at_line(answer.at.as_ref(), output)
        ),
    );
    let table = table(&answer.orphans, output);
    output.answer("ListOrphansResponse", &answer, &head, &table)
}

fn table(orphans: &[v1::Orphan], output: Output) -> Table {
    let lang = output.lang;
    let mut table = Table::new(&[
        text("kind", "Loại", "Kind"),
        code("code", "Mã", "Code"),
        text("name", "Tên", "Name"),
        text("role", "Vai trò", "Role"),
        text("appointed", "Đơn vị được giao", "Appointed"),
        text("reason", "Vì sao", "Why"),
        code("locality", "Mã địa phương", "Locality"),
        text("locality_name", "Địa phương", "Locality name"),
        text("models", "Mô hình", "Models"),
    ]);
    let mut shown = Table::new(&[
        code("code", "Mã", "Code"),
        text("name", "Tên, vai trò", "Name, role"),
        text("appointed", "Đơn vị được giao", "Appointed"),
        text("reason", "Vì sao", "Why"),
    ]);
    for orphan in orphans {
        let kind = match orphan.kind() {
            v1::OrphanKind::Plan => ("plan", lang.pick("kế hoạch", "plan")),
            v1::OrphanKind::Model => ("model", lang.pick("mô hình", "model")),
            v1::OrphanKind::WorkItem => ("work-item", lang.pick("nhiệm vụ", "work item")),
            v1::OrphanKind::Unspecified => ("", ""),
        };
        let name = lang.name(orphan.name.as_ref());
        let role = lang.role(orphan.role());
        let appointed = orphan.appointed.join("; ");
        let reason = reason(orphan, output);
        let head = orphan.locality.clone().unwrap_or_default();
        let place = head.r#ref.unwrap_or_default().code;
        let mut parts = vec![name.as_str(), role];
        parts.retain(|part| !part.is_empty());
        shown.row([
            format!("{}\n{}", kind.1, orphan.code).into(),
            parts.join("\n").into(),
            appointed.as_str().into(),
            format!("{reason}\n{} ({place})", lang.name(head.name.as_ref())).into(),
        ]);
        table.row([
            Cell::with_raw(kind.1, kind.0),
            orphan.code.as_str().into(),
            name.into(),
            role.into(),
            appointed.into(),
            reason.into(),
            place.into(),
            lang.name(head.name.as_ref()).into(),
            orphan.models.join(" ").into(),
        ]);
    }
    table.shown_as(shown)
}

/// Why nobody holds it: nobody ever did, its holders are gone, or its locality is.
fn reason(orphan: &v1::Orphan, output: Output) -> String {
    let lang = output.lang;
    let head = orphan.locality.clone().unwrap_or_default();
    if let Some(succession) = &orphan.succession {
        let (gone, on) = (&succession.organisation, lang.moment(&orphan.succeeded_on));
        return lang.pick(
            format!("{gone} không còn từ {on}, không rõ đơn vị kế tục"),
            format!("{gone} is no more since {on}, successor not known"),
        );
    }
    if !head.ended.is_empty() {
        let on = lang.date(&head.ended);
        let models = match orphan.models.len() {
            0 => String::new(),
            models => lang.pick(
                format!(", còn {models} mô hình"),
                format!(", with {models} models"),
            ),
        };
        return lang.pick(
            format!("địa phương chấm dứt từ {on}{models}"),
            format!("the locality ended on {on}{models}"),
        );
    }
    lang.pick("chưa phân công", "never assigned to anybody")
        .to_owned()
}
