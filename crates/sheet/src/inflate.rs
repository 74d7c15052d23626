//! Whether a workbook may be unpacked at all.
//!
//! An XLSX file is a zip of XML. Every part is unpacked once into nothing and its bytes are counted, because the sizes that a zip declares may be lies;
//! only then is the file given to the reader, which keeps what it reads.
//! What the reader would take on trust is looked at on the way: how many shared strings it is to make room for, how many strings and formats it has to keep.

use std::io::{Cursor, Read as _};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::{ENTRIES_MAX, ENTRY_BYTES_MAX, INFLATED_BYTES_MAX, SheetError};

/// A part may be this many times as large as its compressed form.
const RATIO_MAX: u64 = 250;
/// Parts smaller than this may be of any ratio, in bytes.
const RATIO_FREE_BYTES: u64 = 1024 * 1024;
/// Most tags in the shared strings; each string has about four.
const STRING_TAGS_MAX: u64 = 4_000_000;
/// Most tags in the formats.
const STYLE_TAGS_MAX: u64 = 400_000;
/// Most shared strings that a file may ask room for.
const STRINGS_MAX: u64 = 2_000_000;
/// Where a part of a zip's directory begins.
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
/// How a file says how many shared strings there are.
const STRING_COUNT: &[u8] = b"uniqueCount";
/// The tag of a merged cell, whatever its prefix.
const MERGED: &[u8] = b"mergeCell";
/// Bytes unpacked at a time.
const BLOCK_BYTES: usize = 64 * 1024;
/// Bytes of a block that are looked at again with the next one, so that nothing is missed between two.
const OVERLAP_BYTES: usize = 64;

/// What was seen on the way.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Whether some sheet has merged cells.
    pub(crate) has_merged: bool,
}

/// Unpacks every part into nothing.
pub(crate) fn check(bytes: &[u8]) -> Result<Seen, SheetError> {
    check_within(bytes, ENTRY_BYTES_MAX as u64, INFLATED_BYTES_MAX as u64)
}

fn check_within(bytes: &[u8], entry_max: u64, sum_max: u64) -> Result<Seen, SheetError> {
    let entries = bytes
        .windows(DIRECTORY_ENTRY.len())
        .filter(|window| *window == DIRECTORY_ENTRY)
        .count();
    if entries > ENTRIES_MAX {
        return Err(inflates("its directory"));
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| not_xlsx(&error))?;
    let mut seen = Seen::default();
    let mut sum = 0;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| not_xlsx(&error))?;
        let name = entry.name().map_err(|error| not_xlsx(&error))?;
        let mut part = Part::new(
            name.to_ascii_lowercase(),
            entry.compressed_size(),
            entry_max,
        );
        let mut block = vec![0; BLOCK_BYTES];
        let mut kept = 0;
        loop {
            let read = entry
                .read(&mut block[kept..])
                .map_err(|error| SheetError::NotXlsx {
                    detail: error.to_string(),
                })?;
            sum += read as u64;
            if sum > sum_max {
                return Err(part.inflates());
            }
            part.take(&block[kept..kept + read])?;
            let filled = kept + read;
            // What stands in the overlap is looked at with the next block, or now if there is none.
            let end = if read == 0 {
                filled
            } else {
                filled.saturating_sub(OVERLAP_BYTES)
            };
            seen.has_merged |= part.look(&block[..filled], end)?;
            if read == 0 {
                break;
            }
            block.copy_within(end..filled, 0);
            kept = filled - end;
        }
    }
    Ok(seen)
}

/// A part while it is unpacked.
struct Part {
    name: String,
    compressed: u64,
    inflated: u64,
    inflated_max: u64,
    tags: u64,
    tags_max: u64,
    is_strings: bool,
}

impl Part {
    fn new(name: String, compressed: u64, inflated_max: u64) -> Self {
        let is_strings = name.ends_with("sharedstrings.xml");
        let tags_max = if is_strings {
            STRING_TAGS_MAX
        } else if name.ends_with("styles.xml") {
            STYLE_TAGS_MAX
        } else {
            u64::MAX
        };
        Self {
            name,
            compressed,
            inflated: 0,
            inflated_max,
            tags: 0,
            tags_max,
            is_strings,
        }
    }

