//! One sheet as rows of cells, whatever the file's format.
//!
//! Cells are text as a person would write it: a number of a spreadsheet is its digits, a date its ISO day, a share formatted as a percentage the percentage.
//! Which cells were numbers is kept beside, because `0.838` in a cell of text and in one of numbers are not equally sure.

use csv::StringRecord;

use crate::COLUMNS_MAX;
use crate::problem::Problem;

/// One sheet.
#[derive(Debug, Default)]
pub(crate) struct Grid {
    /// Its name; empty for a CSV file.
    pub(crate) name: String,
    /// Its rows with content, in their order.
    pub(crate) rows: Vec<GridRow>,
    /// Its merged cells.
    pub(crate) merged: Merged,
    /// What is wrong with its form.
    pub(crate) problems: Vec<Problem>,
}

/// One row with content.
#[derive(Debug, Default, Clone)]
pub(crate) struct GridRow {
    /// Its number in the sheet, or the first line of the record, from 1.
    pub(crate) row: u64,
    /// Its cells as they are.
    pub(crate) cells: StringRecord,
    /// Which of them are numbers of a spreadsheet.
    pub(crate) numbers: Numbers,
}

impl GridRow {
    /// A cell, trimmed; empty if there is none.
    pub(crate) fn cell(&self, at: usize) -> &str {
        self.cells.get(at).map_or("", str::trim)
    }
}

/// A set of columns.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Numbers([u64; COLUMNS_MAX / 64]);

impl Numbers {
    /// Adds a column.
    pub(crate) fn add(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    /// Whether a column is in the set.
    pub(crate) fn has(self, at: usize) -> bool {
        self.0
            .get(at / 64)
            .is_some_and(|word| word & (1 << (at % 64)) != 0)
    }
}

/// Cells merged over several rows or columns.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// For each column, sorted by first row.
    columns: Vec<Vec<Region>>,
}

/// Where a merged cell lies; rows from 1, columns from 0, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Region {
    /// The row that holds its content.
    pub(crate) first_row: u64,
    /// Its last row.
    pub(crate) last_row: u64,
    /// The column that holds its content.
    pub(crate) first_column: usize,
    /// Its last column.
    pub(crate) last_column: usize,
}

impl Merged {
    /// The merged cells of a sheet; those beyond the columns that are read are left out.
    pub(crate) fn new(regions: impl IntoIterator<Item = Region>) -> Self {
        let mut columns: Vec<Vec<Region>> = Vec::new();
        for region in regions {
            let last = region.last_column.min(COLUMNS_MAX - 1);
            if columns.len() <= last {
                columns.resize_with(last + 1, Vec::new);
            }
            for column in &mut columns[region.first_column.min(last + 1)..=last] {
                column.push(region);
            }
        }
        for column in &mut columns {
            column.sort_by_key(|region| region.first_row);
        }
        Self { columns }
    }

    /// The merged cell that covers a cell.
    pub(crate) fn over(&self, row: u64, column: usize) -> Option<Region> {
        let regions = self.columns.get(column)?;
        let after = regions.partition_point(|region| region.first_row <= row);
        let region = regions.get(after.checked_sub(1)?)?;
        (region.last_row >= row).then_some(*region)
    }
}
