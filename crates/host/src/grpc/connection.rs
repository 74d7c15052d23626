//! Connections: how many, kept alive, and cut when the grace is over.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_stream::{Stream, StreamExt as _};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo, TcpIncoming};

use super::KEEPALIVE_AFTER;

/// How long to wait after a failed accept; a process out of file descriptors would spin otherwise.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The connections of one server.
#[derive(Clone)]
pub(super) struct Connections {
    permits: Arc<Semaphore>,
    max: usize,
    cut: CancellationToken,
}

impl Connections {
    pub(super) fn new(max: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(max)),
            max,
            cut: CancellationToken::new(),
        }
    }

    /// The connections that `listener` accepts and the limit admits.
    pub(super) fn accept(
        &self,
        listener: TcpListener,
    ) -> impl Stream<Item = io::Result<Connection>> + use<> {
        let connections = self.clone();
        TcpIncoming::from(listener)
            .with_nodelay(Some(true))
            .with_keepalive(Some(KEEPALIVE_AFTER))
            .then(move |accepted| {
                let connections = connections.clone();
                async move {
                    match accepted {
                        Ok(stream) => connections.admit(stream),
                        Err(error) => {
                            tracing::warn!(%error, "cannot accept a connection: {error}");
                            tokio::time::sleep(ACCEPT_PAUSE).await;
                            None
                        }
                    }
                }
            })
            .filter_map(|admitted| admitted.map(Ok))
    }

    fn admit(&self, stream: TcpStream) -> Option<Connection> {
        match Arc::clone(&self.permits).try_acquire_owned() {
            Ok(permit) => {
                let cut = Box::pin(self.cut.clone().cancelled_owned());
                Some(Connection {
                    stream,
                    cut,
                    _permit: permit,
                })
            }
            Err(_) => {
                metrics::counter!("grpc_server_connections_refused_total").increment(1);
                tracing::debug!(
                    max = self.max,
                    "refused a connection: {} are open",
                    self.max
                );
                None
            }
        }
    }

    /// How many are open.
    pub(super) fn open(&self) -> usize {
        self.max - self.permits.available_permits()
    }

    /// Fails every read from now on, which ends the connections and what they serve.
    pub(super) fn cut(&self) {
        self.cut.cancel();
    }
}

/// A TCP stream that can be cut from outside.
pub(super) struct Connection {
    stream: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
