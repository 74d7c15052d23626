//! The programme's events to protobuf and back.

mod decode;
mod draft;
mod encode;
mod fields;
mod texts;
mod view;

pub use decode::{
    Accept, LogDecoder, Reference, Resolver, accept, decode, decode_logged, message, parse_moment,
    parse_person,
};
pub use draft::{CleanTexts, Draft, MaySpeakOf, draft, write_since};
pub use encode::*;
pub use texts::{parse_actor, parse_line, parse_text};
