//! `tiendo indicator list | rank | roll-up`; `missing` stands in a module of its own; what is recorded of indicators is in `record`.

use wire::v1;

use super::{at_line, level, missing, rank, read_at, record, roll_up, told};
use crate::Failure;
use crate::cli::Indicator;
use crate::client::Clients;
use crate::output::{Output, Table, code, text};
use crate::pages;

pub(super) async fn run(
    command: Indicator,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Indicator::List { at } => {
            let request = v1::ListIndicatorsRequest {
                at: read_at(at),
                ..Default::default()
            };
            let mut client = clients.query().await?;
            let ask = async |r| client.list_indicators(r).await;
            let answer = pages::all(request, usize::MAX, ask).await;
            list(&answer.map_err(told(output))?, output)
        }
        Indicator::Rank {
            code,
            parent,
            level: of,
            peers_of,
            at,
        } => {
            let request = v1::RankLocalitiesRequest {
                indicator: code,
                level: level(of),
                parent_code: parent.unwrap_or_default(),
                at: read_at(at),
                peers_of_code: peers_of.unwrap_or_default(),
                ..Default::default()
            };
            rank::run(request, clients, output).await
        }
        Indicator::RollUp {
            indicator,
            code,
            boundaries,
            at,
        } => {
            let request = v1::RollUpIndicatorRequest {
                indicator,
                code: code.unwrap_or_default(),
                boundaries_on: boundaries.unwrap_or_default(),
                at: read_at(at),
            };
            roll_up::run(request, clients, output).await
        }
        Indicator::Missing(wanted) => missing::run(wanted, clients, output).await,
        Indicator::Record(command) => record::indicator(command, clients, output).await,
    }
}

fn list(answer: &v1::ListIndicatorsResponse, output: Output) -> Result<(), Failure> {
    let mut table = Table::new(&[
        code("indicator", "Mã", "Code"),
        text("name", "Tên", "Name"),
        text("unit", "Đơn vị", "Unit"),
        text("denominator", "Mẫu số", "Denominator"),
    ]);
    for indicator in &answer.indicators {
        table.row([
            indicator.indicator.as_str().into(),
            output.lang.name(indicator.name.as_ref()).into(),
            output.lang.name(indicator.unit.as_ref()).into(),
            indicator.denominator.as_str().into(),
        ]);
    }
    output.answer(
        "ListIndicatorsResponse",
        answer,
        &at_line(answer.at.as_ref(), output),
        &table,
    )
}
