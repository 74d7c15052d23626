//! Pages of cases and of silences: a token is bound to the arguments and to how far alerting's log went at the first page.

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

/// A request for a list that comes in pages.
pub(crate) trait Paged: Message + Clone {
    /// Which list it asks for: a token serves no other.
    const LIST: &'static str;

    /// Page size and token.
    fn page(&self) -> (i32, &str);
    /// Everything asked for but the page and what is waited for.
    fn bound(&self) -> Self;
}

impl Paged for v1::ListCasesRequest {
    const LIST: &'static str = "cases";

    fn page(&self) -> (i32, &str) {
        (self.page_size, &self.page_token)
    }

    fn bound(&self) -> Self {
        Self {
            page_size: 0,
            page_token: String::new(),
            min_position: 0,
            ..self.clone()
        }
    }
}

impl Paged for v1::ListSilencesRequest {
    const LIST: &'static str = "silences";

    fn page(&self) -> (i32, &str) {
        (self.page_size, &self.page_token)
    }

    fn bound(&self) -> Self {
        Self {
            include_ended: self.include_ended,
            ..Self::default()
        }
    }
}

/// A page of a list.
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
    pub(crate) fn read(request: &impl Paged) -> Result<Self, Status> {
        let (size, token) = request.page();
        let size = match usize::try_from(size) {
            Ok(0) => SIZE_DEFAULT,
            Ok(size) => size.min(SIZE_MAX),
            Err(_) => {
                let detail = format!("{size} is below zero; leave it out for {SIZE_DEFAULT}");
                let violation = Violation::new("page_size", Reason::CountBelowZero, detail);
                return Err(invalid(&[violation]));
            }
        };
        let arguments = arguments(request);
        let (head, start) = match token {
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
    /// What is not shown is passed over.
    /// It ends before the item that would make it larger than so many bytes, but has at least one.
    pub(crate) fn of<T, M: Message>(
        &self,
        items: &[T],
        (head, bytes_max): (u64, usize),
        shown: impl Fn(&T) -> Option<M>,
    ) -> (Vec<M>, String) {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for (index, item) in items.iter().enumerate().skip(self.start) {
            let Some(item) = shown(item) else { continue };
            // With its tag and its length.
            bytes += item.encoded_len() + 8;
            if some.len() >= self.size || (!some.is_empty() && bytes > bytes_max) {
                let token = format!("{head:x}-{index:x}-{:x}", self.arguments);
                return (some, token);
            }
            some.push(item);
        }
        (some, String::new())
    }
}

/// What a token is bound to.
fn arguments<R: Paged>(request: &R) -> u64 {
    // Not stable across releases of the compiler, and need not be: an old token is refused, not misread.
    let mut hasher = DefaultHasher::new();
    (R::LIST, request.bound().encode_to_vec()).hash(&mut hasher);
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
            let (some, token) = page.of(&items, (17, 1_000), |item| Some(*item));
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
    fn what_is_not_shown_is_passed_over_and_a_token_leads_to_something() {
        let mut request = v1::ListSilencesRequest {
            page_size: 2,
            ..Default::default()
        };
        let items: Vec<u32> = (0..9).collect();
        let mut pages = Vec::new();
        loop {
            let page = Page::read(&request).unwrap();
            let odd = |item: &u32| (item % 2 == 1).then_some(*item);
            let (some, token) = page.of(&items, (17, 1_000), odd);
            pages.push(some);
            if token.is_empty() {
                break;
            }
            // The size may be another on each page.
            request.page_size = 1;
            request.page_token = token;
        }
        assert_eq!(pages, [vec![1, 3], vec![5], vec![7]]);
        // It serves no other list, though nothing was asked of either.
        let page = Page::read(&v1::ListSilencesRequest::default()).unwrap();
        let (_, token) = page.of(&items, (17, 1), |item| Some(*item));
        let of_cases = v1::ListCasesRequest {
            page_token: token,
            ..Default::default()
        };
        let status = Page::read(&of_cases).unwrap_err();
        let refused = wire::status::refusal(&status).violations.remove(0);
        assert_eq!(refused.field, "page_token");
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
            let (some, token) = page.of(&items, (17, bytes_max), |item| Some(*item));
            assert_eq!(some.len(), expected);
            assert_eq!(token.split('-').nth(1).unwrap(), expected.to_string());
        }
    }
}
