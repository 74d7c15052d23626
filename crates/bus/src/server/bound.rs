//! A child that does not outlive its parent.
//!
//! A parent that is killed cannot stop its children. Linux can do it in its stead (the parent
//! death signal), but only the child itself can ask for that, between fork and exec, and unsafe
//! code is forbidden here. So the caller starts its *own* executable with a hidden subcommand
//! ([`super::Launch::command_prefix`]), and that calls [`exec_bound_to_parent`]: it asks for the
//! signal and becomes the server. The request survives the exec.

use std::ffi::{OsStr, OsString};
use std::io;

/// Becomes `program`, killed as soon as the process `parent` ends.
///
/// `parent` is the id of the process that started this one, as that one gave it: had it ended
/// before the signal was asked for, nobody would send it. Returns only when it fails.
/// Other systems than Linux know no such signal; there the program is just run.
#[cfg(unix)]
pub fn exec_bound_to_parent(parent: u32, program: &OsStr, args: &[OsString]) -> io::Error {
    use std::os::unix::process::CommandExt;
    if let Err(error) = bind(parent) {
        return error;
    }
    std::process::Command::new(program).args(args).exec()
}

/// Not possible here: leave [`super::Launch::command_prefix`] empty.
#[cfg(not(unix))]
pub fn exec_bound_to_parent(_parent: u32, _program: &OsStr, _args: &[OsString]) -> io::Error {
    io::Error::from(io::ErrorKind::Unsupported)
}

#[cfg(target_os = "linux")]
fn bind(parent: u32) -> io::Result<()> {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    // Not TERM: whoever starts the next one expects port and store to be free at once.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let present = getppid().map(|pid| pid.as_raw_nonzero().get().cast_unsigned());
    if present == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::other("the parent has ended"))
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn bind(_parent: u32) -> io::Result<()> {
    Ok(())
}
