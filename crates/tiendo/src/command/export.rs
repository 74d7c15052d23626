//! `tiendo export figures`.

use domain::text::{Bound, Moment, Quantity, parse_percent};
use sheet::{FigureDenominator, FigureRow, FileFormat};
use wire::v1;

use super::{read_at, told};
use crate::Failure;
use crate::cli::ExportFigures;
use crate::client::Clients;
use crate::fail::FAILED;
use crate::output::{Format, Output, message_json};
use crate::pages;

pub(super) async fn figures(
    wanted: ExportFigures,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let request = v1::ListFiguresRequest {
        code: wanted.locality.clone().unwrap_or_default(),
        parent_code: wanted.parent.unwrap_or_default(),
        indicator: wanted.indicator.unwrap_or_default(),
        holding_only: true,
        at: read_at(wanted.at.clone()),
        ..Default::default()
    };
    let mut client = clients.query().await?;
    let ask = async |r| client.list_figures(r).await;
    let all = pages::all(request, usize::MAX, ask).await;
    let mut all = all.map_err(told(output))?;
    if let Some(code) = wanted.locality {
        // A request for one locality says nothing of it in each figure.
        let request = v1::GetLocalityRequest {
            code,
            at: read_at(wanted.at),
            ..Default::default()
        };
        let found = client.get_locality(request).await;
        let found = found.map_err(told(output))?.into_inner();
        name(&mut all.figures, &found.locality.unwrap_or_default());
    }
    let format = match output.format {
        Format::Json => return output.json(&message_json("ListFiguresResponse", &all)?),
        Format::Xlsx => FileFormat::Xlsx,
        Format::Csv | Format::Table => FileFormat::Csv,
    };
    let rows: Result<Vec<FigureRow>, Failure> = all.figures.iter().map(row).collect();
    let bytes = sheet::write(&rows?, format);
    let lang = output.lang;
    output.bytes(
        &bytes.map_err(|error| Failure::new(FAILED, lang.pick(error.vi(), error.to_string())))?,
    )
}

/// Says in each figure whose it is.
fn name(figures: &mut [v1::HistoricFigure], locality: &v1::Locality) {
    let head = v1::LocalityHead {
        r#ref: locality.r#ref.clone(),
        level: locality.level,
        name: locality.name.clone(),
        ..Default::default()
    };
    for figure in figures {
        figure.locality = Some(head.clone());
        figure.ancestors.clone_from(&locality.ancestors);
    }
}

fn row(historic: &v1::HistoricFigure) -> Result<FigureRow, Failure> {
    let figure = historic.figure.clone().unwrap_or_default();
    let head = historic.locality.clone().unwrap_or_default();
    let own = std::iter::once(&head).chain(&historic.ancestors);
    let of_level = |level: v1::Level| {
        let mut places = own.clone().filter(|place| place.level() == level);
        let name = places.next().and_then(|place| place.name.clone());
        name.unwrap_or_default().vi
    };
    let id = head.r#ref.clone().unwrap_or_default();
    let source = figure.source.clone().unwrap_or_default();
    let date = Moment::parse(&figure.effective).map_err(|error| Failure::caused(FAILED, &error))?;
    Ok(FigureRow {
        code: id.code,
        since: id.since,
        province: of_level(v1::Level::Province),
        district: of_level(v1::Level::District),
        commune: of_level(v1::Level::Commune),
        indicator: historic.indicator.clone(),
        date,
        value: figure.value.as_ref().and_then(quantity),
        denominator: figure.denominator.as_ref().and_then(denominator),
        percent: parse_percent(&figure.printed_percent).ok(),
        percent_bound: bound(figure.percent_bound()),
        source: source.title,
        source_url: source.url,
        note: figure.note,
    })
}

fn quantity(quantity: &v1::Quantity) -> Option<Quantity> {
    let Some(v1::quantity::Number::Count(count)) = quantity.number else {
        return None;
    };
    let value = u64::try_from(count).ok()?;
    Some(Quantity {
        bound: bound(quantity.bound()),
        value,
    })
}

fn bound(bound: v1::Bound) -> Bound {
    match bound {
        v1::Bound::AtLeast => Bound::AtLeast,
        v1::Bound::AtMost => Bound::AtMost,
        v1::Bound::About => Bound::About,
        v1::Bound::Exact | v1::Bound::Unspecified => Bound::Exact,
    }
}

fn denominator(denominator: &v1::Denominator) -> Option<FigureDenominator> {
    Some(FigureDenominator {
        kind: denominator.kind.clone(),
        value: quantity(denominator.value.as_ref()?)?.value,
        derived: denominator.derived,
    })
}
