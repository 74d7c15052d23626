//! How the indicators of the catalogue are related: which count is never above which, which is counted against which, and of which the places within a place add up.
//!
//! They hold from the day on which the indicators are defined.
//! The second kind follows from the denominators in the catalogue, where these are indicators themselves.

use domain::IndicatorCode;
use domain::event::{Body, IndicatorRelated, Relation};
use domain::text::Moment;
use serde::Deserialize;

use super::DatasetError;
use super::catalogue::DEFINED;
use super::table::{Draft, table};

#[derive(Debug, Deserialize)]
struct RelationRow {
    indicator: IndicatorCode,
    relation: Relation,
    /// None for a sum.
    other: Option<IndicatorCode>,
}

/// One relation for each record, in the order of the table.
pub(super) fn drafts() -> Result<Vec<Draft>, DatasetError> {
    let rows: Vec<RelationRow> = table!("relations.csv").rows()?;
    let related = |row: RelationRow| Draft {
        effective: Moment::end_of(DEFINED),
        body: Body::IndicatorRelated(IndicatorRelated {
            indicator: row.indicator,
            relation: row.relation,
            other: row.other,
        }),
    };
    Ok(rows.into_iter().map(related).collect())
}
