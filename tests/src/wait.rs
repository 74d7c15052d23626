//! Waiting for a condition, never for luck.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// No condition takes longer than this on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(240);

/// Between two looks.
const POLL: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
///
/// # Errors
/// What the look itself failed with, or, after `max`, that `what` did not come.
pub async fn until<T, F>(what: &str, max: Duration, mut look: F) -> Result<T>
where
    F: AsyncFnMut() -> Result<Option<T>>,
{
    let begun = Instant::now();
    loop {
        if let Some(seen) = look().await? {
            return Ok(seen);
        }
        if begun.elapsed() > max {
            bail!("{what} did not come within {max:?}");
        }
        tokio::time::sleep(POLL).await;
    }
}
