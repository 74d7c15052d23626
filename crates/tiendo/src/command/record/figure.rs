//! `tiendo report` and `tiendo correct`.

use wire::v1;

use super::{denominator, locality, record, source, written};
use crate::Failure;
use crate::cli::{Correct, FigureParts, Report};
use crate::client::Clients;
use crate::output::Output;

pub(crate) async fn report(
    report: Report,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let figure = report.figure;
    let effective = figure.as_of.clone();
    let body = v1::event::Body::ProgressReported(v1::ProgressReported {
        locality: locality(&figure.locality),
        indicator: report.indicator,
        value: value(&figure),
        denominator: figure_denominator(&figure),
        percent: figure.percent.unwrap_or_default(),
        source: source(figure.source),
        note: report.note,
    });
    record(report.reporter, effective, body, clients, output).await
}

pub(crate) async fn correct(
    correct: Correct,
    clients: &Clients,
    output: Output,
) -> Result<(), Failure> {
    let figure = correct.figure;
    let effective = figure.as_of.clone();
    let body = v1::event::Body::ProgressCorrected(v1::ProgressCorrected {
        corrects: correct.position,
        locality: locality(&figure.locality),
        indicator: correct.indicator,
        value: value(&figure),
        denominator: figure_denominator(&figure),
        percent: figure.percent.unwrap_or_default(),
        source: source(figure.source),
        reason: correct.reason,
    });
    record(correct.reporter, effective, body, clients, output).await
}

fn value(figure: &FigureParts) -> Option<v1::Quantity> {
    figure.value.as_deref().map(written)
}

fn figure_denominator(figure: &FigureParts) -> Option<v1::Denominator> {
    figure
        .denominator
        .as_deref()
        .and_then(|value| denominator(&figure.denominator_kind, value))
}
