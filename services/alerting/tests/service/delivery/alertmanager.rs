//! Prometheus Alertmanager itself: cases are alerts there, posted again before they expire, and resolved.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::routing::post;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{clock_that_runs, deliverer, left_out, pace, settings, spawned, until, until_recorded};
use crate::common::{PATIENCE, World};
use crate::story::{founding, report};

const PROGRAM: &str = "prometheus-alertmanager";

/// Who is told by Alertmanager: nobody.
const CONFIG: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";

/// Alertmanager on a port of this machine.
struct Alertmanager {
    process: Child,
    port: u16,
}

impl Alertmanager {
    /// Starts it; port 0 is any.
    async fn start(folder: &Path, port: u16) -> Self {
        let config = folder.join("alertmanager.yml");
        std::fs::write(&config, CONFIG).unwrap();
        let mut process = spawned(
            &PathBuf::from(PROGRAM),
            &[
                &format!("--config.file={}", config.display()),
                &format!("--storage.path={}", folder.join("alertmanager").display()),
                &format!("--web.listen-address=127.0.0.1:{port}"),
                "--cluster.listen-address=",
            ],
        );
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = lines.next_line().await.unwrap().unwrap();
                let address = line.split("address=127.0.0.1:").nth(1);
                if let Some(Ok(port)) = address.map(str::parse) {
                    return port;
                }
            }
        };
        let port = timeout(PATIENCE, listening).await.unwrap();
        // Its words are heard to the end, so that it never waits for a reader.
        host::task::spawn("alertmanager", async move {
            while let Ok(Some(_)) = lines.next_line().await {}
        });
        Self { process, port }
    }

    async fn stop(mut self) {
        self.process.kill().await.unwrap();
    }

    /// What `amtool` says is firing.
    async fn firing(&self) -> Vec<Value> {
        let url = format!("--alertmanager.url=http://127.0.0.1:{}", self.port);
        let asked = Command::new("amtool")
            .args([url.as_str(), "alert", "query", "--output=json"])
            .stderr(Stdio::inherit())
            .output()
            .await
            .unwrap();
        assert!(asked.status.success());
        serde_json::from_slice(&asked.stdout).unwrap()
    }

    async fn until(&self, fits: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let looked = until(async || Some(self.firing().await).filter(|it| fits(it)));
        match looked.await {
            Some(firing) => firing,
            None => panic!("{:#?}", self.firing().await),
        }
    }
}

/// Stands in for Alertmanager where it must refuse.
struct Refuser {
    port: u16,
    shared: Arc<Mutex<Heard>>,
    task: JoinHandle<()>,
}

/// What was posted, and how it is answered.
struct Heard {
    /// The end of the first alert of each request, and whether it was taken.
    posts: Vec<(jiff::Timestamp, bool)>,
    status: u16,
    retry_after: u64,
}

