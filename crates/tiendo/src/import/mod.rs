//! Files of published figures as events: `tiendo import FILE`.
//!
//! The crate `sheet` reads them; here is what needs the services.
//!
//! - `run`: the command; `send`: to the service, in batches; `report`: what it says

mod report;
mod run;
mod send;

pub(crate) use run::{Options, run};
