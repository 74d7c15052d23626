//! Where the bus is, and what lets a client in.

use std::path::PathBuf;

/// Where the bus is, and what lets a client in.
///
/// The files are read anew for every connection: a key that was changed is used at the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// One address (`nats://host:port`, or `tls://host:port`) or several, separated by commas.
    pub url: String,
    /// The file with the nkey seed (`SU…`) that answers the server's challenge; `None`: nobody in particular.
    pub nkey: Option<PathBuf>,
    /// The file with the certificates (PEM) of whoever vouches for the server, and TLS alone then; `None`: those of this machine, and TLS if the server asks for it.
    pub ca: Option<PathBuf>,
    /// What the subjects begin with on which this client is answered, if not `_INBOX`; the server may let it listen on no other.
    pub inbox: Option<String>,
}

impl Access {
    /// An address that lets everybody in.
    pub fn open(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            nkey: None,
            ca: None,
            inbox: None,
        }
    }
}

impl From<String> for Access {
    fn from(url: String) -> Self {
        Self::open(url)
    }
}

impl From<&str> for Access {
    fn from(url: &str) -> Self {
        Self::open(url)
    }
}