impl Drop for Refuser {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn hear(
    State(shared): State<Arc<Mutex<Heard>>>,
    body: Bytes,
) -> (StatusCode, [(header::HeaderName, String); 1]) {
    let alerts: Value = serde_json::from_slice(&body).unwrap();
    let ends = alerts[0]["endsAt"].as_str().unwrap().parse().unwrap();
    let mut heard = shared.lock().unwrap();
    let status = StatusCode::from_u16(heard.status).unwrap();
    heard.posts.push((ends, status.is_success()));
    let after = heard.retry_after.to_string();
    (status, [(header::RETRY_AFTER, after)])
}

impl Refuser {
    async fn start(status: u16, retry_after: u64) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Heard {
            posts: Vec::new(),
            status,
            retry_after,
        }));
        let router = Router::new().route("/api/v2/alerts", post(hear));
        let router = router.with_state(Arc::clone(&shared));
        let task = host::task::spawn("refuser", async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { port, shared, task }
    }

    fn answer(&self, status: u16) {
        self.shared.lock().unwrap().status = status;
    }

    /// Waits until so many posts fit.
    async fn until(&self, number: usize, fits: impl Fn(&(jiff::Timestamp, bool)) -> bool) {
        let seen = until(async || {
            let heard = self.shared.lock().unwrap();
            let found = heard.posts.iter().filter(|post| fits(post)).count();
            (found >= number).then_some(())
        });
        let seen = seen.await;
        assert!(seen.is_some(), "{:?}", self.shared.lock().unwrap().posts);
    }

    fn toml(&self) -> String {
        format!("[alertmanager]\nurl = \"http://127.0.0.1:{}\"\n", self.port)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_cases_are_posted_while_a_page_that_was_refused_waits() {
    let world = World::start().await;
    // As a proxy before it may: to every request, and for an hour.
    let refuser = Refuser::start(403, 3_600).await;
    let clock = super::clock("2023-07-05T05:00:00Z");
    let settings = settings(&world, &refuser.toml(), pace());
    let alerting = deliverer(&world, ("2023-07-05", &clock), settings).await;
    world.record(founding()).await;
    // The page of the new case is among them.
    refuser.until(3, |(_, is_taken)| !is_taken).await;
    refuser.answer(200);
    refuser.until(3, |(_, is_taken)| *is_taken).await;
    let waits = super::deliveries(&alerting).await;
    let (through, dead) = (waits.sinks[0].through, waits.total_dead_letters);
    assert!(through < 2 && dead == 0, "{waits:#?}");
    alerting.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_lies_ahead_however_often_a_page_was_refused() {
    let world = World::start().await;
    let refuser = Refuser::start(429, 0).await;
    let clock = super::clock("2023-07-05T05:00:00Z");
    let seldom = alerting::delivery::Pace {
        repost: Duration::from_secs(3_600),
        ..pace()
    };
    let settings = settings(&world, &refuser.toml(), seldom);
    let alerting = deliverer(&world, ("2023-07-05", &clock), settings).await;
    world.record(founding()).await;
    let first: jiff::Timestamp = "2023-07-05T05:00:03Z".parse().unwrap();
    refuser.until(2, |(ends, _)| *ends == first).await;
    clock.advance(SignedDuration::from_hours(1));
    refuser.until(1, |(ends, _)| *ends > first).await;
    refuser.answer(200);
    refuser.until(1, |(_, is_taken)| *is_taken).await;
    until_recorded(&alerting, |now| now.sinks[0].through > 1).await;
    alerting.stop().await;
    world.stop().await;
}

/// Whether both programs are installed.
async fn is_there() -> bool {
    for program in [PROGRAM, "amtool"] {
        let asked = Command::new(program)
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .await;
        if !asked.is_ok_and(|status| status.success()) {
            left_out(&format!(
                "Debian's {program} (apt-get install prometheus-alertmanager)"
            ));
            return false;
        }
    }
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn alertmanager_shows_a_case_while_it_is_open_and_no_longer() {
    if !is_there().await {
        return;
    }
    let world = World::start().await;
    let manager = Alertmanager::start(world.folder.path(), 0).await;
    let port = manager.port;
    let toml = format!("[alertmanager]\nurl = \"http://127.0.0.1:{port}\"\n");
    let settings = || settings(&world, &toml, pace());
    let alerting = world
        .run(clock_that_runs(&world, "2023-07-05", settings()))
        .await;
    world.record(founding()).await;

    let firing = manager.until(|firing| firing.len() == 1).await;
    let labels = &firing[0]["labels"];
    for (name, value) in [
        ("alertname", "TiendoOverdue"),
        ("ledger", "ha-noi"),
        ("locality", "268"),
        ("locality_since", "2023-04-10"),
        ("indicator", "eid.activated"),
        ("layer", "central"),
        ("concern", "overdue"),
        ("severity", "critical"),
        ("level", "district"),
    ] {
        assert_eq!(labels[name], value, "{labels}");
    }
    let summary = firing[0]["annotations"]["summary"].as_str().unwrap();
    assert!(summary.contains("Quận Hà Đông"), "{summary}");

    // Posted again before it expires: beyond the first end it still fires.
    let ends =
        |alert: &Value| -> jiff::Timestamp { alert["endsAt"].as_str().unwrap().parse().unwrap() };
    let first = ends(&firing[0]);
    let still = manager
        .until(|firing| {
            firing
                .first()
                .is_some_and(|alert| ends(alert).duration_since(first).as_secs() > 3)
        })
        .await;
    assert_eq!(still[0]["fingerprint"], firing[0]["fingerprint"]);

    // It is away while the case is cleared, and hears of it when it is back.
    manager.stop().await;
    world.record(vec![("2023-07-04", report(256_453))]).await;
    until_recorded(&alerting, |now| now.sinks[0].failed > 0).await;
    let manager = Alertmanager::start(world.folder.path(), port).await;
    let done = until_recorded(&alerting, |now| now.sinks[0].through > 4).await;
    assert_eq!(done.total_dead_letters, 0);
    manager.until(|firing| firing.is_empty()).await;

    // A start posts what is open, which is nothing.
    alerting.stop().await;
    let alerting = deliverer(
        &world,
        ("2023-07-05", &super::clock("2023-07-05T05:00:00Z")),
        settings(),
    )
    .await;
    assert!(manager.firing().await.is_empty());
    alerting.stop().await;
    manager.stop().await;
    world.stop().await;
}
