//! Spawned tasks that have a name and report their panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt as _;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

/// Runs `future` on its own task, in a span that carries `name`.
///
/// A panic is logged, counted in `task_panics_total{task}`, and then goes on to the handle, where `await` gives it as an error.
/// Nothing else stops: who cannot live without the task awaits the handle.
pub fn spawn<F>(name: &'static str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
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
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    tokio::spawn(reported.instrument(tracing::info_span!("task", name)))
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
