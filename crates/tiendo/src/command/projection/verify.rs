//! `tiendo projection rebuild --verify`: is the state that answers the one that the log gives?

use wire::v1;

use super::super::log::{Way, bar, last};
use super::super::told;
use crate::Failure;
use crate::client::Clients;
use crate::fail::REFUTED;
use crate::output::{Cell, Output, Table, number, text};

pub(super) async fn verify(clients: &Clients, output: Output) -> Result<(), Failure> {
    let request = v1::VerifyProjectionRequest {};
    let answers = clients.query().await?.verify_projection(request).await;
    let answers = answers.map_err(told(output))?.into_inner();
    let bar = bar(0, ("Đang dựng lại từ sổ", "Folding the log anew"), output);
    let way = |answer: &v1::VerifyProjectionResponse| Way {
        position: answer.position,
        head: answer.head,
        done: answer.done,
    };
    show(&last(answers, way, &bar, output).await?, output)
}

fn show(answer: &v1::VerifyProjectionResponse, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let mut table = Table::new(&[
        number("position", "Vị trí", "Position"),
        text("served_digest", "Mã băm đang phục vụ", "Digest served"),
        text("digest", "Mã băm dựng lại", "Digest folded anew"),
        text("fold_version", "Phiên bản", "Fold version"),
    ]);
    table.row([
        Cell::with_raw(lang.count(answer.position), answer.position),
        answer.served_digest.as_str().into(),
        answer.digest.as_str().into(),
        answer.fold_version.as_str().into(),
    ]);
    let equal = answer.served_digest == answer.digest;
    let heading = if equal {
        lang.pick(
            "Trạng thái đang phục vụ đúng như sổ dựng lại từ sự kiện đầu tiên",
            "The state that answers is the one that the log gives from its first event on",
        )
    } else {
        ""
    };
    output.answer("VerifyProjectionResponse", answer, heading, &table)?;
    if equal {
        return Ok(());
    }
    let tables = answer.differing_tables.join(", ");
    let text = lang.pick(
        format!(
            "trạng thái đang phục vụ khác với sổ, ở: {tables}; dừng projection, xóa thư mục snapshot của nó rồi khởi động lại [PROJECTION_DIFFERS]"
        ),
        format!(
            "the state that answers differs from the log, in: {tables}; stop projection, delete its directory of snapshots and start it again [PROJECTION_DIFFERS]"
        ),
    );
    Err(Failure::new(REFUTED, text))
}

#[cfg(test)]
mod tests {
    use std::process::ExitCode;

    use super::*;
    use crate::lang::Lang;
    use crate::output::Format;

    #[test]
    fn a_state_that_differs_from_the_log_ends_with_a_code_of_its_own_and_names_the_tables() {
        let output = Output {
            format: Format::Json,
            lang: Lang::En,
            out: None,
        };
        let mut answer = v1::VerifyProjectionResponse {
            position: 4,
            served_digest: "5a".to_owned(),
            digest: "5a".to_owned(),
            done: true,
            ..v1::VerifyProjectionResponse::default()
        };
        assert!(show(&answer, output).is_ok());
        answer.digest = "5b".to_owned();
        answer.differing_tables = vec!["figures".to_owned(), "quotas".to_owned()];
        let failure = show(&answer, output).unwrap_err();
        assert!(failure.text().contains("in: figures, quotas;"));
        assert!(failure.text().contains("[PROJECTION_DIFFERS]"));
        assert_eq!(failure.report(), ExitCode::from(76));
    }
}
