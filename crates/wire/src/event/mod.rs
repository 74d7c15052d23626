//! The programme's events to protobuf and back.

mod decode;
mod encode;
mod fields;

pub use decode::{
    Accept, Reference, Resolver, accept, decode, decode_logged, message, parse_moment,
};
pub use encode::*;
