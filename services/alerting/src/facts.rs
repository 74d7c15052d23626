//! What unit tests say of places.

use domain::LocalityId;
use domain::event::Name;
use jiff::civil::date;

/// A name in Vietnamese alone.
pub(crate) fn name(vi: &str) -> Name {
    Name {
        vi: vi.to_owned(),
        en: String::new(),
    }
}

/// The place that had a code when the ledgers of tests begin.
pub(crate) fn place(code: &str) -> LocalityId {
    LocalityId {
        code: code.parse().unwrap(),
        since: date(2023, 4, 10),
    }
}
