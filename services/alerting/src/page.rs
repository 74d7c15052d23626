//! Pages of cases: a token is bound to the arguments and to how far alerting's log went at the first page.

use std::hash::{DefaultHasher, Hash, Hasher};

use domain::{Reason, Violation};
use prost::Message;
use tonic::Status;
use wire::status::invalid;
use wire::v1;

/// Page size if the caller states none.
const SIZE_DEFAULT: usize = 100;
/// Largest page.
const SIZE_MAX: usize = 1_000;

/// A page of a list of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    size: usize,
    start: usize,
    /// Position of alerting's log at the first page; none on the first page itself.
    pub(crate) head: Option<u64>,
    arguments: u64,
}

impl Page {
    /// Reads size and token of a request.
    pub(crate) fn read(request: &v1::ListCasesRequest) -> Result<Self, Status> {
        let size = match usize::try_from(request.page_size) {
            Ok(0) => SIZE_DEFAULT,
            Ok(size) => size.min(SIZE_MAX),
            Err(_) => {
                let size = request.page_size;
                let detail = format!("{size} is below zero; leave it out for {SIZE_DEFAULT}");
                let violation = Violation::new("page_size", Reason::CountBelowZero, detail);
                return Err(invalid(&[violation]));
            }
        };
        let arguments = arguments(request);
        let (head, start) = match request.page_token.as_str() {
            "" => (None, 0),
            token => match parts(token)[..] {
                [head, start, of] if of == arguments => {
                    (Some(head), usize::try_from(start).unwrap_or(usize::MAX))
                }
                _ => return Err(foreign()),
            },
        };
        Ok(Self {
            size,
            start,
            head,
            arguments,
        })
    }

    /// The page's part of a list as it was at a head of alerting's log, and the token of the next page.
    ///
    /// It ends before the item that would make it larger than so many bytes, but has at least one.
    pub(crate) fn of<T, M: Message>(
        &self,
        items: &[T],
        (head, bytes_max): (u64, usize),
        shown: impl Fn(&T) -> M,
    ) -> (Vec<M>, String) {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for item in items.iter().skip(self.start).take(self.size) {
            let item = shown(item);
            // With its tag and its length.
            bytes += item.encoded_len() + 8;
            if !some.is_empty() && bytes > bytes_max {
                break;
            }
            some.push(item);
        }
        let end = self.start.saturating_add(some.len());
        let token = if end < items.len() {
            format!("{head:x}-{end:x}-{:x}", self.arguments)
        } else {
            String::new()
        };
        (some, token)
    }
}

/// Everything asked for but the page and what is waited for.
fn arguments(request: &v1::ListCasesRequest) -> u64 {
    let bound = v1::ListCasesRequest {
        page_size: 0,
        page_token: String::new(),
        min_position: 0,
        ..request.clone()
    };
    // Not stable across releases of the compiler, and need not be: an old token is refused, not misread.
    let mut hasher = DefaultHasher::new();
    bound.encode_to_vec().hash(&mut hasher);
    hasher.finish()
}

/// The numbers of a token; none if it is no token.
fn parts(token: &str) -> Vec<u64> {
    let parts = token.split('-').map(|part| u64::from_str_radix(part, 16));
    parts.collect::<Result<_, _>>().unwrap_or_default()
}

fn foreign() -> Status {
    invalid(&[Violation::new(
        "page_token",
        Reason::CodeFormat,
        "is not from an answer to these arguments; begin again without it",
    )])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_once_and_a_token_serves_its_own_question_alone() {
        let mut request = v1::ListCasesRequest {
            page_size: 3,
            code: "268".to_owned(),
            ..Default::default()
        };
        let items: Vec<u32> = (0..8).collect();
        let mut seen = Vec::new();
        loop {
            let page = Page::read(&request).unwrap();
            let is_first = request.page_token.is_empty();
            assert_eq!(page.head, (!is_first).then_some(17));
            let (some, token) = page.of(&items, (17, 1_000), |item| *item);
            seen.extend(some);
            if token.is_empty() {
                break;
            }
            request.page_token = token;
        }
        assert_eq!(seen, items);
        let refused = |request: &v1::ListCasesRequest| {
            let status = Page::read(request).unwrap_err();
            wire::status::refusal(&status).violations.remove(0).field
        };
        request.code = "004".to_owned();
        assert_eq!(refused(&request), "page_token");
        request.page_token = "zz".to_owned();
        assert_eq!(refused(&request), "page_token");
        request.page_size = -1;
        assert_eq!(refused(&request), "page_size");
    }

    #[test]
    fn a_page_ends_before_it_is_too_large_and_the_next_one_goes_on_there() {
        let request = v1::ListCasesRequest {
            page_size: 3,
            ..Default::default()
        };
        let items: Vec<u32> = (0..8).collect();
        let page = Page::read(&request).unwrap();
        // Ten bytes each, but the first, which has none of its own.
        for (bytes_max, expected) in [(27, 2), (28, 3), (1, 1)] {
            let (some, token) = page.of(&items, (17, bytes_max), |item| *item);
            assert_eq!(some.len(), expected);
            assert_eq!(token.split('-').nth(1).unwrap(), expected.to_string());
        }
    }
}
