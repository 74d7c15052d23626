//! `tiendo log attribute`, `tiendo log erase`: the names of persons appointed, which lie beside the log.

use wire::v1;

use super::{record, told};
use crate::Failure;
use crate::cli::Erase;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, text};

pub(super) async fn show(position: u64, clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::GetAttributeRequest { position };
    let answer = clients.log().await?.get_attribute(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let mut table = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("name", "Tên", "Name"),
        text("salt", "Muối", "Salt"),
        text("commitment", "Cam kết", "Commitment"),
    ]);
    let erased = output.lang.pick("(tên đã xóa)", "(name erased)");
    let shown = if answer.erased { erased } else { &answer.name };
    table.row([
        Cell::with_raw(output.lang.count(answer.position), answer.position),
        Cell::with_raw(shown, &answer.name),
        hex::encode(&answer.salt).into(),
        hex::encode(&answer.commitment).into(),
    ]);
    output.answer("GetAttributeResponse", &answer, "", &table)
}

pub(super) async fn erase(erase: Erase, clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::EraseAttributeRequest {
        position: erase.position,
        reason: erase.reason,
        actor: Some(record::actor(&erase.reporter)),
        request_id: erase.reporter.request_id.unwrap_or_default(),
        validate_only: erase.reporter.validate_only,
    };
    let answer = clients.log().await?.erase_attribute(request).await;
    let answer = answer.map_err(told(output))?.into_inner();
    let receipt = answer.receipt.clone().unwrap_or_default();
    let lang = output.lang;
    let mut table = Table::new(&[
        number("erased", "Phân công", "Appointment"),
        number("position", "Ghi việc xóa ở vị trí", "Erasure recorded at"),
        text("known", "Ghi sổ lúc", "Known"),
        code("request_id", "Mã yêu cầu", "Request id"),
    ]);
    table.row([
        erase.position.to_string().into(),
        receipt.first_position.to_string().into(),
        lang.instant(receipt.known.as_ref()).into(),
        receipt.request_id.into(),
    ]);
    let head = match (receipt.first_position, receipt.repeated) {
        (0, _) => lang.pick(
            "Hợp lệ; chưa xóa gì (--validate-only)",
            "Valid; nothing erased (--validate-only)",
        ),
        (_, true) => lang.pick("Đã xóa từ trước", "Erased before"),
        (_, false) => lang.pick(
            "Đã xóa tên; phân công vẫn giữ nguyên",
            "The name is erased; the appointment stays",
        ),
    };
    output.answer("EraseAttributeResponse", &answer, head, &table)
}
