//! One story on one instance, told to its end although a chapter fails.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures::FutureExt as _;

/// A line for whoever reads the test's output.
#[expect(clippy::print_stderr, reason = "the one place where the tests speak")]
pub fn say(line: impl AsRef<str>) {
    eprintln!("{}", line.as_ref());
}

/// The chapters told so far.
#[derive(Debug, Default)]
pub struct Chapters {
    failed: Vec<String>,
}

impl Chapters {
    /// A story without chapters.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells a chapter; if it fails, the others are told all the same.
    pub async fn tell(&mut self, name: &str, chapter: impl Future<Output = Result<()>>) {
        let begun = Instant::now();
        let failure = match AssertUnwindSafe(chapter).catch_unwind().await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(panic) => Some(text_of(panic.as_ref())),
        };
        let verdict = if failure.is_none() { "ok" } else { "FAILED" };
        say(format!(
            "  {verdict:6} {name} ({} ms)",
            begun.elapsed().as_millis()
        ));
        if let Some(failure) = failure {
            self.failed.push(format!("{name}: {failure}"));
        }
    }

    /// Ends the story.
    ///
    /// # Errors
    /// Every chapter that failed, with why.
    pub fn end(self) -> Result<()> {
        ensure!(
            self.failed.is_empty(),
            "{} chapters failed:\n- {}",
            self.failed.len(),
            self.failed.join("\n- ")
        );
        Ok(())
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_else(|| "it panicked".to_owned())
}
