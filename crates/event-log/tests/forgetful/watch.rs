//! Work that never ends is told with what every thread waits for, and ends the process: nobody learns from silence.
//!
//! A file system that is served by the process itself can stop that process for good, and with it every other test that
//! starts a program meanwhile.

use std::io::Write as _;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::Duration;

/// Far more than a piece of work takes on a slow machine.
const LONGEST: Duration = Duration::from_secs(240);

/// Watches for as long as it is kept.
pub(crate) struct Watch(
    #[expect(dead_code, reason = "letting go of it tells the watching thread")] Sender<()>,
);

impl Watch {
    /// Begins to watch a piece of work.
    pub(crate) fn over(what: String) -> Watch {
        let (working, ended) = mpsc::channel();
        std::thread::spawn(move || {
            if ended.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
                tell(&what);
                std::process::abort();
            }
        });
        Watch(working)
    }
}

/// Past the test runner, which keeps what is printed until the test has ended.
fn tell(what: &str) {
    let mut said = format!(
        "{what} has not ended after {} s; its threads:\n",
        LONGEST.as_secs()
    );
    let threads = std::fs::read_dir("/proc/self/task");
    for thread in threads.into_iter().flatten().flatten() {
        let look =
            |name: &str| std::fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        let (name, waits, call, stack) =
            (look("comm"), look("wchan"), look("syscall"), look("stack"));
        said += &format!(
            "{} in {waits}, system call {}\n{stack}",
            name.trim(),
            call.trim()
        );
        said += "\n";
    }
    let _ = std::io::stderr().write_all(said.as_bytes());
}
