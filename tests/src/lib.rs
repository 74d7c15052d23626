//! A harness that starts the real thing, and the stories told with it.
//!
//! - [`Tiendo`], [`Options`]: a `tiendo up` with a folder of its own; commands, clients, stop and kill
//! - [`Operated`]: NATS servers as an operator sets them up, with keys and certificates
//! - [`cluster`]: three NATS servers from one configuration
//! - [`Process`]: one process, which never outlives the test
//! - [`until`]: waiting for a condition
//! - [`free_port`]: a port that must be known beforehand
//! - [`Chapters`]: one story on one instance, told to its end although a chapter fails
//! - [`fact`]: facts as requests carry them
//! - [`Refused`]: what a client reads out of a refusal
//! - [`program`]: an outside program, with a limit
//!
//! The stories are in `tests/stories`, one file each; they use the `tiendo` beside their own executable.

mod chapters;
pub mod cluster;
pub mod fact;
mod instance;
mod operated;
mod port;
mod process;
pub mod program;
mod refused;
mod wait;

pub use chapters::{Chapters, say};
pub use instance::{Endpoints, FRESHNESS, Options, Tiendo};
pub use operated::Operated;
pub use port::free_port;
pub use process::{Process, binary};
pub use refused::Refused;
pub use wait::{PATIENCE, until};