    fn inflates(&self) -> SheetError {
        inflates(&self.name)
    }

    /// Counts new bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<(), SheetError> {
        self.inflated += bytes.len() as u64;
        self.tags += bytes.iter().filter(|byte| **byte == b'<').count() as u64;
        let is_bomb = self.inflated > RATIO_FREE_BYTES
            && self.inflated > self.compressed.saturating_mul(RATIO_MAX);
        if is_bomb || self.inflated > self.inflated_max || self.tags > self.tags_max {
            return Err(self.inflates());
        }
        if self.is_strings && bytes.contains(&0) {
            // UTF-16, in which the count below would not be seen; no spreadsheet writes it.
            return Err(SheetError::NotXlsx {
                detail: format!("{} is not UTF-8", self.name),
            });
        }
        Ok(())
    }

    /// Looks at what begins before `end`; gives back whether there are merged cells.
    fn look(&self, bytes: &[u8], end: usize) -> Result<bool, SheetError> {
        if self.is_strings {
            for at in starts(bytes, STRING_COUNT).filter(|at| *at < end) {
                let after = &bytes[at + STRING_COUNT.len()..];
                if strings_announced(after).is_some_and(|count| count > STRINGS_MAX) {
                    return Err(self.inflates());
                }
            }
            return Ok(false);
        }
        Ok(starts(bytes, MERGED).next().is_some())
    }
}

/// The number in `="…"`; none if this is no attribute, the largest of all if it cannot be read.
fn strings_announced(after: &[u8]) -> Option<u64> {
    let after = after.trim_ascii_start().strip_prefix(b"=")?;
    let value = after.trim_ascii_start().get(1..).unwrap_or_default();
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
    let digits: String = digits.map(|byte| char::from(*byte)).collect();
    let is_closed = matches!(value.get(digits.len()), Some(b'"' | b'\''));
    let count = digits.parse().ok().filter(|_| is_closed);
    Some(count.unwrap_or(u64::MAX))
}

/// Where a word begins.
fn starts<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let is_there = move |window: &[u8]| window == word;
    bytes
        .windows(word.len())
        .enumerate()
        .filter(move |(_, window)| is_there(window))
        .map(|(at, _)| at)
}

fn inflates(part: &str) -> SheetError {
    SheetError::Inflates {
        part: part.chars().take(100).collect(),
    }
}

fn not_xlsx(error: &ZipError) -> SheetError {
    SheetError::NotXlsx {
        detail: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::write::SimpleFileOptions;

    use super::*;

    #[test]
    fn what_is_within_the_limits_of_each_part_must_be_within_that_of_all() {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for part in ["a.xml", "b.xml", "c.xml"] {
            zip.start_file(part, SimpleFileOptions::default()).unwrap();
            zip.write_all(&[b'x'; 1_000]).unwrap();
        }
        let bytes = zip.finish().unwrap().into_inner();
        let check = |entry, sum| check_within(&bytes, entry, sum).map_err(|e| e.to_string());
        assert!(check(1_000, 3_000).is_ok());
        assert!(check(999, 3_000).unwrap_err().contains("a.xml"));
        assert!(check(1_000, 2_999).unwrap_err().contains("c.xml"));
    }

    #[test]
    fn a_count_of_strings_is_read_however_it_is_spaced() {
        assert_eq!(strings_announced(b"=\"12\""), Some(12));
        assert_eq!(strings_announced(b" = '7' x"), Some(7));
        assert_eq!(strings_announced(b" of strings"), None);
        for odd in [
            &b"=\"\""[..],
            b"=\"1e9\"",
            b"=",
            b"=\"99999999999999999999\"",
        ] {
            assert_eq!(strings_announced(odd), Some(u64::MAX), "{odd:?}");
        }
    }
}
