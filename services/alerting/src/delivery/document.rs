//! TOML with lines: a document that is read part by part, and notes everything wrong.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::contacts::Problem;

/// A document being read.
pub(crate) struct Document<'d> {
    /// Where each line begins: lines are asked for once for each value.
    lines: Vec<usize>,
    root: DeTable<'d>,
    /// Tables that were read.
    read: BTreeSet<&'static str>,
    pub(crate) problems: Vec<Problem>,
}

/// A table of it.
pub(crate) struct Table<'d> {
    pub(crate) line: usize,
    entries: DeTable<'d>,
    /// Keys that were read.
    read: RefCell<BTreeSet<&'static str>>,
}

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) value: String,
    pub(crate) line: usize,
}

impl<'d> Document<'d> {
    /// Reads as much as can be read.
    pub(crate) fn parse(text: &'d str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let mut document = Self {
            lines: [0].into_iter().chain(ends.map(|(at, _)| at + 1)).collect(),
            root: root.into_inner(),
            read: BTreeSet::new(),
            problems: Vec::new(),
        };
        for error in errors {
            let line = document.line(error.span().map_or(0, |span| span.start));
            let vi = format!("không phải TOML: {}", error.message());
            document.problem(line, vi, format!("is no TOML: {}", error.message()));
        }
        document
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|begins| *begins <= at)
    }

    /// Notes something wrong.
    pub(crate) fn problem(&mut self, line: usize, vi: String, en: String) {
        self.problems.push(Problem { line, vi, en });
    }

    fn table(&self, value: &Spanned<DeValue<'d>>) -> Option<Table<'d>> {
        let entries = value.get_ref().as_table()?.clone();
        Some(Table {
            line: self.line(value.span().start),
            entries,
            read: RefCell::default(),
        })
    }

    /// A table that stands there once or not at all.
    pub(crate) fn one(&mut self, name: &'static str) -> Option<Table<'d>> {
        self.read.insert(name);
        let value = self.root.get(name)?.clone();
        let table = self.table(&value);
        if table.is_none() {
            let line = self.line(value.span().start);
            let vi = format!("{name} phải là bảng [{name}]");
            self.problem(line, vi, format!("{name} must be a table [{name}]"));
        }
        table
    }

    /// Tables that stand there any number of times, up to a limit.
    pub(crate) fn many(&mut self, name: &'static str, most: usize) -> Vec<Table<'d>> {
        self.read.insert(name);
        let Some(value) = self.root.get(name).cloned() else {
            return Vec::new();
        };
        let line = self.line(value.span().start);
        let tables: Option<Vec<_>> = value
            .get_ref()
            .as_array()
            .and_then(|array| array.iter().map(|value| self.table(value)).collect());
        let Some(tables) = tables else {
            let vi = format!("{name} phải là các bảng [[{name}]]");
            self.problem(line, vi, format!("{name} must be tables [[{name}]]"));
            return Vec::new();
        };
        if tables.len() > most {
            let vi = format!("quá {most} bảng [[{name}]]");
            self.problem(line, vi, format!("more than {most} tables [[{name}]]"));
            return Vec::new();
        }
        tables
    }

    fn value(&self, table: &Table<'d>, key: &'static str) -> Option<(Spanned<DeValue<'d>>, usize)> {
        table.read.borrow_mut().insert(key);
        let value = table.entries.get(key)?.clone();
        let line = self.line(value.span().start);
        Some((value, line))
    }

    /// A text that must be there.
    pub(crate) fn required(&mut self, table: &Table<'d>, key: &'static str) -> Option<Text> {
        if !table.entries.contains_key(key) {
            let vi = format!("thiếu {key}");
            self.problem(table.line, vi, format!("{key} is missing"));
        }
        let text = self.optional(table, key)?;
        if text.value.trim().is_empty() {
            let vi = format!("{key} trống");
            self.problem(text.line, vi, format!("{key} is empty"));
            return None;
        }
        Some(text)
    }

    /// A text that may be there.
    pub(crate) fn optional(&mut self, table: &Table<'d>, key: &'static str) -> Option<Text> {
        let (value, line) = self.value(table, key)?;
        let text = value.get_ref().as_str().map(ToOwned::to_owned);
        if text.is_none() {
            let vi = format!("{key} phải là chuỗi \"…\"");
            self.problem(line, vi, format!("{key} must be a text \"…\""));
        }
        text.map(|value| Text { value, line })
    }

    /// Texts; none if they are not there.
    pub(crate) fn texts(&mut self, table: &Table<'d>, key: &'static str) -> Vec<Text> {
        let Some((value, line)) = self.value(table, key) else {
            return Vec::new();
        };
        let items = value.get_ref().as_array();
        let texts = items.and_then(|items| {
            let text = |item: &Spanned<DeValue<'d>>| {
                Some(Text {
                    value: item.get_ref().as_str()?.to_owned(),
                    line: self.line(item.span().start),
                })
            };
            items.iter().map(text).collect::<Option<Vec<_>>>()
        });
        if texts.is_none() {
            let vi = format!("{key} phải là danh sách [\"…\"]");
            self.problem(line, vi, format!("{key} must be a list [\"…\"]"));
        }
        texts.unwrap_or_default()
    }

    /// Yes or no; none if it is not said.
    pub(crate) fn boolean(&mut self, table: &Table<'d>, key: &'static str) -> Option<bool> {
        let (value, line) = self.value(table, key)?;
        let said = value.get_ref().as_bool();
        if said.is_none() {
            let vi = format!("{key} phải là true hoặc false");
            self.problem(line, vi, format!("{key} must be true or false"));
        }
        said
    }

    /// A whole number within bounds; none if it is not said.
    pub(crate) fn integer(
        &mut self,
        table: &Table<'d>,
        key: &'static str,
        within: RangeInclusive<i64>,
    ) -> Option<i64> {
        let (value, line) = self.value(table, key)?;
        let integer = value.get_ref().as_integer();
        let said = integer.and_then(|said| i64::from_str_radix(said.as_str(), said.radix()).ok());
        let fits = said.filter(|said| within.contains(said));
        if fits.is_none() {
            let (first, last) = (within.start(), within.end());
            let vi = format!("{key} phải là số từ {first} đến {last}");
            self.problem(line, vi, format!("{key} must be {first} to {last}"));
        }
        fits
    }

    /// Notes every key of a table that nobody asked for.
    pub(crate) fn no_more(&mut self, table: Table<'d>) {
        let read = table.read.into_inner();
        for (key, _) in table.entries.iter() {
            if !read.contains(key.get_ref().as_ref()) {
                let line = self.line(key.span().start);
                self.unknown(line, key.get_ref());
            }
        }
    }

    /// Notes every table that nobody asked for.
    pub(crate) fn no_more_tables(&mut self) {
        let unknown: Vec<(usize, String)> = self
            .root
            .iter()
            .filter(|(key, _)| !self.read.contains(key.get_ref().as_ref()))
            .map(|(key, _)| (self.line(key.span().start), key.get_ref().to_string()))
            .collect();
        for (line, key) in unknown {
            self.unknown(line, &key);
        }
    }

    fn unknown(&mut self, line: usize, key: &str) {
        let vi = format!("không có mục nào tên '{key}'");
        self.problem(line, vi, format!("nothing is called '{key}'"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_number_of_those_that_begin_before() {
        let text = "\na = 1\n\n\nb = \"á\"\nc = 3";
        let document = Document::parse(text);
        for at in 0..text.len() + 3 {
            let before = text.bytes().take(at).filter(|byte| *byte == b'\n').count();
            assert_eq!(document.line(at), 1 + before, "{at}");
        }
    }
}
