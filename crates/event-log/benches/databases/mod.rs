//! What a user would pick instead: PostgreSQL and UmaDB, each with its own durability as it comes.
//!
//! Their servers are looked for on this machine; one that is missing is named and left out.
//!
//! - `server`: servers of this machine, and how PostgreSQL is started
//! - `postgres`: PostgreSQL, with positions from a sequence and with gapless ones
//! - `umadb`: UmaDB

pub(crate) mod postgres;
pub(crate) mod server;
pub(crate) mod umadb;
