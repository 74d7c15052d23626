//! A server that is there already: told, on the search path, or fetched earlier.

use std::env::{consts::EXE_SUFFIX, split_paths};
use std::ffi::OsStr;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tracing::info;

use super::{Error, Search, fetch};
use crate::version::{OLDEST, Version};

/// How long a program may take to say its version.
const VERSION_WAIT_MAX: Duration = Duration::from_secs(10);

/// The server to use: the named one, or one of at least 2.12 on the search path, or the fetched
/// one. `None` when there is none; an error only for a named one that will not do.
/// Blocks for the moments that `--version` takes.
pub fn find(search: &Search) -> Result<Option<PathBuf>, Error> {
    if let Some(path) = &search.explicit {
        let path = path.clone();
        return match version(&path) {
            Ok(found) if found >= OLDEST => Ok(Some(path)),
            Ok(found) => Err(Error::TooOld {
                path,
                found: found.to_string(),
            }),
            Err(source) => Err(Error::Unusable { path, source }),
        };
    }
    let on_path = search
        .path
        .as_deref()
        .and_then(|path| on_path("nats-server", path));
    Ok(on_path
        .into_iter()
        .chain([fetch::cached(&search.cache)])
        .find(|path| is_usable(path)))
}

fn is_usable(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let shown = path.display();
    match version(path) {
        Ok(found) if found >= OLDEST => true,
        Ok(found) => {
            info!(path = %shown, "passing over {shown}: nats-server {found} is too old");
            false
        }
        Err(error) => {
            info!(path = %shown, "passing over {shown}: {error}");
            false
        }
    }
}

/// The first program of that name on a search path.
pub(super) fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    let name = format!("{name}{EXE_SUFFIX}");
    split_paths(path)
        .map(|folder| folder.join(&name))
        .find(|file| is_program(file))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

/// What the program says to `--version`.
pub(super) fn version(program: &Path) -> io::Result<Version> {
    let begun = Instant::now();
    let mut child = loop {
        let spawned = Command::new(program)
            .arg("--version")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        match spawned {
            // Another thread's child holds the file that was just written, for a moment.
            Err(error)
                if error.kind() == ErrorKind::ExecutableFileBusy
                    && begun.elapsed() < VERSION_WAIT_MAX =>
            {
                thread::sleep(Duration::from_millis(20));
            }
            spawned => break spawned?,
        }
    };
    while child.try_wait()?.is_none() {
        if begun.elapsed() > VERSION_WAIT_MAX {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(
                ErrorKind::TimedOut,
                "it did not tell its version in time",
            ));
        }
        thread::sleep(Duration::from_millis(2));
    }
    let mut text = String::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(4_096).read_to_string(&mut text)?;
    }
    Version::find(&text).ok_or_else(|| {
        io::Error::new(
            ErrorKind::InvalidData,
            "it does not tell a version like 2.12.0",
        )
    })
}
