//! `tiendo indicator list | rank | roll-up`; what is recorded of indicators is in `record`.

use wire::v1;

use super::{at_line, denominator, level, raw_count, raw_share, read_at, record, roll_up, told};
use crate::Failure;
use crate::cli::Indicator;
use crate::client::Clients;
use crate::output::{Cell, Output, Table, code, number, share, text};

pub(super) async fn run(
    command: Indicator,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    match command {
        Indicator::List { at } => {
            let request = v1::ListIndicatorsRequest { at: read_at(at) };
            let answer = clients.query().await?.list_indicators(request).await;
            list(&answer.map_err(told(output))?.into_inner(), output)
        }
        Indicator::Rank {
            code,
            parent,
            level: of,
            at,
        } => {
            let request = v1::RankLocalitiesRequest {
                indicator: code,
                level: level(of),
                parent_code: parent.unwrap_or_default(),
                at: read_at(at),
            };
            let answer = clients.query().await?.rank_localities(request).await;
            rank(&answer.map_err(told(output))?.into_inner(), output)
        }
        Indicator::RollUp {
            indicator,
            code,
            boundaries,
            at,
        } => {
            let request = v1::RollUpIndicatorRequest {
                indicator,
                code,
                boundaries_on: boundaries.unwrap_or_default(),
                at: read_at(at),
            };
            roll_up::run(request, clients, output).await
        }
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

fn rank(answer: &v1::RankLocalitiesResponse, output: Output) -> Result<(), Failure> {
    let lang = output.lang;
    let mut table = Table::new(&[
        number("rank", "Hạng", "Rank"),
        code("code", "Mã", "Code"),
        text("name", "Địa phương", "Locality"),
        code("effective", "Tính đến", "As of"),
        number("value", "Số lượng", "Value"),
        number("denominator", "Trên", "Of"),
        share("share", "Tỷ lệ", "Share"),
        text("of", "Mẫu số", "Denominator"),
    ]);
    for ranked in &answer.localities {
        let head = ranked.locality.clone().unwrap_or_default();
        let figure = ranked.figure.clone().unwrap_or_default();
        let of = figure.denominator.as_ref().and_then(|of| of.value.as_ref());
        let rank = if ranked.rank == 0 {
            "–".to_owned()
        } else {
            ranked.rank.to_string()
        };
        table.row([
            rank.into(),
            head.r#ref.map(|id| id.code).unwrap_or_default().into(),
            lang.name(head.name.as_ref()).into(),
            Cell::with_raw(lang.moment(&figure.effective), &figure.effective),
            Cell::with_raw(
                lang.quantity(figure.value.as_ref()),
                raw_count(figure.value.as_ref()),
            ),
            Cell::with_raw(
                denominator(figure.denominator.as_ref(), output),
                raw_count(of),
            ),
            Cell::with_raw(
                ranked
                    .share_hundredths
                    .map(|share| lang.share(share))
                    .unwrap_or_default(),
                raw_share(ranked.share_hundredths),
            ),
            ranked.denominator.as_str().into(),
        ]);
    }
    let name = answer
        .indicator
        .as_ref()
        .and_then(|indicator| indicator.name.as_ref());
    let without = lang.count(answer.without_figure.into());
    let head = format!(
        "{}\n{}",
        lang.name(name),
        at_line(answer.at.as_ref(), output)
    );
    let without = lang.pick(
        format!("{without} địa phương chưa có số liệu"),
        format!("{without} localities have no figure"),
    );
    output.answer(
        "RankLocalitiesResponse",
        answer,
        &format!("{head}\n{without}"),
        &table,
    )
}
