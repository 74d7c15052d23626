//! Spawned tasks that have a name and report their panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;
use std::{io, thread};

use futures::FutureExt as _;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// Longest wait for blocking work of a future that ran apart and has ended.
const BLOCKING_MAX: Duration = Duration::from_secs(1);

/// Runs `future` on its own task, in a span that carries `name`.
///
/// A panic is logged, counted in `task_panics_total{task}`, and then goes on to the handle, where `await` gives it as an error.
/// Nothing else stops: who cannot live without the task awaits the handle.
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    tokio::spawn(reported(name, future))
}

/// Runs `future` on a thread and a runtime of its own, so that what is busy elsewhere never delays it; what it spawns runs and ends with it.
///
/// It has ended, and everything of it is dropped, when this gives its output; dropped before that, it is dropped there soon after.
/// Blocking work that has begun is waited for a second at most, as what looks a name up may hang for long.
///
/// # Errors
/// No thread or no runtime could be made, or the future panicked, which is logged and counted as by [`spawn`].
pub async fn apart<F>(name: &'static str, future: F) -> io::Result<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut tell, told) = oneshot::channel();
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let output = runtime.block_on(async {
                tokio::select! {
                    output = reported(name, future) => Some(output),
                    () = tell.closed() => None,
                }
            });
            runtime.shutdown_timeout(BLOCKING_MAX);
            if let Some(output) = output {
                // Whoever waited may have gone.
                let _ = tell.send(output);
            }
        })?;
    let output = told.await;
    output.map_err(|_| io::Error::other(format!("task {name} panicked")))
}

/// Logs and counts a panic before it goes on.
fn reported<F: Future>(name: &'static str, future: F) -> impl Future<Output = F::Output> {
    let reported = async move {
        match AssertUnwindSafe(future).catch_unwind().await {
            Ok(output) => output,
            Err(panic) => {
                let message = message_of(panic.as_ref());
                tracing::error!(
                    task = name,
                    panic = message,
                    "task {name} panicked: {message}"
                );
                metrics::counter!("task_panics_total", "task" => name).increment(1);
                resume_unwind(panic)
            }
        }
    };
    reported.instrument(tracing::info_span!("task", name))
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    if let Some(message) = panic.downcast_ref::<&str>() {
        message
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message
    } else {
        "no message"
    }
}
