//! Every record as events, or everything wrong with it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use wire::v1;
use wire::v1::event::Body;

use crate::problem::{FileReason, Found};
use crate::row::{self, Memory};
use crate::table::{Record, Table};
use crate::{Book, Context, Parsed, Row, SheetError};

/// Reads a whole file.
///
/// # Errors
/// [`SheetError::Actor`] if it cannot be recorded who reports; what is wrong with single records is in [`Parsed::problems`].
pub fn parse(book: &Book, context: &Context<'_>) -> Result<Parsed, SheetError> {
    row::check_actor(&context.actor)?;
    let mut parser = Parser {
        book,
        context,
        memory: Memory::default(),
        seen: HashMap::new(),
    };
    let mut parsed = Parsed {
        skipped: book.skipped.clone(),
        ..Parsed::default()
    };
    for (index, table) in book.tables.iter().enumerate() {
        parsed.problems.extend_from_slice(&table.problems);
        parsed.skipped.extend_from_slice(&table.skipped);
        for record in &table.records {
            parser.read((index, table), record, &mut parsed);
        }
    }
    parsed.problems.sort_by_key(|problem| book.place(problem));
    parsed.skipped.sort_by_key(|problem| book.place(problem));
    Ok(parsed)
}

/// Reads records one after the other.
struct Parser<'a> {
    book: &'a Book,
    context: &'a Context<'a>,
    memory: Memory<'a>,
    seen: HashMap<String, Seen>,
}

/// The first row that speaks of one place, indicator, moment and source.
#[derive(Debug)]
struct Seen {
    sheet: usize,
    row: u64,
    value: Option<v1::Quantity>,
    denominator: Option<v1::Denominator>,
    percent: (String, i32),
}

impl<'a> Parser<'a> {
    /// Reads one record of the table with an index.
    fn read(
        &mut self,
        (index, table): (usize, &'a Table),
        record: &'a Record,
        parsed: &mut Parsed,
    ) {
        let source = self.book.options.source.as_deref();
        let source = source.unwrap_or(&self.context.default_source);
        match row::read(table, record, self.context, source, &mut self.memory) {
            Ok(row) => match self.twice(index, &row) {
                None => parsed.rows.push(row),
                Some((found, is_same)) => {
                    let column = table.header.name(crate::column::Column::Value);
                    let problem = found.at(&table.name, record.row, column);
                    if is_same {
                        parsed.skipped.push(problem);
                    } else {
                        parsed.problems.push(problem);
                    }
                }
            },
            Err(problems) => parsed.problems.extend(problems),
        }
    }

    /// Whether the file has another figure of the same place, indicator, moment and source, and whether that says the same.
    fn twice(&mut self, table: usize, row: &Row) -> Option<(Found, bool)> {
        let event = row.events.first()?;
        let Some(Body::ProgressReported(reported)) = &event.body else {
            return None;
        };
        let seen = Seen {
            sheet: table,
            row: row.row,
            value: reported.value.clone(),
            denominator: reported.denominator.clone(),
            percent: (reported.percent.clone(), reported.percent_bound),
        };
        let first = match self.seen.entry(key(event, reported)) {
            Entry::Vacant(entry) => {
                entry.insert(seen);
                return None;
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        let name = &self.book.tables[first.sheet].name;
        let place = if name.is_empty() {
            first.row.to_string()
        } else {
            format!("{name}!{}", first.row)
        };
        let is_same = (&first.value, &first.denominator, &first.percent)
            == (&seen.value, &seen.denominator, &seen.percent);
        let found = if is_same {
            Found::of_file(
                FileReason::RowTwice,
                format!("lặp lại dòng {place}; được bỏ qua"),
                format!("says again what row {place} says; it is passed over"),
            )
        } else {
            Found::of_file(
                FileReason::RowTwice,
                format!(
                    "cùng địa phương, chỉ tiêu, thời điểm và nguồn với dòng {place} nhưng số khác; hãy bỏ một dòng"
                ),
                format!(
                    "has the place, indicator, moment and source of row {place}, but another figure; remove one of them"
                ),
            )
        };
        Some((found, is_same))
    }
}

/// What makes two rows speak of one figure.
fn key(event: &v1::Event, reported: &v1::ProgressReported) -> String {
    let (code, since) = reported
        .locality
        .as_ref()
        .map_or(("", ""), |place| (&place.code, &place.since));
    let source = reported.source.as_ref().map_or("", |source| {
        if source.url.is_empty() {
            &source.title
        } else {
            &source.url
        }
    });
    let parts = [code, since, &reported.indicator, &event.effective, source];
    parts.join("\u{1f}")
}
