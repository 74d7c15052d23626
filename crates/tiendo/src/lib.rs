//! The one binary: `up`, `serve`, and the operator's commands.
//!
//! - [`cli`]: what can be asked on the command line
//! - [`run`]: runs it
//! - `up`: everything on one machine; `serve`: one service; `endpoints`: where they are
//! - `load`: data sets as events; [`dataset`]: what they hold; `import`: files of figures
//! - `command`: one module for each noun
//! - `client`: connections to the services; `fail`: what went wrong, for a person
//! - `fold`: a log folded on this machine
//! - `pages`: lists asked for page by page
//! - `output`: tables, JSON and CSV; `lang`: Vietnamese and English

pub mod cli;
mod client;
mod command;
pub mod dataset;
mod endpoints;
mod fail;
mod fold;
mod import;
mod lang;
mod load;
mod output;
mod pages;
mod run;
mod serve;
mod up;

pub use fail::Failure;
pub use run::{Surroundings, become_nats_server, run};
