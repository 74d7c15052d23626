//! Who is measured: one interface for the log, the plain file and the databases.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::Result;
use super::sample::Request;

/// One way of appending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Clients, each with a connection of its own where there are connections.
    pub(crate) clients: usize,
    /// Requests of each client that wait at the same time; 1 is lock-step.
    pub(crate) in_flight: usize,
    /// Events of one request.
    pub(crate) batch: usize,
}

impl Load {
    /// Requests that wait at the same time, over all clients.
    pub(crate) fn lanes(self) -> usize {
        self.clients * self.in_flight
    }
}

/// What one measurement gave.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// From the first request to the last acknowledgement.
    pub(crate) elapsed: Duration,
    /// Commits that made the events durable, where they can be counted.
    pub(crate) commits: Option<u64>,
}

/// Something that makes events durable.
pub(crate) trait Contender {
    fn name(&self) -> String;

    /// Whether measuring it under this load tells anything.
    fn takes(&self, _load: Load) -> bool {
        true
    }

    /// Begins an empty store.
    fn begin(&mut self) -> Result<()>;

    /// Appends the requests; only from the first request to the last acknowledgement does the clock run.
    fn append(&mut self, load: Load, requests: Vec<Request>) -> Result<Run>;

    /// Waits for what goes on behind the scene, so that the next contender has the machine to itself.
    fn settle(&mut self) -> Result<()> {
        Ok(())
    }

    /// Bytes on disk of what was appended since `begin`, where they can be told.
    fn disk_bytes(&mut self) -> Result<Option<u64>>;

    /// Lets go of what the next load does not need.
    fn end(&mut self) -> Result<()> {
        Ok(())
    }

    /// Reads everything in order; gives how many events there were, and the time without the way there.
    fn read_all(&mut self) -> Result<(u64, Duration)>;
}

/// Deals requests out, one after the other.
pub(crate) fn deal<T>(requests: Vec<T>, lanes: usize) -> Vec<Vec<T>> {
    let mut dealt: Vec<Vec<T>> = (0..lanes).map(|_| Vec::new()).collect();
    for (at, request) in requests.into_iter().enumerate() {
        dealt[at % lanes].push(request);
    }
    dealt
}

/// Runs the lanes side by side until the last has ended; gives what each said, and the time.
pub(crate) fn race<T: Send + 'static>(
    runtime: &Runtime,
    lanes: Vec<impl Future<Output = Result<T>> + Send + 'static>,
) -> Result<(Vec<T>, Duration)> {
    runtime.block_on(async {
        let mut running = JoinSet::new();
        let start = Instant::now();
        for lane in lanes {
            running.spawn(lane);
        }
        let mut said = Vec::with_capacity(running.len());
        while let Some(ended) = running.join_next().await {
            said.push(ended??);
        }
        Ok((said, start.elapsed()))
    })
}

/// Bytes that the files below a directory take on the disk.
pub(crate) fn allocated(directory: &Path, counts: &dyn Fn(&str) -> bool) -> Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut bytes = 0;
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let entry = entry?;
            // A file may go while we look, and then it takes nothing.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_dir() {
                directories.push(entry.path());
            } else if counts(&entry.file_name().to_string_lossy()) {
                bytes += metadata.blocks() * 512;
            }
        }
    }
    Ok(bytes)
}
