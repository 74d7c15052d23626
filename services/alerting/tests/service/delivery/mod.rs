//! What is told, handed on: real receivers that fail, delay and double, restarts in the middle, and a rebuild.

mod alertmanager;
mod hooks;
mod mail;
mod receiver;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use alerting::Alerting;
use alerting::delivery::{Contacts, Exposure, Pace, Settings};
use host::{Clock, ManualClock, SystemClock, Today};
use jiff::Timestamp;
use tokio::process::{Child, Command};
use tokio::time::timeout;
use wire::v1;
use wire::v1::alerting_service_client::AlertingServiceClient;

use crate::common::{PATIENCE, Running, World};

/// The shared secret of the specification's example.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Between two looks.
const POLL: Duration = Duration::from_millis(20);

/// Looks until there is something to see; none if it does not come.
pub(crate) async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let looked = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    timeout(PATIENCE, looked).await.ok()
}

/// Fast enough for a test.
fn pace() -> Pace {
    Pace {
        timeout: Duration::from_millis(1_500),
        retry_first: Duration::from_millis(20),
        retry_most: Duration::from_millis(200),
        attempts: 6,
        linger: Duration::from_millis(100),
        repost: Duration::from_millis(500),
        expiry: Duration::from_secs(3),
        gather: Duration::from_millis(300),
        urgent_every: Duration::from_secs(900),
        taking: Duration::from_secs(10),
        pass: Duration::from_secs(30),
    }
}

/// The settings that a contacts file gives.
fn settings(world: &World, toml: &str, pace: Pace) -> Settings {
    let folder = world.folder.path();
    std::fs::write(folder.join("secret"), SECRET).unwrap();
    std::fs::write(folder.join("contacts.toml"), toml).unwrap();
    let contacts = Contacts::load(&folder.join("contacts.toml"), Exposure::Refused);
    Settings {
        contacts: contacts.unwrap_or_else(|error| panic!("{error}")),
        pace,
    }
}

/// Alerting that delivers, once it has caught up.
async fn deliverer(
    world: &World,
    (today, clock): (&str, &Arc<ManualClock>),
    settings: Settings,
) -> Running<alerting::Error> {
    let today = Today::Pinned(today.parse().unwrap());
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    world.run(world.build_with(today, settings, clock)).await
}

/// Alerting that delivers by the machine's own clock, which Alertmanager goes by too.
fn clock_that_runs(world: &World, today: &str, settings: Settings) -> Alerting {
    let today = Today::Pinned(today.parse().unwrap());
    world.build_with(today, settings, Arc::new(SystemClock))
}

/// A clock that stands at an instant.
fn clock(at: &str) -> Arc<ManualClock> {
    Arc::new(ManualClock::new(at.parse::<Timestamp>().unwrap()))
}

async fn deliveries(running: &Running<alerting::Error>) -> v1::ListDeliveriesResponse {
    let mut client = AlertingServiceClient::new(running.channel().await);
    let request = v1::ListDeliveriesRequest::default();
    client.list_deliveries(request).await.unwrap().into_inner()
}

/// Waits until what is on record about deliveries fits.
async fn until_recorded(
    running: &Running<alerting::Error>,
    fits: impl Fn(&v1::ListDeliveriesResponse) -> bool,
) -> v1::ListDeliveriesResponse {
    let found = until(async || Some(deliveries(running).await).filter(|now| fits(now)));
    match found.await {
        Some(found) => found,
        None => panic!("{:#?}", deliveries(running).await),
    }
}

/// Whether a program that only these tests need must be there.
#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
fn is_required() -> bool {
    std::env::var_os("TIENDO_REQUIRE_THIRD_PARTY").is_some_and(|value| value == "1")
}

/// Leaves out a test, or fails where nothing may be left out.
fn left_out(what: &str) {
    assert!(!is_required(), "{what}");
    println!("left out: {what}");
}

/// The Python with aiosmtpd; none if there is none.
#[expect(clippy::disallowed_methods, reason = "a test is its own `main`")]
async fn python() -> Option<PathBuf> {
    let python = std::env::var_os("TIENDO_PYTHON").unwrap_or_else(|| "python3".into());
    let python = PathBuf::from(python);
    let imported = Command::new(&python)
        .args(["-c", "import aiosmtpd"])
        .stderr(Stdio::null())
        .status()
        .await;
    if imported.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    left_out("a Python with aiosmtpd (TIENDO_PYTHON can name one)");
    None
}

/// A program that ends with the test.
fn spawned(program: &Path, arguments: &[&str]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
