//! The names on the bus.
//!
//! An event goes out on seven tokens of `[a-z0-9_-]`,
//! `tiendo.v1.<ledger>.<locality>.<topic>.<event>.<detail>`.
//! The stream of a ledger takes exactly those ([`events`]), and only its relay may publish on
//! them: a message from anybody else would take a sequence, and with it the position of an event.
//! What is not an event therefore never has seven tokens: the heartbeat has six
//! (`tiendo.v1.<ledger>.sys.log.head`), and so has a request
//! (`tiendo.v1.<ledger>.sys.ingest.record`), so that no stream ever stores them.

/// Whether this is one token of a subject: `[a-z0-9_-]`, at least one character, at most 64.
pub fn is_token(token: &str) -> bool {
    (1..=64).contains(&token.len())
        && token
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}

/// Whether this is a subject on which an event of the ledger may go out: its prefix, and seven
/// tokens in all.
pub fn is_event(ledger: &str, subject: &str) -> bool {
    subject.split('.').count() == 7
        && subject.split('.').all(is_token)
        && matches(&events(ledger), subject)
}

/// The stream of a ledger: `TIENDO_<LEDGER>`.
pub fn stream_name(ledger: &str) -> String {
    format!("TIENDO_{}", ledger.to_ascii_uppercase())
}

/// The filter that covers every event of a ledger and nothing else: seven tokens.
pub fn events(ledger: &str) -> String {
    format!("tiendo.v1.{ledger}.*.*.*.*")
}

/// Where the relay of a ledger tells the head of the log, about once a second: core NATS, never
/// stored, payload `{"ledger":"<ledger>","head":<position>}`.
pub fn heartbeat(ledger: &str) -> String {
    format!("tiendo.v1.{ledger}.sys.log.head")
}

/// Where a ledger takes requests: core NATS, never stored; the last token says what is asked.
pub fn requests(ledger: &str) -> String {
    format!("tiendo.v1.{ledger}.sys.ingest.*")
}

/// The id of an event's message, by which a hub that reads it once more drops it.
pub fn message_id(ledger: &str, position: u64) -> String {
    format!("{ledger}:{position}")
}

/// Whether a filter (`*` is one token, a trailing `>` one or more) covers a subject.
pub fn matches(filter: &str, subject: &str) -> bool {
    let mut tokens = subject.split('.');
    for wanted in filter.split('.') {
        match (wanted, tokens.next()) {
            (">", Some(_)) => return true,
            ("*", Some(_)) => {}
            (wanted, Some(token)) if wanted == token => {}
            _ => return false,
        }
    }
    tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_filter_takes_events_and_leaves_heartbeats() {
        let filter = events("khanh-hoa");
        let event = "tiendo.v1.khanh-hoa.568.progress.reported.eid-activated";
        assert!(matches(&filter, event));
        assert!(is_event("khanh-hoa", event));
        assert!(!is_event("ha-noi", event));
        assert!(!matches(&filter, &heartbeat("khanh-hoa")));
        assert!(matches("tiendo.v1.khanh-hoa.>", &heartbeat("khanh-hoa")));
        let request = "tiendo.v1.khanh-hoa.sys.ingest.record";
        assert!(matches(&requests("khanh-hoa"), request) && !matches(&filter, request));
        assert!(!matches("tiendo.v1.khanh-hoa.>", "tiendo.v1.khanh-hoa"));
        assert_eq!(stream_name("khanh-hoa"), "TIENDO_KHANH-HOA");
    }

    #[test]
    fn tokens_are_lower_case_and_short() {
        assert!(is_token("eid-activated_2"));
        for bad in ["", "Khanh", "a.b", "*", "đ", &"a".repeat(65)] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
