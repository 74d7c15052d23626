//! Page tokens: where the next page begins, bound to the arguments and the position of the first.

use std::hash::{DefaultHasher, Hash, Hasher};

use domain::{Reason, Violation};
use tonic::Status;
use wire::status::invalid;

/// Page size if the caller states none.
const SIZE_DEFAULT: usize = 100;
/// Largest page.
const SIZE_MAX: usize = 1_000;

/// A page of a list.
pub(crate) struct Page {
    pub(crate) start: usize,
    pub(crate) size: usize,
    /// The position at which the first page was read; none on the first page itself.
    pub(crate) position: Option<u64>,
    arguments: u64,
}

/// A page of a list that is read on from behind an item, so that none before it is read again.
pub(crate) struct Keyed<const N: usize> {
    pub(crate) size: usize,
    /// The position at which the first page was read, and what names the item; none on the first page itself.
    pub(crate) after: Option<(u64, [u64; N])>,
    arguments: u64,
}

/// Reads size and token; `arguments` is everything else the caller asked for.
pub(crate) fn page(size: i32, token: &str, arguments: impl Hash) -> Result<Page, Status> {
    let Keyed {
        size,
        after,
        arguments,
    } = keyed(size, token, arguments)?;
    let (position, [start]) = after.map_or((None, [0]), |(position, key)| (Some(position), key));
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    Ok(Page {
        start,
        size,
        position,
        arguments,
    })
}

/// The same of a list whose tokens name an item.
pub(crate) fn keyed<const N: usize>(
    size: i32,
    token: &str,
    arguments: impl Hash,
) -> Result<Keyed<N>, Status> {
    // Not stable across releases of the compiler, and need not be: an old token is refused, not misread.
    let mut hasher = DefaultHasher::new();
    arguments.hash(&mut hasher);
    let arguments = hasher.finish();
    let size = match usize::try_from(size) {
        Ok(0) => SIZE_DEFAULT,
        Ok(size) => size.min(SIZE_MAX),
        Err(_) => {
            let detail = format!("{size} is below zero; leave it out for {SIZE_DEFAULT}");
            return Err(invalid(&[Violation::new(
                "page_size",
                Reason::CountBelowZero,
                detail,
            )]));
        }
    };
    if token.is_empty() {
        return Ok(Keyed {
            size,
            after: None,
            arguments,
        });
    }
    let [position, key @ .., of] = &parts(token)[..] else {
        return Err(foreign());
    };
    let key = key.try_into().map_err(|_| foreign())?;
    if *of != arguments {
        return Err(foreign());
    }
    Ok(Keyed {
        size,
        after: Some((*position, key)),
        arguments,
    })
}

/// Refuses a token that no answer to these arguments gave.
pub(crate) fn foreign() -> Status {
    invalid(&[Violation::new(
        "page_token",
        Reason::CodeFormat,
        "is not from an answer to these arguments; begin again without it",
    )])
}

fn token(position: u64, key: &[u64], arguments: u64) -> String {
    let mut token = format!("{position:x}");
    for part in key.iter().chain([&arguments]) {
        token.push_str(&format!("-{part:x}"));
    }
    token
}

impl<const N: usize> Keyed<N> {
    /// The token of the page behind an item; `position` is where the first one was read.
    pub(crate) fn token(&self, position: u64, last: [u64; N]) -> String {
        token(position, &last, self.arguments)
    }
}

/// The numbers of a token; none if it is no token.
fn parts(token: &str) -> Vec<u64> {
    let parts = token.split('-').map(|part| u64::from_str_radix(part, 16));
    parts.collect::<Result<_, _>>().unwrap_or_default()
}

impl Page {
    /// The page's part of a list, and the token of the next; `position` is where it was read.
    pub(crate) fn of<T>(&self, mut items: Vec<T>, position: u64) -> (Vec<T>, String) {
        let (_, token) = self.part(&items, position);
        items.truncate(self.start.saturating_add(self.size));
        (items.split_off(self.start.min(items.len())), token)
    }

    /// The same of a list that is kept.
    pub(crate) fn part<'l, T>(&self, items: &'l [T], position: u64) -> (&'l [T], String) {
        let end = self.start.saturating_add(self.size);
        let token = if end < items.len() {
            self.token(position, end)
        } else {
            String::new()
        };
        let end = end.min(items.len());
        (&items[self.start.min(end)..end], token)
    }

    /// The token of a page that begins at `start`.
    pub(crate) fn token(&self, position: u64, start: usize) -> String {
        token(position, &[start as u64], self.arguments)
    }
}

/// How many there are on all pages.
pub(crate) fn total<T>(items: &[T]) -> i32 {
    i32::try_from(items.len()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_once_and_in_order() {
        let mut token = String::new();
        let mut seen = Vec::new();
        loop {
            let page = page(3, &token, "arguments").unwrap();
            let (items, next) = page.of((0..8).collect(), 7);
            seen.extend(items);
            token = next;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }

    #[test]
    fn a_token_serves_only_the_arguments_it_was_given_for() {
        let (_, token) = page(1, "", "56").unwrap().of(vec![1, 2], 7);
        assert_eq!(page(1, &token, "56").unwrap().position, Some(7));
        assert!(page(1, &token, "01").is_err());
        assert!(page(-1, "", "56").is_err());
        assert!(page(1, "zz-0-0", "56").is_err());
        assert!(page(1, &format!("{token}-zz"), "56").is_err());
        // One that names an item otherwise is of another list.
        assert!(keyed::<2>(1, &token, "56").is_err());
        let token = keyed::<2>(1, "", "56").unwrap().token(7, [3, 4]);
        assert_eq!(
            keyed::<2>(1, &token, "56").unwrap().after,
            Some((7, [3, 4]))
        );
        assert!(page(1, &token, "56").is_err());
    }
}
