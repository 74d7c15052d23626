//! Which piece of work of another system an event comes from: the `traceparent` of [W3C Trace Context, level 1](https://www.w3.org/TR/trace-context-1/).
//!
//! Nothing of ours rests on it: it is kept so that whoever hears of the event finds the reporter's trace.
//! What the specification has ignored is none, and never a reason to refuse anything.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};

use serde::{Serialize, Serializer};

/// Characters of the parts that every version has: version, trace, parent and flags, with the dashes in between.
const LENGTH: usize = 2 + 1 + 32 + 1 + 16 + 1 + 2;

/// A trace and the work in it that made the request.
///
/// Written as version `00`, with no flag but `sampled`, as level 1 asks of whoever passes it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: NonZeroU128,
    parent_id: NonZeroU64,
    is_sampled: bool,
}

impl TraceParent {
    /// Reads a `traceparent`; none if it is not one, in which case the trace begins anew.
    ///
    /// Of a later version the parts are read that this one knows.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (known, more) = text.split_at_checked(LENGTH)?;
        let mut parts = known.split('-');
        let mut part = |digits| parts.next().and_then(|part| number(part, digits));
        let (version, trace_id, parent_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        let is_read = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
        is_read.then_some(Self {
            trace_id: NonZeroU128::new(trace_id)?,
            parent_id: NonZeroU64::new(parent_id.try_into().ok()?)?,
            is_sampled: flags & 1 == 1,
        })
    }
}

/// So many hexadecimal digits, in lower case alone.
fn number(part: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_number = part.len() == digits && part.bytes().all(is_digit);
    is_number.then(|| u128::from_str_radix(part, 16).ok())?
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            parent_id,
            is_sampled,
        } = self;
        let flags = u8::from(*is_sampled);
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The specification's own example.
    const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn written(text: &str) -> Option<String> {
        TraceParent::parse(text).map(|parsed| parsed.to_string())
    }

    #[test]
    fn what_the_specification_takes_is_kept_as_its_version() {
        let not_sampled = SAMPLED.replace("-01", "-00");
        let of_a_later_version = SAMPLED.replacen("00", "cc", 1);
        for (text, kept) in [
            (SAMPLED, SAMPLED),
            (&not_sampled, &not_sampled),
            // Flags that level 1 does not know are not passed on.
            (&SAMPLED.replace("-01", "-ff"), SAMPLED),
            (&SAMPLED.replace("-01", "-02"), &not_sampled),
            (&of_a_later_version, SAMPLED),
            (&format!("{of_a_later_version}-"), SAMPLED),
            (
                &format!("{of_a_later_version}-what-the-future-will-be-like"),
                SAMPLED,
            ),
        ] {
            assert_eq!(written(text).as_deref(), Some(kept), "{text}");
        }
        // An id is none only if all of it is zero.
        let small = "00-00000000000000000000000000000001-0000000000000001-00";
        assert_eq!(written(small).as_deref(), Some(small));
    }

    #[test]
    fn what_the_specification_ignores_is_none() {
        let wrong = |of: &str, with: &str| SAMPLED.replacen(of, with, 1);
        let later = wrong("00", "cc");
        for text in [
            String::new(),
            "00".to_owned(),
            // Version `ff`, and versions that are none.
            wrong("00", "ff"),
            wrong("00", "0"),
            wrong("00", "000"),
            wrong("00", ".0"),
            wrong("00", "0x"),
            wrong("00", "CC"),
            // Ids that are all zero, in upper case, too short, too long, no numbers.
            wrong("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            wrong("00f067aa0ba902b7", &"0".repeat(16)),
            wrong("4bf9", "4BF9"),
            wrong("67aa", "67AA"),
            wrong("4bf9", "4bf"),
            wrong("67aa", "67a"),
            wrong("4bf9", "4bf90"),
            wrong("67aa", "67aaa"),
            wrong("4bf9", "+bf9"),
            wrong("67aa", ".7aa"),
            // Flags that are none.
            wrong("-01", "-0"),
            wrong("-01", "-0A"),
            wrong("-01", "-.0"),
            wrong("-01", "--1"),
            // More than this version has, and what is no part behind a later one's.
            format!("{SAMPLED}-"),
            format!("{SAMPLED}-what-the-future-will-be-like"),
            format!("{SAMPLED},{SAMPLED}"),
            format!("{later}.what-the-future-will-be-like"),
            format!("{later}0"),
            later[..later.len() - 1].to_owned(),
            format!(" {SAMPLED}"),
            // As long as one in bytes, and cut within a letter.
            wrong("4bf92f", "4bfệ"),
            format!("{}ệ", &SAMPLED[..54]),
        ] {
            assert_eq!(TraceParent::parse(&text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            trace in 1..=u128::MAX,
            parent in 1..=u64::MAX,
            flags: u8,
            at in 0..LENGTH,
            other: char,
        ) {
            let text = format!("00-{trace:032x}-{parent:016x}-{flags:02x}");
            let kept = written(&text).unwrap();
            prop_assert_eq!(&kept[..53], &text[..53]);
            prop_assert_eq!(written(&kept), Some(kept));
            // Whatever stands where one stood, it is one or none.
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            let kept = written(&changed);
            prop_assert_eq!(kept.as_deref().and_then(written), kept);
        }
    }
}
