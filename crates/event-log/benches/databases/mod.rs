//! What a user would pick instead: PostgreSQL and UmaDB, each with its own durability as it comes.
//!
//! Their servers are looked for on this machine; one that is missing is named and left out.
//!
//! - `postgres`: PostgreSQL, with positions from a sequence and with gapless ones
//! - `umadb`: UmaDB

pub(crate) mod postgres;
pub(crate) mod umadb;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Child, Command, Output};

use crate::common::Result;

/// The program, from a variable that names its directory, or from PATH, or from one of `elsewhere`.
fn find(program: &str, variable: &str, elsewhere: &[PathBuf]) -> Option<PathBuf> {
    let named = environment(variable).map(PathBuf::from);
    let path = environment("PATH").unwrap_or_default();
    named
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(elsewhere.iter().cloned())
        .map(|directory| directory.join(program))
        .find(|program| program.is_file())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is its own main")]
fn environment(variable: &str) -> Option<OsString> {
    std::env::var_os(variable)
}

/// What a command printed; an error with its words if it failed.
fn said(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?}: {}", words.trim()).into())
}

/// A server that ends with its guard.
struct Running {
    server: Child,
    /// The signal on which it ends at once and with all that it started.
    signal: &'static str,
}

impl Drop for Running {
    fn drop(&mut self) {
        let told = said(
            Command::new("kill")
                .arg(self.signal)
                .arg(self.server.id().to_string()),
        );
        if told.is_err() {
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }
}
