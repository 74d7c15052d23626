//! Snapshots: the state on the disk, so that a start reads the end of the log and not all of it.
//!
//! - `store`: what lies on the disk, and what of it is believed
//! - `keeper`: when one is taken, and which one a start takes

mod keeper;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use keeper::{Keeper, chain};
pub use store::Error;
pub(crate) use store::Store;
