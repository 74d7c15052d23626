//! Where the bus is, and what lets a client in.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use tokio::time::timeout;

use crate::client::Error;

/// Larger files hold neither a key nor certificates.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The inbox of whoever names none.
const INBOX: &str = "_INBOX";

/// Where the bus is, and what lets a client in.
///
/// The files are read anew for every connection: a key that was changed is used at the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// One address (`nats://host:port`, or `tls://host:port` for TLS alone) or several, separated by commas.
    pub url: String,
    /// The file with the nkey seed (`SU…`) that answers the server's challenge; `None`: nobody in particular.
    pub nkey: Option<PathBuf>,
    /// The file with the certificates (PEM) of whoever vouches for the server, and TLS alone then; `None`: those of this machine, and TLS if the server asks for it.
    pub ca: Option<PathBuf>,
    /// What the subjects begin with on which this client is answered, if not `_INBOX`: tokens, the first of which begins
    /// with `_`; the server may let it listen on no other. Consumers that read a stream have their names by it, so two
    /// clients with one inbox end each other's.
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

    /// Whether these are addresses at all; nobody is called.
    ///
    /// # Errors
    /// [`Error::Url`].
    pub fn check(&self) -> Result<(), Error> {
        self.addresses().map(drop)
    }

    /// The addresses, none of which is spoken to in another way than is said.
    pub(crate) fn addresses(&self) -> Result<Vec<ServerAddr>, Error> {
        self.url.split(',').map(|one| address(one.trim())).collect()
    }

    /// What lets this client in, read anew; no file may take longer than `patience`.
    pub(crate) async fn admission(&self, patience: Duration) -> Result<ConnectOptions, Error> {
        let mut options = ConnectOptions::new();
        if let Some(path) = &self.nkey {
            let seed = read(path, patience).await?;
            options = options.nkey(seed.trim().to_owned());
        }
        if let Some(path) = &self.ca {
            // The library takes a file without certificates for one that vouches for nobody, and does not say so.
            if !read(path, patience).await?.contains("BEGIN CERTIFICATE") {
                return Err(unusable(path, "it holds no certificate (PEM)"));
            }
            options = options
                .add_root_certificates(path.clone())
                .require_tls(true);
        }
        if let Some(inbox) = self.named_inbox() {
            if !is_inbox(inbox) {
                let inbox = inbox.to_owned();
                return Err(Error::Inbox { inbox });
            }
            options = options.custom_inbox_prefix(inbox);
        }
        Ok(options)
    }

    /// The name of this client's consumer for a purpose; none without an inbox that is its own.
    ///
    /// A name has no dot, wildcard, slash or space: what is no letter, digit or `-` becomes `_`.
    pub(crate) fn consumer(&self, purpose: &str) -> Option<String> {
        let inbox = self.named_inbox().filter(|inbox| *inbox != INBOX)?;
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        let plain = inbox.chars().map(|c| if is_plain(&c) { c } else { '_' });
        Some(format!("{}-{purpose}", plain.collect::<String>()))
    }

    /// What is said of the inbox; a variable that is set to nothing says nothing.
    fn named_inbox(&self) -> Option<&str> {
        self.inbox.as_deref().filter(|inbox| !inbox.is_empty())
    }
}

/// An address of a scheme that TLS can be asked of; the library would speak in the clear to others.
fn address(url: &str) -> Result<ServerAddr, Error> {
    let refused = |url: &str, why: &str| Error::Url {
        url: url.to_owned(),
        source: io::Error::new(io::ErrorKind::InvalidInput, why),
    };
    let parsed: Result<ServerAddr, _> = url.parse();
    let address = parsed.map_err(|source| Error::Url {
        url: without_user(url).to_owned(),
        source,
    })?;
    if address.has_user_pass() {
        let why = "a name and a password in an address are not used, only the file of an nkey";
        return Err(refused(without_user(url), why));
    }
    if address.host().is_empty() {
        return Err(refused(url, "it names no host"));
    }
    if !matches!(address.scheme(), "nats" | "tls") {
        return Err(refused(url, "it begins with neither nats:// nor tls://"));
    }
    Ok(address)
}

/// An address as it may be shown.
fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

fn is_inbox(prefix: &str) -> bool {
    let is_token = |token: &str| {
        !token.is_empty()
            && token
                .chars()
                .all(|c| c.is_ascii_graphic() && c != '*' && c != '>')
    };
    prefix.starts_with('_') && prefix.split('.').all(is_token)
}

