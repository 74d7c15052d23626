//! Messages of `tiendo.v1` in the JSON form of Protocol Buffers: what people see, and what goes over NATS.

use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};

use crate::mask::POOL;

/// Why there is no message, or no JSON of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The contract has no such message.
    #[error("tiendo.v1.{0} is not described")]
    Unknown(String),
    /// It is not JSON, or JSON of something else: where, and what was expected there.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The message is another one than its name says.
    #[error(transparent)]
    Message(#[from] prost_reflect::prost::DecodeError),
}

/// The message of `tiendo.v1` with this name; a field that it does not have is refused.
///
/// # Errors
/// [`Error::Json`] with the field or the line and column; [`Error::Unknown`].
pub fn of_json<M: Message + Default>(name: &str, json: serde_json::Value) -> Result<M, Error> {
    let message = DynamicMessage::deserialize(descriptor(name)?, json)?;
    Ok(message.transcode_to()?)
}

/// The same out of bytes, which hold one message and nothing behind it.
///
/// # Errors
/// As [`of_json`].
pub fn of_bytes<M: Message + Default>(name: &str, bytes: &[u8]) -> Result<M, Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let message = DynamicMessage::deserialize(descriptor(name)?, &mut reader)?;
    reader.end()?;
    Ok(message.transcode_to()?)
}

/// A message as JSON; 64-bit numbers stay numbers.
///
/// # Errors
/// [`Error::Unknown`], or [`Error::Message`] if it is none of this name.
pub fn to_json<M: Message>(name: &str, message: &M) -> Result<serde_json::Value, Error> {
    write(name, message, &options())
}

/// The same by the names of the contract, with zeros and empty lists.
///
/// # Errors
/// As [`to_json`].
pub fn to_json_by_name<M: Message>(name: &str, message: &M) -> Result<serde_json::Value, Error> {
    let options = options()
        .use_proto_field_name(true)
        .skip_default_fields(false);
    write(name, message, &options)
}

fn options() -> SerializeOptions {
    SerializeOptions::new().stringify_64_bit_integers(false)
}

fn write<M: Message>(
    name: &str,
    message: &M,
    options: &SerializeOptions,
) -> Result<serde_json::Value, Error> {
    let message = dynamic(name, message)?;
    Ok(message.serialize_with_options(serde_json::value::Serializer, options)?)
}

/// A message that tells its own fields.
///
/// # Errors
/// As [`to_json`].
pub fn dynamic<M: Message>(name: &str, message: &M) -> Result<DynamicMessage, Error> {
    let bytes = message.encode_to_vec();
    Ok(DynamicMessage::decode(descriptor(name)?, bytes.as_slice())?)
}

fn descriptor(name: &str) -> Result<MessageDescriptor, Error> {
    let found = POOL.get_message_by_name(&format!("tiendo.v1.{name}"));
    found.ok_or_else(|| Error::Unknown(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    #[test]
    fn a_message_is_read_from_bytes_and_from_nothing_else() {
        let read = |text: &str| of_bytes::<v1::RecordRequest>("RecordRequest", text.as_bytes());
        let request =
            read(r#"{"event": {"effective": "2023-07-15"}, "validateOnly": true}"#).unwrap();
        assert!(request.validate_only);
        let written = to_json("RecordRequest", &request).unwrap();
        assert_eq!(
            of_json::<v1::RecordRequest>("RecordRequest", written).unwrap(),
            request
        );
        for (wrong, expected) in [
            ("", "EOF"),
            ("{\"evnt\": {}}", "evnt"),
            ("{} {}", "trailing"),
            ("{\"validateOnly\": 3}", "line 1"),
            ("\u{feff}{}", "line 1"),
        ] {
            let said = read(wrong).unwrap_err().to_string();
            assert!(said.contains(expected), "{wrong}: {said}");
        }
        let said = of_bytes::<v1::RecordRequest>("RecordRequest", b"\xff{}").unwrap_err();
        assert!(matches!(said, Error::Json(_)), "{said}");
        let deep = "{\"event\":".repeat(200);
        assert!(matches!(read(&deep), Err(Error::Json(_))));
        assert!(matches!(
            to_json("Nothing", &request),
            Err(Error::Unknown(_))
        ));
    }
}
