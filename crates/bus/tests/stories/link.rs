//! The line between a leaf node and its hub, which a story slows, freezes and cuts, and one that holds back what a client sends.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep};

use crate::common::PATIENCE;

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

/// A line for one client, which holds a request back until it is let go.
pub(crate) struct Held {
    port: u16,
    reached: Option<oneshot::Receiver<()>>,
    go: Option<oneshot::Sender<()>>,
    _tasks: JoinSet<io::Result<()>>,
}

impl Held {
    /// Holds back the request number `count` of those that say `what`.
    pub(crate) async fn start(to: u16, what: &'static str, count: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, reached) = oneshot::channel();
        let (go, let_go) = oneshot::channel();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (client, _) = listener.accept().await?;
            let server = TcpStream::connect(("127.0.0.1", to)).await?;
            let (mut asks, mut hears) = client.into_split();
            let (mut answers, mut asked) = server.into_split();
            let back = tokio::io::copy(&mut answers, &mut hears);
            let forth = async {
                let (mut buffer, mut seen, mut held) = ([0; 4 * 1024], 0, Some((told, let_go)));
                loop {
                    let count_read = asks.read(&mut buffer).await?;
                    let read = &buffer[..count_read];
                    seen += String::from_utf8_lossy(read).matches(what).count();
                    if seen >= count
                        && let Some((told, let_go)) = held.take()
                    {
                        let _ = told.send(());
                        let _ = let_go.await;
                    }
                    asked.write_all(read).await?;
                    if count_read == 0 {
                        return io::Result::Ok(0);
                    }
                }
            };
            tokio::select! {
                ended = back => ended.map(drop),
                ended = forth => ended.map(drop),
            }
        });
        Self {
            port,
            reached: Some(reached),
            go: Some(go),
            _tasks: tasks,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Waits until the request is held back, has something else done, and lets it go.
    pub(crate) async fn meanwhile(&mut self, done: impl Future<Output = ()>) {
        self.reached.take().unwrap().await.unwrap();
        done.await;
        self.go.take().unwrap().send(()).unwrap();
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

/// A way to a server on which everything that is sent there can be held back, however much it is.
pub(crate) struct Dam {
    port: u16,
    is_open: watch::Sender<bool>,
    held: watch::Receiver<Vec<u8>>,
    _tasks: JoinSet<()>,
}

impl Dam {
    pub(crate) async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_open = watch::Sender::new(true);
        let (holds, held) = watch::channel(Vec::new());
        let (mut tasks, seen) = (JoinSet::new(), is_open.subscribe());
        tasks.spawn(async move {
            // One client, and one connection after the other.
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                let (mut near, mut far) = (near.into_split(), far.into_split());
                tokio::select! {
                    _ = hold(near.0, far.1, seen.clone(), &holds) => {}
                    _ = tokio::io::copy(&mut far.0, &mut near.1) => {}
                }
            }
        });
        Self {
            port,
            is_open,
            held,
            _tasks: tasks,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn close(&self) {
        self.is_open.send_replace(false);
    }

    pub(crate) fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Waits until a message that contains `text` is held back, as a whole.
    pub(crate) async fn holds(&self, text: &[u8]) {
        let is_there = |held: &Vec<u8>| {
            held.ends_with(b"\r\n") && held.windows(text.len()).any(|part| part == text)
        };
        let mut held = self.held.clone();
        let waited = tokio::time::timeout(PATIENCE, held.wait_for(is_there)).await;
        drop(waited.unwrap().unwrap());
    }
}

/// Passes on what comes while it is open, and before that what came while it was not.
async fn hold(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_open: watch::Receiver<bool>,
    holds: &watch::Sender<Vec<u8>>,
) -> io::Result<()> {
    let mut buffer = [0; 4 * 1024];
    loop {
        if *is_open.borrow_and_update() {
            let held = holds.send_replace(Vec::new());
            to.write_all(&held).await?;
        }
        tokio::select! {
            changed = is_open.changed() => changed.map_err(io::Error::other)?,
            count = from.read(&mut buffer) => {
                let count = count?;
                if count == 0 {
                    return Ok(());
                }
                holds.send_modify(|held| held.extend(&buffer[..count]));
            }
        }
    }
}