/// The text of a file: a real one, since a pipe gives what it has to the first connection alone.
async fn read(path: &Path, patience: Duration) -> Result<String, Error> {
    let read = async {
        let known = tokio::fs::metadata(path).await?;
        if !known.is_file() || known.len() > FILE_BYTES_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no file of a key or of certificates",
            ));
        }
        tokio::fs::read_to_string(path).await
    };
    let read = timeout(patience, read).await;
    let read = read.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    read.map_err(|source| Error::Credentials {
        path: shown(path),
        source,
    })
}

pub(crate) fn unusable(path: &Path, why: &str) -> Error {
    Error::Credentials {
        path: shown(path),
        source: io::Error::new(io::ErrorKind::InvalidData, why),
    }
}

/// A file's name as it may be shown: whoever names a seed in its stead does not read it in a log.
fn shown(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let text = text.trim();
    let is_seed = text.len() == 58
        && text.starts_with('S')
        && text.chars().all(|c| matches!(c, 'A'..='Z' | '2'..='7'));
    if is_seed {
        return PathBuf::from("(a seed where the name of its file is asked for)");
    }
    path.to_path_buf()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(access: &Access) -> String {
        let addresses = access.addresses().map(|_| String::new());
        addresses.unwrap_or_else(|error| crate::client::chain(&error))
    }

    #[test]
    fn an_address_is_spoken_to_as_it_says_or_not_at_all() {
        for url in [
            "nats://127.0.0.1:4222",
            "tls://a.example, nats://b.example:1",
            "127.0.0.1",
        ] {
            assert_eq!(said(&url.into()), "", "{url}");
        }
        for (url, word) in [
            ("wss://a.example", "neither nats:// nor tls://"),
            (
                "nats://a.example,ws://b.example",
                "neither nats:// nor tls://",
            ),
            ("http://a.example", "is not a NATS address"),
            ("", "is not a NATS address"),
            ("nats://svc:hush@a.example", "a name and a password"),
            ("nats://svc:hush@a b", "is not a NATS address"),
        ] {
            let said = said(&url.into());
            assert!(said.contains(word), "{url}: {said}");
            assert!(!said.contains("hush"), "{said}");
        }
    }

    #[tokio::test]
    async fn what_cannot_let_anybody_in_is_named_and_no_seed_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.pem");
        std::fs::write(&empty, "").unwrap();
        let seed = nkeys::KeyPair::new_user().seed().unwrap();
        let with = |nkey: &Path, ca: Option<&Path>, inbox: &str| Access {
            url: "nats://127.0.0.1:1".to_owned(),
            nkey: Some(nkey.to_path_buf()),
            ca: ca.map(Path::to_path_buf),
            inbox: Some(inbox.to_owned()),
        };
        let key = folder.path().join("key.nk");
        std::fs::write(&key, &seed).unwrap();
        for (access, word) in [
            (
                with(Path::new(&seed), None, ""),
                "a seed where the name of its file",
            ),
            (with(folder.path(), None, ""), "it is no file"),
            (with(Path::new("/dev/zero"), None, ""), "it is no file"),
            (with(&key, Some(&empty), ""), "empty.pem"),
            (with(&key, None, "tiendo.v1.khanh-hoa"), "begins with `_`"),
            (with(&key, None, "_INBOX."), "begins with `_`"),
            (with(&key, None, "_INBOX.>"), "begins with `_`"),
        ] {
            let refused = access.admission(Duration::from_secs(5)).await.unwrap_err();
            let said = crate::client::chain(&refused);
            assert!(said.contains(word) && !said.contains(&seed), "{said}");
        }
        for inbox in ["", "_INBOX", "_INBOX_ingest", "_INBOX.a"] {
            let admitted = with(&key, None, inbox)
                .admission(Duration::from_secs(5))
                .await;
            assert!(admitted.is_ok(), "{inbox}");
        }
    }

    #[test]
    fn a_consumer_has_its_name_by_an_inbox_that_is_ones_own() {
        for (inbox, name) in [
            ("", None),
            ("_INBOX", None),
            ("_INBOX_ingest", Some("_INBOX_ingest-follow")),
            ("_INBOX.a/b\\c", Some("_INBOX_a_b_c-follow")),
            ("_só-2", Some("_s_-2-follow")),
        ] {
            let mut access = Access::open("nats://127.0.0.1:1");
            assert_eq!(access.consumer("follow"), None);
            access.inbox = Some(inbox.to_owned());
            assert_eq!(access.consumer("follow").as_deref(), name, "{inbox}");
        }
    }
}
