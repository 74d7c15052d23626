//! Instants as protobuf timestamps.

use jiff::Timestamp;

/// An instant as a protobuf timestamp.
#[must_use]
pub fn to_wire(instant: Timestamp) -> prost_types::Timestamp {
    let micros = instant.as_microsecond();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: (micros.rem_euclid(1_000_000) * 1_000) as i32,
    }
}

/// Microseconds since 1970 as an instant; 1970 itself if they are outside the years -9999 to 9999.
#[must_use]
pub fn of_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A protobuf timestamp as an instant; none if it is outside the years -9999 to 9999.
#[must_use]
pub fn from_wire(timestamp: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(timestamp.seconds, timestamp.nanos).ok()
}
