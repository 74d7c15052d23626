//! The models of a locality, a cell for each.

use state::{LocalityEntry, ModelCell, ModelEntry, Reading};
use wire::event as encode;
use wire::v1;

use super::head;

/// Some models in a locality, in their order.
pub(crate) fn matrix_row(
    reading: &Reading<'_>,
    entry: &LocalityEntry<'_>,
    models: &[ModelEntry<'_>],
) -> v1::ModelMatrixRow {
    let cells = reading.model_cells(entry.id, models);
    v1::ModelMatrixRow {
        locality: Some(head(entry)),
        cells: cells.iter().map(cell).collect(),
    }
}

fn cell(cell: &ModelCell<'_>) -> v1::ModelCell {
    let (status, holder) = (cell.status, cell.holder.as_ref());
    let held_since = holder.map(|holder| {
        let succeeded = holder.succeeded_on();
        succeeded.unwrap_or(holder.recorded.effective).to_string()
    });
    v1::ModelCell {
        applies: cell.applies,
        status: status.map_or(0, |status| encode::model_status(status.fact.status)),
        status_since: status.map_or_else(String::new, |s| s.recorded.effective.to_string()),
        status_position: status.map_or(0, |status| status.recorded.position),
        role: holder.map_or(0, |holder| encode::role(holder.fact.role)),
        organisations: holder.map_or_else(Vec::new, |holder| {
            let names = holder.organisations.iter();
            names.map(ToString::to_string).collect()
        }),
        held_since: held_since.unwrap_or_default(),
    }
}
