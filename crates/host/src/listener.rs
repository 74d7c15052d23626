//! Binding a port, with an error that says which flag to change.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::Error;

/// Listens on `address`; port 0 takes any free one.
///
/// `what` names what the port is for by the stem of its flag: `ingest` for `--ingest-port`.
///
/// # Errors
///
/// [`Error::PortTaken`] if another process has the port, else [`Error::Bind`].
pub async fn bind(address: SocketAddr, what: &str) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            ErrorKind::AddrInUse => Error::PortTaken {
                port: address.port(),
                what: what.to_owned(),
            },
            _ => Error::Bind {
                address,
                what: what.to_owned(),
                source,
            },
        })
}
