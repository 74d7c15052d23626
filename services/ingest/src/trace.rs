//! The trace of its caller that a request comes from: noted on each of its events, and nothing rests on it.
//!
//! A call has it in its metadata, a request over NATS in a header, a batch of a stream in itself.
//! One that is not as W3C Trace Context has it, or is there more than once, is passed over.

use domain::TraceParent;
use tonic::metadata::MetadataMap;
use wire::v1;

/// Where calls and requests over NATS have it.
pub(crate) const TRACEPARENT: &str = "traceparent";

/// What the metadata of a call says.
pub(crate) fn of_call(metadata: &MetadataMap) -> Option<TraceParent> {
    let mut values = metadata.get_all(TRACEPARENT).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    TraceParent::parse(only.to_str().ok()?)
}

/// Notes it on the events that say nothing of their own.
pub(crate) fn note(events: &mut [v1::Event], traceparent: Option<TraceParent>) {
    let Some(traceparent) = traceparent else {
        return;
    };
    let text = traceparent.to_string();
    let silent = events
        .iter_mut()
        .filter(|event| event.traceparent.is_empty());
    silent.for_each(|event| event.traceparent.clone_from(&text));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    #[test]
    fn a_call_says_it_once_or_not_at_all() {
        let said = |values: &[&'static str]| {
            let mut metadata = MetadataMap::new();
            for value in values {
                metadata.append(TRACEPARENT, value.parse().unwrap());
            }
            of_call(&metadata).map(|of| of.to_string())
        };
        assert_eq!(said(&[ONE]).as_deref(), Some(ONE));
        for values in [&[][..], &[ONE, ONE], &[ONE, OTHER], &["nonsense"]] {
            assert_eq!(said(values), None, "{values:?}");
        }
    }

    #[test]
    fn an_event_that_says_its_own_keeps_it() {
        let of = |text: &str| v1::Event {
            traceparent: text.to_owned(),
            ..v1::Event::default()
        };
        let mut events = [of(""), of(OTHER)];
        note(&mut events, None);
        assert_eq!(events, [of(""), of(OTHER)]);
        note(&mut events, TraceParent::parse(ONE));
        assert_eq!(events, [of(ONE), of(OTHER)]);
    }
}
