//! The mergers of organisations of March 2025, where the product carries who owned what before.
//!
//! With them whatever Khánh Hòa's organisations held in 2023 is read as their successors', not only the models whose new lead is in the catalogue.
//! They are as indicative as the catalogue they follow from; each says what it rests on.

use domain::event::{Body, OrganisationChange, OrganisationSucceeded, Source};
use domain::text::{Moment, nfc};
use serde::Deserialize;

use super::DatasetError;
use super::gazetteer::Gazetteer;
use super::table::{Draft, Place, list, table};

#[derive(Debug, Deserialize)]
struct SuccessionRow {
    place: Place,
    date: Moment,
    organisation: String,
    successors: String,
    change: OrganisationChange,
    basis: String,
    source: String,
}

/// One succession for each record, in the order of the table.
pub(super) fn drafts(gazetteer: &Gazetteer) -> Result<Vec<Draft>, DatasetError> {
    let table = table!("organisations_2025.csv");
    let rows: Vec<SuccessionRow> = table.rows()?;
    let succeeded = |row: SuccessionRow| {
        let body = Body::OrganisationSucceeded(OrganisationSucceeded {
            locality: gazetteer.find(table.file, &row.place, row.date.date())?,
            organisation: row.organisation,
            successors: list(&row.successors),
            change: row.change,
            document: None,
            source: Source {
                title: nfc(&row.basis).into_owned(),
                url: row.source,
            },
        });
        Ok(Draft {
            effective: row.date,
            body,
        })
    };
    rows.into_iter().map(succeeded).collect()
}
