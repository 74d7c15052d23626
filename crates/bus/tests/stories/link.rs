//! The line between a leaf node and its hub, which a story slows, freezes and cuts.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

/// How the line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Everything passes at once.
    Open,
    /// Some 4 MB a second pass.
    Slow,
    /// Nothing passes, and nobody is told; what was on its way arrives later.
    Frozen,
    /// Connections are closed; what was on its way is lost.
    Cut,
}

/// The line; it is cut for good when this is dropped.
pub(crate) struct Link {
    port: u16,
    line: watch::Sender<Line>,
    _tasks: JoinSet<()>,
}

impl Link {
    /// A line to whichever port is named when somebody connects.
    pub(crate) async fn start(to: impl Fn() -> Option<u16> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (line, seen) = watch::channel(Line::Open);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut ends = JoinSet::new();
            loop {
                let Ok((near, _)) = listener.accept().await else {
                    continue;
                };
                if *seen.borrow() != Line::Cut
                    && let Some(to) = to()
                    && let Ok(far) = TcpStream::connect(("127.0.0.1", to)).await
                {
                    let seen = seen.clone();
                    ends.spawn(async move {
                        let (near, far) = (near.into_split(), far.into_split());
                        // One way that ends takes the other with it.
                        tokio::select! {
                            _ = pass(near.0, far.1, seen.clone()) => {}
                            _ = pass(far.0, near.1, seen.clone()) => {}
                        }
                    });
                }
            }
        });
        Self {
            port,
            line,
            _tasks: tasks,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut line: watch::Receiver<Line>,
) -> io::Result<()> {
    let mut buffer = [0; 4 * 1024];
    let mut cut = line.clone();
    let carry = async {
        loop {
            let count = from.read(&mut buffer).await?;
            if count == 0 {
                return Ok(());
            }
            let passes = line.wait_for(|line| *line != Line::Frozen).await;
            let slow = passes.is_ok_and(|line| *line == Line::Slow);
            if slow {
                sleep(Duration::from_millis(1)).await;
            }
            to.write_all(&buffer[..count]).await?;
        }
    };
    tokio::select! {
        carried = carry => carried,
        _ = cut.wait_for(|line| *line == Line::Cut) => Ok(()),
    }
}
