//! The first signal drains, the second one gives up.
//!
//! Only `main` may end the process, so a second signal does not exit here: it ends the wait for the drain, and `main` returns.

use tokio_util::sync::CancellationToken;

use crate::{Error, task};

/// When to stop: gracefully after the first signal, at once after the second.
#[derive(Clone, Debug)]
pub struct Shutdown {
    requested: CancellationToken,
    forced: CancellationToken,
}

/// How a supervised piece of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended<T> {
    /// By itself, or drained after the first signal.
    Finished(T),
    /// Dropped unfinished, because a second signal came.
    Forced,
}

impl Shutdown {
    /// Stops on SIGINT or SIGTERM (elsewhere than on Unix: on Ctrl-C).
    ///
    /// From this call on neither signal kills the process any more.
    ///
    /// # Errors
    ///
    /// [`Error::Signals`] if the handlers cannot be installed.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn on_signals() -> Result<Self, Error> {
        let mut signals = Signals::install().map_err(Error::Signals)?;
        let shutdown = Self::by_hand();
        let watched = shutdown.clone();
        task::spawn("signals", async move {
            let signal = signals.next().await;
            tracing::info!(signal, "{signal}: stopping; a second signal stops at once");
            watched.request();
            let signal = signals.next().await;
            tracing::warn!(signal, "{signal} again: stopping at once");
            watched.force();
        });
        Ok(shutdown)
    }

    /// Stops only when told to, for tests and for programs that have their own signals.
    pub fn by_hand() -> Self {
        let forced = CancellationToken::new();
        Self {
            requested: forced.child_token(),
            forced,
        }
    }

    /// Asks for a graceful stop, as the first signal does.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Asks for a stop at once, as the second signal does.
    pub fn force(&self) {
        self.forced.cancel();
    }

    /// The token that is cancelled when a graceful stop is asked for; services take it.
    pub fn token(&self) -> CancellationToken {
        self.requested.clone()
    }

    /// Waits until a graceful stop is asked for.
    pub async fn requested(&self) {
        self.requested.cancelled().await;
    }

    /// Runs `work`, which watches [`Shutdown::token`] and drains by itself, until it ends or a second signal comes.
    ///
    /// On [`Ended::Forced`] `main` should exit at once; what was acknowledged is durable.
    pub async fn supervise<F: Future>(&self, work: F) -> Ended<F::Output> {
        tokio::select! {
            biased;
            () = self.forced.cancelled() => Ended::Forced,
            output = work => Ended::Finished(output),
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn install() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn install() -> std::io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> &'static str {
        self.0.recv().await;
        "Ctrl-C"
    }
}
