//! Which events are wanted: subjects of seven tokens, with `*` for any one and a trailing `>` for the rest.

use bus::subject;

use crate::Error;

/// Everything about a locality: `568`, or `vn` for the whole programme.
#[must_use]
pub fn locality(ledger: &str, code: &str) -> String {
    format!("tiendo.v1.{ledger}.{code}.*.*.*")
}

/// Everything of a topic: `progress`.
#[must_use]
pub fn topic(ledger: &str, topic: &str) -> String {
    format!("tiendo.v1.{ledger}.*.{topic}.*.*")
}

/// Everything of a kind: `progress` and `corrected`.
#[must_use]
pub fn kind(ledger: &str, topic: &str, event: &str) -> String {
    format!("tiendo.v1.{ledger}.*.{topic}.{event}.*")
}

/// Whether an event of this subject is wanted; without filters every one is.
#[must_use]
pub fn wants(filters: &[String], subject: &str) -> bool {
    filters.is_empty()
        || filters
            .iter()
            .any(|filter| subject::matches(filter, subject))
}

/// Holds that these are filters of events, of this ledger if there is one, and that no event is under two of them.
///
/// # Errors
/// [`Error::Filter`].
pub fn check(filters: &[String], ledger: Option<&str>) -> Result<(), Error> {
    for (index, filter) in filters.iter().enumerate() {
        let unfit = |why: String| Error::Filter {
            filter: filter.clone(),
            why,
        };
        let tokens: Vec<&str> = filter.split('.').collect();
        let last = tokens.len() - 1;
        let fits = |(at, token): (usize, &&str)| {
            subject::is_token(token) || *token == "*" || *token == ">" && at == last
        };
        if !tokens.iter().enumerate().all(fits) {
            let why = "a token is `[a-z0-9_-]`, or `*`, or `>` at the end";
            return Err(unfit(why.to_owned()));
        }
        let event = ledger.map_or_else(|| "tiendo.v1.*.*.*.*.*".to_owned(), subject::events);
        if !overlap(filter, &event) {
            return Err(unfit(format!("no event has such a subject, but {event}")));
        }
        if let Some(other) = filters[..index].iter().find(|other| overlap(filter, other)) {
            let why =
                format!("an event may be under it and under {other}; make one of them, or none");
            return Err(unfit(why));
        }
    }
    Ok(())
}

/// Whether a subject may be under both.
fn overlap(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (Some(">"), Some(_)) | (Some(_), Some(">")) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_held_to_what_events_have() {
        let check = |filters: &[&str]| {
            let filters: Vec<String> = filters.iter().map(ToString::to_string).collect();
            check(&filters, Some("khanh-hoa")).map_err(|error| error.to_string())
        };
        let (place, other) = (locality("khanh-hoa", "568"), locality("khanh-hoa", "56"));
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[&place, &other]), Ok(()));
        assert_eq!(check(&["tiendo.v1.*.568.>"]), Ok(()));
        for wrong in [
            "",
            "tiendo.v1.khanh-hoa",
            "tiendo.v1.ha-noi.568.>",
            "tiendo.v1.khanh-hoa.>.568",
            "tiendo.v1.khanh-hoa.sys.log.head",
            "tiendo.v1.Khánh-Hòa.>",
        ] {
            let said = check(&[wrong]).unwrap_err();
            assert!(said.contains(&format!("`{wrong}`")), "{said}");
        }
        let both = check(&[&place, &topic("khanh-hoa", "progress")]).unwrap_err();
        assert!(both.contains(&place), "{both}");
    }

    #[test]
    fn an_event_is_wanted_as_the_server_would_say() {
        let subject = "tiendo.v1.khanh-hoa.568.progress.reported.eid-activated";
        let kinds = [kind("khanh-hoa", "progress", "reported")];
        assert!(wants(&kinds, subject) && wants(&[], subject));
        assert!(!wants(&[locality("khanh-hoa", "56")], subject));
    }
}
