//! The workbook of an answer: its table, and the sources of the figures in it.

use jiff::civil::Date;
use prost_reflect::{DynamicMessage, ReflectMessage as _, Value as Field};
use sheet::{Page, Value};
use wire::v1;

use super::{Cell, Shape, Table};
use crate::Failure;
use crate::fail::FAILED;
use crate::lang::Lang;

/// A table alone.
pub(super) fn of_table(table: &Table, lang: Lang) -> Result<Vec<u8>, Failure> {
    written(&[page(table, lang)], lang)
}

/// A table, and where its figures come from.
pub(super) fn of_answer(
    answer: &DynamicMessage,
    table: &Table,
    lang: Lang,
) -> Result<Vec<u8>, Failure> {
    let mut found = Found::default();
    found.walk(answer)?;
    written(&[page(table, lang), found.page(lang)], lang)
}

fn written(pages: &[Page], lang: Lang) -> Result<Vec<u8>, Failure> {
    sheet::workbook(pages)
        .map_err(|error| Failure::new(FAILED, lang.pick(error.vi(), error.to_string())))
}

fn page(table: &Table, lang: Lang) -> Page {
    let columns = table.columns.iter();
    let row = |row: &Vec<Cell>| {
        let cells = row.iter().zip(&table.columns);
        cells
            .map(|(cell, column)| value(cell, column.shape))
            .collect()
    };
    Page {
        name: lang.pick("Kết quả", "Answer").to_owned(),
        headings: columns
            .map(|column| lang.pick(column.vi, column.en).to_owned())
            .collect(),
        rows: table.rows.iter().map(row).collect(),
    }
}

/// A cell as what it is: a number, a share, a day; anything else as text.
fn value(cell: &Cell, shape: Shape) -> Value {
    let raw = cell.raw.as_ref().unwrap_or(&cell.shown);
    // Words are for people, as in a table; numbers and days are what a spreadsheet can go on with.
    let text = || match cell.shown.as_str() {
        "" => Value::Empty,
        text => Value::Text(text.to_owned()),
    };
    match shape {
        Shape::Number => raw.parse().map_or_else(|_| text(), Value::Number),
        Shape::Share => match domain::text::parse_percent(raw) {
            Ok(percent) => Value::Share(percent.hundredths()),
            Err(_) => text(),
        },
        Shape::Text | Shape::Code => day(raw).map_or_else(text, Value::Day),
    }
}

/// A day written as ISO has it, and nothing else: a month or an hour stays text.
fn day(raw: &str) -> Option<Date> {
    let is_day = raw.len() == "2023-06-21".len();
    raw.parse().ok().filter(|_| is_day)
}

/// What an answer holds of figures, and at which two times it was read.
#[derive(Debug, Default)]
struct Found {
    figures: Vec<v1::Figure>,
    at: Option<v1::AnsweredAt>,
}

impl Found {
    /// Figures and times of a message and of all within it.
    fn walk(&mut self, message: &DynamicMessage) -> Result<(), Failure> {
        let failed = |error: prost_reflect::prost::DecodeError| Failure::caused(FAILED, &error);
        match message.descriptor().name() {
            "Figure" => {
                self.figures.push(message.transcode_to().map_err(failed)?);
                return Ok(());
            }
            "AnsweredAt" => {
                self.at = Some(message.transcode_to().map_err(failed)?);
                return Ok(());
            }
            _ => {}
        }
        for (_, field) in message.fields() {
            match field {
                Field::Message(part) => self.walk(part)?,
                Field::List(parts) => {
                    let parts = parts.iter().filter_map(Field::as_message);
                    parts.into_iter().try_for_each(|part| self.walk(part))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The answer's own times, then each figure once, by position.
    fn page(mut self, lang: Lang) -> Page {
        let position = |figure: &v1::Figure| figure.recorded.as_ref().map_or(0, |r| r.position);
        self.figures.sort_by_key(position);
        self.figures.dedup_by_key(|figure| position(figure));
        let headings = [
            lang.pick("Vị trí trong sổ", "Position"),
            lang.pick("Tính đến", "Effective"),
            lang.pick("Ghi sổ lúc", "Known"),
            lang.pick("Đơn vị báo cáo", "Reporter"),
            lang.pick("Nguồn", "Source"),
            lang.pick("Địa chỉ", "Address"),
        ];
        let mut rows = Vec::with_capacity(self.figures.len() + 1);
        if let Some(at) = &self.at {
            let title = lang.pick(
                "Câu trả lời này: hỏi tính đến, theo sổ ở vị trí",
                "This answer: as of, as known at the position",
            );
            let title = match lang.lack(at) {
                Some(lack) => format!("{title}\n{lack}"),
                None => title.to_owned(),
            };
            rows.push([
                number(at.position),
                moment(&at.as_of),
                text(&lang.instant(at.known.as_ref())),
                Value::Empty,
                text(&title),
                Value::Empty,
            ]);
        }
        for figure in self.figures {
            let recorded = figure.recorded.unwrap_or_default();
            let source = figure.source.unwrap_or_default();
            rows.push([
                number(recorded.position),
                moment(&figure.effective),
                text(&lang.instant(recorded.known.as_ref())),
                text(&recorded.actor.unwrap_or_default().organisation),
                text(&source.title),
                text(&source.url),
            ]);
        }
        Page {
            name: lang.pick("Nguồn", "Sources").to_owned(),
            headings: headings.map(ToOwned::to_owned).to_vec(),
            rows: rows.into_iter().map(Vec::from).collect(),
        }
    }
}

fn number(position: u64) -> Value {
    i64::try_from(position).map_or(Value::Empty, Value::Number)
}

fn moment(text: &str) -> Value {
    value(&Cell::from(text), Shape::Code)
}

fn text(text: &str) -> Value {
    value(&Cell::from(text), Shape::Text)
}
