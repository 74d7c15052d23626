//! Three nats-servers, the three services, and whatever can happen to them, under load: every subscriber ends with exactly the log, in order, by id, and nothing acknowledged is lost.
//!
//! What is done to whom follows from a seed that is printed: `TIENDO_SEED` repeats a run as far as the machine lets it.
//! Eleven steps, so that no kind of fault is left out; `TIENDO_LONG=1` takes a hundred, `TIENDO_CHAOS_STEPS` as many as it says.
#![cfg(unix)]

#[cfg(test)]
mod load;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod services;
#[cfg(test)]
mod subscribers;
#[cfg(test)]
mod verdict;
#[cfg(test)]
mod world;

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use anyhow::{Context as _, Result};
use tiendo_tests::say;

/// Steps of a run.
const STEPS: usize = 11;
const STEPS_LONG: usize = 100;

#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_everyone_ends_with_exactly_the_log() -> Result<()> {
    let seed = match environment("TIENDO_SEED") {
        Some(seed) => seed.parse().context("TIENDO_SEED")?,
        None => RandomState::new().build_hasher().finish(),
    };
    let steps = match (
        environment("TIENDO_CHAOS_STEPS"),
        environment("TIENDO_LONG"),
    ) {
        (Some(steps), _) => steps.parse().context("TIENDO_CHAOS_STEPS")?,
        (None, Some(_)) => STEPS_LONG,
        (None, None) => STEPS,
    };
    let again = format!(
        "TIENDO_SEED={seed} TIENDO_CHAOS_STEPS={steps} cargo test -p tiendo-tests --test chaos -- --nocapture"
    );
    say(format!("  this run again: {again}"));
    let told = world::tell(&plan::drawn(seed, steps)).await;
    told.with_context(|| format!("this run again: {again}"))
}
